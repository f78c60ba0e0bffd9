"""The scenario as frozen dataclasses: what is asked of a site."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from locust_cutover.judging.faults import FAULTS, Expected, Fault
from locust_cutover.scenario.external import External, recall_external
from locust_cutover.servers.site import PAGE
from switcher.strategies import FOLDER_STRATEGIES, GAPPED
from switcher.watch import WATCH

AFTERMATH = 2_000_000_000
"""How long a phase goes on after the last of the flips that somebody else makes, in nanoseconds."""

SETTLE = 300_000_000
"""How long a phase goes on after its last flip at least, in nanoseconds: what is left behind shows only afterwards."""

NO_STRATEGY = "none"
"""Of a phase in which nothing is flipped: visitors alone."""


@dataclass(frozen=True)
class Site:
    """Which server serves which releases; the flips go round robin, `path` is the page that is visited."""

    server: str = "embedded"
    releases: tuple[str, ...] = ("a", "b")
    path: str = PAGE
    external: External | None = None
    """When it is the user's own."""

    @property
    def flips(self) -> bool:
        """Whether there is a link that is flipped."""
        return self.external is None or bool(self.external.root)

    @property
    def judged(self) -> tuple[Fault, ...]:
        """What can be judged: without a mark nobody knows which release an answer is of."""
        marked = self.external is None or bool(self.external.mark)
        return tuple(fault for fault, definition in FAULTS.items() if marked or not definition.needs_mark)


@dataclass(frozen=True)
class Load:
    """How many users visit; `spawn_rate` in users per second."""

    users: int = 10
    spawn_rate: float = 10


@dataclass(frozen=True)
class Command:
    """A command of the user's that flips: an argument list, never a shell line; `timeout` in nanoseconds.

    `folder`: `current` is a real folder, and the command makes it a copy of the release.
    """

    arguments: tuple[str, ...]
    timeout: int = 30_000_000_000
    folder: bool = False


@dataclass(frozen=True)
class Phase:
    """A stretch of the run with one strategy; times in nanoseconds.

    One of `duration` and `flips` is set, or none where somebody else flips.
    """

    name: str
    strategy: str
    every: int
    duration: int | None
    flips: int | None
    expect: dict[Fault, Expected]
    command: Command | None = None
    """For the strategy `command`."""
    quiet: bool = False
    """Whether the scenario says that nobody deploys: the only question is whether the site answers."""
    jitter: float = 1.0
    """How much of its interval a flip may come at random, 0 to 1; without an interval it has no effect."""
    gap: int = 0
    """A pause between the two calls of a strategy of GAPPED."""

    @property
    def folder(self) -> bool:
        """Whether `current` is a real folder in this phase, and not a link."""
        return self.command.folder if self.command else self.strategy in FOLDER_STRATEGIES

    @property
    def can_have_gap(self) -> bool:
        """Whether its strategy takes a `gap`."""
        return self.strategy in GAPPED

    @property
    def two_calls(self) -> bool:
        """Whether its gap is only as long as two system calls take, unless it is given one."""
        return self.can_have_gap or self.strategy == "swap-folders"

    @property
    def unflipped(self) -> bool:
        """Whether no flip of it is made or seen by the run."""
        return self.strategy == NO_STRATEGY

    @property
    def watched(self) -> bool:
        """Whether somebody else flips."""
        return self.strategy == WATCH

    @property
    def opaque(self) -> bool:
        """Whether nobody sees which way a flip goes: during its cutover the link may be anything."""
        return self.watched or self.command is not None

    @property
    def random(self) -> bool:
        """Whether its flips come at moments that no load can be in step with.

        A command again and again may take the same time each time, and somebody else may flip to an exact beat.
        """
        return self.jitter == 1 if self.every else not self.opaque

    @property
    def endless(self) -> bool:
        """Whether only Locust ends it, by -t or Ctrl-C."""
        return self.duration is None and self.flips is None

    @property
    def control(self) -> bool:
        """Whether it must show a fault, and can be made longer until it has: where somebody else flips it cannot."""
        return "some" in self.expect.values() and not (self.watched or self.quiet or self.endless)

    @property
    def aftermath(self) -> int:
        """How long it goes on after its last flip: at least the interval that every other one had."""
        if self.watched:
            return AFTERMATH if self.flips is not None else 0
        return max(self.every, SETTLE) if self.flips is not None else SETTLE

    @property
    def sparse(self) -> bool:
        """Whether there are so many flips that only harmful ones are kept."""
        return self.every == 0 and not self.watched


@dataclass(frozen=True)
class Scenario:
    """One question to a site: what do these ways of switching do to its visitors?"""

    name: str
    path: Path
    description: str
    site: Site
    load: Load
    phases: tuple[Phase, ...]
    text: str = field(default="", compare=False)
    """Of the file, for the reader of a report."""
    seed: int | None = None
    """Of what is random in the flips; None: each run draws its own."""


def describe(scenario: Scenario) -> dict[str, Any]:
    """The scenario in types that JSON has; `recall` reads it."""
    return {**asdict(scenario), "path": str(scenario.path)}


def recall(description: dict[str, Any]) -> Scenario:
    """The scenario that `describe` wrote; KeyError or TypeError when it did not."""
    site = description["site"]
    return Scenario(
        name=description["name"],
        path=Path(description["path"]),
        description=description["description"],
        site=Site(
            site["server"],
            tuple(site["releases"]),
            site["path"],
            recall_external(site["external"]) if site.get("external") else None,
        ),
        load=Load(**description["load"]),
        phases=tuple(_recall_phase(phase) for phase in description["phases"]),
        text=description.get("text", ""),
        seed=description.get("seed"),
    )


def _recall_phase(description: dict[str, Any]) -> Phase:
    command = description.get("command")
    recalled = Command(**{**command, "arguments": tuple(command["arguments"])}) if command else None
    return Phase(**{**description, "command": recalled})
