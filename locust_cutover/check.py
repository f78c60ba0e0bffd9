"""Judges a history again, offline: python -m locust_cutover.check FILE [FILE ...]."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from locust_cutover.history import HistoryError, Operation, read, read_flip, read_visit
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.judge import judge
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Timeline
from locust_cutover.judging.verdict import ExitCode, PhaseFacts, judge_phase
from locust_cutover.reports import console, outputs
from locust_cutover.reports.outputs import Outputs
from locust_cutover.result import Result, processors
from locust_cutover.scenario.model import recall

EXAMPLES = """
exit code: as the run's: 0 held, 1 violated, 3 inconclusive (also when it held and a file that was
asked for cannot be written); 2: a history cannot be read

example:
  locust --headless --history run.jsonl.gz
  python -m locust_cutover.check run.jsonl.gz
"""


def check(paths: Sequence[Path]) -> Result:
    """The result of the run whose history the files hold; HistoryError when they do not hold all of it.

    1. Read everything but the visits: the owner's file has the run, its flips and its facts.
    2. Read the visits and judge each, now that all flips are known.
    """
    # 1.
    operations = [operation for path in paths for operation in read(path) if operation["op"] != "visit"]
    run = _only(operations, "run")
    over = _only(operations, "over")
    if any(node["run"] != run["run"] for node in operations if node["op"] == "node"):
        raise HistoryError("the files are of different runs")
    scenario = recall(run["scenario"])
    timeline = Timeline(run["releases"])
    tables = [FlipTable(index, phase.sparse) for index, phase in enumerate(scenario.phases)]
    known_until = None
    for operation in operations:
        match operation["op"]:
            case "start":
                timeline.start(operation["release"])
            case "flip":
                flip = read_flip(operation)
                timeline.add(flip)
                tables[flip.phase].add(flip)
            case "blind":
                known_until = operation["after"]
    # 2.
    tally = Tally()
    for path in paths:
        for operation in read(path):
            if operation["op"] == "visit":
                visit = read_visit(operation)
                tally.add(visit, judge(visit, timeline, known_until))
    if tally.answers.total() != over["visits"]:
        raise HistoryError(f"{tally.answers.total()} of {over['visits']} visits are here; give the workers' files, too")
    for table in tables:
        table.take(tally)
    machine = dict(run.get("machine", {}))
    return Result(
        scenario=scenario,
        phases=tuple(
            judge_phase(
                phase, index, PhaseFacts(**facts), tally, tables[index], scenario.site.judged, processors(machine)
            )
            for index, (phase, facts) in enumerate(zip(scenario.phases, over["phases"], strict=True))
        ),
        flips=tuple(tables),
        server=run["server"],
        users=run["users"],
        seed=run.get("seed"),
        url=run["url"],
        began=run["began"],
        started=datetime.fromisoformat(run["started"]),
        ended=datetime.fromisoformat(over["ended"]),
        versions=dict(run.get("versions", {})),
        machine=machine,
    ).with_problems(over.get("problems", []))


def _only(operations: Iterable[Operation], op: str) -> Operation:
    found = [operation for operation in operations if operation["op"] == op]
    if len(found) != 1:
        raise HistoryError(f"{len(found)} operations {op!r}: one file of the node that owns the link is due")
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
