"""Judges a history again, offline: python -m locust_cutover.check FILE [FILE ...]."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from locust_cutover.history import (
    OPERATIONS,
    BlindLine,
    HistoryError,
    NodeLine,
    Operation,
    OverLine,
    RunLine,
    StartLine,
    read,
)
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.judge import judge
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip, Timeline
from locust_cutover.judging.verdict import ExitCode
from locust_cutover.judging.visit import Visit
from locust_cutover.reports import console, outputs
from locust_cutover.reports.outputs import Outputs
from locust_cutover.result import Result, assemble

T = TypeVar("T", RunLine, OverLine)

EXAMPLES = """
exit code: as the run's: 0 held, 1 violated, 3 inconclusive (also when it held and a file that was
asked for cannot be written); 2: a history cannot be read

example:
  locust --headless --history run.jsonl.gz
  python -m locust_cutover.check run.jsonl.gz
"""


@dataclass
class Record:
    """What the files hold besides their visits."""

    run: RunLine
    over: OverLine
    timeline: Timeline
    tables: list[FlipTable]
    known_until: int | None = None
    """Flips after this time are unknown."""


def check(paths: Sequence[Path]) -> Result:
    """The result of the run whose history is in the files; HistoryError when they do not hold all of it.

    1. Read everything but the visits.
    2. Judge each visit, now that all flips are known.
    3. Assemble the result as a run does.
    """
    # 1.
    record = _read(paths)
    # 2.
    tally = _judge(paths, record)
    # 3.
    over = record.over
    result = assemble(record.run.what, over.phases, tally, record.tables, over.ended)
    return result.with_problems(over.problems)


def _read(paths: Sequence[Path]) -> Record:
    operations = [operation for path in paths for operation in read(path, OPERATIONS.keys() - {"visit"})]
    run = _only(operations, RunLine, "file of the node that owns the link")
    over = _only(operations, OverLine, "end of the run (op over)")
    if any(isinstance(node, NodeLine) and node.run != run.run for node in operations):
        raise HistoryError("expected files of one run, got files of different runs")
    tables = [FlipTable(index, phase.sparse) for index, phase in enumerate(run.what.scenario.phases)]
    record = Record(run, over, Timeline(run.releases), tables)
    for operation in operations:
        match operation:
            case StartLine(release):
                record.timeline.start(release)
            case Flip():
                record.timeline.add(operation)
                tables[operation.phase].add(operation)
            case BlindLine(after):
                record.known_until = after
    return record


def _judge(paths: Sequence[Path], record: Record) -> Tally:
    tally = Tally()
    for path in paths:
        for visit in read(path, {"visit"}):
            assert isinstance(visit, Visit)
            tally.add(visit, judge(visit, record.timeline, record.known_until))
    found, counted = tally.answers.total(), record.over.visits
    if found != counted:
        raise HistoryError(f"expected {counted} visits, got {found}; give each file once, and those of all workers")
    for table in record.tables:
        table.take(tally)
    return tally


def _only(operations: Iterable[Operation], kind: type[T], what: str) -> T:
    found = [operation for operation in operations if isinstance(operation, kind)]
    if len(found) != 1:
        raise HistoryError(f"expected one {what}, got {len(found)}")
    return found[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m locust_cutover.check",
        description="Judges the history of a run again.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what --history wrote")
    parser.add_argument(
        "--csv",
        dest="csv_prefix",
        type=outputs.prefix,
        metavar="PREFIX",
        help="Write the CSV and JSON files, too",
    )
    outputs.add_options(parser)
    options = parser.parse_args(arguments)
    try:
        result = check(options.files)
        console.render(result)
    except HistoryError as error:
        print(f"check: {error}", file=sys.stderr)
        return ExitCode.WRONG
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        print(f"check: not a history of this version: {error!r}", file=sys.stderr)
        return ExitCode.WRONG
    result = Outputs.of(options).write(result)
    report = "" if any("--report" in problem for problem in result.problems) else options.report or ""
    colour = console.wants_colour(sys.stdout, os.environ)
    try:
        print(console.render(result, report=report, colour=colour), flush=True)
    except OSError as error:
        # Nobody reads it, or the disk is full. Python would try again at its end and change the exit code.
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 # until the end
        print(f"check: standard output: {error.strerror}", file=sys.stderr)
        return result.with_problems([f"standard output: {error.strerror}"]).exit_code
    return result.exit_code


if __name__ == "__main__":
    sys.exit(main())
