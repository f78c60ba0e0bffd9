"""Command line of the sample: python -m matrix.sample. Plays a few cells, chosen by the commit, against the claims.

One round of a cell is little. So a condition is contradicted only by what cannot be chance:

- A count that is 0 in the claim: by one that is not.
- A count above 0 in the claim: by 0, where the rounds of the table let expect so many that none is no chance; and
  only where the table has all its rounds, since the spread of fewer is not known.
- A class or a verdict: by another one, but not by `inconclusive`.
- A time, a share or a rate: never; they are of the machine that the table was made on.

A cell that has no result contradicts the table, which has one.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.verdict import ExitCode
from locust_cutover.servers.registry import SERVERS
from matrix.cell import ROUNDS, Cell
from matrix.claims import Claim, claims, covers
from matrix.machine import programs
from matrix.round import Round
from matrix.run import ROOT, play
from matrix.strategies import load_strategies
from matrix.table import GREATEST, LEAST, from_csv

NUMBER = 5
"""Cells of a sample: half a minute."""

ABSENT = {**{fault: fault for fault in FAULTS}, "rare_lost": "lost", "rare_torn": "torn"}
"""The counts that a round may refute when they are 0 in a claim, and the fault that each is of."""

SURE = {
    # Visitors are hit together, so flips are counted: of 20 that are expected one at least comes, but for 2 in 10⁹.
    "lost": ("lossy_flips", "flips", 20),
    "torn": ("tearing_flips", "flips", 20),
    # All of one flip: what a cache holds it holds for every visitor.
    "rare_stale": ("rare_stale", "rare_visits", 1000),
}
"""By count: the events and their occasions in a round, and how many must be expected before none is no chance."""

CERTAIN = ("clean", "nothing flips", "held")
"""Classes and verdicts that a round cannot miss by chance."""


@dataclass(frozen=True)
class Opinion:
    """What one round says of the claims about its cell, a sentence for each condition."""

    upheld: tuple[str, ...]
    refuted: tuple[str, ...]
    open: tuple[str, ...]
    """What it cannot decide."""


def choose(cells: Sequence[Cell], commit: str, number: int) -> list[Cell]:
    """So many of the cells, the same for the same commit."""
    return sorted(cells, key=lambda cell: hashlib.sha256(f"{commit} {cell.name}".encode()).digest())[:number]


def opinion(cell: Cell, played: Round, said: Sequence[Claim], row: Mapping[str, str]) -> Opinion:
    """Hold one round against the claims; `row` is the cell in the table."""
    if played.worst == "not measured":
        return Opinion((), (f"has no result: {played.trouble}",), ())
    upheld, refuted, left = [], [], []
    for claim in said:
        if covers(claim, cell.server, cell.strategy.name):
            for column, sign, value in claim.conditions:
                decided = decide(column, sign, value, played, row)
                text = f"{column} {sign} {value}"
                if decided is None:
                    left.append(text)
                elif decided:
                    upheld.append(text)
                else:
                    refuted.append(f"{column} is {getattr(played, column)}, not {sign} {value}")
    return Opinion(tuple(upheld), tuple(refuted), tuple(left))


def decide(column: str, sign: str, value: str, played: Round, row: Mapping[str, str]) -> bool | None:
    """Whether the condition holds in this round; None when one round cannot tell."""
    if column in ("worst", "verdict") and sign == "==" and value in CERTAIN:
        found = getattr(played, column)
        return None if found == "inconclusive" else bool(found == value)
    if column in ABSENT and (sign, value) == ("==", "0"):
        if played.number(column):
            return False
        return None if ABSENT[column] in played.unseen else True
    if column in SURE and (sign, value) == (">", "0"):
        if getattr(played, column):
            return True
        events, _, enough = SURE[column]
        return False if _expected(events, column, played, row) >= enough else None
    return None


def _expected(events: str, column: str, played: Round, row: Mapping[str, str]) -> float:
    """How many events the least of the table's rounds lets expect in this one."""
    if int(row["rounds"]) < ROUNDS:
        return 0.0
    occasions = SURE[column][1]
    made = played.rare_visits if occasions == "rare_visits" else played.flips - played.failed_flips
    return float(row[f"{events}{LEAST}"] or 0) / float(row[f"{occasions}{GREATEST}"]) * made


def commit() -> str:
    """The hash of the commit that is checked out; outside a git checkout always the same."""
    if shutil.which("git") is None:
        return ""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def missing(cell: Cell) -> str:
    """The first program of the strategy that is not installed, if any."""
    return next((name for name in programs(cell.strategy.command) if shutil.which(name) is None), "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the sample; the exit code is 1 when a round contradicts a claim."""
    parser = argparse.ArgumentParser(
        prog="python -m matrix.sample",
        description="Plays one round of a few cells, chosen by the commit, against the claims of the table's text.",
    )
    parser.add_argument("--number", type=int, default=NUMBER, metavar="N", help=f"of cells (default: {NUMBER})")
    parser.add_argument("--commit", default=commit(), metavar="HASH", help="chooses the cells (default: git's)")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="the folder with results.md and results.csv")
    parser.add_argument("--cells", type=Path, default=Path("reports/matrix-sample"), help="where each keeps its run")
    options = parser.parse_args(arguments)
    said = claims((options.docs / "results.md").read_text())
    rows = {(row["server"], row["strategy"]): row for row in from_csv((options.docs / "results.csv").read_text())}
    cells = [Cell(strategy, server) for server in SERVERS for strategy in load_strategies()]
    named = [cell for cell in cells if any(covers(claim, cell.server, cell.strategy.name) for claim in said)]
    chosen = choose(named, options.commit, options.number)
    upheld = refuted = 0
    for cell in chosen:
        head = f"{cell.server} × {cell.strategy.label}"
        if program := missing(cell):
            print(f"{head}: decides nothing: {program} is not installed")
            continue
        played = play(cell, 1, options.cells)
        found = opinion(cell, played, said, rows[cell.server, cell.strategy.name])
        upheld += bool(found.upheld and not found.refuted)
        refuted += bool(found.refuted)
        parts = [f"{word}: {', '.join(texts)}" for word, texts in _parts(found) if texts]
        print(f"{head}: {'; '.join([played.worst, *parts])}", flush=True)
    undecided = len(chosen) - upheld - refuted
    print(f"{len(chosen)} cells: {upheld} as claimed, {refuted} otherwise, {undecided} could decide nothing")
    return ExitCode.VIOLATED if refuted else ExitCode.HELD


def _parts(found: Opinion) -> list[tuple[str, tuple[str, ...]]]:
    return [("OTHERWISE", found.refuted), ("as claimed", found.upheld), ("not decided", found.open)]


if __name__ == "__main__":
    sys.exit(main())
