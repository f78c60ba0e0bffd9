"""One cell of the table: a way to switch on a server, the scenario that measures it and the numbers that come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from matrix.ways import Way

RARE, FREQUENT = "rare", "frequent"
"""The phases. Few flips show for how long an old page is served, many how seldom a fault is."""

RARE_FLIPS = 2

RARE_EVERY = 1.5
"""Seconds between the rare flips: PHP trusts its caches for longer than all of them."""

SECONDS = 4
"""How long the frequent flips go on."""

USERS = 10

Class = Literal["clean", "stale", "torn", "lost", "nothing flips", "not measured"]
"""The worst that visitors met, or why that is not known."""


@dataclass(frozen=True)
class Cell:
    """A way to switch and the name of a server."""

    way: Way
    server: str

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.server}-{self.way.name}"

    def scenario(self) -> dict[str, Any]:
        """What is run. Three releases, so that one that is stale twice over is not current again."""
        strategy = {"strategy": self.way.strategy}
        return {
            "description": f"{self.way.label} on {self.server}",
            "site": {"server": self.server, "releases": ["a", "b", "c"]},
            "load": {"users": USERS, "spawn_rate": USERS},
            "phases": [
                # First, while the server remembers nothing yet.
                {"name": RARE, **strategy, "every": f"{RARE_EVERY}s", "flips": RARE_FLIPS},
                {"name": FREQUENT, **strategy, "every": self.way.every, "duration": f"{SECONDS}s"},
            ],
        }


@dataclass(frozen=True)
class Measured:
    """What a cell's run has shown; `trouble` says why a cell has nothing to show."""

    way: str
    label: str
    server: str
    version: str = ""
    verdict: str = "not measured"
    trouble: str = ""
    visits: int = 0
    flips: int = 0
    """The frequent ones, as are all the numbers but for those of the stale ones."""
    failed_flips: int = 0
    lost: int = 0
    torn: int = 0
    outage_us: float | None = None
    outage_us_lower95: float | None = None
    outage_us_upper95: float | None = None
    stale: int = 0
    """In both phases."""
    rare_visits: int = 0
    rare_stale: int = 0
    longest_stale_s: float = 0.0
    """In the phase with the rare flips: with the frequent ones an old release is soon the current one again."""
    rare_lost: int = 0
    rare_torn: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    """The answers that were not ok, by name, of both phases."""

    @property
    def worst(self) -> Class:
        """The worst that visitors met."""
        if self.verdict == "not measured":
            return "not measured"
        if self.flips and self.failed_flips == self.flips:
            return "nothing flips"
        if self.lost or self.rare_lost:
            return "lost"
        if self.torn or self.rare_torn:
            return "torn"
        return "stale" if self.stale else "clean"

    @property
    def lost_per_1000_flips(self) -> float:
        """Lost requests per 1,000 flips, at the rate of this run."""
        return 1000 * self.lost / self.flips if self.flips else 0.0

    @property
    def torn_share(self) -> float:
        """Of the pages while there were frequent flips, 0 to 1."""
        return self.torn / self.visits if self.visits else 0.0

    @property
    def is_stale_to_the_end(self) -> bool:
        """Whether the old page was served until nobody looked any more."""
        return self.longest_stale_s > 0.9 * RARE_EVERY * RARE_FLIPS


def measured(cell: Cell, verdict: Mapping[str, Any]) -> Measured:
    """The numbers of the cell from the PREFIX_verdict.json of its run; of one that was cut short only why."""
    if trouble := verdict.get("trouble"):
        return not_measured(cell, trouble)  # it never began
    rare, frequent = verdict["phases"]
    for phase in (rare, frequent):
        failed = phase["failed_flips"] > 0
        if not phase["visits"] or not phase["flips"] or (phase["troubles"] and not failed):
            return not_measured(cell, "; ".join(phase["troubles"]) or "no visit or no flip")
    observed = {phase["name"]: _observed(phase) for phase in (rare, frequent)}
    outage = frequent["outage_us"] or {}
    answers: dict[str, int] = {}
    for phase in (rare, frequent):
        for answer in phase["answers"]:
            if answer["kind"] != "ok":
                name = answer["kind"] if answer["kind"] in ("torn", "stale") else answer["answer"]
                answers[name] = answers.get(name, 0) + answer["count"]
    return Measured(
        way=cell.way.name,
        label=cell.way.label,
        server=cell.server,
        version=verdict["server"],
        verdict=verdict["verdict"],
        trouble="; ".join(frequent["troubles"] or rare["troubles"]),
        visits=frequent["visits"],
        flips=frequent["flips"],
        failed_flips=frequent["failed_flips"],
        lost=observed[FREQUENT]["lost"],
        torn=observed[FREQUENT]["torn"],
        outage_us=outage.get("us"),
        outage_us_lower95=outage.get("lower95"),
        outage_us_upper95=outage.get("upper95"),
        stale=observed[RARE]["stale"] + observed[FREQUENT]["stale"],
        rare_visits=rare["visits"],
        rare_stale=observed[RARE]["stale"],
        longest_stale_s=rare["longest_stale_ns"] / 1e9,
        rare_lost=observed[RARE]["lost"],
        rare_torn=observed[RARE]["torn"],
        answers=answers,
    )


def not_measured(cell: Cell, trouble: str) -> Measured:
    """The cell has no run to show."""
    return Measured(cell.way.name, cell.way.label, cell.server, trouble=trouble)


def _observed(phase: Mapping[str, Any]) -> dict[str, int]:
    return {fault: expectation["observed"] for fault, expectation in phase["expectations"].items()}
