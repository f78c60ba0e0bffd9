"""The result as files beside Locust's own: PREFIX_answers.csv, _flips.csv, _verdict.csv and _verdict.json."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from locust_cutover.result import Result

LENIENT = "backslashreplace"
"""For bytes of a path that are no UTF-8; JSON reads its own escape back."""

NOT_JUDGED = "not judged"
"""The verdict on what nobody could see."""

ANSWERS = ("phase", "kind", "answer", "count", "share")

FLIPS = (
    "phase",
    "flip",
    "release",
    "invoked_s",
    "completed_s",
    "took_us",
    "outcome",
    "visits",
    "lost",
    "torn",
    "stale",
)

VERDICT = (
    "phase",
    "expectation",
    "observed",
    "verdict",
    "visits",
    "flips",
    "harmful_flips",
    "harmful_upper95",
    "outage_us",
    "outage_us_upper95",
)


def write(result: Result, prefix: str) -> list[Path]:
    """Write them all; OSError when one cannot be written."""
    Path(prefix).parent.mkdir(parents=True, exist_ok=True)
    *tables, verdict = paths(prefix)
    for name, path in zip(TABLES, tables, strict=True):
        with path.open("w", newline="", encoding="utf-8", errors=LENIENT) as file:
            write_table(file, name, result)
    text = json.dumps(as_json(result), indent=2, ensure_ascii=False) + "\n"
    verdict.write_text(text, encoding="utf-8", errors=LENIENT)
    return [*tables, verdict]


def paths(prefix: str) -> list[Path]:
    """Where they are: those of `TABLES`, then the JSON file."""
    return [*(Path(f"{prefix}_{name}.csv") for name in TABLES), Path(f"{prefix}_verdict.json")]


def write_table(file: TextIO, name: str, result: Result | None) -> None:
    """Write one of `TABLES` as CSV; without a result only the names of its columns."""
    columns, rows = TABLES[name]
    plain = csv.writer(file, lineterminator="\n")
    quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow(columns)
    for row in rows(result) if result else ():
        # Not every Python quotes a carriage return by itself.
        (quoting if any("\r" in str(value) for value in row) else plain).writerow(row)


def answer_rows(result: Result) -> Iterable[Sequence[object]]:
    """Rows of PREFIX_answers.csv; `share` is of the phase's visits, 0 to 1."""
    for phase in result.phases:
        for kind, answer, count in phase.answers:
            yield phase.phase.name, kind, answer, count, f"{count / phase.visits:.6f}"


def flip_rows(result: Result) -> Iterable[Sequence[object]]:
    """Rows of PREFIX_flips.csv; times from the start of the run. Of a phase with `every: 0` only harmful flips."""
    for phase, table in zip(result.phases, result.flips, strict=True):
        for flip, *counts in table.rows():
            yield (
                phase.phase.name,
                flip.number,
                flip.release,
                f"{(flip.invoked - result.began) / 1e9:.9f}",
                f"{(flip.completed - result.began) / 1e9:.9f}",
                f"{(flip.completed - flip.invoked) / 1e3:.3f}",
                flip.outcome,
                *counts,
            )


def verdict_rows(result: Result) -> Iterable[Sequence[object]]:
    """Rows of PREFIX_verdict.csv, one for each phase and expectation."""
    for phase in result.phases:
        outage = ("", "") if phase.outage is None else (f"{phase.outage.us:.3f}", f"{phase.outage.upper95:.3f}")
        for expectation in phase.expectations:
            yield (
                phase.phase.name,
                f"{expectation.fault}: {expectation.expected}",
                expectation.observed,
                expectation.verdict,
                phase.visits,
                phase.facts.flips,
                expectation.harmful_flips,
                f"{expectation.harmful_upper95:.6f}",
                *outage,
            )
        for fault in phase.not_judged:
            facts = (phase.visits, phase.facts.flips)
            yield phase.phase.name, f"{fault}: {phase.phase.expect[fault]}", "", NOT_JUDGED, *facts, "", "", "", ""


TABLES: dict[str, tuple[Sequence[str], Callable[[Result], Iterable[Sequence[object]]]]] = {
    "answers": (ANSWERS, answer_rows),
    "flips": (FLIPS, flip_rows),
    "verdict": (VERDICT, verdict_rows),
}
"""By name: the columns of PREFIX_name.csv, and what gives its rows."""


def as_json(result: Result) -> dict[str, Any]:
    """The result and what the run was: scenario, versions, machine, times."""
    return {
        "verdict": result.verdict,
        "exit_code": result.exit_code,
        "notes": list(result.notes),
        "scenario": {
            "name": result.scenario.name,
            "path": str(result.scenario.path),
            "description": result.scenario.description,
        },
        "started": result.started.isoformat(),
        "ended": result.ended.isoformat(),
        "server": result.server,
        "url": result.url,
        "users": result.users,
        "seed": result.seed,
        "phases": [
            {
                "name": phase.phase.name,
                "strategy": phase.phase.strategy,
                "every_ns": phase.phase.every,
                "verdict": phase.verdict,
                "troubles": list(phase.troubles),
                "said": phase.facts.said,
                "not_judged": list(phase.not_judged),
                "seconds": round(phase.facts.seconds, 6),
                "visits": phase.visits,
                "flips": phase.facts.flips,
                "failed_flips": phase.facts.failed,
                "late_flips": phase.facts.late,
                "extended": phase.facts.extended,
                "outage_us": None if phase.outage is None else asdict(phase.outage),
                "longest_stale_ns": phase.longest_stale,
                "convergence_ns": phase.convergence,
                "expectations": {
                    expectation.fault: {
                        "expected": expectation.expected,
                        "observed": expectation.observed,
                        "unexplained": expectation.unexplained,
                        "harmful_flips": expectation.harmful_flips,
                        "harmful_upper95": expectation.harmful_upper95,
                        "verdict": expectation.verdict,
                    }
                    for expectation in phase.expectations
                },
                "answers": [{"kind": kind, "answer": answer, "count": count} for kind, answer, count in phase.answers],
            }
            for phase in result.phases
        ],
        "versions": dict(result.versions),
        "machine": dict(result.machine),
    }
