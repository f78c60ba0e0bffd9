"""The scenario as frozen dataclasses, to and from JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from locust_cutover.client.access import Access
from locust_cutover.judging.faults import FAULTS, Expected, Fault
from locust_cutover.servers.site import PAGE
from switcher.strategies import FOLDER_STRATEGIES, GAPPED
from switcher.watch import WATCH

AFTERMATH = 2_000_000_000
"""How long a watched phase goes on after its last flip, in nanoseconds."""

SETTLE = 300_000_000
"""How long any other phase goes on after its last flip at least, in nanoseconds: stale pages show only afterwards."""

NO_STRATEGY = "none"
"""The strategy of a phase in which nothing is flipped."""


@dataclass(frozen=True)
class External:
    """A site of the user's own. Without `root` nothing is flipped; without `mark` only lost is judged."""

    url: str
    root: str = ""
    """The folder with the link, as this machine sees it."""
    link: str = "current"
    discover: bool = False
    mark: str = ""
    """A regular expression for header lines and body; its group 1 is the release."""
    marks: int = 1
    """How many marks a whole page has."""
    mark_file: str = ""
    """The file in a release that holds its mark; empty: the mark is the name of its folder."""
    access: Access = field(default_factory=Access)


@dataclass(frozen=True)
class Site:
    """The server, the releases (flipped round robin) and the path of the visited page."""

    server: str = "embedded"
    releases: tuple[str, ...] = ("a", "b")
    path: str = PAGE
    external: External | None = None
    """The user's own site; None: a server of the lab."""

    @property
    def flips(self) -> bool:
        """Whether a link is flipped."""
        return self.external is None or bool(self.external.root)

    @property
    def judged(self) -> tuple[Fault, ...]:
        """The faults that can be judged: without a mark the release of an answer is unknown."""
        marked = self.external is None or bool(self.external.mark)
        return tuple(fault for fault, definition in FAULTS.items() if marked or not definition.needs_mark)


@dataclass(frozen=True)
class Load:
    """How many users visit; `spawn_rate` in users per second."""

    users: int = 10
    spawn_rate: float = 10


@dataclass(frozen=True)
class Command:
    """A command of the user's that flips: a list of arguments, not a shell line; `timeout` in nanoseconds.

    `folder`: `current` is a real folder, and the command copies the release into it.
    """

    arguments: tuple[str, ...]
    timeout: int = 30_000_000_000
    folder: bool = False


@dataclass(frozen=True)
class Phase:
    """A stretch of the run with one strategy; times in nanoseconds.

    One of `duration` and `flips` is set, or neither in a watched phase.
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
    """Whether nobody deploys: the only question is whether the site answers."""
    jitter: float = 1.0
    """The share of its interval in which a flip starts at random, 0 to 1; no effect without an interval."""
    gap: int = 0
    """A pause between the two calls of a strategy in GAPPED."""

    @property
    def folder(self) -> bool:
        """Whether `current` is a real folder in this phase instead of a link."""
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
        """Whether the run neither makes nor sees a flip."""
        return self.strategy == NO_STRATEGY

    @property
    def watched(self) -> bool:
        """Whether somebody else flips."""
        return self.strategy == WATCH

    @property
    def opaque(self) -> bool:
        """Whether the steps of a flip are hidden: during its cutover the link may point anywhere."""
        return self.watched or self.command is not None

    @property
    def random(self) -> bool:
        """Whether its flips start at moments that no load can stay in step with.

        A command again and again may take the same time each time, and somebody else may flip to an exact beat.
        """
        return self.jitter == 1 if self.every else not self.opaque

    @property
    def endless(self) -> bool:
        """Whether only Locust ends it (-t or Ctrl-C)."""
        return self.duration is None and self.flips is None

    @property
    def control(self) -> bool:
        """Whether it must show a fault and can be extended until it has; a watched phase cannot."""
        return "some" in self.expect.values() and not (self.watched or self.quiet or self.endless)

    @property
    def aftermath(self) -> int:
        """How long it goes on after its last flip: at least one interval."""
        if self.watched:
            return AFTERMATH if self.flips is not None else 0
        return max(self.every, SETTLE) if self.flips is not None else SETTLE

    @property
    def sparse(self) -> bool:
        """Whether only harmful flips are kept, because there are so many."""
        return self.every == 0 and not self.watched


@dataclass(frozen=True)
class Scenario:
    """One experiment: a site, its load and the phases with their strategies."""

    name: str
    path: Path
    description: str
    site: Site
    load: Load
    phases: tuple[Phase, ...]
    text: str = field(default="", compare=False)
    """The text of the file, shown in the report."""
    seed: int | None = None
    """The seed of random flips; None: each run draws its own."""


def describe(scenario: Scenario) -> dict[str, Any]:
    """The scenario in the types of JSON; `recall` reads it."""
    return {**asdict(scenario), "path": str(scenario.path)}


def recall(description: dict[str, Any]) -> Scenario:
    """The scenario that `describe` wrote; KeyError or TypeError if `description` is another thing."""
    site = description["site"]
    return Scenario(
        name=description["name"],
        path=Path(description["path"]),
        description=description["description"],
        site=Site(
            site["server"],
            tuple(site["releases"]),
            site["path"],
            _recall_external(site["external"]) if site.get("external") else None,
        ),
        load=Load(**description["load"]),
        phases=tuple(_recall_phase(phase) for phase in description["phases"]),
        text=description.get("text", ""),
        seed=description.get("seed"),
    )


def _recall_external(description: dict[str, Any]) -> External:
    return External(**{**description, "access": Access(**description["access"])})


def _recall_phase(description: dict[str, Any]) -> Phase:
    command = description.get("command")
    recalled = Command(**{**command, "arguments": tuple(command["arguments"])}) if command else None
    return Phase(**{**description, "command": recalled})
