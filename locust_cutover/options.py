"""Our options on Locust's command line; those that choose a run are in its web UI's form too."""

from __future__ import annotations

import argparse
import functools
from typing import Any

from locust_cutover import scenario as scenarios
from locust_cutover.document import DocumentError
from locust_cutover.reports import outputs
from locust_cutover.servers import SERVERS, NotInstalledError


def add(parser: Any) -> None:
    """Add them to Locust's parser."""
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
        help="What to do: a YAML file, or the name of one in scenarios/ "
        f"({', '.join(choices)}; default: {scenarios.DEFAULT})",
    )
    parser.add_argument(
        "--keep-site",
        action="store_true",
        help="Keep the throw-away site, and the logs of the server and the switcher",
    )
    parser.add_argument(
        "--history",
        type=outputs.writable,
        metavar="FILE",
        include_in_web_ui=False,
        help="Write every flip and visit to FILE as JSON lines, compressed when it ends in .gz; "
        "python -m locust_cutover.check judges them again",
    )
    outputs.add_options(parser, include_in_web_ui=False)
    # Locust makes its CSV files before any of its events, and shows a traceback when it cannot.
    for action in parser._actions:
        if action.dest == "csv_prefix":
            action.type = outputs.prefix


def check(path_or_name: str) -> None:
    """Raise ArgumentTypeError when the scenario cannot be run here."""
    try:
        site = scenarios.load(path_or_name).site
        if site.external is None:
            SERVERS[site.server].check()
    except (DocumentError, NotInstalledError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@functools.cache
def _check_once(path_or_name: str) -> None:
    """Check it at the start alone: the web UI parses the command line again for every page."""
    check(path_or_name)


class _Scenarios(list[str]):
    """The names for the web UI's drop-down; on the command line any path is as good, and was checked before."""

    def offer(self, name: str) -> None:
        """Add a path that the command line gave."""
        if not super().__contains__(name):
            self.append(name)

    def __contains__(self, name: object) -> bool:
        return True
