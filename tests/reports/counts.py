"""Runs whose visits are counted as they are told, without being judged."""

from __future__ import annotations

from typing import Any

from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.judge import Judgment, Place
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.verdict import PhaseFacts, judge_phase
from locust_cutover.judging.visit import Kind, Visit
from locust_cutover.result import Result
from locust_cutover.scenario.model import Phase
from tests.reports.runs import BEGAN, proved


def phase(name: str, every: int = 20_000_000) -> Phase:
    """A phase of five flips; losses must show, anything may be torn, nothing may be stale."""
    return Phase(name, "forced", every, None, 5, {"lost": "some", "torn": "any", "stale": "none"})


def flip(number: int, index: int = 0, outcome: str = "ok", release: str | None = None) -> Flip:
    """A flip 20 ms after the one before, that took 40.25 us."""
    invoked = BEGAN + 1_500_000_000 + 20_000_000 * number
    return Flip(index, number, "ab"[number % 2] if release is None else release, invoked, invoked + 40_250, outcome)


class Run:
    """A run whose visits are counted as they are told."""

    def __init__(self, *phases: Phase) -> None:
        self.phases = phases
        self.tally = Tally()
        self.tables = [FlipTable(index, phase.every == 0) for index, phase in enumerate(phases)]
        self.facts = [PhaseFacts(seconds=2.0) for _ in phases]
        self.last: dict[int, Flip] = {}

    def flips(self, *flips: Flip) -> Run:
        """These were made."""
        for one in flips:
            self.tables[one.phase].add(one)
            self.facts[one.phase].flips += 1
            self.last[one.phase] = one
            self.facts[one.phase].failed += not one.ok
        return self

    def visits(self, kind: Kind, answer: str, count: int = 1, at: Flip | None = None, index: int = 0) -> Run:
        """So many visits were of this kind, with this answer, at this flip; a stale one came 7 µs after it.

        What was at no flip came after the last one.
        """
        sent = at.completed + 7_000 if at and kind == "stale" else at.invoked if at else BEGAN
        visit = Visit(index, "GET", "/", sent, sent + 2000, answer, True, ("a",), 1, 1, 5_000)
        place: Place = "none" if at is None or kind == "ok" else "after" if kind == "stale" else "at"
        met = (at.number, at.number) if at and at.number and kind != "stale" else None
        age = 7_000 if kind == "stale" else 0
        for _ in range(count):
            calm = at is None
            self.tally.add(
                visit, Judgment(kind, answer, at, place, age, met, calm, self.last.get(index) if calm else None)
            )
        self.tables[index].take(self.tally)
        self.tally.flips.clear()
        self.tally.met.clear()
        return self

    def result(self, **changes: Any) -> Result:
        """The result, but for these."""
        verdicts = [
            judge_phase(phase, index, self.facts[index], self.tally, self.tables[index])
            for index, phase in enumerate(self.phases)
        ]
        return proved(self.phases, verdicts, self.tables, **changes)


def run() -> Run:
    """Two phases; the second one keeps only harmful flips."""
    failed = flip(3, outcome="Permission denied")
    run = Run(phase("forced"), phase("fast", every=0))
    run.flips(flip(1), flip(2), failed, *(flip(number, 1) for number in range(1, 6)))
    run.visits("ok", "200 OK", 900).visits("ok", "200 OK", 4, at=flip(2)).visits("lost", "404 Not Found", 7, at=flip(1))
    run.visits("lost", "connection closed").visits("torn", "200 OK", 3, at=failed).visits("stale", "200 OK", 2, flip(2))
    run.visits("ok", "200 OK", 50, index=1).visits("lost", "403 Forbidden", 1, at=flip(4, 1), index=1)
    return run
