"""The strategy that runs a command of the user: any argument list, with a time-out, never a shell line."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any, BinaryIO

from switcher.place import SiteError
from switcher.strategies import Strategy

COMMAND = "command"
"""Its name, beside those of the registered strategies."""

PLACEHOLDERS = ("target", "release", "link", "root")
"""The words that are replaced where they stand in braces in an argument."""


LAST = 10
"""How many of the last lines of a failed command's output are reported."""

LONGEST = 4096
"""How many bytes of the output are read to find them."""


class CommandError(OSError):
    """The command failed; `said` holds the last lines of its output."""

    said: Sequence[str] = ()


def check_program(arguments: Sequence[str], link: str, root: str, releases: Mapping[str, str]) -> None:
    """Check that the system finds the program of the command; SiteError if it does not.

    `releases` gives the names by target. A program in a release must be there in each of them.
    """
    program, values = arguments[0], {"link": link, "root": root}
    if "{target}" in program or "{release}" in program:
        programs = [
            _fill(program, {**values, "target": target, "release": release}) for target, release in releases.items()
        ]
    else:
        programs = [_fill(program, values)]
    for filled in programs:
        if shutil.which(filled) is None:
            raise SiteError(f"command: expected a program, got {filled!r}: {_why_not(filled)}")


def _why_not(program: str) -> str:
    """Why the system does not find the program, and where it looked."""
    if os.path.dirname(program):
        if not os.path.lexists(program):
            return f"no such file, seen from {os.getcwd()}" if not os.path.isabs(program) else "no such file"
        return "it is a folder" if os.path.isdir(program) else "it is not an executable file"
    return f"not found in PATH ({os.environ.get('PATH', os.defpath)})"


def run_command(
    arguments: Sequence[str], timeout: int, root: str, releases: Mapping[str, str], log: str | None = None
) -> Strategy:
    """A strategy that runs `arguments`; `timeout` is in nanoseconds, `releases` gives the names by target.

    The output of the command is appended to the file `log`, or goes to standard error. An exit code other
    than 0, a program that cannot be started and a time-out are OSErrors. Whether the link was flipped is
    decided by reading it back.
    """

    def command(link: str, target: str, spare: str) -> None:
        """Run the command and wait for its end."""
        values = {"link": link, "root": root}
        if target in releases:  # otherwise its release is not known yet
            values |= {"target": target, "release": releases[target]}
        filled = [_fill(argument, values) for argument in arguments]
        if log is None:
            # Standard error may be closed (None). None would let the command inherit standard output, the event stream.
            _run(filled, timeout, subprocess.DEVNULL if sys.stderr is None else sys.stderr)
            return
        with open(log, "ab+") as file:
            file.write(f"$ {shlex.join(filled)}\n".encode(errors="backslashreplace"))
            file.flush()
            begin = file.tell()
            try:
                _run(filled, timeout, file)
            except OSError as error:
                failure = CommandError(error.strerror or str(error))
                failure.said = _last_lines(file, begin)
                raise failure from None

    return command


def _run(arguments: Sequence[str], timeout: int, output: int | IO[Any]) -> None:
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # our signals do not reach it; a time-out ends its children as well
    )
    try:
        code = process.wait(timeout / 1e9)
    except subprocess.TimeoutExpired:
        late = f"the command took longer than {timeout / 1e9:g} s"
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except PermissionError:
            # Another user's (sudo): waiting for it could take forever.
            raise OSError(f"{late}, could not be killed and still runs") from None
        process.wait()
        raise OSError(f"{late} and was killed") from None
    if code < 0:
        raise OSError(f"the command was killed by {_signal(-code)}")
    if code > 0:
        raise OSError(f"the command ended with exit code {code}")


def _signal(number: int) -> str:
    """The name of a signal; a real-time signal has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_lines(file: BinaryIO, begin: int) -> list[str]:
    """The last lines written to `file` since `begin`, without control characters."""
    file.seek(max(begin, file.seek(0, os.SEEK_END) - LONGEST))
    lines = file.read().decode(errors="backslashreplace").splitlines()
    plain = ("".join(character for character in line if character.isprintable()).rstrip() for line in lines)
    return [line for line in plain if line][-LAST:]


def _fill(argument: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        argument = argument.replace("{" + name + "}", value)
    return argument
