"""The result of a run: its verdict, its phases and what it ran on; what every report is made from."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version

from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.verdict import ExitCode, PhaseVerdict, Verdict, worst
from locust_cutover.scenario.model import Scenario


@dataclass(frozen=True)
class Result:
    """One finished run."""

    scenario: Scenario
    phases: tuple[PhaseVerdict, ...]
    flips: tuple[FlipTable, ...]
    """Of each phase."""
    server: str
    """Name and version."""
    users: int
    url: str
    began: int
    """The start of the run in CLOCK_MONOTONIC nanoseconds: flips count from here."""
    started: datetime
    ended: datetime
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the software that it ran with; empty from a history of an older version."""
    machine: Mapping[str, str | int | None] = field(default_factory=dict)
    """What it ran on; empty from a history of an older version."""
    seed: int | None = None
    """Of what was random in the flips: the switcher of each phase had this plus the phase's index, from 0."""
    arguments: tuple[str, ...] = ()
    """Of the command line, where that says it all: not after the web UI's form, and not from a history."""
    problems: tuple[str, ...] = ()
    """What went wrong outside the phases: a file that could not be written, an error of our own."""

    @property
    def verdict(self) -> Verdict:
        """The worst of the phases'."""
        return worst([phase.verdict for phase in self.phases])

    def with_problems(self, problems: Iterable[str]) -> Result:
        """The same run with these problems, too: with one, nothing has held; what was violated stays so."""
        told = tuple(dict.fromkeys([*self.problems, *problems]))
        return replace(self, problems=told, phases=tuple(map(_doubted, self.phases))) if told else self

    @property
    def notes(self) -> tuple[str, ...]:
        """What the verdict does not cover, in sentences that every report has."""
        site, notes = self.scenario.site, []
        if not site.flips:
            notes.append("nothing was flipped by this run: the scenario has no site.root")
        unseen = [fault for fault in FAULTS if fault not in site.judged]
        if unseen:
            notes.append(f"{' and '.join(unseen)} were not judged: the scenario has no site.mark")
        return tuple(notes)

    @property
    def exit_code(self) -> ExitCode:
        """What the process ends with."""
        return ExitCode[self.verdict.upper()]


def _doubted(phase: PhaseVerdict) -> PhaseVerdict:
    """The phase with inconclusive in place of held."""
    expectations = tuple(
        replace(expectation, verdict=worst([expectation.verdict, "inconclusive"])) for expectation in phase.expectations
    )
    return replace(phase, expectations=expectations, verdict=worst([phase.verdict, "inconclusive"]))


def versions() -> dict[str, str]:
    """Of the software that runs here."""
    packages = ("locust-cutover", "locust", "gevent", "geventhttpclient")
    return {"python": platform.python_version(), **{package: version(package) for package in packages}}


def machine() -> dict[str, str | int | None]:
    """What it runs on here."""
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "arch": platform.machine(),
        "cpus": os.cpu_count(),
        "processors": len(os.sched_getaffinity(0)),
    }


def processors(machine: Mapping[str, str | int | None]) -> int | None:
    """How many processors a run could use there; None in a history of an older version."""
    found = machine.get("processors")
    return found if isinstance(found, int) else None
