"""The toll of a flip: what the visits that count for it add up to."""

from __future__ import annotations

from dataclasses import dataclass, field

from locust_cutover.judging.judge import Judgment
from locust_cutover.visit import Kind, Visit

PER_FLIP: tuple[Kind, ...] = ("lost", "torn", "stale")
"""The kinds that are counted for each flip, after its visits."""


@dataclass(slots=True)
class Toll:
    """Counts of one flip on one node or on all; times in CLOCK_MONOTONIC nanoseconds."""

    visits: int = 0
    """Visits that overlapped its cutover, or whose fault came after it."""
    at: list[int] = field(default_factory=lambda: [0] * len(PER_FLIP))
    """Faults of visits that overlapped its cutover, in the order of PER_FLIP."""
    after: list[int] = field(default_factory=lambda: [0] * len(PER_FLIP))
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
        if judgment.kind in PER_FLIP:
            counts = self.at if judgment.place == "at" else self.after
            counts[PER_FLIP.index(judgment.kind)] += 1
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
        self.at = [mine + theirs for mine, theirs in zip(self.at, other.at, strict=True)]
        self.after = [mine + theirs for mine, theirs in zip(self.after, other.after, strict=True)]
        self.probes += other.probes
        self.fresh = max(self.fresh, other.fresh)
        self.old_sent = max(self.old_sent, other.old_sent)
        self.old_received = max(self.old_received, other.old_received)

    @property
    def faults(self) -> list[int]:
        """Faults at it and after it, in the order of PER_FLIP."""
        return [at + after for at, after in zip(self.at, self.after, strict=True)]

    def to_message(self) -> list[object]:
        """In types that travel between nodes."""
        return [self.visits, self.at, self.after, self.probes, self.fresh, self.old_sent, self.old_received]
