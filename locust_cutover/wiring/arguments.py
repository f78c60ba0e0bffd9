"""The command line as a report may show it: without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

SECRET = {"web_auth"}
"""Options of Locust that it does not mark as secret."""

HIDDEN = "..."
"""Replaces a secret."""


def without_secrets(arguments: Iterable[str], parser: Any) -> tuple[str, ...]:
    """The arguments with "..." for each value of an option that the parser marks as secret, in every spelling.

    The same holds for Locust's --web-auth, and for user and password in a URL.
    """
    shown: list[str] = []
    hidden = 0.0
    """How many more arguments are values of a secret option."""
    for argument in arguments:
        option, spelling = _option(argument, parser)
        if hidden and (option is None or hidden < inf):
            shown.append(HIDDEN)
            hidden -= 1
            continue
        hidden = 0
        if option is None or not (getattr(option, "is_secret", False) or option.dest in SECRET):
            shown.append(re.sub(r"(?<=://)[^/@\s]*@", f"{HIDDEN}@", argument))
        elif spelling != argument:
            shown.append(spelling + HIDDEN)
        else:
            shown.append(argument)
            hidden = {None: 1, "?": inf, "*": inf, "+": inf}.get(option.nargs, option.nargs)
    return tuple(shown)


def _option(argument: str, parser: Any) -> tuple[Any, str]:
    """The option that an argument sets, also if abbreviated, and the argument without its value."""
    known: Mapping[str, Any] = parser._option_string_actions
    name, equals, _ = argument.partition("=")
    if name in known:
        return known[name], name + equals
    if argument.startswith("--") and len(name) > 2:
        options = [option for full, option in known.items() if full.startswith(name)]
        # argparse refuses an abbreviation of several options, and takes one of several spellings of the same.
        return (options[0] if options else None), name + equals
    return (known.get(argument[:2]), argument[:2]) if argument.startswith("-") else (None, "")
