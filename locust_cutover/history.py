"""The history of a run: JSON lines, one operation a line, written while it runs and read again by check.

All times are CLOCK_MONOTONIC nanoseconds. docs/history.md describes the fields.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.verdict import PhaseFacts
from locust_cutover.judging.visit import Visit
from locust_cutover.scenario.model import Scenario, describe, recall

CUT_OFF = "the file was cut off: expected a line with op end"


class HistoryError(ValueError):
    """A history cannot be read; the message names file and line."""


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run besides what happened in it; the fields are those of its result."""

    scenario: Scenario
    server: str
    users: int
    seed: int | None
    url: str
    began: int
    started: datetime
    versions: Mapping[str, str]
    machine: Mapping[str, str | int | None]


@dataclass(frozen=True)
class RunLine:
    """The first line of the owner's file: the id of the run, the marks of its releases, and what was run."""

    run: str
    releases: Sequence[str]
    what: RunFacts


@dataclass(frozen=True)
class NodeLine:
    """The first line of a worker's file: its run and its number."""

    run: str
    worker: int


@dataclass(frozen=True)
class StartLine:
    """The release of the link before the first flip of a phase."""

    release: str


@dataclass(frozen=True)
class OpenLine:
    """Visitors were admitted to a phase."""

    phase: int
    time: int


@dataclass(frozen=True)
class CloseLine:
    """Visitors were no longer admitted to a phase."""

    phase: int
    time: int


@dataclass(frozen=True)
class BlindLine:
    """Flips after this time are unknown."""

    after: int


@dataclass(frozen=True)
class OverLine:
    """The end of the run: its visits on all nodes, the facts of its phases, and what went wrong outside them."""

    ended: datetime
    visits: int
    phases: Sequence[PhaseFacts]
    problems: Sequence[str] = ()


@dataclass(frozen=True)
class EndLine:
    """The last line of a file: its number of visits. A file without it was cut off."""

    visits: int


Operation = RunLine | NodeLine | StartLine | OpenLine | CloseLine | Flip | Visit | BlindLine | OverLine | EndLine

OPERATIONS: Mapping[str, type[Operation]] = {
    "run": RunLine,
    "node": NodeLine,
    "start": StartLine,
    "open": OpenLine,
    "close": CloseLine,
    "flip": Flip,
    "visit": Visit,
    "blind": BlindLine,
    "over": OverLine,
    "end": EndLine,
}
"""The value of `op` and its type."""

_NAMES = {kind: op for op, kind in OPERATIONS.items()}


def name_of(operation: Operation) -> str:
    """Its `op`."""
    return _NAMES[type(operation)]


class History:
    """Writes operations to `path`, compressed if its name ends in .gz.

    A full disk ends the history but not the run; `error` then says so.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.error = ""
        self._file = io.TextIOWrapper(_open_binary(path), encoding="utf-8")
        self._visits = 0

    def say(self, operation: Operation) -> None:
        """Write one operation."""
        if self.error or self._file.closed:
            return  # the disk is full, or a visit came after the end
        self._visits += isinstance(operation, Visit)
        line = {"op": name_of(operation), **_values(operation)}
        try:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        except OSError as error:
            self.error = f"{self.path}: {error.strerror}"

    def visit(self, visit: Visit) -> None:
        """Write a visit."""
        self.say(visit)

    def close(self) -> None:
        """Write the end; a second call does nothing."""
        if self._file.closed:
            return
        self.say(EndLine(self._visits))
        try:
            self._file.close()
        except OSError as error:
            self.error = self.error or f"{self.path}: {error.strerror}"


def worker_path(path: Path, worker: int) -> Path:
    """The path of a worker's part: run.jsonl.gz becomes run-worker0.jsonl.gz."""
    name, dot, endings = path.name.partition(".")
    return path.with_name(f"{name}-worker{worker}{dot}{endings}")


def _open_binary(path: Path) -> BinaryIO | gzip.GzipFile:
    if path.suffix == ".gz":
        # A higher level takes more time than the visit itself.
        return gzip.open(path, "wb", compresslevel=1)
    return path.open("wb")


def read(path: Path, wanted: Container[str] = OPERATIONS) -> Iterator[Operation]:
    """The operations of a file whose `op` is `wanted`, in order; HistoryError when the file is broken or cut off."""
    op, number = "", 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    op, values = _parse(line)
                    operation = _operation(op, values) if op in wanted else None
                except HistoryError as error:
                    raise HistoryError(f"{path}:{number}: {error}") from None
                if operation is not None:
                    yield operation
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise HistoryError(f"{path}:{number + 1}: {getattr(error, 'strerror', None) or error}") from None
    if op != "end":
        raise HistoryError(f"{path}:{number + 1}: {CUT_OFF}")


def _parse(line: str) -> tuple[str, dict[str, Any]]:
    """The `op` and the other fields."""
    try:
        values = json.loads(line)
    except ValueError:
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("op"), str):
        raise HistoryError(f"expected a JSON object with op, got {line[:40]!r}")
    return values.pop("op"), values


def _values(operation: Operation) -> dict[str, Any]:
    """Its fields in the types of JSON."""
    match operation:
        case Flip() | Visit():
            return operation._asdict()
        case RunLine(run, releases, what):
            scenario, started = describe(what.scenario), what.started.isoformat()
            return {"run": run, "releases": releases, **vars(what), "scenario": scenario, "started": started}
        case OverLine(ended, phases=phases):
            return {**vars(operation), "ended": ended.isoformat(), "phases": [asdict(facts) for facts in phases]}
        case _:
            return vars(operation)


def _operation(op: str, values: dict[str, Any]) -> Operation:
    """The operation with these fields; HistoryError for those of another version."""
    try:
        match op:
            case "run":
                return _run(values)
            case "visit":
                values["marks"] = tuple(values["marks"])
                return Visit(**values)
            case "over":
                ended = datetime.fromisoformat(values["ended"])
                phases = [PhaseFacts(**facts) for facts in values["phases"]]
                return OverLine(ended, values["visits"], phases, tuple(values.get("problems", ())))
            case _:
                return OPERATIONS[op](**values)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise HistoryError(f"not a history of this version: {error!r}") from None


def _run(values: dict[str, Any]) -> RunLine:
    """Older versions had no seed, no versions and no machine."""
    what = RunFacts(
        scenario=recall(values["scenario"]),
        server=values["server"],
        users=values["users"],
        seed=values.get("seed"),
        url=values["url"],
        began=values["began"],
        started=datetime.fromisoformat(values["started"]),
        versions=dict(values.get("versions", {})),
        machine=dict(values.get("machine", {})),
    )
    return RunLine(values["run"], values["releases"], what)
