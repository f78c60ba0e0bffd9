"""A run that is small enough to be judged by hand, as the operations of its history."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from locust_cutover.history import (
    CloseLine,
    History,
    NodeLine,
    OpenLine,
    Operation,
    OverLine,
    RunFacts,
    RunLine,
    StartLine,
)
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.verdict import PhaseFacts
from locust_cutover.judging.visit import Visit
from locust_cutover.scenario.model import Load, Phase, Scenario, Site

SCENARIO = Scenario(
    name="small",
    path=Path("scenarios/small.yaml"),
    description="Small enough to be judged by hand.",
    site=Site("embedded", ("a", "b"), "/current/"),
    load=Load(2, 2),
    phases=(
        Phase("forced", "forced", 1000, None, 2, {"lost": "some", "torn": "none", "stale": "none"}),
        Phase("atomic", "atomic", 0, None, 2, {"lost": "none", "torn": "any", "stale": "none"}),
    ),
)

RUN = RunFacts(
    scenario=SCENARIO,
    server="gevent.pywsgi 25.4",
    users=2,
    seed=7,
    url="http://127.0.0.1:8080",
    began=500,
    started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    versions={"python": "3.99", "locust": "77.1"},
    machine={"system": "Plan 9", "kernel": "4", "arch": "mips", "cpus": 3, "processors": 2},
)

ENDED = datetime(2026, 1, 2, 3, 4, 15, tzinfo=UTC)

FLIPS = [
    Flip(0, 1, "b", 2000, 2010),
    Flip(0, 2, "a", 3000, 3010),
    Flip(1, 1, "b", 6000, 6010),
    Flip(1, 2, "a", 7000, 7010),
]


def visit(phase: int, sent: int, *marks: str, answer: str = "200 OK") -> Visit:
    """A visit of 20 ns; one without marks is lost with this answer."""
    return Visit(phase, "GET", "/current/", sent, sent + 20, answer, bool(marks), marks, 1, 9)


GOOD = [visit(0, 1500, "a"), visit(0, 2500, "b"), visit(0, 3500, "a"), visit(1, 6400, "b"), visit(1, 6005, "a")]
"""Ok, the last one since it was sent before the flip was completed."""

LOST = visit(0, 1990, answer="404 Not Found")
"""At the first flip of phase 0, where a loss is expected."""

STALE = visit(1, 7100, "b")
"""90 ns after the second flip of phase 1."""

TORN = visit(1, 6500, "a", "b")


def facts(**changes: Any) -> PhaseFacts:
    """The facts of a phase with two flips."""
    return PhaseFacts(**{"seconds": 4e-06, "flips": 2, **changes})


def owner(
    *visits: Visit, elsewhere: int = 0, phases: Sequence[PhaseFacts] | None = None, run: RunFacts = RUN
) -> list[Operation]:
    """The operations of the node that owns the link; `elsewhere` is the number of visits in workers' files."""
    return [
        RunLine("r1", ["a", "b"], run),
        OpenLine(0, 1000),
        StartLine("a"),
        *FLIPS[:2],
        *visits,
        CloseLine(0, 5000),
        OpenLine(1, 5000),
        *FLIPS[2:],
        CloseLine(1, 9000),
        OverLine(ENDED, len(visits) + elsewhere, phases or [facts(), facts()]),
    ]


def worker(number: int, *visits: Visit, run: str = "r1") -> list[Operation]:
    """The operations of a worker."""
    return [NodeLine(run, number), *visits]


def write(path: Path, operations: Sequence[Operation]) -> Path:
    """A history of these and its end, plain or compressed as its name says."""
    history = History(path)
    for operation in operations:
        history.say(operation)
    history.close()
    return path


def change(path: Path, op: str, alter: Callable[[dict[str, Any]], object]) -> Path:
    """The file with the fields of each `op` altered, as another version could have written them."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line["op"] == op:
            alter(line)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
