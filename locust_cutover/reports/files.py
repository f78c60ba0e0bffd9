"""The result as files beside Locust's own: PREFIX_answers.csv, _flips.csv, _verdict.csv and _verdict.json."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.verdict import PhaseVerdict
from locust_cutover.reports import words
from locust_cutover.result import Result

LENIENT = "backslashreplace"
"""For bytes of a path that are no UTF-8; JSON reads its own escape back."""

ANSWERS = ("phase", "kind", "answer", "count", "share")

FLIPS = [
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
    "flip_phase",
    "cpu",
]
FLIPS += [fault for fault in FAULTS if fault not in FLIPS]  # at the end, so that those before keep their places

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
    "at_flips",
    "after_flips",
    "at_none",
    "met_flips",
    "tried_flips",
    "outage_us_lower95",
    "background_lost",
    "background_visits",
    "late_flips",
    "longest_stale_ms",
    "convergence_ms",
    "not_converged_ms",
    "not_converged_until",
)


def paths(prefix: str) -> list[Path]:
    """Where they are: those of `TABLES`, then the JSON file."""
    return [*(Path(f"{prefix}_{name}.csv") for name in TABLES), Path(f"{prefix}_verdict.json")]


def table(name: str, result: Result | None) -> str:
    """One of `TABLES` as CSV; without a result only the names of its columns."""
    columns, rows = TABLES[name]
    text = io.StringIO()
    plain = csv.writer(text, lineterminator="\n")
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow(columns)
    for row in rows(result) if result else ():
        # Not every Python quotes a carriage return by itself.
        (quoting if any("\r" in str(value) for value in row) else plain).writerow(row)
    return text.getvalue()


def verdict(result: Result) -> str:
    """PREFIX_verdict.json."""
    return json.dumps(as_json(result), indent=2, ensure_ascii=False) + "\n"


def answer_rows(result: Result) -> Iterable[Sequence[object]]:
    """Rows of PREFIX_answers.csv; `share` is of the phase's visits, 0 to 1."""
    for phase in result.phases:
        for kind, answer, count in phase.answers:
            yield phase.phase.name, kind, answer, count, f"{count / phase.visits:.6f}"


def flip_rows(result: Result) -> Iterable[Sequence[object]]:
    """Rows of PREFIX_flips.csv; times from the start of the run. Of a phase with `every: 0` only harmful flips.

    `phase` is that of the visits, so that its rows and its faults at none add up to its answers; `flip_phase` is that
    of the flip, an earlier one where an old page lived on.
    """
    names = [phase.phase.name for phase in result.phases]
    for phase, table in zip(result.phases, result.flips, strict=True):
        for flip, visits, faults in table.rows():
            row = {
                "phase": phase.phase.name,
                "flip": flip.number,
                "release": flip.release,
                "invoked_s": f"{(flip.invoked - result.began) / 1e9:.9f}",
                "completed_s": f"{(flip.completed - result.began) / 1e9:.9f}",
                "took_us": f"{(flip.completed - flip.invoked) / 1e3:.3f}",
                "outcome": flip.outcome,
                "visits": visits,
                "flip_phase": names[flip.phase],
                "cpu": "" if flip.cpu is None else flip.cpu,
                **dict(zip(FAULTS, faults, strict=True)),
            }
            yield [row[column] for column in FLIPS]


def verdict_rows(result: Result) -> Iterable[Sequence[object]]:
    """Rows of PREFIX_verdict.csv, one for each phase and expectation."""
    for phase in result.phases:
        lower, upper = ("", "")
        outage = ""
        if phase.outage is not None:
            outage, lower = f"{phase.outage.us:.3f}", f"{phase.outage.lower95:.3f}"
            upper = "" if phase.outage.upper95 is None else f"{phase.outage.upper95:.3f}"
        lost, calm = ("", "") if phase.background is None else (phase.background.lost, phase.background.visits)
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
                outage,
                upper,
                expectation.at_flips,
                expectation.after_flips,
                expectation.at_none,
                phase.met_flips,
                expectation.tried_flips,
                lower,
                lost,
                calm,
                phase.facts.late,
                _milliseconds(phase.longest_stale),
                _milliseconds(_converged(phase)),
                _milliseconds(phase.convergence.unseen),
                words.not_converged_until(phase.convergence),
            )
        for fault in phase.not_judged:
            facts = (f"{fault}: {phase.phase.expect[fault]}", "", words.NOT_JUDGED, phase.visits, phase.facts.flips)
            yield phase.phase.name, *facts, *[""] * (len(VERDICT) - 1 - len(facts))


def _converged(phase: PhaseVerdict) -> int:
    """The time after a flip from which every visit got the new release; 0 where that was not seen of each flip."""
    return 0 if phase.convergence.unseen else phase.convergence.seen


def _milliseconds(nanoseconds: int) -> str:
    """Empty for 0, which stands for nothing seen."""
    return f"{nanoseconds / 1e6:.3f}" if nanoseconds else ""


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
        "problems": list(result.problems),
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
                "troubles": words.troubles(phase),
                "trouble": words.trouble(phase.facts),
                "said": phase.facts.said,
                "not_judged": list(phase.not_judged),
                "seconds": round(phase.facts.seconds, 6),
                "visits": phase.visits,
                "flips": phase.facts.flips,
                "failed_flips": phase.facts.failed,
                "late_flips": phase.facts.late,
                "met_flips": phase.met_flips,
                "extended": phase.facts.extended,
                "outage_us": None if phase.outage is None else asdict(phase.outage),
                "background": None if phase.background is None else asdict(phase.background),
                "longest_stale_ns": phase.longest_stale,
                "convergence_ns": _converged(phase) or None,
                "not_converged_ns": phase.convergence.unseen or None,
                "not_converged_until": words.not_converged_until(phase.convergence) or None,
                "expectations": {
                    expectation.fault: {
                        "expected": expectation.expected,
                        "observed": expectation.observed,
                        "at_flips": expectation.at_flips,
                        "after_flips": expectation.after_flips,
                        "at_none": expectation.at_none,
                        "harmful_flips": expectation.harmful_flips,
                        "tried_flips": expectation.tried_flips,
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
