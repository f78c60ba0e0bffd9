"""The strip of a phase: its answers over time, its response times, and some visits one by one."""

from __future__ import annotations

from dataclasses import dataclass, field

from locust_cutover.judging.closeup import CloseUps
from locust_cutover.judging.histogram import Histogram
from locust_cutover.judging.intervals import Intervals
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.visit import Visit


@dataclass
class Strip:
    """As much of the visits of one phase as can be drawn; its size does not grow with their number."""

    intervals: Intervals = field(default_factory=Intervals)
    times: Histogram = field(default_factory=Histogram)
    """Response times, of every kind of answer."""
    closeups: CloseUps = field(default_factory=CloseUps)

    def add(self, visit: Visit, judgment: Judgment) -> None:
        """Count one judged visit."""
        self.intervals.add(visit.received, judgment.kind)
        self.times.add(visit.received - visit.sent)
        if judgment.kind != "ok":
            self.closeups.add(visit, judgment)

    def merge(self, other: Strip) -> None:
        """Add the strip of another node."""
        self.intervals.merge(other.intervals)
        self.times.update(other.times)
        self.closeups.merge(other.closeups)
