"""Our options on Locust's command line; the web UI's form has --scenario and --keep-site too."""

from __future__ import annotations

import argparse
import functools
from typing import Any

from locust_cutover.reports import outputs
from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.document import DocumentError
from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.server import NotInstalledError


def add(parser: Any) -> None:
    """Add our options to Locust's parser."""
    choices = _Scenarios(scenarios.names())

    def checked(path_or_name: str) -> str:
        _check_once(path_or_name)
        choices.offer(path_or_name)
        return path_or_name

    parser.add_argument(
        "--scenario",
        type=checked,
        choices=choices,
        default=scenarios.DEFAULT,
        metavar="PATH|NAME",
        env_var="LOCUST_SCENARIO",
        help="The scenario to run: a YAML file, or the name of one in scenarios/ "
        f"({', '.join(choices)}; default: {scenarios.DEFAULT})",
    )
    parser.add_argument(
        "--keep-site",
        action="store_true",
        help="Keep the temporary site, and the logs of the server and the switcher",
    )
    parser.add_argument(
        "--history",
        type=outputs.writable,
        metavar="FILE",
        include_in_web_ui=False,
        help="Write every flip and visit to FILE as JSON lines, compressed if it ends in .gz; "
        "python -m locust_cutover.check judges them again",
    )
    outputs.add_options(parser, include_in_web_ui=False)
    # Locust opens its CSV files before any of its events, and prints a traceback if it cannot.
    for action in parser._actions:
        if action.dest == "csv_prefix":
            action.type = outputs.prefix


def check(path_or_name: str) -> None:
    """Raise ArgumentTypeError if the scenario cannot be run here."""
    try:
        site = scenarios.load(path_or_name).site
        if site.external is None:
            SERVERS[site.server].check()
    except (DocumentError, NotInstalledError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@functools.cache
def _check_once(path_or_name: str) -> None:
    """Check each scenario once: the web UI parses the command line again for every page."""
    check(path_or_name)


class _Scenarios(list[str]):
    """The names in the web UI's drop-down list. The command line accepts any path; `type` has checked it before."""

    def offer(self, name: str) -> None:
        """Add a path from the command line."""
        if not super().__contains__(name):
            self.append(name)

    def __contains__(self, name: object) -> bool:
        return True
