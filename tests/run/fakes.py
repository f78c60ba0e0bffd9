"""What a play and a conductor have around them, without a process: each thing they do is written to one list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gevent.event import Event as Moment

from locust_cutover.client.marks import Marks
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.nodes.owner import Nodes
from locust_cutover.scenario.model import Load, Phase, Scenario, Site
from locust_cutover.venues.companion import Done, SwitcherError
from locust_cutover.venues.lab import Lab
from locust_cutover.venues.stream import Event

AS_PLANNED = Done(as_planned=True)

Log = list[str]
"""What was done, in order."""


def phase(name: str = "atomic", flips: int | None = 2, duration: int | None = None, **changes: Any) -> Phase:
    """A phase that flips without an interval and expects nothing bad."""
    expect = changes.pop("expect", {"lost": "none", "torn": "none", "stale": "none"})
    return Phase(name, changes.pop("strategy", name), 0, duration, flips, expect, **changes)


def scenario(*phases: Phase, seed: int | None = 7) -> Scenario:
    """A scenario of the lab."""
    return Scenario("fake", Path("fake.yaml"), "", Site("embedded", ("a", "b")), Load(), phases, seed=seed)


def flip(number: int, release: str = "b", at: int = 100, outcome: str = "ok", held: str | None = None) -> list[object]:
    """A flip as the switcher tells it."""
    return [number, release, at, at, at + 10, held or release, outcome, 1]


def ready(**facts: object) -> Event:
    """The switcher's first event."""
    return {"event": "ready", "release": "a", "repaired": False, "watermark": 50, **facts}


def told(*flips: list[object], watermark: int = 200) -> Event:
    """Some flips."""
    return {"event": "flips", "flips": [*flips], "watermark": watermark}


class FakeCompanion:
    """Says these `events` when it is started, and is over then; its end is `done`, or it died of the error."""

    def __init__(self, log: Log, events: Iterable[Event] = (), done: Done | SwitcherError = AS_PLANNED) -> None:
        self._log = log
        self._events = events
        self._done = done
        self.over_at_once = True
        self.ready = Moment()
        self.over = Moment()
        self.ended = Moment()

    def start(self, hear: Callable[[Event], None]) -> None:
        """Say all."""
        self._log.append("start")
        for event in self._events:
            hear(event)
        self.ready.set()
        if self.over_at_once:
            self.over.set()

    def extend(self) -> None:
        """It is over again at once."""
        self._log.append("extend")

    def stop(self) -> None:
        """It ends."""
        self._log.append("stop")
        self.ended.set()

    def check(self) -> Done:
        """How it ended."""
        if isinstance(self._done, SwitcherError):
            raise self._done
        return self._done


class FakeVenue(Lab):
    """A site whose marks are in capital letters."""

    def __init__(self) -> None:
        super().__init__(Site("embedded", ("a", "b")), keep_site=False)
        self.version = "fake 1.0"
        self.restores = False
        self.wrong = ""

    def release(self, name: str) -> str:
        """Its mark."""
        return name.upper()

    def trouble(self) -> str:
        """What the test says."""
        return self.wrong


class FakeNodes(Nodes):
    """Nodes that only write down what they are told; `missing` is what they do not report."""

    def __init__(self, log: Log) -> None:
        super().__init__(lambda order, name: None, list)
        self._log = log
        self.missing: list[str] = []
        self.tally = Tally()
        self.flips = [FlipTable(index, sparse=False) for index in range(3)]

    def open(self, phase: int) -> None:
        """Note it."""
        self._log.append(f"open {phase}")

    def close(self, phase: int) -> None:
        """Note it."""
        self._log.append(f"close {phase}")

    def know(self, flips: Sequence[Flip], watermark: int) -> None:
        """Note the releases."""
        self._log.append(" ".join(["know", *(flip.release for flip in flips), str(watermark)]))

    def know_all(self) -> None:
        """Note it."""
        self._log.append("know all")

    def know_no_more(self) -> None:
        """Note it."""
        self._log.append("know no more")

    def collect(self, phase: int, timeout: float) -> list[str]:
        """What is missing."""
        self._log.append(f"collect {phase}")
        return self.missing

    def catch_up(self, timeout: float) -> None:
        """Note it."""
        self._log.append("catch up")


class FakeStage:
    """A stage with these companions, one for each phase; `broken` names the step that fails, and its error."""

    def __init__(self, log: Log, companions: Sequence[FakeCompanion], broken: Mapping[str, Exception]) -> None:
        self._log = log
        self._companions = list(companions)
        self._broken = broken
        self.seeds: list[int] = []
        self.url = "http://fake"
        self.page = "http://fake/current/"
        self.venue = FakeVenue()

    def set_up(self) -> Marks:
        """The site is there."""
        self._do("set_up")
        return Marks("(.)", 1)

    def companion(self, phase: Phase, seed: int) -> FakeCompanion:
        """The next one."""
        self._do("companion")
        self.seeds.append(seed)
        return self._companions.pop(0)

    def clear_up(self) -> None:
        """The site is gone."""
        self._do("clear_up")

    def _do(self, step: str) -> None:
        self._log.append(step.replace("_", " "))
        if step in self._broken:
            raise self._broken[step]
