"""One round of a cell: what one run has shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from locust_cutover.judging.faults import FAULTS, Fault
from matrix.cell import FREQUENT, RARE

Class = str
"""One of CLASSES."""

CLASSES: tuple[Class, ...] = (*FAULTS, "nothing flips", "not measured", "inconclusive", "clean")
"""The worst that visitors met, or why that is not known; the worst first."""


@dataclass(frozen=True)
class Round:
    """The numbers of one run; those of the frequent flips where nothing else is said."""

    version: str = ""
    """Of the server."""
    verdict: str = "not measured"
    trouble: str = ""
    """Why there is no result, or what is missing in it."""
    unseen: tuple[Fault, ...] = ()
    """Faults that could have been there without being seen."""
    visits: int = 0
    flips: int = 0
    failed_flips: int = 0
    lost: int = 0
    torn: int = 0
    lossy_flips: int = 0
    """Flips at which a request was lost."""
    tearing_flips: int = 0
    """Flips that a torn page is tied to."""
    outage_us: float | None = None
    outage_us_lower95: float | None = None
    outage_us_upper95: float | None = None
    stale: int = 0
    """In both phases."""
    rare_visits: int = 0
    rare_stale: int = 0
    looked_s: float = 0.0
    """How long the visitors went on after the rare flip."""
    longest_stale_s: float = 0.0
    """After the rare flip: with frequent flips an old release is soon the current one again."""
    rare_lost: int = 0
    rare_torn: int = 0
    answers: Mapping[str, int] = field(default_factory=dict)
    """The answers that were not ok, by name, of both phases."""
    further: Mapping[Fault, int] = field(default_factory=dict)
    """How often each fault of FURTHER was seen, in both phases."""

    def number(self, name: str) -> float | None:
        """The number of this name; None when the round has none."""
        found: float | None = self.further.get(name, 0) if name in FURTHER else getattr(self, name)
        return found

    @property
    def worst(self) -> Class:
        """A fault that was seen counts, whatever is not known; a round is clean only when that is proven."""
        if self.verdict == "not measured":
            return "not measured"
        if self.flips and self.failed_flips == self.flips:
            return "nothing flips"
        for fault in FAULTS:
            if self.number(fault) or getattr(self, f"rare_{fault}", 0):
                return fault
        return "inconclusive" if self.unseen else "clean"

    @property
    def lost_per_1000_flips(self) -> float:
        """Lost requests per 1,000 flips, at the rate of this run."""
        return 1000 * self.lost / self.flips if self.flips else 0.0

    @property
    def torn_share(self) -> float:
        """Of the pages while there were frequent flips, 0 to 1."""
        return self.torn / self.visits if self.visits else 0.0


FURTHER = tuple(fault for fault in FAULTS if fault not in Round.__dataclass_fields__)
"""The faults that have no numbers of their own in a round, but one count each."""


def not_measured(trouble: str) -> Round:
    """There is no run to show."""
    return Round(trouble=trouble)


def measured(verdict: Mapping[str, Any]) -> Round:
    """The numbers from the PREFIX_verdict.json of a run; of one that was cut short only why."""
    if trouble := verdict.get("trouble"):
        return not_measured(trouble)  # it never began
    rare, frequent = verdict["phases"]
    for phase in (rare, frequent):
        if phase["trouble"]:  # it ended before its time, or its counts are not whole
            return not_measured(phase["trouble"])
        if not phase["visits"] or not phase["flips"]:
            return not_measured("; ".join(phase["troubles"]))
    seen = {phase["name"]: _observed(phase, "observed") for phase in (rare, frequent)}
    harmful = _observed(frequent, "harmful_flips")
    outage = frequent["outage_us"] or {}
    return Round(
        version=verdict["server"],
        verdict=verdict["verdict"],
        trouble="; ".join(frequent["troubles"] or rare["troubles"]),
        unseen=_unseen(rare, frequent),
        visits=frequent["visits"],
        flips=frequent["flips"],
        failed_flips=frequent["failed_flips"],
        lost=seen[FREQUENT]["lost"],
        torn=seen[FREQUENT]["torn"],
        lossy_flips=harmful["lost"],
        tearing_flips=harmful["torn"],
        outage_us=outage.get("us"),
        outage_us_lower95=outage.get("lower95"),
        outage_us_upper95=outage.get("upper95"),
        stale=seen[RARE]["stale"] + seen[FREQUENT]["stale"],
        rare_visits=rare["visits"],
        rare_stale=seen[RARE]["stale"],
        looked_s=rare["every_ns"] * rare["flips"] / 1e9,
        longest_stale_s=rare["longest_stale_ns"] / 1e9,
        rare_lost=seen[RARE]["lost"],
        rare_torn=seen[RARE]["torn"],
        answers=_faults(rare, frequent),
        further={fault: seen[RARE][fault] + seen[FREQUENT][fault] for fault in FURTHER},
    )


def _observed(phase: Mapping[str, Any], number: str) -> dict[str, int]:
    return {fault: expectation[number] for fault, expectation in phase["expectations"].items()}


def _unseen(rare: Mapping[str, Any], frequent: Mapping[str, Any]) -> tuple[Fault, ...]:
    """The faults that no phase held against. A lost request is looked for at many flips; the others may also last."""

    def is_held(phase: Mapping[str, Any], fault: Fault) -> bool:
        return bool(phase["expectations"][fault]["verdict"] == "held")

    return tuple(
        fault for fault in FAULTS if not is_held(frequent, fault) and not (fault != "lost" and is_held(rare, fault))
    )


def _faults(*phases: Mapping[str, Any]) -> dict[str, int]:
    """The answers that were not ok, by the name of the fault where the status hides it."""
    answers: dict[str, int] = {}
    for phase in phases:
        for answer in phase["answers"]:
            if answer["kind"] != "ok":
                kind = answer["kind"]
                name = kind if kind in FAULTS and FAULTS[kind].needs_mark else answer["answer"]
                answers[name] = answers.get(name, 0) + answer["count"]
    return answers
