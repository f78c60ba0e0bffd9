"""Cells of a table, by hand."""

from __future__ import annotations

from typing import Any

from matrix.cell import FREQUENT, RARE, RARE_EVERY, Cell
from matrix.result import CellResult
from matrix.round import Round
from matrix.strategies import Strategy

FORCED = Strategy("forced", "forced", "forced", "2ms")


def cell(server: str = "nginx", strategy: Strategy = FORCED) -> Cell:
    """One cell."""
    return Cell(strategy, server)


def played(**values: Any) -> Round:
    """A round that was measured: 2,000 flips and 20,000 visits without a fault, but for the values."""
    facts = {"verdict": "held", "visits": 20_000, "flips": 2000, "rare_visits": 15_000, "looked_s": RARE_EVERY}
    return Round(**{"version": "nginx 1.0", "outage_us": 0.0, "outage_us_upper95": 0.3, **facts, **values})


def result(strategy: str = "forced", server: str = "nginx", **values: Any) -> CellResult:
    """A cell of one round."""
    return of_rounds(played(**{"version": f"{server} 1.0", **values}), strategy=strategy, server=server)


def of_rounds(*rounds: Round, strategy: str = "forced", server: str = "nginx") -> CellResult:
    """A cell of these rounds."""
    return CellResult(Cell(Strategy(strategy, strategy, strategy, "2ms"), server), rounds)


def phase(name: str = FREQUENT, **values: Any) -> dict[str, Any]:
    """A phase of a PREFIX_verdict.json without a fault, but for the values."""
    return {
        "name": name,
        "every_ns": int(RARE_EVERY * 1e9) if name == RARE else 2_000_000,
        "trouble": "",
        "troubles": [],
        "visits": 1000,
        "flips": 1 if name == RARE else 2000,
        "failed_flips": 0,
        "outage_us": {"us": 0.0, "lower95": 0.0, "upper95": 0.3},
        "longest_stale_ns": 0,
        "expectations": observed(),
        "answers": [{"kind": "ok", "answer": "200 OK", "count": 1000}],
        **values,
    }


def observed(**faults: int | str) -> dict[str, dict[str, Any]]:
    """The expectations of a phase: how often each fault was seen, or the verdict on one that was not."""
    found = {}
    for fault in ("lost", "torn", "stale"):
        seen = faults.get(fault, "held")
        number = seen if isinstance(seen, int) else 0
        verdict = "violated" if number else "held" if seen == 0 else seen
        found[fault] = {"observed": number, "harmful_flips": number // 2, "verdict": verdict}
    return found


def verdict(**values: dict[str, Any]) -> dict[str, Any]:
    """A PREFIX_verdict.json without a fault, but for what `rare` and `frequent` change."""
    phases = [phase(name, **values.get(name, {})) for name in (RARE, FREQUENT)]
    return {"server": "nginx 1.22.1", "verdict": "held", "phases": phases}
