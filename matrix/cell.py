"""One cell of the table: a strategy on a server, and the scenario that each of its rounds plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matrix.strategies import Strategy

RARE, FREQUENT = "rare", "frequent"
"""The phases. One flip shows how long an old page is served; many flips show rare faults."""

RARE_FLIPS = 1

RARE_EVERY = 1.2
"""Seconds of visits after the rare flip; PHP trusts its caches for longer."""

SECONDS = 1.2
"""Seconds of frequent flips."""

ROUNDS = 3
"""How often a cell is played, since two runs on one machine differ."""

USERS = 10


@dataclass(frozen=True)
class Cell:
    """A strategy and the name of a server."""

    strategy: Strategy
    server: str

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.server}-{self.strategy.name}"

    def scenario(self) -> dict[str, Any]:
        """What a round plays. There are three releases, so that a release that is stale twice is not current again.

        No fault is expected: each fault counts against the cell, and no phase is extended until it shows one.
        """
        strategy = {"strategy": self.strategy.definition}
        return {
            "description": f"{self.strategy.label} on {self.server}",
            "site": {"server": self.server, "releases": ["a", "b", "c"]},
            "load": {"users": USERS, "spawn_rate": USERS},
            "phases": [
                # First, while the server remembers nothing yet.
                {"name": RARE, **strategy, "every": f"{RARE_EVERY}s", "flips": RARE_FLIPS},
                {"name": FREQUENT, **strategy, "every": self.strategy.every, "duration": f"{SECONDS}s"},
            ],
        }
