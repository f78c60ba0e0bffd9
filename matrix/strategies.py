"""The strategies that the table compares: each is the one phase of a scenario of that name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.model import Phase
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
"""How often a built-in strategy flips a link, with time for a page in between."""

FOLDER_EVERY = "10ms"
"""How often a built-in strategy changes a real folder, which takes longer."""

COMMAND_EVERY = "10ms"
"""How often a command flips a link. A command that fills a folder keeps its scenario's pace."""


@dataclass(frozen=True)
class Strategy:
    """One strategy; `definition` is its text in a scenario, `every` the time from start to start."""

    name: str
    label: str
    definition: str | dict[str, Any]
    every: str

    @property
    def command(self) -> list[str]:
        """The command that flips; empty where the switcher does it by itself."""
        return [] if isinstance(self.definition, str) else list(self.definition["command"])


def load_strategy(name: str) -> Strategy:
    """The strategy of the scenario of that name."""
    (phase,) = scenarios.load(name).phases
    if phase.command is None:
        return Strategy(name, phase.name, phase.strategy, FOLDER_EVERY if phase.folder else LINK_EVERY)
    every = format_duration(phase.every) if phase.folder else COMMAND_EVERY
    return Strategy(name, phase.name, _command(phase), every)


def load_strategies(names: Sequence[str] = NAMES) -> list[Strategy]:
    """The strategies of those names."""
    return [load_strategy(name) for name in names]


def _command(phase: Phase) -> dict[str, Any]:
    assert phase.command is not None
    return {
        "command": list(phase.command.arguments),
        "timeout": format_duration(phase.command.timeout),
        "folder": phase.command.folder,
    }
