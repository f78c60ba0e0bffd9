"""The table of flips: each one with its times and the visits it cost, small enough for a run of days."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from locust_cutover.judging.tally import PER_FLIP
from locust_cutover.judging.timeline import Flip
from locust_cutover.visit import Kind

NEWEST = 500
"""Harmful flips that are always at hand; Locust's web UI shows no more rows either."""


class Row(NamedTuple):
    """A flip and its counts: `visits` overlapped its cutover or were made stale by it."""

    flip: Flip
    visits: int
    lost: int
    torn: int
    stale: int

    def count(self, kind: Kind) -> int:
        """How many of its visits are of this kind."""
        return (self.lost, self.torn, self.stale)[PER_FLIP.index(kind)]

    @property
    def harmful(self) -> bool:
        """Whether it cost a visit of any kind."""
        return bool(self.lost or self.torn or self.stale)


class FlipTable:
    """The flips of one phase; `sparse`: only those that did harm, which is all one keeps of a million."""

    def __init__(self, phase: int, sparse: bool) -> None:
        self.sparse = sparse
        self.first_completed: int | None = None
        """When the first flip was over; None before."""
        self._phase = phase
        self._harmful: dict[int, tuple[Flip, list[int]]] = {}
        # All flips in columns, 50 bytes each; flip n is at n - 1.
        self._releases: list[str] = []
        self._release = array("H")
        self._invoked = array("q")
        self._completed = array("q")
        self._outcomes: dict[int, str] = {}
        self._counts = tuple(array("L") for _ in range(1 + len(PER_FLIP)))
        # Kept along with the counts, so that a verdict on a run under way costs nothing.
        self._harmed: Counter[Kind] = Counter()
        self._squares: Counter[Kind] = Counter()
        self._newest: list[int] = []  # a heap

    def add(self, flip: Flip) -> None:
        """Take the next flip of the phase."""
        if flip.number and self.first_completed is None:
            self.first_completed = flip.completed
        if self.sparse or flip.number == 0:
            return
        if flip.release not in self._releases:
            self._releases.append(flip.release)
        self._release.append(self._releases.index(flip.release))
        self._invoked.append(flip.invoked)
        self._completed.append(flip.completed)
        if not flip.ok:
            self._outcomes[flip.number] = flip.outcome
        for column in self._counts:
            column.append(0)

    def count(self, flip: Flip, counts: Sequence[int]) -> None:
        """Add to the counts of a flip: visits, lost, torn, stale."""
        if any(counts[1:]):
            self._note(flip.number, counts)
        if not self.sparse and 0 < flip.number <= len(self._invoked):
            for column, count in zip(self._counts, counts, strict=True):
                column[flip.number - 1] += count
        else:
            _, mine = self._harmful.setdefault(flip.number, (flip, [0] * len(self._counts)))
            for index, count in enumerate(counts):
                mine[index] += count

    def rows(self) -> Iterator[Row]:
        """All flips in order, or the harmful ones in order."""
        for index in range(len(self._invoked)):
            yield self._full_row(index)
        for _, (flip, counts) in sorted(self._harmful.items()):
            yield Row(flip, *counts)

    def newest_harmful(self) -> Iterator[Row]:
        """The last harmful flips, the newest first, at most `NEWEST`."""
        for number in sorted(self._newest, reverse=True):
            row = self._row(number)
            assert row is not None
            yield row

    def harmful(self, kind: Kind) -> int:
        """How many flips cost a visit of this kind; a repair is none of the phase's flips."""
        return self._harmed[kind]

    def sum_of_squares(self, kind: Kind) -> int:
        """Of the visits of this kind per flip; says whether they came in clusters."""
        return self._squares[kind]

    def _note(self, number: int, counts: Sequence[int]) -> None:
        """Keep the sums true: the flip of this number is about to get these counts, with harm among them."""
        before = self._row(number)
        for kind, count in zip(PER_FLIP, counts[1:], strict=True):
            if count:
                old = before.count(kind) if before else 0
                self._harmed[kind] += not old and number > 0
                self._squares[kind] += (old + count) ** 2 - old**2
        if not (before and before.harmful):
            heapq.heappush(self._newest, number)
            if len(self._newest) > NEWEST:
                heapq.heappop(self._newest)

    def _row(self, number: int) -> Row | None:
        if not self.sparse and 0 < number <= len(self._invoked):
            return self._full_row(number - 1)
        if number in self._harmful:
            flip, counts = self._harmful[number]
            return Row(flip, *counts)
        return None

    def _full_row(self, index: int) -> Row:
        number = index + 1
        flip = Flip(
            self._phase,
            number,
            self._releases[self._release[index]],
            self._invoked[index],
            self._completed[index],
            self._outcomes.get(number, "ok"),
        )
        return Row(flip, *(column[index] for column in self._counts))
