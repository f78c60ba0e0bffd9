"""The table as texts: Markdown for people, CSV with everything."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from locust_cutover.judging.faults import FAULTS
from matrix import wording
from matrix.result import CellResult
from matrix.round import FURTHER

NUMBERS = (
    "visits",
    "flips",
    "failed_flips",
    "lost",
    "torn",
    "outage_us",
    "outage_us_lower95",
    "outage_us_upper95",
    "stale",
    "rare_visits",
    "rare_stale",
    "longest_stale_s",
    "rare_lost",
    "rare_torn",
    "lost_per_1000_flips",
    "torn_share",
)
"""Columns with a number over all rounds."""

LATER = ("looked_s", "lossy_flips", "tearing_flips")
"""More of them, which came later."""

LEAST, GREATEST = "_min", "_max"
"""What is added to the name of a number for the least and the greatest of the rounds."""

COLUMNS = (
    *("strategy", "label", "server", "version", "verdict", "trouble"),
    *NUMBERS,
    *("worst", "answers", "rounds", "classes", "verdicts"),
    *LATER,
    *(f"{name}{end}" for name in (*NUMBERS, *LATER) for end in (LEAST, GREATEST)),
    *(f"{name}{end}" for name in FURTHER for end in ("", LEAST, GREATEST)),
)

BETWEEN = "; "
"""Between the classes of the rounds, and between their verdicts."""


def as_csv(results: Sequence[CellResult]) -> str:
    """A row for each cell; the faults are written as `404 Not Found: 12; torn: 3`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_columns(result) for result in results)
    return text.getvalue()


def from_csv(text: str) -> list[dict[str, str]]:
    """The rows that `as_csv` wrote."""
    return list(csv.DictReader(io.StringIO(text)))


def as_markdown(results: Sequence[CellResult], facts: Mapping[str, str]) -> str:
    """A table for each server, and what all was made on."""
    lines = []
    for server in dict.fromkeys(result.cell.server for result in results):
        rows = [result for result in results if result.cell.server == server]
        version = next((result.version for result in rows if result.version), "")
        lines += [f"### {server}", "", *([version, ""] if version else [])]
        heads = [wording.HEADS.get(fault, fault) for fault in FAULTS]
        lines += [
            f"| strategy | {' | '.join(heads)} | outage per flip | verdict |",
            f"|---|{'--:|' * len(heads)}--:|---|",
        ]
        lines += [f"| {' | '.join(_row(result))} |" for result in rows]
        lines.append("")
    lines += ["### Made on", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_plain(value)} |" for name, value in facts.items()]
    return "\n".join(lines) + "\n"


def _columns(result: CellResult) -> dict[str, object]:
    cell, strategy = result.cell, result.cell.strategy
    row: dict[str, object] = {"strategy": strategy.name, "label": strategy.label, "server": cell.server}
    for name in ("version", "verdict", "trouble", "worst"):
        row[name] = getattr(result, name)
    row["answers"] = BETWEEN.join(f"{name}: {count}" for name, count in sorted(result.answers.items()))
    row["rounds"] = len(result.rounds)
    row["classes"], row["verdicts"] = BETWEEN.join(result.classes), BETWEEN.join(result.verdicts)
    for name in (*NUMBERS, *LATER, *FURTHER):
        row[name] = _number(result.number(name))
        row[f"{name}{LEAST}"], row[f"{name}{GREATEST}"] = _number(result.least(name)), _number(result.greatest(name))
    return row


def _row(result: CellResult) -> list[str]:
    name = f"`{_plain(result.cell.strategy.label)}`"
    why = f": {result.trouble}" if result.trouble else ""
    if result.is_certain and result.colour in ("not measured", "nothing flips"):
        return [name, *[""] * len(FAULTS), "", _plain(f"{result.verdict}{why or f': {result.worst}'}")]
    verdict = result.verdict
    if not result.is_certain:
        verdict = f"{verdict}: {result.worst}"
    elif result.colour == "inconclusive":
        verdict += why
    numbers = [wording.number(result, fault) for fault in FAULTS]
    return [name, *numbers, wording.outage(result), _plain(verdict)]


def _number(value: float | None) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


def _plain(text: str) -> str:
    """In one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
