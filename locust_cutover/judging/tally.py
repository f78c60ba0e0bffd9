"""The tally: what the judged visits add up to, per phase and per flip; tallies of several nodes add up, too."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from locust_cutover.judging.answers import NAMES, counted_as
from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.histogram import Histogram
from locust_cutover.judging.judge import Judgment, Place
from locust_cutover.judging.strip import Strip
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.toll import Toll
from locust_cutover.judging.visit import Kind, Visit

Key = tuple[int, int, int]
"""The phase of the visits, the phase of the flip and its number."""


class Tally:
    """Counts of visits; `flips` and `met` hold only what was counted since the tally was taken."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[int, Kind, str]] = Counter()
        self.places: Counter[tuple[int, Kind, Place]] = Counter()
        """Faults at a flip, after a flip and at none, by phase."""
        self.calm: Counter[tuple[int, Kind]] = Counter()
        """Visits that overlapped no cutover, by phase and kind."""
        self.meetings: Counter[int] = Counter()
        """Visits that overlapped a cutover of their own phase, by phase."""
        self.longest_stale: dict[int, int] = {}
        """The greatest age of a stale visit, in nanoseconds, by phase."""
        self.flips: dict[Key, tuple[Flip, Toll]] = {}
        self.met: dict[int, list[tuple[int, int]]] = {}
        """By phase the flips that a visit met, as ranges of their numbers, both ends included."""
        self.spacings: dict[int, Histogram] = {}
        """By phase: how long after the visit before it on the same node each visit began."""
        self.strips: dict[int, Strip] = {}
        """By phase."""

    def add(self, visit: Visit, judgment: Judgment) -> None:
        """Count one judged visit."""
        if judgment.answer not in NAMES:
            judgment = judgment._replace(answer=counted_as(judgment.answer))
        phase, kind = visit.phase, judgment.kind
        self.answers[phase, kind, judgment.answer] += 1
        strip = self.strips.get(phase)
        if strip is None:
            strip = self.strips[phase] = Strip()
            self.spacings[phase] = Histogram()
        strip.add(visit, judgment)
        if visit.apart:
            self.spacings[phase].add(visit.apart)
        if kind in FAULTS:
            self.places[phase, kind, judgment.place] += 1
            if kind == "stale":
                self.longest_stale[phase] = max(self.longest_stale.get(phase, 0), judgment.age)
        if judgment.calm:
            self.calm[phase, kind] += 1
        if judgment.met is not None:
            self.meetings[phase] += 1
            self._meet(phase, *judgment.met)
        if judgment.flip is not None:
            self._toll(phase, judgment.flip).add(visit, judgment)
        if judgment.after is not None:
            self._toll(phase, judgment.after).probe(visit, judgment)

    def merge(self, other: Tally) -> None:
        """Add the counts of another tally, but for those of its flips."""
        self.answers.update(other.answers)
        self.places.update(other.places)
        self.calm.update(other.calm)
        self.meetings.update(other.meetings)
        for phase, age in other.longest_stale.items():
            self.longest_stale[phase] = max(self.longest_stale.get(phase, 0), age)
        for phase, spacing in other.spacings.items():
            self.spacings.setdefault(phase, Histogram()).update(spacing)
        for phase, strip in other.strips.items():
            self.strips.setdefault(phase, Strip()).merge(strip)

    def visits(self, phase: int, *kinds: Kind) -> int:
        """How many visits of the phase are of one of the kinds; of any kind when none is named."""
        return sum(
            count for (index, kind, _), count in self.answers.items() if index == phase and (not kinds or kind in kinds)
        )

    def of_phase(self, phase: int) -> list[tuple[Kind, str, int]]:
        """(kind, answer, count) of a phase, the most frequent first."""
        rows = [(kind, answer, count) for (index, kind, answer), count in self.answers.items() if index == phase]
        return sorted(rows, key=lambda row: (-row[2], row[0], row[1]))

    def _toll(self, phase: int, flip: Flip) -> Toll:
        key = (phase, flip.phase, flip.number)
        found = self.flips.get(key)
        if found is None:
            found = self.flips[key] = (flip, Toll())
        return found[1]

    def _meet(self, phase: int, first: int, last: int) -> None:
        """Add the flips `first` to `last`; in any order, since a history is judged file by file."""
        ranges = self.met.setdefault(phase, [])
        # The ranges are apart and in order: of those that begin earlier only the last one can touch this one.
        begin = bisect_left(ranges, (first,))
        if begin and ranges[begin - 1][1] >= first - 1:
            begin -= 1
        end = bisect_left(ranges, (last + 2,))
        if begin < end:
            first, last = min(first, ranges[begin][0]), max(last, ranges[end - 1][1])
        ranges[begin:end] = [(first, last)]
