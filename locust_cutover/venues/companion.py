"""Starts, reads and stops the switcher, the companion process that flips."""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from locust_cutover.judging.timeline import STILL
from locust_cutover.scenario.model import Phase
from switcher.duration import format_duration
from switcher.watch import WATCH

logger = logging.getLogger("locust.cutover")

Facts = dict[str, Any]
"""One event of the switcher's stream."""


PATIENCE = 5.0
"""Seconds that the switcher has to end when it is asked to."""


BEAT = 1.0
"""Seconds between two heartbeats of a phase without flips."""


class SwitcherError(Exception):
    """The switcher did not start, or ended before it was done; the text says why."""


class Companion:
    """One switcher process for one phase. `hear` gets its events, in order.

    Without `releases` it finds them when they are there. What a command prints goes to the file `commands`, without
    one to `log`. With `restore` the link is put back when it is asked to end; `over` is set before. So it is for a
    control, which `extend` lets go on.
    """

    def __init__(
        self,
        phase: Phase,
        root: Path,
        link: str,
        releases: tuple[str, ...] | None,
        log: Path,
        *,
        seed: int,
        commands: Path | None = None,
        restore: bool = False,
    ) -> None:
        self._command = [sys.executable, "-m", "switcher", phase.strategy, "--root", str(root), "--link", link]
        self._command += ["--discover"] if releases is None else ["--releases", *releases]
        self._command += ["--every", format_duration(phase.every), "--seed", str(seed), "--attached"]
        if phase.every:
            self._command += ["--jitter", str(phase.jitter)]
        if phase.gap:
            self._command += ["--gap", format_duration(phase.gap)]
        if phase.control:
            self._command.append("--extend")
        if restore:
            self._command.append("--restore")
        if phase.command is not None and commands is not None:
            self._command += ["--log", str(commands)]
        if phase.duration is not None:
            self._command += ["--for", format_duration(phase.duration)]
        if phase.flips is not None:
            self._command += ["--flips", str(phase.flips)]
        if phase.command is not None:
            self._command += ["--folder"] if phase.command.folder else []
            self._command += ["--timeout", format_duration(phase.command.timeout), "--", *phase.command.arguments]
        self._in_hand = "command" if phase.command else "flip"
        self._patience = PATIENCE + (phase.command.timeout if phase.command else phase.gap) / 1e9
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: gevent.Greenlet[..., None] | None = None
        self.ready = Event()
        """It knows where the link is, or has ended."""
        self.over = Event()
        """It flips no more."""
        self.ended = Event()
        self.done: Facts | None = None

    def start(self, hear: Callable[[Facts], None]) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
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
        if not self.over.is_set() and self._patience > PATIENCE:
            logger.info("waiting for the %s in hand, at most %.0f s", self._in_hand, self._patience)
        if not self.ended.wait(self._patience):
            process.kill()  # stuck: in a file system, or stopped
        if self._reader is not None:
            self._reader.join()
        process.wait()

    def check(self) -> Facts:
        """The facts of its `done` event; SwitcherError when it ended without one, or when that could not be taken."""
        if self._reader is not None and self._reader.exception is not None:
            raise SwitcherError(f"an event of the switcher could not be taken: {self._reader.exception!r}")
        if self.done is None:
            last = self._log.read_text(errors="replace").splitlines()[-1:] if self._log.exists() else []
            raise SwitcherError(f"the switcher died{': ' + last[0] if last else ''}")
        return self.done

    def _read(self, process: subprocess.Popen[bytes], hear: Callable[[Facts], None]) -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                try:
                    facts: Facts = json.loads(line)
                except ValueError:
                    break  # cut off in the middle of a line: it was killed
                if facts["event"] == "done":
                    self.done = facts
                if facts["event"] == "over":
                    self.over.set()
                hear(facts)
                self.ready.set()
        finally:
            process.stdout.close()
            process.wait()
            self.ready.set()
            self.over.set()
            self.ended.set()


class Watcher(Companion):
    """The switcher where somebody else flips: it says when, until it is asked to end, and touches nothing."""

    def __init__(self, phase: Phase, root: Path, link: str, log: Path) -> None:
        super().__init__(phase, root, link, None, log, seed=0)
        self._command = [sys.executable, "-m", "switcher", WATCH, "--root", str(root), "--link", link, "--attached"]
        if phase.duration is not None:
            self._command += ["--for", format_duration(phase.duration)]
        if phase.flips is not None:
            self._command += ["--flips", str(phase.flips)]


class Idle(Companion):
    """Flips nothing; its phase ends with its time."""

    def __init__(self, phase: Phase) -> None:
        assert phase.duration is not None
        self._seconds = phase.duration / 1e9
        self._reader = None
        self.over = Event()
        self.ended = Event()
        self.done: Facts = {"event": "done", "reason": "schedule", "late": 0}
        self._cut = Event()

    def start(self, hear: Callable[[Facts], None]) -> None:
        """Begin the time."""
        gevent.spawn(self._wait, hear)

    def stop(self) -> None:
        """End it; harmless when it has ended."""
        self._cut.set()
        self.ended.wait()

    def _wait(self, hear: Callable[[Facts], None]) -> None:
        until = time.monotonic() + self._seconds
        while (left := until - time.monotonic()) > 0:
            hear({"event": "heartbeat", "watermark": STILL})  # again: a node may have joined
            if self._cut.wait(min(left, BEAT)):
                self.done = {**self.done, "reason": "asked to"}
                break
        self.over.set()
        self.ended.set()
