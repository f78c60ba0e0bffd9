"""What the files of a run must agree on: each fault is in answers.csv, and at a flip, after one or near none."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from locust_cutover.reports import files, words
from locust_cutover.result import Result

Rows = Sequence[Mapping[str, str]]

FAULTS = ("lost", "torn", "stale")


def files_add_up(prefix: str | Path) -> None:
    """The files that --csv PREFIX wrote add up."""
    tables = []
    for name in ("answers", "flips", "verdict"):
        with Path(f"{prefix}_{name}.csv").open(newline="", encoding="utf-8") as file:
            tables.append(list(csv.DictReader(file, strict=True)))
    rows_add_up(*tables)


def result_adds_up(result: Result) -> None:
    """The rows that would be written of this result add up."""
    rows_add_up(
        _rows(files.ANSWERS, files.answer_rows(result)),
        _rows(files.FLIPS, files.flip_rows(result)),
        _rows(files.VERDICT, files.verdict_rows(result)),
    )


def rows_add_up(answers: Rows, flips: Rows, verdict: Rows) -> None:
    """By phase and kind of fault, those of the flips and those near none are all that were answered."""
    answered: Counter[tuple[str, str]] = Counter()
    at_or_after: Counter[tuple[str, str]] = Counter()
    harmful: Counter[tuple[str, str]] = Counter()
    visits: Counter[str] = Counter()
    for row in answers:
        answered[row["phase"], row["kind"]] += int(row["count"])
        visits[row["phase"]] += int(row["count"])
    for row in flips:
        counts = [int(row[kind]) for kind in FAULTS]
        assert int(row["visits"]) >= sum(counts), row
        for kind, count in zip(FAULTS, counts, strict=True):
            at_or_after[row["phase"], kind] += count
            harmful[row["phase"], kind] += count > 0
    for row in verdict:
        phase, kind = row["phase"], row["expectation"].partition(":")[0]
        assert int(row["visits"]) == visits[phase], row
        if row["verdict"] == words.NOT_JUDGED:
            assert not answered[phase, kind], row
            continue
        assert int(row["observed"]) == answered[phase, kind], row
        assert int(row["at_flips"]) + int(row["after_flips"]) == at_or_after[phase, kind], row
        assert at_or_after[phase, kind] + int(row["at_none"]) == answered[phase, kind], row
        assert int(row["harmful_flips"]) == harmful[phase, kind], row
        assert int(row["met_flips"]) <= int(row["flips"]), row


def _rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Rows:
    return [dict(zip(columns, map(str, row), strict=True)) for row in rows]
