"""When flips are due: flip k at a random moment of its interval, so that no load keeps step with the flips."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

APART = 10
"""Two flips are at least an interval divided by this apart: a tenth of it."""


def draw_seed() -> int:
    """A seed short enough to type; does not disturb other random numbers of this process."""
    return int.from_bytes(os.urandom(4))


@dataclass
class Schedule:
    """Times in nanoseconds of one clock; `every` 0 means as fast as possible.

    It ends after `flips` flips or, whichever comes first, `length` after the start; with neither, never.
    `jitter` and `random` are those of `moments`. A late flip delays no other.
    """

    start: int
    every: int
    flips: int | None = None
    length: int | None = None
    jitter: float = 0.0
    random: Random = field(default_factory=Random)
    _moments: Iterator[int] = field(init=False, repr=False)
    _drawn: int = field(init=False, repr=False, default=0)
    _moment: int = field(init=False, repr=False, default=0)
    """The last one that was drawn."""

    def __post_init__(self) -> None:
        self._moments = moments(self.every, self.jitter, self.random)

    def due(self, k: int, now: int) -> int | None:
        """When flip `k`, counted from 0, is due; None when the schedule has no such flip.

        With jitter it must be asked for the flips in order. Without an interval a flip is due whenever the one
        before it is done, which is `now`.
        """
        if self.flips is not None and k >= self.flips:
            return None
        due = self.start + self._after_start(k) if self.every else now
        if self.length is not None and due >= self.start + self.length:
            return None
        return due

    @property
    def end(self) -> int | None:
        """When it is over for lack of time; None when only a count or a stop ends it."""
        return None if self.length is None else self.start + self.length

    def again(self, start: int) -> Schedule:
        """The same from `start` on, with other random moments."""
        return replace(self, start=start)

    def _after_start(self, k: int) -> int:
        if not self.jitter:
            return k * self.every
        while self._drawn <= k:
            self._moment = next(self._moments)
            self._drawn += 1
        return self._moment


def moments(every: int, jitter: float, random: Random) -> Iterator[int]:
    """When each flip is due after the start: flip k at (k + jitter × u) × every, with u random in [0, 1).

    It is never closer than a tenth of `every` to the one before. It still lies within [k, k + 1) × every, since
    the one before lies before k × every.
    """
    apart = -(-every // APART)
    begin, moment = 0, -apart
    while True:
        # The least of the two: a product of floats may be rounded up to the whole interval.
        moment = max(begin + min(int(jitter * random.random() * every), every - 1), moment + apart)
        yield moment
        begin += every
