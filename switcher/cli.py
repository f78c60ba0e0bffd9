"""What the two command lines share: the parser, the exit codes and the lines on standard error."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from enum import IntEnum
from typing import NoReturn

from switcher.duration import parse_duration


class Exit(IntEnum):
    """The exit codes."""

    FINE = 0
    FAILED = 1
    """A flip failed, or the run could not be finished."""
    WRONG = 2
    """The command line or the site is wrong; nothing was flipped."""


class Parser(argparse.ArgumentParser):
    """Parses a command line of the switcher; an error is one line and exit code 2."""

    def __init__(self, prog: str, description: str, epilog: str, usage: str | None = None) -> None:
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def add_site(self, root: str) -> None:
        """Add the options that say where the link is; `root` describes its folder."""
        self.add_argument("--root", required=True, metavar="FOLDER", help=root)
        self.add_argument(
            "--link", default="current", metavar="NAME", help="the link, relative to root (default: current)"
        )

    def add_end(self, either: bool) -> None:
        """Add the options that say when to stop: `either` of them, or else whichever comes first."""
        end: argparse._ActionsContainer = self.add_mutually_exclusive_group() if either else self
        end.add_argument("--for", dest="length", type=positive_duration, metavar="TIME", help="stop after this time")
        end.add_argument("--flips", type=count, metavar="N", help="stop after this many flips")
        self.add_argument("--attached", action="store_true", help="also stop at the end of standard input")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit."""
        self.exit(fail(Exit.WRONG, message))


def duration(text: str) -> int:
    """A duration, in nanoseconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive_duration(text: str) -> int:
    """A duration above 0, in nanoseconds."""
    nanoseconds = duration(text)
    if nanoseconds == 0:
        raise argparse.ArgumentTypeError(f"expected a duration above 0, got {text!r}")
    return nanoseconds


def count(text: str) -> int:
    """A whole number above 0."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def whole_number(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a whole number, 0 or more, got {text!r}")
    return int(text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:  # nan neither
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return number


def descriptors(attached: bool) -> tuple[int, int | None] | None:
    """Standard output and, when `attached`, standard input; None when the caller has closed one of them."""
    # Python sets a standard stream that the caller closed to None.
    if sys.stdout is None or (attached and sys.stdin is None):
        return None
    return sys.stdout.fileno(), sys.stdin.fileno() if attached else None


CLOSED = "standard output, and with --attached standard input, must be open"
"""What is wrong without `descriptors`."""


def fail(code: Exit, message: str) -> Exit:
    """Say why the run fails; returns its exit code."""
    log(message)
    return code


def log(message: str) -> None:
    """Write one line to standard error; where nobody can read it, that is no reason to leave the link broken."""
    line = " ".join(message.splitlines())
    # Not print: to a closed standard error (None) that prints on standard output.
    with contextlib.suppress(OSError, AttributeError):
        os.write(sys.stderr.fileno(), f"switcher: {line}\n".encode(errors="backslashreplace"))
