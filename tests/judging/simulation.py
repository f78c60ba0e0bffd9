"""A run without a server: a link that is flipped, visitors that see it, nodes that judge; a clock that tests turn.

The server follows the link at a random moment of each visit, so it is right. Faults are planted now and then, and each
visit says in its path what it is. `simulate(500_000)` takes a minute or two.
"""

from __future__ import annotations

import heapq
import random
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import gevent

import locust_cutover.nodes.recorder
from locust_cutover.client.marks import Marks
from locust_cutover.judging.faults import Expected
from locust_cutover.judging.fliptable import FlipTable, Row
from locust_cutover.judging.judge import Judgment, judge
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip, Timeline
from locust_cutover.judging.verdict import PhaseFacts, PhaseVerdict, judge_phase
from locust_cutover.judging.visit import Kind, Visit
from locust_cutover.nodes.messages import Know, Order
from locust_cutover.nodes.node import Node
from locust_cutover.nodes.owner import Nodes
from locust_cutover.nodes.recorder import Recorder
from locust_cutover.scenario.model import Load, Phase, Scenario, Site
from tests.tallies import travel

US = 1_000

GRAIN = 10 * US
"""All times are whole grains, so that flips and visits often begin and end at the same moment."""

PATIENCE = 60.0

Changes = list[tuple[int, str | None]]
"""What the link points to from when on; None: it is missing."""

RELEASES = ("a", "b", "c", "d")


@dataclass(frozen=True)
class Way:
    """A way to flip: what happens to the link between two moments, on its way to a release."""

    name: str
    change: Callable[[random.Random, int, int, str], Changes]
    every: int = 5_000 * US
    took: int = 400 * US
    opaque: bool = False
    failing: float = 0.0
    """The share of flips that do not take."""
    lost: Expected = "none"


def _moments(chance: random.Random, number: int, invoked: int, completed: int) -> list[int]:
    return sorted(chance.randrange(invoked, completed + 1, GRAIN) for _ in range(number))


def atomic(chance: random.Random, invoked: int, completed: int, release: str) -> Changes:
    """At one moment."""
    return [(moment, release) for moment in _moments(chance, 1, invoked, completed)]


def forced(chance: random.Random, invoked: int, completed: int, release: str) -> Changes:
    """The link is missing for a while."""
    gone, there = _moments(chance, 2, invoked, completed)
    return [(gone, None), (there, release)]


def passing(chance: random.Random, invoked: int, completed: int, release: str) -> Changes:
    """By way of other releases, whether they were ever flipped to or replaced long ago."""
    *moments, last = _moments(chance, chance.randint(1, 4), invoked, completed)
    return [*((moment, chance.choice(RELEASES)) for moment in moments), (last, release)]


WAYS = (
    Way("atomic", atomic),
    Way("forced", forced, lost="some"),
    Way("passing", passing, opaque=True),
    Way("failing", atomic, failing=0.3, lost="any"),
    Way("failing command", passing, opaque=True, failing=0.3, lost="any"),
    Way("as fast as possible", atomic, every=0, took=50 * US, lost="any"),  # the link may still be missing
    Way("slow", atomic, every=60_000 * US),
)


class Link:
    """The link and its flips, made as far as anybody has asked, and what the definitions say of them."""

    def __init__(self, chance: random.Random, named: bool) -> None:
        self.phase = 0
        self.way = WAYS[0]
        self.flips: list[Flip] = []
        self.number = 0
        self.free = 0
        """From when on the next flip may begin."""
        self._chance = chance
        self._changes: list[tuple[int, str | None]] = [(-1, RELEASES[0])]
        self._named = named
        self._since = {RELEASES[0]: -1}
        """From when on each release is known: one that nobody named is when it is flipped to."""

    def begin(self, phase: int, way: Way, now: int) -> None:
        """The flips of another phase follow."""
        self.phase, self.way, self.number = phase, way, 0
        self.free = max(self.free, now + GRAIN)

    def make(self, until: int) -> None:
        """Make all flips that are invoked by then."""
        while self.free <= until:
            self._make(self.free)

    def looked_at(self, sent: int, received: int) -> str | None:
        """What the link pointed to at a random moment of a visit."""
        moment = self._chance.randrange(sent, received + 1, GRAIN)
        # At the moment of a change one may still look just before it.
        index = bisect_right(self._changes, moment, key=lambda change: change[0]) - 1
        while self._changes[index][0] == moment and self._chance.random() < 0.5:
            index -= 1
        return self._changes[index][1]

    def known(self, received: int) -> set[str]:
        """The releases that the link may have pointed to by then."""
        return {release for release, since in self._since.items() if since <= received}

    def possible(self, sent: int, received: int) -> tuple[set[str], bool]:
        """The releases that the link may have pointed to during a visit, and whether it overlaps a cutover."""
        found: set[str] = set()
        overlaps = False
        end = 1 << 62  # of the cutover of a failed flip: the completion of the next good one
        for flip in reversed(self.flips):
            if flip.invoked <= received:
                during = (flip.completed if flip.ok else end) >= sent
                overlaps |= during
                found |= {flip.release, flip.held} - {""}
                if during and flip.opaque:
                    found |= set(RELEASES)
            if flip.ok:
                end = flip.completed
                if end < sent:
                    return found, overlaps
        return found | {RELEASES[0]}, overlaps

    def _make(self, invoked: int) -> None:
        way, chance = self.way, self._chance
        completed = invoked + chance.randrange(0, way.took + 1, GRAIN)
        self.number += 1
        release = RELEASES[(RELEASES.index(self.flips[-1].release) + 1) % 3] if self.flips else RELEASES[1]
        outcome, held = "ok", ""
        changes = way.change(chance, invoked, completed, release)
        if chance.random() < way.failing:
            # It stays, it goes, it goes elsewhere, or it took and nobody could see that.
            there: str | None = chance.choice([self._changes[-1][1], None, chance.choice(RELEASES), release])
            changes[-1] = (changes[-1][0], there)
            outcome, held = f"the link points to {there}", there or ""
        self.flips.append(Flip(self.phase, self.number, release, invoked, completed, outcome, held, opaque=way.opaque))
        self._changes += changes
        for name in [release, *filter(None, [held]), *(RELEASES if way.opaque and self._named else ())]:
            self._since.setdefault(name, invoked)
        self.free = max(invoked + way.every, completed + GRAIN * chance.randint(0, 3))


class Worker:
    """A node with visitors. It hears of flips up to `late` after they are told, and reports by itself or not."""

    def __init__(self, name: str, simulation: Simulation, late: int, reports: bool) -> None:
        self.name = name
        self.late = late
        self.reports = reports
        self.mute = False
        self.recorder = Recorder(simulation.reported)
        self.node = Node(self.recorder, self.report)
        self.node.worker_index = None
        self._simulation = simulation
        self._unheard: list[tuple[int, Order]] = []

    def hear(self, order: Order) -> None:
        """Obey now, or later where it is about flips."""
        if isinstance(order, Know):
            late = self._simulation.chance.randrange(0, self.late + 1, GRAIN)
            self._unheard.append((self._simulation.now + late, order))
            self.listen(self._simulation.now)
        else:
            self.listen(1 << 62)
            self.node.obey(order)

    def listen(self, now: int) -> None:
        """Obey what has arrived by now, in order."""
        while self._unheard and self._unheard[0][0] <= now:
            self.node.obey(self._unheard.pop(0)[1])

    def report(self) -> None:
        """Tell the owner what was counted since the last time."""
        if not self.mute:
            self._simulation.nodes.hear(self.name, travel(self.node.report()))


@dataclass
class Found:
    """What came out."""

    visits: int = 0
    planted: Counter[tuple[int, Kind]] = field(default_factory=Counter)
    """Faults by phase and kind, those that a link made that was missing among them."""
    wrong: list[str] = field(default_factory=list)
    """Visits that were judged to be what they were not."""
    phases: list[PhaseVerdict] = field(default_factory=list)
    again: list[PhaseVerdict] = field(default_factory=list)
    """The same by one tally of all visits, judged when all flips were known."""
    rows: list[list[Row]] = field(default_factory=list)
    rows_again: list[list[Row]] = field(default_factory=list)


class Simulation:
    """One run, phase by phase."""

    def __init__(self, seed: int, faults: float, named: bool, ways: Sequence[Way]) -> None:
        self.now = 1_000_000 * GRAIN
        self.chance = random.Random(seed)
        self.found = Found()
        self.link = Link(self.chance, named)
        self._faults = faults
        self._ways = ways
        self._releases = RELEASES if named else ()
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._event = 0
        self._visits: list[Visit] = []
        self._left = 0
        self._told = 0
        self._facts: PhaseFacts
        self.workers = {
            "prompt": Worker("prompt", self, 0, reports=True),
            "late": Worker("late", self, 40_000 * US, reports=True),
            "quiet": Worker("quiet", self, 2_000 * US, reports=False),
        }
        self.nodes = Nodes(self._send, lambda: list(self.workers))
        phases = [
            Phase(way.name, way.name, way.every, None, 5, {"lost": way.lost, "torn": "none", "stale": "none"})
            for way in ways
        ]
        self.scenario = Scenario(
            "simulated", Path("simulated.yaml"), "", Site(releases=RELEASES), Load(), tuple(phases)
        )

    def play(self, visits: int) -> Found:
        """At least so many visits, spread evenly over the phases."""
        self.nodes.begin(self.scenario, Marks("(.)", 2), None, releases=self._releases)
        whole = Timeline(self._releases)
        whole.start(RELEASES[0])
        told = 0
        for index, way in enumerate(self._ways):
            self._play(index, way, -(-visits // len(self._ways)))
            for flip in self.link.flips[told:]:
                whole.add(flip)
            told = len(self.link.flips)
            self._judge_again(index, whole)
        self.found.visits = self.nodes.tally.answers.total()
        for worker in self.workers.values():
            if worker.recorder._worker is not None:
                worker.recorder._worker.kill()
        return self.found

    def reported(self, visit: Visit, judgment: Judgment) -> None:
        """Hold a judgment against what the visit was."""
        self._visits.append(visit)
        kind, _, place = visit.path.partition(" ")
        if judgment.kind != kind or (place and judgment.place != place):
            self.found.wrong.append(f"{visit} was {judgment}")

    def _play(self, index: int, way: Way, visits: int) -> None:
        began = self.now
        self._left = visits
        self.link.begin(index, way, self.now)
        first = len(self.link.flips)
        self._told = first
        self.nodes.open(index)
        self.nodes.start(RELEASES[0])
        for number in range(12):
            # Every third one is paced, in step with the flips.
            pace = max(way.every, 2_000 * US) if number % 3 == 0 else None
            worker = [*self.workers.values()][number % len(self.workers)]
            self._at(self.now + GRAIN * number * 7, partial(self._begin, worker, pace))
        self._at(self.now, self._tell)
        joins = self.now + 30_000 * US if index % 2 else None
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
            if joins is not None and self.now >= joins and self._left > 0:
                joins = None
                self._join(f"joined in {index}")
        for flip in self.link.flips[self._told :]:
            self.now = max(self.now, flip.completed)
        self.nodes.know(self.link.flips[self._told :], self.now)
        self.nodes.know_all()
        seconds = (self.now - began) / 1e9
        self.nodes.close(index)
        missing = self.nodes.collect(index, 0.1 if any(worker.mute for worker in self.workers.values()) else PATIENCE)
        flips = self.link.flips[first:]
        self._facts = PhaseFacts(seconds=seconds, flips=len(flips), trouble="; ".join(missing))

    def _join(self, name: str) -> None:
        """One more node, with two visitors."""
        worker = self.workers[name] = Worker(name, self, 1_000 * US, reports=True)
        self.nodes.join(name)
        for _ in range(2):
            self._begin(worker, None)

    def _judge_again(self, index: int, whole: Timeline) -> None:
        """All visits of the phase in one tally, in any order."""
        phase = self.scenario.phases[index]
        table, tally = FlipTable(index, phase.sparse), Tally()
        for flip in self.link.flips:
            if flip.phase == index:
                table.add(flip)
        self.chance.shuffle(self._visits)
        for visit in self._visits:
            tally.add(visit, judge(visit, whole))
        self._visits.clear()
        table.take(tally)
        mine = self.nodes.flips[index]
        self.found.phases.append(judge_phase(phase, index, self._facts, self.nodes.tally, mine))
        self.found.again.append(judge_phase(phase, index, self._facts, tally, table))
        self.found.rows.append(list(mine.rows()))
        self.found.rows_again.append(list(table.rows()))

    def _at(self, time: int, event: Callable[[], None]) -> None:
        self._event += 1
        heapq.heappush(self._events, (time, self._event, event))

    def _send(self, order: Order, name: str | None) -> None:
        for worker in [*self.workers.values()] if name is None else [self.workers[name]]:
            worker.hear(order)

    def _tell(self) -> None:
        """Tell of the flips that are over, as the switcher does, and have some nodes report."""
        self.link.make(self.now)
        flips = self.link.flips[self._told :]
        over = [flip for flip in flips if flip.completed <= self.now]
        self._told += len(over)
        self.nodes.know(over, min([self.now, *(flip.invoked - 1 for flip in flips[len(over) : len(over) + 1])]))
        for worker in self.workers.values():
            worker.listen(self.now)
        for _ in range(3):
            gevent.sleep(0)
        for worker in self.workers.values():
            if worker.reports and self.chance.random() < 0.2:
                worker.report()
        if self._left > 0:
            self._at(self.now + self.chance.randrange(0, 8_000 * US, GRAIN), self._tell)

    def _begin(self, worker: Worker, pace: int | None) -> None:
        """A visitor sends a request; with `pace` it sends the next one so much later, else when it has its answer."""
        if self._left <= 0:
            return
        self._left -= 1
        ticket = worker.recorder.enter()
        sent = self.now
        received = sent + GRAIN * self.chance.choice([0, 1, self.chance.randrange(100), self.chance.randrange(400)])
        visit = self._visit(ticket.phase, sent, received)._replace(apart=ticket.apart)

        def end() -> None:
            worker.recorder.leave(ticket, visit)
            self._at(max(self.now, sent + pace) if pace else self.now, partial(self._begin, worker, pace))

        self._at(received, end)

    def _visit(self, phase: int, sent: int, received: int) -> Visit:
        """What the server answers; the path says what that is, and where it is known the place of the fault."""
        link, chance = self.link, self.chance
        link.make(received)
        release = link.looked_at(sent, received)
        kind: Kind = "ok"
        place = ""
        marks: tuple[str, ...] = () if release is None else (release, release)
        possible, overlaps = link.possible(sent, received)
        if chance.random() < self._faults:
            kind = chance.choice(["lost", "torn", "stale"])
        others = sorted(link.known(received) - ({release} if kind == "torn" else possible))
        if release is None or kind == "lost":
            kind, place, marks = "lost", "at" if overlaps else "none", ()
        elif kind == "torn" and others and release in link.known(received):
            marks = tuple(chance.sample([release, chance.choice(others)], 2))
        elif kind == "stale" and others:
            marks, place = (chance.choice(others),) * 2, "after"
        else:
            kind = "ok"
        if kind != "ok":
            self.found.planted[phase, kind] += 1
        answer = "200 OK" if marks else "404 Not Found"
        return Visit(phase, "GET", f"{kind} {place}".strip(), sent, received, answer, bool(marks), marks, 2, 9)


def simulate(
    visits: int,
    seed: int = 0,
    *,
    faults: float = 0.0,
    named: bool = True,
    ways: Sequence[Way] = WAYS,
    before: Callable[[Simulation], None] = lambda simulation: None,
) -> Found:
    """Play a run of at least so many visits; a share `faults` of them is spoiled. `named`: releases are told before."""
    simulation = Simulation(seed, faults, named, ways)
    before(simulation)
    clock = SimpleNamespace(monotonic=time.monotonic, monotonic_ns=lambda: simulation.now)
    with mock.patch.object(locust_cutover.nodes.recorder, "time", clock):
        return simulation.play(visits)
