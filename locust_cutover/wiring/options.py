"""Our options on Locust's command line; those that choose a run are in its web UI's form too."""

from __future__ import annotations

import argparse
import functools
import re
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from locust_cutover.reports import outputs
from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.document import DocumentError
from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.server import NotInstalledError

SECRET = {"web_auth"}
"""Options of Locust that it does not itself call secret."""

HIDDEN = "..."
"""In place of a secret."""


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


def without_secrets(arguments: Iterable[str], parser: Any) -> tuple[str, ...]:
    """The command line as a report may show it: "..." for what the parser's options say is a secret, in every spelling.

    So it is for Locust's --web-auth, and for user and password in a URL.
    """
    told: list[str] = []
    hidden = 0.0
    """How many more arguments belong to a secret option."""
    for argument in arguments:
        option, spelling = _option(argument, parser)
        if hidden and (option is None or hidden < inf):
            told.append(HIDDEN)
            hidden -= 1
            continue
        hidden = 0
        if option is None or not (getattr(option, "is_secret", False) or option.dest in SECRET):
            told.append(re.sub(r"(?<=://)[^/@\s]*@", f"{HIDDEN}@", argument))
        elif spelling != argument:
            told.append(spelling + HIDDEN)
        else:
            told.append(argument)
            hidden = {None: 1, "?": inf, "*": inf, "+": inf}.get(option.nargs, option.nargs)
    return tuple(told)


def _option(argument: str, parser: Any) -> tuple[Any, str]:
    """The option that an argument gives, also when it is abbreviated, and all of the argument but its value."""
    known: Mapping[str, Any] = parser._option_string_actions
    name, equals, _ = argument.partition("=")
    if name in known:
        return known[name], name + equals
    if argument.startswith("--") and len(name) > 2:
        options = [option for full, option in known.items() if full.startswith(name)]
        # What fits several is refused; what fits several spellings of one is taken.
        return (options[0] if options else None), name + equals
    return (known.get(argument[:2]), argument[:2]) if argument.startswith("-") else (None, "")


class _Scenarios(list[str]):
    """The names for the web UI's drop-down; on the command line any path is as good, and was checked before."""

    def offer(self, name: str) -> None:
        """Add a path that the command line gave."""
        if not super().__contains__(name):
            self.append(name)

    def __contains__(self, name: object) -> bool:
        return True
