"""When flips are due: flip k at start + k × every, so that a late flip delays no other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Times in nanoseconds of one clock; `every` 0 means as fast as possible.

    It ends after `flips` flips or, whichever comes first, `length` after the start; with neither, never.
    """

    start: int
    every: int
    flips: int | None = None
    length: int | None = None

    def due(self, k: int, now: int) -> int | None:
        """When flip `k`, counted from 0, is due; None when the schedule has no such flip.

        Without an interval a flip is due whenever the one before it is done, which is `now`.
        """
        if self.flips is not None and k >= self.flips:
            return None
        due = self.start + k * self.every if self.every else now
        if self.length is not None and due >= self.start + self.length:
            return None
        return due

    @property
    def end(self) -> int | None:
        """When it is over for lack of time; None when only a count or a stop ends it."""
        return None if self.length is None else self.start + self.length
