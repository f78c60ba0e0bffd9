"""The switcher as its users run it: a site, a process, its stream, and what must be true of them."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

Event = dict[str, Any]

SWITCHER = (sys.executable, "-m", "switcher")

PATIENCE = 60
"""Seconds after which a child that hangs is killed: a test must fail, not hang. Nothing else depends on it."""

NAMES = {"a", "b", "c", "current"}
"""What is in a site before and after a run."""

NOBODY = 65534

MS = 1_000_000


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

    def put(self, target: str | None) -> None:
        """Make the link again, with this target; None: take it away."""
        self.link.unlink()
        if target is not None:
            self.link.symlink_to(target)

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

    def flips(self) -> Event:
        """The next line of flips."""
        return self.until(lambda event: event["event"] == "flips")

    def over(self) -> Event:
        """Read until the schedule is over."""
        return self.until(lambda event: event["event"] == "over")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def extend(self) -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def let_go(self) -> None:
        """Close its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def read_no_more(self) -> None:
        """Close the reading end of its standard output."""
        assert self.process.stdout is not None
        self.process.stdout.close()

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


def run(*arguments: str, command: Sequence[str] = SWITCHER, stdout: int = subprocess.PIPE) -> Run:
    """Run a switcher to its end."""
    with Child([*command, *arguments], stdout=stdout) as child:
        return child.finish()


def after(code: str) -> list[str]:
    """The command of a switcher in a Python in which `code` has run before."""
    return [sys.executable, "-c", f"{code}\nimport sys, switcher.__main__\nsys.exit(switcher.__main__.main())\n"]


def killed_at(name: str, number: int) -> list[str]:
    """The command of a switcher that is killed just before its call number `number` (from 1) of os.`name`."""
    return after(f"""
import os, signal
real = os.{name}
calls = 0
def observed(*arguments, **options):
    global calls
    calls += 1
    if calls == {number}:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)
os.{name} = observed
""")


def as_nobody() -> list[str]:
    """The command of a switcher that is an ordinary user's when it looks at the site.

    At the last moment, since that user need not be allowed to read the interpreter.
    """
    return after(f"""
import os, switcher.cli_flip as flip, switcher.cli_watch as watch
def demoted(real):
    def opened(*arguments, **options):
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid({NOBODY})
            os.setuid({NOBODY})
        return real(*arguments, **options)
    return opened
flip.open_link, flip.open_folder = demoted(flip.open_link), demoted(flip.open_folder)
watch.open_watched = demoted(watch.open_watched)
""")


def spin(nanoseconds: int) -> None:
    """Let a time pass that no event marks: the instant of a signal is what varies."""
    end = time.monotonic_ns() + nanoseconds
    while time.monotonic_ns() < end:
        pass


def at_calls(
    monkeypatch: pytest.MonkeyPatch, name: str, calls: Container[int] | None, act: Callable[[], object]
) -> None:
    """Let something happen just before these calls of os.`name`, counted from 1, or before each."""
    real, made = getattr(os, name), itertools.count(1)

    def observed(*arguments: Any, **options: Any) -> Any:
        if calls is None or next(made) in calls:
            act()
        return real(*arguments, **options)

    monkeypatch.setattr(os, name, observed)


def fail_at(
    monkeypatch: pytest.MonkeyPatch, name: str, calls: Container[int] | None = None, error: int = errno.ENOSPC
) -> None:
    """Let these calls of os.`name` fail; the disk is full, if nothing else is said."""

    def fail() -> None:
        raise OSError(error, os.strerror(error))

    at_calls(monkeypatch, name, calls, fail)


def snapshot(root: Path) -> dict[str, object]:
    """All that a switcher could have changed of a file, a symlink or a folder and what is in it."""
    things: dict[str, object] = {}
    for path in [root] if root.is_symlink() else [root, *sorted(root.rglob("*"))]:
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        things[str(path)] = (status.st_ino, status.st_mode, status.st_uid, status.st_mtime_ns, content)
    return things


def assert_refused(result: Run, reason: str) -> None:
    """Exit code 2, one line that says why, and nothing on standard output."""
    assert (result.code, result.events, len(result.errors)) == (2, [], 1), result
    assert result.errors[0].startswith("switcher: ")
    assert re.search(reason, result.errors[0]), result.errors


def assert_ended_well(result: Run, site: Site, reason: str = "schedule", releases: Sequence[str] = ("a", "b")) -> None:
    """Exit code 0, a true stream with `done` at its end, and the link on the release that `done` names."""
    assert result.code == 0, result
    assert (result.done["reason"], result.done["failed"]) == (reason, 0)
    assert_true_stream(result.events, releases)
    last = result.flips[-1]["release"] if result.flips else result.ready["release"]
    assert site.points_to() == result.done["release"] == last
    assert site.entries() == NAMES


@contextlib.contextmanager
def files(descriptors: tuple[int, int]) -> Iterator[tuple[FileIO, FileIO]]:
    """The two ends of a pipe, to read from and to write to.

    As files, which are closed when they say so: Locust, once imported, lets os.close wait for gevent.
    """
    with open(descriptors[0], "rb", buffering=0) as output, open(descriptors[1], "wb", buffering=0) as entry:
        yield output, entry


def events_of(text: str) -> list[Event]:
    """The events of a stream."""
    return [json.loads(line) for line in text.splitlines()]


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


FLIPPER = """
import os, random, sys, time
from switcher.strategies import STRATEGIES
link, pace = sys.argv[1], float(sys.argv[2])
number = 0
while True:
    way = STRATEGIES[random.choice(["atomic", "atomic", "exchange", "forced", "two-renames"])]
    for _ in range(random.choice([1, 1, 2, 3])):  # there and back, at once
        way(link, random.choice("abc"), link + ".spare")
    time.sleep(random.random() * pace)
"""
"""Somebody else who flips, in all ways: python -c FLIPPER LINK PACE."""
