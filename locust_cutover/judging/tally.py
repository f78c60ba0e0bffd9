"""The tally: what the judged visits add up to, per phase and per flip; tallies of several nodes add up, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.strip import Strip
from locust_cutover.judging.timeline import Flip
from locust_cutover.visit import Kind, Visit

PER_FLIP: tuple[Kind, ...] = ("lost", "torn", "stale")
"""The kinds that are counted for each flip, after its visits."""


class Tally:
    """Counts of visits; `flips` holds only what was counted since the tally was taken."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[int, Kind, str]] = Counter()
        self.unexplained: Counter[tuple[int, Kind]] = Counter()
        """Faults that no flip explains, by phase."""
        self.longest_stale: dict[int, int] = {}
        """The greatest age of a stale visit, in nanoseconds, by phase."""
        self.convergence: dict[int, int] = {}
        """The longest time after a flip at which a visitor still got the release before, in nanoseconds, by phase."""
        self.latest_calm: dict[int, int] = {}
        """When the last visit with marks was sent that overlapped no cutover, by phase; only such can be stale."""
        self.flips: dict[tuple[int, int], tuple[Flip, list[int]]] = {}
        """By phase and flip: the flip, and its visits, lost, torn and stale ones."""
        self.strips: dict[int, Strip] = {}
        """By phase."""

    def add(self, visit: Visit, judgment: Judgment) -> None:
        """Count one judged visit."""
        phase, kind = visit.phase, judgment.kind
        self.answers[phase, kind, judgment.answer] += 1
        strip = self.strips.get(phase)
        if strip is None:
            strip = self.strips[phase] = Strip()
        strip.add(visit, judgment)
        if kind == "stale":
            self.longest_stale[phase] = max(self.longest_stale.get(phase, 0), judgment.age)
            late = judgment.age + visit.received - visit.sent
            self.convergence[phase] = max(self.convergence.get(phase, 0), late)
        if kind in PER_FLIP and not judgment.at_flip:
            self.unexplained[phase, kind] += 1
        if judgment.flip is None:
            if visit.due and visit.sent > self.latest_calm.get(phase, 0):
                self.latest_calm[phase] = visit.sent
        else:
            counts = self._counts(judgment.flip)
            counts[0] += 1
            if kind in PER_FLIP:
                counts[1 + PER_FLIP.index(kind)] += 1

    def merge(self, other: Tally) -> None:
        """Add the counts of another tally, but for those of its flips."""
        self.answers.update(other.answers)
        self.unexplained.update(other.unexplained)
        for mine, theirs in (
            (self.longest_stale, other.longest_stale),
            (self.convergence, other.convergence),
            (self.latest_calm, other.latest_calm),
        ):
            for phase, value in theirs.items():
                mine[phase] = max(mine.get(phase, 0), value)
        for phase, strip in other.strips.items():
            self.strips.setdefault(phase, Strip()).merge(strip)

    def keep_harmless(self, phases: Collection[int], horizon: int) -> Tally:
        """Take the harmless flips of `phases` out; returns a tally with those that can still do harm.

        No visit that was sent before `horizon` is left to be judged.
        """
        kept = Tally()
        for key, (flip, counts) in list(self.flips.items()):
            if key[0] in phases and not any(counts[1:]):
                del self.flips[key]
                if flip.completed >= horizon:
                    kept.flips[key] = (flip, counts)
        return kept

    def visits(self, phase: int, *kinds: Kind) -> int:
        """How many visits of the phase are of one of the kinds; of any kind when none is named."""
        return sum(
            count for (index, kind, _), count in self.answers.items() if index == phase and (not kinds or kind in kinds)
        )

    def of_phase(self, phase: int) -> list[tuple[Kind, str, int]]:
        """(kind, answer, count) of a phase, the most frequent first."""
        rows = [(kind, answer, count) for (index, kind, answer), count in self.answers.items() if index == phase]
        return sorted(rows, key=lambda row: (-row[2], row[0], row[1]))

    def to_message(self) -> dict[str, Any]:
        """In types that travel between nodes."""
        return {
            "answers": [[*key, count] for key, count in self.answers.items()],
            "unexplained": [[*key, count] for key, count in self.unexplained.items()],
            "longest_stale": list(self.longest_stale.items()),
            "convergence": list(self.convergence.items()),
            "latest_calm": list(self.latest_calm.items()),
            "flips": [[list(flip), counts] for flip, counts in self.flips.values()],
            "strips": [[phase, strip.to_message()] for phase, strip in self.strips.items()],
        }

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> Tally:
        """The tally that `to_message` wrote."""
        tally = cls()
        for phase, kind, answer, count in message["answers"]:
            tally.answers[phase, kind, answer] = count
        for phase, kind, count in message["unexplained"]:
            tally.unexplained[phase, kind] = count
        tally.longest_stale = dict(message["longest_stale"])
        tally.convergence = dict(message["convergence"])
        tally.latest_calm = dict(message["latest_calm"])
        for values, counts in message["flips"]:
            flip = Flip(*values)
            tally.flips[flip.phase, flip.number] = (flip, counts)
        tally.strips = {phase: Strip.from_message(strip) for phase, strip in message["strips"]}
        return tally

    def _counts(self, flip: Flip) -> list[int]:
        key = (flip.phase, flip.number)
        if key not in self.flips:
            self.flips[key] = (flip, [0] * (1 + len(PER_FLIP)))
        return self.flips[key][1]
