"""The visits that the first harmful flips of a phase spoiled, one by one: a small sample to draw."""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.visit import Kind, Visit

FLIPS = 12
"""Flips kept: the first harmful ones of the phase."""

VISITS = 12
"""Visits kept of each: those that were sent first."""


class Cost(NamedTuple):
    """One visit that a flip spoiled; in order of `sent`. Times in CLOCK_MONOTONIC nanoseconds."""

    sent: int
    received: int
    kind: Kind
    answer: str


class CloseUps:
    """Flips with the visits that they cost.

    What is kept does not depend on the order in which visits come, nor on which node saw which: of all
    that was added the first FLIPS flips by number, of each of these the first VISITS visits.
    """

    def __init__(self) -> None:
        self.flips: dict[int, tuple[Flip, list[Cost]]] = {}
        """By number."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CloseUps) and self.flips == other.flips

    __hash__ = None  # type: ignore[assignment] # it changes

    def add(self, visit: Visit, judgment: Judgment) -> None:
        """Take a visit that was spoiled at or after a flip of its own phase; others are left alone."""
        if judgment.place != "none" and judgment.flip is not None and judgment.flip.phase == visit.phase:
            self._keep(judgment.flip, Cost(visit.sent, visit.received, judgment.kind, judgment.answer))

    def merge(self, other: CloseUps) -> None:
        """Take the visits of another node."""
        for flip, costs in other.flips.values():
            for cost in costs:
                self._keep(flip, cost)

    def _keep(self, flip: Flip, cost: Cost) -> None:
        if flip.number not in self.flips:
            if len(self.flips) == FLIPS:
                last = max(self.flips)
                if flip.number > last:
                    return
                del self.flips[last]
            self.flips[flip.number] = (flip, [])
        costs = self.flips[flip.number][1]
        insort(costs, cost)
        del costs[VISITS:]
