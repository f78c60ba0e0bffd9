"""Reads a scenario: YAML to the dataclasses of the model; an error names file, line and key."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from locust_cutover.judging.faults import FAULTS, Expected, Fault
from locust_cutover.scenario.document import DocumentError, Value, did_you_mean, read_document
from locust_cutover.scenario.external import DISCOVER, EXTERNAL, KEYS, read_external
from locust_cutover.scenario.model import NO_STRATEGY, Command, Load, Phase, Scenario, Site
from locust_cutover.servers.names import NAMES
from switcher.command import COMMAND
from switcher.strategies import FOLDER_STRATEGIES, GAPPED, STRATEGIES
from switcher.watch import WATCH

DEFAULT = "forced-vs-atomic"

MAX_NAME = 60
"""A phase's name stands in every table."""


def folders() -> list[Path]:
    """Where a bare name is looked for: scenarios/ here, then the ones that came with the package."""
    package = Path(__file__).parent.parent
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
    keys = root.mapping(["description", "seed", "site", "load", "phases"], required=["phases"])
    site = _site(keys["site"]) if "site" in keys else Site()
    return Scenario(
        name=path.stem,
        path=path,
        description=keys["description"].text().strip() if "description" in keys else "",
        site=site,
        load=_load(keys["load"]) if "load" in keys else Load(),
        phases=_phases(keys["phases"], site),
        text=path.read_text(encoding="utf-8"),
        seed=keys["seed"].whole() if "seed" in keys else None,
    )


def _site(value: Value) -> Site:
    keys = value.mapping(["server", "releases", "path", *KEYS])
    server = keys["server"].choice([*NAMES, EXTERNAL]) if "server" in keys else Site.server
    path = keys["path"].text() if "path" in keys else Site.path
    if not re.fullmatch(r"/[!-~]*", path):
        keys["path"].wrong(f"{path!r} is not the path of a URL: it begins with / and has no spaces")
    if server == EXTERNAL:
        return _own_site(value, keys)
    for key in KEYS:
        if key in keys:
            keys[key].wrong(f"only a site of your own has this; it needs server: {EXTERNAL}")
    releases = _releases(keys["releases"], _release) if "releases" in keys else Site.releases
    return Site(server, releases, path)


def _own_site(value: Value, keys: dict[str, Value]) -> Site:
    """A site that somebody else has set up; its page is the URL, or a path below that."""
    if "url" not in keys:
        value.wrong("the key url is missing")
    external, path = read_external(keys)
    if "path" in keys:
        path = path.rstrip("/") + keys["path"].text()
    known = external.root and not external.discover
    return Site(EXTERNAL, _releases(keys["releases"], Value.text) if known else (), path, external)


def _releases(value: Value, read: Callable[[Value], str]) -> tuple[str, ...]:
    releases = tuple(read(item) for item in value.list())
    if len(releases) < 2:
        value.wrong("a flip needs at least two releases")
    for release in releases:
        if releases.count(release) > 1:
            value.wrong(f"the release {release} stands here twice")
    return releases


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


def _phases(value: Value, site: Site) -> tuple[Phase, ...]:
    phases: list[Phase] = []
    for item in value.list():
        phase = _phase(item, site)
        if any(phase.name == other.name for other in phases):
            item.wrong(f"a second phase called {phase.name}; give this one a name of its own")
        phases.append(phase)
    for phase, item in zip(phases, value.list(), strict=True):
        if phase.watched and len(phases) > 1:
            item.wrong("a run that watches has this phase alone: what happens between two phases nobody would see")
    return tuple(phases)


def _phase(value: Value, site: Site) -> Phase:
    keys = value.mapping(
        ["name", "strategy", "gap", "watch", "every", "jitter", "duration", "flips", "expect", "quiet"]
    )
    watched = "watch" in keys and _watch(keys, site)
    if not site.flips:
        for key in ("strategy", "gap", "every", "jitter", "flips"):
            if key in keys:
                keys[key].wrong("nothing is flipped without site.root, the folder with the link")
    for key in ("strategy", "every"):
        if key not in keys and site.flips and not watched:
            value.wrong(f"the key {key} is missing")
    if "duration" not in keys and "flips" not in keys and not watched:
        value.wrong("the phase has no end: give it a duration or a number of flips")
    if "duration" in keys and "flips" in keys:
        keys["flips"].wrong("a phase ends by duration or by flips, not by both")
    strategy, command = (WATCH if watched else NO_STRATEGY), None
    if "strategy" in keys:
        strategy, command = _strategy(keys["strategy"], site)
    name = strategy if site.flips else "visits"
    if "name" in keys:
        name = keys["name"].text()
        if len(name) > MAX_NAME or not name.isprintable() or name != name.strip():
            keys["name"].wrong(f"a name is one line of at most {MAX_NAME} printable characters")
    duration = keys["duration"].duration() if "duration" in keys else None
    if duration == 0:
        keys["duration"].wrong("must be more than 0")
    every = keys["every"].duration() if "every" in keys else 0
    if "jitter" in keys and not every:
        keys["jitter"].wrong("has no effect with every: 0, where flips have no interval")
    return Phase(
        name=name,
        strategy=strategy,
        every=every,
        duration=duration,
        flips=keys["flips"].count() if "flips" in keys else None,
        expect=_expect(keys.get("expect"), site),
        command=command,
        quiet="quiet" in keys and _quiet(keys["quiet"], site),
        jitter=keys["jitter"].share() if "jitter" in keys else Phase.jitter,
        gap=_gap(keys["gap"], strategy) if "gap" in keys else Phase.gap,
    )


def _gap(value: Value, strategy: str) -> int:
    """The pause between the two calls of the strategy."""
    if strategy not in GAPPED:
        value.wrong(f"only {' and '.join(GAPPED)} have a gap between two calls, not {strategy}")
    gap = value.duration()
    if gap == 0:
        value.wrong("must be more than 0")
    return gap


def _watch(keys: dict[str, Value], site: Site) -> bool:
    """Whether somebody else flips in this phase."""
    if not keys["watch"].flag():
        return False
    if site.external is None:
        keys["watch"].wrong(f"somebody else can flip only a site of your own; it needs server: {EXTERNAL}")
    if not site.external.root:
        keys["watch"].wrong("there is nothing to watch without site.root, the folder with the link")
    for key in ("strategy", "gap", "every", "jitter"):
        if key in keys:
            keys[key].wrong("somebody else flips in a phase with watch: true, how and when they like")
    return True


def _quiet(value: Value, site: Site) -> bool:
    """Whether nobody deploys in this phase."""
    quiet = value.flag()
    if quiet and site.flips:
        value.wrong("expected a site without site.root: with it the phase flips, or watches; remove one of the two")
    return quiet


def _strategy(value: Value, site: Site) -> tuple[str, Command | None]:
    """The name of a strategy, or a mapping with the command that is one."""
    discover = site.external is not None and site.external.discover
    if not value.is_mapping():
        strategy = value.choice([*STRATEGIES, *FOLDER_STRATEGIES])
        if discover:
            value.wrong(f"{strategy} must know its releases; only a command makes one for site.releases: {DISCOVER}")
        if site.external and strategy in FOLDER_STRATEGIES:
            value.wrong(f"{strategy} is for the lab alone: at your own site only a link is flipped")
        return strategy, None
    keys = value.mapping(["command", "timeout", "folder"], required=["command"])
    arguments = tuple(item.text() for item in keys["command"].list())
    for argument, item in zip(arguments, keys["command"].list(), strict=True):
        if discover and re.search(r"\{(target|release)\}", argument):
            item.wrong(f"with site.releases: {DISCOVER} nobody knows the release before")
    if site.external and "folder" in keys:
        keys["folder"].wrong("is for the lab alone: at your own site only a link is flipped")
    timeout = keys["timeout"].duration() if "timeout" in keys else Command.timeout
    if timeout == 0:
        keys["timeout"].wrong("must be more than 0")
    return COMMAND, Command(arguments, timeout, keys["folder"].flag() if "folder" in keys else Command.folder)


def _expect(value: Value | None, site: Site) -> dict[Fault, Expected]:
    keys = value.mapping(FAULTS) if value else {}
    for fault, item in keys.items():
        if fault not in site.judged and item.text() == "some":
            item.wrong(f"{fault} cannot be judged without site.mark")
        if not site.flips and item.text() == "some":
            item.wrong("nothing is flipped, so nothing is to be seen at a flip")
    expect: dict[Fault, Expected] = {}
    for fault in FAULTS:
        word = keys[fault].choice(get_args(Expected)) if fault in keys else "none"
        expect[fault] = next(known for known in get_args(Expected) if known == word)
    return expect
