"""Cells of a table, by hand."""

from __future__ import annotations

from typing import Any

from matrix.cell import FREQUENT, RARE, Cell, Measured
from matrix.ways import Way

FORCED = Way("forced", "forced", "forced", "2ms")


def cell(server: str = "nginx", way: Way = FORCED) -> Cell:
    """One cell."""
    return Cell(way, server)


def result(way: str = "forced", server: str = "nginx", **values: Any) -> Measured:
    """A cell that was measured: 2,000 flips and 20,000 visits without a fault, but for the values."""
    facts = {"verdict": "held", "visits": 20_000, "flips": 2000, "rare_visits": 15_000, "outage_us": 0.0}
    return Measured(way, way, server, **{"version": f"{server} 1.0", "outage_us_upper95": 0.3, **facts, **values})


def verdict(**values: dict[str, Any]) -> dict[str, Any]:
    """A PREFIX_verdict.json without a fault, but for what `rare` and `frequent` change."""
    phases = [
        {
            "name": name,
            "troubles": [],
            "visits": 1000,
            "flips": 2000,
            "failed_flips": 0,
            "outage_us": {"us": 0.0, "lower95": 0.0, "upper95": 0.3},
            "longest_stale_ns": 0,
            "expectations": {fault: {"observed": 0} for fault in ("lost", "torn", "stale")},
            "answers": [{"kind": "ok", "answer": "200 OK", "count": 1000}],
            **values.get(name, {}),
        }
        for name in (RARE, FREQUENT)
    ]
    return {"server": "nginx 1.22.1", "verdict": "held", "phases": phases}
