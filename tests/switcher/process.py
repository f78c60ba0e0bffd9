"""The switcher as its users run it: a child process, its stream read line by line, and what must be true of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Event = dict[str, Any]

SWITCHER = (sys.executable, "-m", "switcher")

PATIENCE = 60
"""Seconds after which a child that hangs is killed: a test must fail, not hang. Nothing else depends on it."""


@dataclass(frozen=True)
class Site:
    """A folder with the releases a, b and c and a link."""

    root: Path
    link: Path

    def points_to(self) -> str | None:
        """What the link holds; None without one."""
        try:
            return os.readlink(self.link)
        except FileNotFoundError:
            return None

    def entries(self) -> set[str]:
        """The names in the root."""
        return set(os.listdir(self.root))

    def options(self, *releases: str) -> list[str]:
        """The part of the command line that names the site."""
        return ["--root", str(self.root), "--link", self.link.name, "--releases", *(releases or ("a", "b"))]


@dataclass(frozen=True)
class Run:
    """How a child ended, and all it said."""

    code: int
    events: list[Event]
    errors: list[str]

    @property
    def ready(self) -> Event:
        """Its first event."""
        assert self.events[0]["event"] == "ready"
        return self.events[0]

    @property
    def done(self) -> Event:
        """Its last event."""
        assert self.events[-1]["event"] == "done", self
        return self.events[-1]

    @property
    def flips(self) -> list[Event]:
        """All flips of its stream."""
        return list(flips_of(self.events))


class Child:
    """One child process; as a context manager it leaves nothing behind."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        cwd: Path | None = None,
    ) -> None:
        # A session of its own, so that a shell in between can be ended together with what it started.
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, cwd=cwd, start_new_session=True
        )
        self._watchdog = threading.Timer(PATIENCE, self._end)
        self._watchdog.start()
        self.events: list[Event] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        self._watchdog.join()
        self._end()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def event(self) -> Event:
        """The next event of the stream."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), f"the stream ended with {line!r}"
        event: Event = json.loads(line)
        self.events.append(event)
        return event

    def until(self, enough: Callable[[Event], bool]) -> Event:
        """Read until an event is `enough`."""
        while not enough(event := self.event()):
            pass
        return event

    def ready(self) -> Event:
        """Its first event."""
        event = self.event()
        assert event["event"] == "ready"
        return event

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def finish(self) -> Run:
        """Read the rest and wait for the end."""
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.events += [json.loads(line) for line in self.process.stdout]
        assert self.process.stderr is not None
        errors = self.process.stderr.read().decode().splitlines()
        return Run(self.process.wait(), self.events, errors)

    def _end(self) -> None:
        # Once waited for, its number may belong to somebody else.
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


def run(
    *arguments: str, command: Sequence[str] = SWITCHER, stdout: int = subprocess.PIPE, cwd: Path | None = None
) -> Run:
    """Run a switcher to its end."""
    with Child([*command, *arguments], stdout=stdout, cwd=cwd) as child:
        return child.finish()


@contextlib.contextmanager
def files(descriptors: tuple[int, int]) -> Iterator[tuple[FileIO, FileIO]]:
    """The two ends of a pipe, to read from and to write to.

    As files, which are closed when they say so: Locust, once imported, lets os.close wait for gevent.
    """
    with open(descriptors[0], "rb", buffering=0) as output, open(descriptors[1], "wb", buffering=0) as entry:
        yield output, entry


def batch(event: Event) -> list[list[Any]]:
    """The flips on one line."""
    return event["flips"] if event["event"] == "flips" else []


def flips_of(events: Sequence[Event]) -> Iterator[Event]:
    """The flips of a stream, by the names that `ready` gives to their columns."""
    columns = events[0]["columns"]
    for event in events:
        for flip in batch(event):
            assert len(flip) == len(columns)
            yield dict(zip(columns, flip, strict=True))


def assert_true_stream(events: Sequence[Event], releases: Sequence[str] = ("a", "b")) -> None:
    """What a reader of the stream relies on, whatever the strategy and the schedule."""
    assert events[0]["event"] == "ready"
    watermark = 0
    for event in events:
        assert event["watermark"] > watermark
        for _, _, _, invoked, completed, *_ in batch(event):
            assert invoked > watermark, "an earlier line said that all flips invoked until then were known"
            assert completed <= event["watermark"]
        watermark = event["watermark"]

    flips = list(flips_of(events))
    assert [flip["flip"] for flip in flips] == list(range(1, len(flips) + 1))
    order = list(releases)
    start = events[0]["release"]
    first = order.index(start) + 1 if start in order else 0
    failed = False
    for flip in flips:
        # After a failed flip it depends on what is there.
        assert flip["release"] == order[first % len(order)] or failed
        first = order.index(flip["release"]) + 1
        failed = flip["outcome"] != "ok"
    end = events[0]["watermark"]
    for flip in flips:
        assert end < flip["invoked"] <= flip["completed"]
        end = flip["completed"]
    if events[-1]["event"] == "done":
        assert events[-1]["flips"] == len(flips)
        assert events[-1]["failed"] == sum(flip["outcome"] != "ok" for flip in flips)
