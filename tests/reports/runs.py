"""Runs told flip by flip and visit by visit, judged in earnest: what the reports are tested with."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from locust_cutover.judging.faults import FAULTS, Expected, Fault
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.judge import judge
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip, Timeline
from locust_cutover.judging.verdict import PhaseFacts, PhaseVerdict, judge_phase
from locust_cutover.judging.visit import Visit
from locust_cutover.result import Result
from locust_cutover.scenario.model import Load, Phase, Scenario, Site

BEGAN = 5_000_000_000_000

MS = 1_000_000

RELEASES = ("a", "b")

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Told:
    """One phase: its flips and visits are told in milliseconds since the start of the run."""

    name: str
    expect: dict[Fault, Expected] = field(default_factory=dict)
    every: int = 20 * MS
    trouble: str = ""
    strategy: str = "forced"
    quiet: bool = False
    index: int = 0
    flips: list[Flip] = field(default_factory=list)
    repairs: list[Flip] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)

    def flip(self, at: float, release: str = "b", took_us: float = 60, outcome: str = "ok") -> Told:
        """A flip."""
        invoked = BEGAN + round(at * MS)
        number = len(self.flips) + 1
        self.flips.append(Flip(self.index, number, release, invoked, invoked + round(took_us * 1e3), outcome))
        return self

    def visit(self, at: float, *marks: str, answer: str = "200 OK", took: float = 2.0, times: int = 1) -> Told:
        """So many visits with this answer, a millisecond apart; it is a whole one where it has marks."""
        for turn in range(times):
            sent = BEGAN + round((at + turn) * MS)
            received = sent + round(took * MS)
            self.visits.append(
                Visit(self.index, "GET", "/", sent, received, answer, bool(marks), marks, 2 if marks else 0, 20)
            )
        return self

    def repair(self, at: float, release: str = "a", took_us: float = 60) -> Told:
        """A missing link was made anew, which is no flip of the phase."""
        invoked = BEGAN + round(at * MS)
        self.repairs.append(Flip(self.index, 0, release, invoked, invoked + round(took_us * 1e3)))
        return self

    def begun(self, index: int) -> Told:
        """The same as the phase of this number; each has two seconds."""
        later = 2000 * MS * index
        flips, repairs = (
            [
                flip._replace(phase=index, invoked=flip.invoked + later, completed=flip.completed + later)
                for flip in made
            ]
            for made in (self.flips, self.repairs)
        )
        visits = [
            visit._replace(phase=index, sent=visit.sent + later, received=visit.received + later)
            for visit in self.visits
        ]
        return replace(self, index=index, flips=flips, repairs=repairs, visits=visits)

    def phase(self) -> Phase:
        """The phase of the scenario."""
        expect: dict[Fault, Expected] = {**dict.fromkeys(FAULTS, "none"), **self.expect}
        return Phase(self.name, self.strategy, self.every, None, max(len(self.flips), 1), expect, quiet=self.quiet)


def result(*told: Told, one_link: bool = False, **changes: Any) -> Result:
    """What these phases prove; `one_link`: each begins with the release that the one before ended with, not with a."""
    told = tuple(one.begun(index) for index, one in enumerate(told))
    phases = tuple(one.phase() for one in told)
    tally = Tally()
    timeline = Timeline(RELEASES)
    timeline.start("a")
    for one in told:
        if not one_link:
            timeline = Timeline(RELEASES)
            timeline.start("a")
        for flip in sorted([*one.flips, *one.repairs], key=lambda flip: flip.invoked):
            timeline.add(flip)
        for visit in sorted(_apart(one.visits), key=lambda visit: visit.received):
            tally.add(visit, judge(visit, timeline))
    return counted(phases, [one.flips for one in told], [one.trouble for one in told], tally, **changes)


def _apart(visits: Sequence[Visit]) -> list[Visit]:
    """The visits, each with the time since the one before."""
    inorder = sorted(visits, key=lambda visit: visit.sent)
    return inorder[:1] + [
        visit._replace(apart=visit.sent - before.sent) for before, visit in itertools.pairwise(inorder)
    ]


def counted(
    phases: Sequence[Phase],
    flips: Sequence[Sequence[Flip]],
    troubles: Sequence[str],
    tally: Tally,
    judged: Collection[Fault] = FAULTS,
    **changes: Any,
) -> Result:
    """The result of a tally, in which these faults could be judged."""
    tables = [FlipTable(index, phase.sparse) for index, phase in enumerate(phases)]
    facts = []
    for table, made, trouble in zip(tables, flips, troubles, strict=True):
        for flip in made:
            table.add(flip)
        failed = sum(not flip.ok for flip in made)
        facts.append(PhaseFacts(seconds=2.0, flips=len(made), failed=failed, trouble=trouble))
    for table in tables:
        table.take(tally)
    verdicts = [
        judge_phase(phase, index, facts[index], tally, tables[index], judged) for index, phase in enumerate(phases)
    ]
    return proved(phases, verdicts, tables, **changes)


def proved(
    phases: Sequence[Phase], verdicts: Sequence[PhaseVerdict], tables: Sequence[FlipTable], **changes: Any
) -> Result:
    """The result of phases with these verdicts and flips."""
    text = "# Why?\nphases:\n"
    values = {
        "scenario": Scenario("two", Path("scenarios/two.yaml"), "Does it lose?", Site(), Load(), tuple(phases), text),
        "phases": tuple(verdicts),
        "flips": tuple(tables),
        "server": "nginx 1.22.1",
        "users": 10,
        "url": "http://127.0.0.1:8080",
        "began": BEGAN,
        "started": STARTED,
        "ended": STARTED + timedelta(seconds=20),
        "versions": {"python": "3.11.2", "locust-cutover": "0.1.0", "locust": "2.47.0", "gevent": "25.4.2"},
        "machine": {"system": "Linux", "kernel": "6.1.0", "arch": "x86_64", "cpus": 2},
    }
    return Result(**{**values, **changes})


def held() -> Told:
    """Fifty flips, each met by one of two hundred visits, that all got what they should."""
    one = Told("atomic")
    for number in range(50):
        before, after = "ab"[number % 2], "ba"[number % 2]
        one.flip(100 + 20 * number, after)
        for turn in range(4):
            release = before if turn == 0 else after
            one.visit(100 + 20 * number - 1 + 5 * turn, release, release, took=2.0 + turn / 7)
    return one


def spoiled() -> Told:
    """Every kind of fault: lost in seven ways, torn, stale, not to be judged; at flips, at one that failed, at none."""
    one = Told("all faults", {"lost": "some", "torn": "any", "stale": "any"})
    one.flip(100, "b", 80).flip(300, "a", 45).flip(500, "b", 52).flip(700, "a", 60, "the link points to b")
    one.flip(900, "a", 70)
    one.visit(5, "a", "a", times=90).visit(110, "b", "b", times=180).visit(310, "a", "a", times=185)
    one.visit(510, "b", "b", times=185).visit(710, "b", "b", times=180).visit(910, "a", "a", times=80)
    one.visit(99.2, answer="404 Not Found", took=1.1).visit(99.6, answer="404 Not Found", took=1.9)
    one.visit(99.9, answer="403 Forbidden", took=0.4).visit(100.05, answer="500 Internal Server Error", took=2.2)
    one.visit(99.5, "a", "b", took=2)
    one.visit(299.7, "b", "a", took=1.4).visit(299.9, answer="connection closed", took=0.15)
    one.visit(501.5, "a", "a", took=0.8).visit(503, "a", "a", took=0.9).visit(505, "a", "a", took=3)
    one.visit(620, answer="timed out", took=10).visit(700, answer="502 Bad Gateway", took=5).visit(800, "?", "?")
    return one


def lived_on() -> Result:
    """An old page that lives on: flip 2 of the first phase, and a repair, make visits of the second phase stale."""
    first = Told("first", {"stale": "any"}).flip(100).visit(99.5, "a", "a").visit(150, "b", "b", times=20)
    first.flip(300, "a").visit(310, "b", "b", times=5).visit(330, "a", "a", times=3).visit(340, "b", "b", took=0.5)
    second = Told("second").visit(5, "b", "b", times=12).visit(20, "a", "a", times=30).repair(90)
    second.flip(100).visit(99.5, answer="404 Not Found").visit(90.01, answer="404 Not Found", took=0.01)
    second.visit(110, "a", "a", times=4).visit(120, "b", "b", times=40).visit(116, "b", "a").visit(420, answer="reset")
    return result(first, second, one_link=True)


def kinds() -> dict[str, Result]:
    """A run of every kind, by what is special about it."""
    return {
        "held": result(held()),
        "every fault": result(spoiled()),
        "every fault, after a phase that held": result(held(), spoiled()),
        "every fault, as fast as possible": result(replace(spoiled(), every=0)),
        "an old page that lives on": lived_on(),
        "not run": result(Told("never", trouble="was not run")),
        "nothing lost at flips": result(
            Told("away").flip(100).visit(5, "a", "a", times=50).visit(200, answer="503 Busy")
        ),
        "no phase": result(),
    }
