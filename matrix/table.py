"""The table as texts: Markdown for people, CSV with everything."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import fields

from matrix.cell import RARE_EVERY, RARE_FLIPS, Measured

COLUMNS = (
    *(field.name for field in fields(Measured) if field.name != "answers"),
    "lost_per_1000_flips",
    "torn_share",
    "worst",
    "answers",
)


def as_csv(cells: Sequence[Measured]) -> str:
    """A row for each cell; the faults are written as `404 Not Found: 12; torn: 3`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell in cells:
        values = {column: getattr(cell, column) for column in COLUMNS}
        values["answers"] = "; ".join(f"{name}: {count}" for name, count in sorted(cell.answers.items()))
        writer.writerow([_number(value) for value in values.values()])
    return text.getvalue()


def from_csv(text: str) -> list[dict[str, str]]:
    """The rows that `as_csv` wrote."""
    return list(csv.DictReader(io.StringIO(text)))


def as_markdown(cells: Sequence[Measured], facts: Mapping[str, str]) -> str:
    """A table for each server, and what all was made on."""
    lines = []
    for server in dict.fromkeys(cell.server for cell in cells):
        rows = [cell for cell in cells if cell.server == server]
        version = next((cell.version for cell in rows if cell.version), "")
        lines += [f"### {server}", "", *([version, ""] if version else [])]
        lines += [
            "| way | lost per 1,000 flips | torn | stale | outage per flip | verdict |",
            "|---|--:|--:|--:|--:|---|",
        ]
        lines += [f"| {' | '.join(_row(cell))} |" for cell in rows]
        lines.append("")
    lines += ["### Made on", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_plain(value)} |" for name, value in facts.items()]
    return "\n".join(lines) + "\n"


def _row(cell: Measured) -> list[str]:
    name = f"`{_plain(cell.label)}`"
    if cell.worst in ("not measured", "nothing flips"):
        return [name, "", "", "", "", _plain(f"{cell.verdict}: {cell.trouble or cell.worst}")]
    return [name, _lost(cell), _torn(cell), _stale(cell), _outage(cell), cell.verdict]


def _lost(cell: Measured) -> str:
    if cell.lost:
        return (
            f"{cell.lost_per_1000_flips:,.0f}" if cell.lost_per_1000_flips >= 10 else f"{cell.lost_per_1000_flips:.1f}"
        )
    return "0" if not cell.rare_lost else "seldom"


def _torn(cell: Measured) -> str:
    if not cell.torn:
        return "0" if not cell.rare_torn else "seldom"
    return f"{100 * cell.torn_share:.1f} %" if cell.torn_share >= 0.001 else "< 0.1 %"


def _stale(cell: Measured) -> str:
    if not cell.stale:
        return "0"
    if not cell.rare_stale:
        return "moments"
    if cell.is_stale_to_the_end:
        return f"{RARE_EVERY * RARE_FLIPS:.0f} s and on"
    age = f"{cell.longest_stale_s:.1f} s" if cell.longest_stale_s >= 0.1 else f"{1000 * cell.longest_stale_s:.1f} ms"
    return f"{age}, then torn" if cell.rare_torn else age


def _outage(cell: Measured) -> str:
    if cell.outage_us is None or cell.outage_us_upper95 is None:
        return ""
    if not cell.lost:
        return f"< {_microseconds(cell.outage_us_upper95)}"
    return _microseconds(cell.outage_us)


def _microseconds(time: float) -> str:
    return f"{time:,.0f} µs" if time >= 10 else f"{time:.2g} µs"


def _number(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


def _plain(text: str) -> str:
    """In one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
