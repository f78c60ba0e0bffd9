"""The result of a cell: all of its rounds together, and how far they differ."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matrix.cell import Cell
from matrix.round import CLASSES, FURTHER, Class, Round

SUMS = (
    "visits",
    "flips",
    "failed_flips",
    "lost",
    "torn",
    "lossy_flips",
    "tearing_flips",
    "stale",
    "rare_visits",
    "rare_stale",
    "rare_lost",
    "rare_torn",
    *FURTHER,
)
"""Numbers that add up."""

MEDIANS = ("outage_us", "outage_us_lower95", "outage_us_upper95")
"""Estimates. The median of the bounds of several rounds is a bound, too, and wider than it need be."""

LONGEST = ("looked_s", "longest_stale_s")
"""Times of which the longest counts."""

RATES = {"lost_per_1000_flips": ("lost", "flips", 1000), "torn_share": ("torn", "visits", 1)}
"""Ratios of sums: of which, and how many times."""

VERDICTS = ("violated", "not measured", "inconclusive", "held")
"""The worst first."""


@dataclass(frozen=True)
class CellResult:
    """A cell and its rounds, in their order."""

    cell: Cell
    rounds: tuple[Round, ...]

    @property
    def measured(self) -> list[Round]:
        """The rounds that have numbers."""
        return [one for one in self.rounds if one.worst != "not measured"]

    @property
    def version(self) -> str:
        """Of the server."""
        return next((one.version for one in self.measured), "")

    @property
    def classes(self) -> list[Class]:
        """What each round showed."""
        return [one.worst for one in self.rounds]

    @property
    def verdicts(self) -> list[str]:
        """Of each round."""
        return [one.verdict for one in self.rounds]

    @property
    def colour(self) -> Class:
        """The worst that a round showed."""
        return min(self.classes, key=CLASSES.index)

    @property
    def is_certain(self) -> bool:
        """Whether all rounds showed the same."""
        return len(set(self.classes)) == 1

    @property
    def worst(self) -> str:
        """What all rounds showed, or the worst of them and in how many it was: `lost in 2 of 3`."""
        return _together(self.classes, CLASSES)

    @property
    def verdict(self) -> str:
        """That of all rounds, or the worst of them and in how many it was."""
        return _together(self.verdicts, VERDICTS)

    @property
    def trouble(self) -> str:
        """Of the first round of the worst class that has one, or of any."""
        rounds = sorted(self.rounds, key=lambda one: one.worst != self.colour)
        return next((one.trouble for one in rounds if one.trouble), "")

    @property
    def answers(self) -> dict[str, int]:
        """The answers that were not ok, of all rounds."""
        return dict(sum((Counter(one.answers) for one in self.rounds), Counter[str]()))

    def number(self, name: str) -> float | None:
        """A number over all rounds together; None when no round has it."""
        if name in RATES:
            part, whole, times = RATES[name]
            return times * (self.number(part) or 0) / whole_number if (whole_number := self.number(whole)) else None
        values = self._values(name)
        if not values:
            return None
        if name in SUMS:
            return sum(values)
        return statistics.median(values) if name in MEDIANS else max(values)

    def least(self, name: str) -> float | None:
        """The number of the round in which it was least; None when no round has it."""
        return min(self._values(name), default=None)

    def greatest(self, name: str) -> float | None:
        """The number of the round in which it was greatest; None when no round has it."""
        return max(self._values(name), default=None)

    def _values(self, name: str) -> list[float]:
        return [value for one in self.measured if (value := one.number(name)) is not None]


def _together(words: Sequence[str], order: Sequence[str]) -> str:
    worst = min(words, key=order.index)
    count = words.count(worst)
    return worst if count == len(words) else f"{worst} in {count} of {len(words)}"
