"""The ways to switch that the table compares: each is the one phase of a scenario of that name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from locust_cutover import scenario as scenarios
from locust_cutover.scenario import Phase
from switcher.duration import format_duration

NAMES = (
    "forced",
    "two-renames",
    "ln-busybox",
    "ln-uutils",
    "ln",
    "mv-T",
    "mv",
    "atomic",
    "exchange",
    "swap-folders",
    "in-place",
    "in-place-truncate",
    "rsync",
)

LINK_EVERY = "2ms"
"""How often a built-in way flips a link: as often as it can, with time for a page in between."""

FOLDER_EVERY = "10ms"
"""How often a built-in way changes a real folder, which takes it longer."""


@dataclass(frozen=True)
class Way:
    """One way to switch; `strategy` is what a scenario says of it, `every` the time from start to start."""

    name: str
    label: str
    strategy: str | dict[str, Any]
    every: str


def load_way(name: str) -> Way:
    """The way of the scenario of that name."""
    (phase,) = scenarios.load(name).phases
    if phase.command is None:
        return Way(name, phase.name, phase.strategy, FOLDER_EVERY if phase.folder else LINK_EVERY)
    return Way(name, phase.name, _command(phase), format_duration(phase.every))


def load_ways(names: Sequence[str] = NAMES) -> list[Way]:
    """The ways of those names."""
    return [load_way(name) for name in names]


def _command(phase: Phase) -> dict[str, Any]:
    assert phase.command is not None
    return {
        "command": list(phase.command.arguments),
        "timeout": format_duration(phase.command.timeout),
        "folder": phase.command.folder,
    }
