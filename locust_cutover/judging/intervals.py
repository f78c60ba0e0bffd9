"""Counts of visits per interval of time and kind, in bounded memory however long the phase is."""

from __future__ import annotations

from collections.abc import Iterator

from locust_cutover.judging.visit import KINDS, Kind

FINEST = 1_000_000
"""The width of an interval at first, in nanoseconds."""

MOST = 512
"""Intervals, from the first to the last, beyond which the width doubles."""

_PLACE = {kind: place for place, kind in enumerate(KINDS)}


class Intervals:
    """Visits by the interval in which their answer came.

    Interval n is [n × width, (n + 1) × width) of CLOCK_MONOTONIC. The width is FINEST × 2^k for all nodes, so
    that an interval of one node is a whole number of those of another and they add up exactly.
    """

    def __init__(self) -> None:
        self.width = FINEST
        self._counts: dict[int, list[int]] = {}
        self._first = self._last = 0

    @classmethod
    def of(cls, width: int, counts: dict[int, list[int]]) -> Intervals:
        """The counts of each kind by number of the interval, the first and the last less than MOST apart."""
        intervals = cls()
        intervals.width = width
        intervals._counts = counts
        if counts:
            intervals._first, intervals._last = min(counts), max(counts)
        return intervals

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Intervals) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment] # it changes

    def add(self, received: int, kind: Kind) -> None:
        """Count one visit."""
        number = received // self.width
        counts = self._counts.get(number)
        if counts is None:
            counts = self._begin(number)
        counts[_PLACE[kind]] += 1

    def merge(self, other: Intervals) -> None:
        """Add the counts of another node."""
        while self.width < other.width:
            self._coarsen()
        for number, counts in other._counts.items():
            mine = self._counts.get(number * other.width // self.width)
            if mine is None:
                mine = self._begin(number * other.width // self.width)
            # It may have become wider just now; the list of counts goes on to be that interval's.
            for place, count in enumerate(counts):
                mine[place] += count

    def rows(self) -> Iterator[tuple[int, dict[Kind, int]]]:
        """(its beginning in nanoseconds, count of each kind seen) of every interval that has visits, in order."""
        for number, counts in sorted(self._counts.items()):
            yield number * self.width, {kind: count for kind, count in zip(KINDS, counts, strict=True) if count}

    def _begin(self, number: int) -> list[int]:
        """Add the interval `number` of the present width; returns the counts it goes by, then or coarser."""
        if not self._counts:
            self._first = self._last = number
        self._first, self._last = min(self._first, number), max(self._last, number)
        counts = self._counts[number] = [0] * len(KINDS)
        while self._last - self._first >= MOST:
            number //= 2
            self._coarsen()
            counts = self._counts[number]
        return counts

    def _coarsen(self) -> None:
        """Double the width."""
        self.width *= 2
        self._first //= 2
        self._last //= 2
        finer, self._counts = self._counts, {}
        for number, counts in finer.items():
            mine = self._counts.setdefault(number // 2, counts)
            if mine is not counts:
                for place, count in enumerate(counts):
                    mine[place] += count
