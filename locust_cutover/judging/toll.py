"""The toll of a flip: what the visits that count for it add up to."""

from __future__ import annotations

from dataclasses import dataclass

from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.visit import Visit

NO_FAULTS = (0,) * len(FAULTS)


@dataclass(slots=True)
class Toll:
    """Counts of one flip on one node or on all; times in CLOCK_MONOTONIC nanoseconds."""

    visits: int = 0
    """Visits that overlapped its cutover, or whose fault came after it."""
    at: tuple[int, ...] = NO_FAULTS
    """Faults of visits that overlapped its cutover, in the order of FAULTS."""
    after: tuple[int, ...] = NO_FAULTS
    """Faults that came after it."""
    probes: int = 0
    """Calm visits after it and before the next flip, whose marks could have shown the release before."""
    fresh: int = 0
    """When the last of these was sent that was right; 0 without one."""
    old_sent: int = 0
    """When the last visit was sent whose answer, or a part of it, this flip had replaced; 0 without one."""
    old_received: int = 0
    """When the last of them was received."""

    def add(self, visit: Visit, judgment: Judgment) -> None:
        """Count a visit that counts for the flip."""
        self.visits += 1
        if judgment.kind in FAULTS:
            one = tuple(int(kind == judgment.kind) for kind in FAULTS)
            if judgment.place == "at":
                self.at = _sum(self.at, one)
            else:
                self.after = _sum(self.after, one)
        if judgment.place == "after":
            self.old_sent = max(self.old_sent, visit.sent)
            self.old_received = max(self.old_received, visit.received)

    def probe(self, visit: Visit, judgment: Judgment) -> None:
        """Count a calm visit after the flip, whatever it showed."""
        self.probes += 1
        if judgment.kind == "ok":
            self.fresh = max(self.fresh, visit.sent)

    def merge(self, other: Toll) -> None:
        """Add the counts of another node, or of later visits."""
        self.visits += other.visits
        self.at = _sum(self.at, other.at)
        self.after = _sum(self.after, other.after)
        self.probes += other.probes
        self.fresh = max(self.fresh, other.fresh)
        self.old_sent = max(self.old_sent, other.old_sent)
        self.old_received = max(self.old_received, other.old_received)

    @property
    def faults(self) -> tuple[int, ...]:
        """Faults at it and after it, in the order of FAULTS."""
        return _sum(self.at, self.after)


def _sum(counts: tuple[int, ...], others: tuple[int, ...]) -> tuple[int, ...]:
    if others == NO_FAULTS:  # nearly always
        return counts
    return tuple(mine + theirs for mine, theirs in zip(counts, others, strict=True))
