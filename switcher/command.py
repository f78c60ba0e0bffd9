"""The strategy that runs a command of the user's: any argument list, with a time-out, never a shell line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from switcher.strategies import Strategy

COMMAND = "command"
"""What it is called beside the registered strategies."""

PLACEHOLDERS = ("target", "release", "link", "root")
"""In braces in an argument, these are replaced."""


def run_command(arguments: Sequence[str], timeout: int, root: str, releases: Mapping[str, str]) -> Strategy:
    """A strategy that runs `arguments`; `timeout` in nanoseconds, `releases` are the names by target.

    What the command prints goes to standard error. An exit code other than 0, a program that cannot be
    started and a time-out are OSErrors; whether the link took is for the read-back to say.
    """

    def command(link: str, target: str, spare: str) -> None:
        """Run the command and wait for its end."""
        values = {"target": target, "release": releases[target], "link": link, "root": root}
        # None, where standard error was closed, would let it inherit standard output: the event stream.
        logs = subprocess.DEVNULL if sys.stderr is None else sys.stderr
        process = subprocess.Popen(
            [_fill(argument, values) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=logs,
            stderr=logs,
            start_new_session=True,  # a signal to us lets it finish; a time-out ends its children, too
        )
        try:
            code = process.wait(timeout / 1e9)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise OSError(f"the command took longer than {timeout / 1e9:g} s and was killed") from None
        if code < 0:
            raise OSError(f"the command was killed by {signal.Signals(-code).name}")
        if code > 0:
            raise OSError(f"the command ended with exit code {code}")

    return command


def _fill(argument: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        argument = argument.replace("{" + name + "}", value)
    return argument
