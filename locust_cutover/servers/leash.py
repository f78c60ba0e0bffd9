"""Runs a server and ends it when its parent ends in any way: python -m locust_cutover.servers.leash -- COMMAND.

Several commands, with -- between them, are one server: they start in this order and end in reverse,
and all end when one does.

The parent holds the other end of standard input. If that ends without a SIGTERM, the parent was
killed and cannot clean up: then the leash also removes the folder of --remove.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

PATIENCE = 5.0
"""Seconds to wait for a server to end by itself."""

PR_SET_PDEATHSIG = 1

LIBC = ctypes.CDLL(None)


def main() -> int:
    """Run the commands until one ends, SIGTERM comes or standard input ends; returns the exit code of the first."""
    parser = argparse.ArgumentParser(prog="leash", usage="leash [--remove FOLDER] -- COMMAND [-- COMMAND]...")
    parser.add_argument("--remove", metavar="FOLDER")
    own, *commands = _split(sys.argv[1:])
    options = parser.parse_args(own)
    if not commands or not all(commands):
        parser.error("expected a command after --")

    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda number, frame: told.append(number))

    programs: list[subprocess.Popen[bytes]] = []
    first: subprocess.Popen[bytes] | None = None
    orphaned = False
    try:
        programs.extend(
            subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=_end_with_us)
            for command in commands
        )
        while first is None and not orphaned and not {signal.SIGTERM, signal.SIGINT} & set(told):
            ready, _, _ = select.select([0, wake_read], [], [])
            if wake_read in ready:
                os.read(wake_read, 4096)
            orphaned = 0 in ready and not os.read(0, 4096)
            first = next((program for program in programs if program.poll() is not None), None)
    finally:
        for program in reversed(programs):
            _end(program)
    if orphaned and options.remove:
        shutil.rmtree(options.remove, ignore_errors=True)
    code: int = (first or programs[-1]).returncode
    return code if code >= 0 else 128 - code


def _end_with_us() -> None:
    """Let Linux send SIGTERM when the leash itself is killed (prctl(2))."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _split(arguments: Sequence[str]) -> list[list[str]]:
    """The arguments before the first --, and those after each."""
    parts: list[list[str]] = [[]]
    for argument in arguments:
        if argument == "--":
            parts.append([])
        else:
            parts[-1].append(argument)
    return parts


def _end(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is None:
        program.terminate()
        try:
            program.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
    # Workers of a killed master are still in its group, and some of them ignore SIGTERM.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
