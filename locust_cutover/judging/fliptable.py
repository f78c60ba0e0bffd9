"""The table of flips: those of one phase with their times and tolls, small enough for a run of days."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from locust_cutover.judging.faults import FAULTS, Fault
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.toll import Toll

MOST = (1 << 32) - 1
"""Visits that can count for one flip: those of two days at twenty thousand a second."""

NEWEST = 500
"""Harmful flips that are always at hand; Locust's web UI shows no more rows either."""

LASTS = 10
"""The time that old pages came for, divided by this, is how long none must come before they are over."""

SHOWS_AFTER = tuple(fault for fault, definition in FAULTS.items() if definition.shows == "after")
"""The faults that show after a flip. The others could show only to a visit that met it."""

_PLACES = {fault: place for place, fault in enumerate(FAULTS)}


class Row(NamedTuple):
    """A flip and its counts: `visits` overlapped its cutover, or their fault came after it."""

    flip: Flip
    visits: int
    faults: tuple[int, ...]
    """In the order of FAULTS."""

    def count(self, fault: Fault) -> int:
        """How many of its visits show this fault."""
        return self.faults[_PLACES[fault]]

    @property
    def harmful(self) -> bool:
        """Whether it cost a visit by any fault."""
        return any(self.faults)


@dataclass(frozen=True)
class Convergence:
    """For how long after a flip visitors still got the release before it, in nanoseconds."""

    seen: int = 0
    """The longest time after which every visit got the new one; 0 where that was never seen."""
    unseen: int = 0
    """The longest time of the flips of which it was not seen; 0 without such a flip."""
    next_flip: bool = False
    """Whether the next flip came before it could be seen, and not the end of the phase."""


class FlipTable:
    """The flips of one phase, and the earlier ones that visits of this phase count for.

    `sparse`: times and faults are kept only of flips that did harm, since there are a million of the others.
    """

    def __init__(self, phase: int, sparse: bool) -> None:
        self.sparse = sparse
        self.probes = 0
        """Calm visits after a flip of the phase, whose marks could have shown the release before."""
        self._phase = phase
        self._flips = 0
        # All flips in columns, some fifty bytes each; flip n is at n - 1. A sparse table has only the second group.
        self._releases: list[str] = []
        self._release = array("H")
        self._invoked = array("q")
        self._completed = array("q")
        self._cpu = array("h")
        """-1 for none."""
        self._outcomes: dict[int, str] = {}
        self._faults = {fault: array("I") for fault in FAULTS}

        self._visits = array("I")
        self._fresh = array("q")
        self._tried = {fault: bytearray() for fault in FAULTS}
        """Whether this fault could have shown."""

        self._harmful: dict[int, tuple[Flip, list[int]]] = {}
        """Of a sparse table: the harmful flips and their faults."""
        self._others: dict[tuple[int, int], tuple[Flip, Toll]] = {}
        """Repairs, and flips of earlier phases, by phase and number."""
        self._old: dict[int, tuple[int, int, int]] = {}
        """Of a flip with faults after it: when it was completed, when the last such visit was sent and one received."""
        # Kept along with the counts, so that a verdict on a run under way costs little.
        self._harmed: Counter[Fault] = Counter()
        self._at: Counter[Fault] = Counter()
        self._after: Counter[Fault] = Counter()
        self._squares: Counter[Fault] = Counter()
        self._newest: list[int] = []  # a heap

    def add(self, flip: Flip) -> None:
        """Take the next flip of the phase; a repair is none."""
        if flip.number == 0:
            return
        self._flips = flip.number
        if self.sparse:
            return
        if flip.release not in self._releases:
            self._releases.append(flip.release)
        self._release.append(self._releases.index(flip.release))
        self._invoked.append(flip.invoked)
        self._completed.append(flip.completed)
        self._cpu.append(-1 if flip.cpu is None else flip.cpu)
        if not flip.ok:
            self._outcomes[flip.number] = flip.outcome
        for column in self._faults.values():
            column.append(0)
        self._grow(flip.number)

    @property
    def flips(self) -> int:
        """How many flips of the phase there are so far; they are numbered from 1."""
        return self._flips

    def has(self, flip: Flip) -> bool:
        """Whether it is one of the flips of the phase, as far as they are kept."""
        if flip.phase != self._phase or not 1 <= flip.number <= self._flips:
            return False
        return self.sparse or self._row(flip.number).flip == flip._replace(held="", opaque=False)

    def room(self, flip: Flip) -> int:
        """How many more visits can count for a flip."""
        own = flip.phase == self._phase and 1 <= flip.number <= len(self._visits)
        return MOST - self._visits[flip.number - 1] if own else MOST

    def take(self, tally: Tally) -> None:
        """Add the tolls that visits of this phase have in a tally, and the flips that they met."""
        for first, last in tally.met.get(self._phase, ()):
            self.meet(first, last)
        for (phase, _, _), (flip, toll) in tally.flips.items():
            if phase == self._phase:
                self.count(flip, toll)

    def meet(self, first: int, last: int) -> None:
        """A visit met the flips `first` to `last`."""
        self._grow(last)
        for fault, tried in self._tried.items():
            if fault not in SHOWS_AFTER:
                tried[first - 1 : last] = b"\1" * (last - first + 1)

    def count(self, flip: Flip, toll: Toll) -> None:
        """Add to the toll of a flip."""
        number = flip.number
        if flip.phase != self._phase or number == 0:
            self._others.setdefault((flip.phase, number), (flip, Toll()))[1].merge(toll)
            return
        self._grow(number)
        index = number - 1
        self.probes += toll.probes
        if toll.probes:
            for fault in SHOWS_AFTER:
                self._tried[fault][index] = 1
        self._fresh[index] = max(self._fresh[index], toll.fresh)
        if toll.old_sent:
            _, sent, received = self._old.get(number, (0, 0, 0))
            latest = max(sent, toll.old_sent), max(received, toll.old_received)
            self._old[number] = (flip.completed, *latest)
        if any(toll.faults):
            self._harm(flip, toll)
        self._visits[index] += toll.visits

    def rows(self) -> Iterator[Row]:
        """Flips of earlier phases, then all flips in order, or the harmful ones in order."""
        for flip, toll in self._rows_of_others():
            yield Row(flip, toll.visits, toll.faults)
        for number in sorted(self._harmful) if self.sparse else range(1, len(self._invoked) + 1):
            yield self._row(number)

    def newest_harmful(self) -> Iterator[Row]:
        """The last harmful flips, the newest first, at most `NEWEST`."""
        for number in sorted(self._newest, reverse=True):
            yield self._row(number)
        others = [Row(flip, toll.visits, toll.faults) for flip, toll in self._rows_of_others()]
        yield from [row for row in reversed(others) if row.harmful][: NEWEST - len(self._newest)]

    @property
    def met(self) -> int:
        """How many flips of the phase a visit met."""
        return next(tried.count(1) for fault, tried in self._tried.items() if fault not in SHOWS_AFTER)

    def tried(self, fault: Fault) -> int:
        """How many flips of the phase could have shown this fault to a visit."""
        return self._tried[fault].count(1)

    def harmful(self, fault: Fault) -> int:
        """How many flips of the phase cost a visit by this fault."""
        return self._harmed[fault]

    def harmful_others(self, fault: Fault) -> int:
        """How many repairs and flips of earlier phases cost a visit by this fault."""
        return sum(toll.faults[_PLACES[fault]] > 0 for _, toll in self._others.values())

    def at(self, fault: Fault) -> int:
        """How many of this fault there were at flips of the phase."""
        return self._at[fault]

    def shown(self, fault: Fault) -> int:
        """How many of this fault prove something of a flip of the phase: a positive control."""
        return (self._after if fault in SHOWS_AFTER else self._at)[fault]

    def sum_of_squares(self, fault: Fault) -> int:
        """The sum over flips of the squared counts of this fault; says whether faults came in clusters."""
        return self._squares[fault]

    @property
    def convergence(self) -> Convergence:
        """What is known of the flips after which a visit still got the release before, or a part of it.

        A flip has converged when calm visits before the next flip were still right some time after the last of these:
        at least a tenth as long after it as it came after the flip. A server that goes on to mix old pages with new
        ones gives a right answer at the end, too.
        """
        seen = unseen = 0
        next_flip = False
        old = [(*times, self._fresh[number - 1], number < self._flips) for number, times in self._old.items()] + [
            (flip.completed, toll.old_sent, toll.old_received, toll.fresh, self._flips > 0)
            for flip, toll in self._others.values()
            if toll.old_sent
        ]
        for completed, sent, received, fresh, followed in old:
            late = received - completed
            if fresh > sent + (sent - completed) // LASTS:
                seen = max(seen, late)
            else:  # of two that took as long, the same one in whatever order they were reported
                unseen, next_flip = max((unseen, next_flip), (late, followed))
        return Convergence(seen, unseen, next_flip)

    def _harm(self, flip: Flip, toll: Toll) -> None:
        """Add the faults of a toll, and keep the sums true."""
        number, faults = flip.number, toll.faults
        before = self._faults_of(number)
        if not any(before):
            heapq.heappush(self._newest, number)
            if len(self._newest) > NEWEST:
                heapq.heappop(self._newest)
        for place, fault in enumerate(FAULTS):
            old, count = before[place], faults[place]
            if not count:
                continue
            self._tried[fault][number - 1] = 1
            self._harmed[fault] += not old
            self._squares[fault] += (old + count) ** 2 - old**2
            self._at[fault] += toll.at[place]
            self._after[fault] += toll.after[place]
            if self.sparse:
                self._harmful.setdefault(number, (flip, [0] * len(FAULTS)))[1][place] += count
            else:
                self._faults[fault][number - 1] += count

    def _grow(self, number: int) -> None:
        """Make room up to the flip of this number."""
        more = number - len(self._visits)
        if more > 0:
            self._visits.frombytes(bytes(more * self._visits.itemsize))
            self._fresh.frombytes(bytes(more * self._fresh.itemsize))
            for tried in self._tried.values():
                tried.extend(bytes(more))

    def _faults_of(self, number: int) -> Sequence[int]:
        if not self.sparse:
            return [column[number - 1] for column in self._faults.values()]
        return self._harmful[number][1] if number in self._harmful else [0] * len(FAULTS)

    def _rows_of_others(self) -> Iterator[tuple[Flip, Toll]]:
        """Those with a visit that counts for them, in order."""
        return (entry for _, entry in sorted(self._others.items(), key=lambda item: item[0]) if entry[1].visits)

    def _row(self, number: int) -> Row:
        index = number - 1
        if self.sparse:
            flip = self._harmful[number][0]
        else:
            cpu = self._cpu[index]
            flip = Flip(
                self._phase,
                number,
                self._releases[self._release[index]],
                self._invoked[index],
                self._completed[index],
                self._outcomes.get(number, "ok"),
                cpu=None if cpu < 0 else cpu,
            )
        return Row(flip, self._visits[index], tuple(self._faults_of(number)))
