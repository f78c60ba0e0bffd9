"""The scenario: YAML to frozen dataclasses; an error names file, line and key."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from locust_cutover.document import DocumentError, Value, did_you_mean, read_document
from locust_cutover.servers import SERVERS
from locust_cutover.site import PAGE
from switcher.command import COMMAND
from switcher.strategies import FOLDER_STRATEGIES, STRATEGIES

DEFAULT = "forced-vs-atomic"

Expected = Literal["none", "some", "any"]

Fault = Literal["lost", "torn", "stale"]

FAULTS: tuple[Fault, ...] = get_args(Fault)

MAX_NAME = 60
"""A phase's name stands in every table."""


@dataclass(frozen=True)
class Site:
    """Which server serves which releases; the flips go round robin, `path` is the page that is visited."""

    server: str = "embedded"
    releases: tuple[str, ...] = ("a", "b")
    path: str = PAGE


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
    """A stretch of the run with one strategy; times in nanoseconds, and one of `duration` and `flips` is set."""

    name: str
    strategy: str
    every: int
    duration: int | None
    flips: int | None
    expect: dict[Fault, Expected]
    command: Command | None = None
    """For the strategy `command`."""

    @property
    def folder(self) -> bool:
        """Whether `current` is a real folder in this phase, and not a link."""
        return self.command.folder if self.command else self.strategy in FOLDER_STRATEGIES


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


def folders() -> list[Path]:
    """Where a bare name is looked for: scenarios/ here, then the ones that came with the package."""
    package = Path(__file__).parent
    return [Path("scenarios"), package.parent / "scenarios", package / "scenarios"]


def names() -> list[str]:
    """The scenarios that a bare name finds, the default first."""
    found = {file.stem for folder in folders() for file in folder.glob("*.yaml")}
    return sorted(found, key=lambda name: (name != DEFAULT, name))


def find(path_or_name: str) -> Path:
    """The file of a scenario; DocumentError when there is none."""
    path = Path(path_or_name)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    for folder in folders():
        file = folder / f"{path_or_name}.yaml"
        if file.is_file():
            return file
    raise DocumentError(f"no scenario is called {path_or_name!r}; {did_you_mean(path_or_name, names())}")


def load(path_or_name: str) -> Scenario:
    """Read and check a scenario; DocumentError names file, line and key."""
    path = find(path_or_name)
    root = read_document(path)
    keys = root.mapping(["description", "site", "load", "phases"], required=["phases"])
    return Scenario(
        name=path.stem,
        path=path,
        description=keys["description"].text().strip() if "description" in keys else "",
        site=_site(keys["site"]) if "site" in keys else Site(),
        load=_load(keys["load"]) if "load" in keys else Load(),
        phases=_phases(keys["phases"]),
        text=path.read_text(encoding="utf-8"),
    )


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
        site=Site(site["server"], tuple(site["releases"]), site["path"]),
        load=Load(**description["load"]),
        phases=tuple(_recall_phase(phase) for phase in description["phases"]),
        text=description.get("text", ""),
    )


def _recall_phase(description: dict[str, Any]) -> Phase:
    command = description.get("command")
    recalled = Command(**{**command, "arguments": tuple(command["arguments"])}) if command else None
    return Phase(**{**description, "command": recalled})


def _site(value: Value) -> Site:
    keys = value.mapping(["server", "releases", "path"])
    server = keys["server"].choice(SERVERS) if "server" in keys else Site.server
    releases = Site.releases
    if "releases" in keys:
        releases = tuple(_release(item) for item in keys["releases"].list())
        if len(releases) < 2:
            keys["releases"].wrong("a flip needs at least two releases")
        for release in releases:
            if releases.count(release) > 1:
                keys["releases"].wrong(f"the release {release} stands here twice")
    path = keys["path"].text() if "path" in keys else Site.path
    if not re.fullmatch(r"/[!-~]*", path):
        keys["path"].wrong(f"{path!r} is not the path of a URL: it begins with / and has no spaces")
    return Site(server, releases, path)


def _release(value: Value) -> str:
    """A release of the lab is a folder that we make and a mark in a page."""
    name = value.text()
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        value.wrong(f"{name!r} cannot be a release here: letters, digits, '.', '_' and '-' only")
    if name == "current":
        value.wrong("current is the link; a release needs another name")
    return name


def _load(value: Value) -> Load:
    keys = value.mapping(["users", "spawn_rate"])
    users = keys["users"].count() if "users" in keys else Load.users
    return Load(users, keys["spawn_rate"].rate() if "spawn_rate" in keys else float(users))


def _phases(value: Value) -> tuple[Phase, ...]:
    phases: list[Phase] = []
    for item in value.list():
        phase = _phase(item)
        if any(phase.name == other.name for other in phases):
            item.wrong(f"a second phase called {phase.name}; give this one a name of its own")
        phases.append(phase)
    return tuple(phases)


def _phase(value: Value) -> Phase:
    keys = value.mapping(["name", "strategy", "every", "duration", "flips", "expect"], required=["strategy", "every"])
    if "duration" not in keys and "flips" not in keys:
        value.wrong("the phase has no end: give it a duration or a number of flips")
    if "duration" in keys and "flips" in keys:
        keys["flips"].wrong("a phase ends by duration or by flips, not by both")
    strategy, command = _strategy(keys["strategy"])
    name = strategy
    if "name" in keys:
        name = keys["name"].text()
        if len(name) > MAX_NAME or not name.isprintable() or name != name.strip():
            keys["name"].wrong(f"a name is one line of at most {MAX_NAME} printable characters")
    duration = keys["duration"].duration() if "duration" in keys else None
    if duration == 0:
        keys["duration"].wrong("must be more than 0")
    return Phase(
        name=name,
        strategy=strategy,
        every=keys["every"].duration(),
        duration=duration,
        flips=keys["flips"].count() if "flips" in keys else None,
        expect=_expect(keys.get("expect")),
        command=command,
    )


def _strategy(value: Value) -> tuple[str, Command | None]:
    """The name of a strategy, or a mapping with the command that is one."""
    if not value.is_mapping():
        return value.choice([*STRATEGIES, *FOLDER_STRATEGIES]), None
    keys = value.mapping(["command", "timeout", "folder"], required=["command"])
    arguments = tuple(item.text() for item in keys["command"].list())
    timeout = keys["timeout"].duration() if "timeout" in keys else Command.timeout
    if timeout == 0:
        keys["timeout"].wrong("must be more than 0")
    return COMMAND, Command(arguments, timeout, keys["folder"].flag() if "folder" in keys else Command.folder)


def _expect(value: Value | None) -> dict[Fault, Expected]:
    keys = value.mapping(FAULTS) if value else {}
    expect: dict[Fault, Expected] = {}
    for fault in FAULTS:
        word = keys[fault].choice(get_args(Expected)) if fault in keys else "none"
        expect[fault] = next(known for known in get_args(Expected) if known == word)
    return expect
