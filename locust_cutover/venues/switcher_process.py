"""The switcher as a process of its own: started, read, extended and stopped."""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import gevent
from gevent.event import Event as Moment

from locust_cutover.scenario.model import Phase
from locust_cutover.venues.companion import Done, SwitcherError
from locust_cutover.venues.stream import Event
from switcher.duration import format_duration
from switcher.watch import WATCH

logger = logging.getLogger("locust.cutover")

STOPPING = 5.0
"""Seconds that the switcher has to end when it is asked to, besides the time for the flip in hand."""


def flipping(
    phase: Phase,
    root: Path,
    link: str,
    releases: Sequence[str] | None,
    *,
    seed: int,
    commands: Path | None = None,
    restore: bool = False,
) -> list[str]:
    """The switcher's arguments to flip.

    Without `releases` it finds them each time. What a command prints goes to the file `commands`, if there is one. With
    `restore` the link is put back when the switcher is asked to end.
    """
    arguments = [phase.strategy, "--root", str(root), "--link", link]
    arguments += ["--discover"] if releases is None else ["--releases", *releases]
    arguments += ["--every", format_duration(phase.every), "--seed", str(seed), *_end(phase)]
    if phase.every:
        arguments += ["--jitter", str(phase.jitter)]
    if phase.gap:
        arguments += ["--gap", format_duration(phase.gap)]
    if phase.control:
        arguments.append("--extend")
    if restore:
        arguments.append("--restore")
    if phase.command is not None:
        arguments += ["--log", str(commands)] if commands is not None else []
        arguments += ["--folder"] if phase.command.folder else []
        arguments += ["--timeout", format_duration(phase.command.timeout), "--", *phase.command.arguments]
    return arguments


def watching(phase: Phase, root: Path, link: str) -> list[str]:
    """The switcher's arguments where somebody else flips: it says when, and touches nothing."""
    return [WATCH, "--root", str(root), "--link", link, *_end(phase)]


def _end(phase: Phase) -> list[str]:
    end = ["--for", format_duration(phase.duration)] if phase.duration is not None else []
    return [*end, *(["--flips", str(phase.flips)] if phase.flips is not None else []), "--attached"]


class SwitcherProcess:
    """One switcher for one phase, with these arguments. What it says to people is appended to the file `log`."""

    def __init__(self, phase: Phase, arguments: Sequence[str], log: Path) -> None:
        self._arguments = arguments
        self._in_hand = "command" if phase.command else "flip"
        self._longest = (phase.command.timeout if phase.command else phase.gap) / 1e9
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: gevent.Greenlet[..., None] | None = None
        self._done: Event | None = None
        self.ready = Moment()
        self.over = Moment()
        self.ended = Moment()

    def start(self, hear: Callable[[Event], None]) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "switcher", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for Locust alone
            )
        self._reader = gevent.spawn(self._read, self._process, hear)

    def extend(self) -> None:
        """Let it do its schedule once more, after it was over; harmless when it has ended."""
        if self.ended.is_set() or self._process is None or self._process.stdin is None:
            return
        self.over.clear()
        with contextlib.suppress(BrokenPipeError):  # it has just died: its reader will say so
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        """Ask it to finish the flip in hand, and wait until it has ended; harmless when it has."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        seconds = STOPPING + self._longest
        if not self.over.is_set() and self._longest:
            logger.info("waiting for the %s in hand, at most %.0f s", self._in_hand, seconds)
        if not self.ended.wait(seconds):
            process.kill()  # stuck: in a file system, or stopped
        if self._reader is not None:
            self._reader.join()
        process.wait()

    def check(self) -> Done:
        """What its `done` event says; SwitcherError when it ended without one, or when an event could not be taken."""
        if self._reader is not None and self._reader.exception is not None:
            raise SwitcherError(f"an event of the switcher could not be taken: {self._reader.exception!r}")
        if self._done is None:
            last = self._log.read_text(errors="replace").splitlines()[-1:] if self._log.exists() else []
            raise SwitcherError(f"the switcher died{': ' + last[0] if last else ''}")
        return Done(self._done["reason"] == "schedule", self._done["late"])

    def _read(self, process: subprocess.Popen[bytes], hear: Callable[[Event], None]) -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                try:
                    event: Event = json.loads(line)
                except ValueError:
                    break  # cut off in the middle of a line: it was killed
                if event["event"] == "done":
                    self._done = event
                if event["event"] == "over":
                    self.over.set()
                hear(event)
                self.ready.set()
        finally:
            process.stdout.close()
            process.wait()
            self.ready.set()
            self.over.set()
            self.ended.set()
