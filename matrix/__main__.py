"""Command line of the table: python -m matrix."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from locust_cutover.judging.verdict import ExitCode
from locust_cutover.servers.registry import SERVERS
from matrix import strategies as known
from matrix.cell import RARE_EVERY, RARE_FLIPS, ROUNDS, SECONDS, Cell
from matrix.claims import claims, refuted
from matrix.heatmap import as_svg, lines
from matrix.machine import machine, tools
from matrix.result import CellResult
from matrix.round import Round
from matrix.run import play, recall
from matrix.table import as_csv, as_markdown, from_csv

START_UP = 2.5
"""Seconds that a round takes besides its flips; where none has been played yet that is all there is to go by."""

BEGIN, END = "<!-- begin of the table -->", "<!-- end of the table -->"

EXAMPLES = """
examples:
  python -m matrix                       all cells; rounds of an earlier call are not played again
  python -m matrix --servers nginx --strategies forced atomic --rounds 1
  python -m matrix --into docs           and write results.md, results.csv, results.svg there
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the cells and write the table.

    The exit code is 1 when a round has no result or a claim is refuted, 2 when the table cannot be written.
    """
    parser = argparse.ArgumentParser(
        prog="python -m matrix",
        description="Measures every strategy on every server, and writes the table of results.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--servers", nargs="+", choices=list(SERVERS), default=list(SERVERS), metavar="NAME")
    parser.add_argument("--strategies", nargs="+", choices=known.NAMES, default=known.NAMES, metavar="NAME")
    parser.add_argument("--rounds", type=int, choices=range(1, ROUNDS + 1), default=ROUNDS, help="default: %(default)s")
    parser.add_argument("--cells", type=Path, default=Path("reports/matrix"), help="where each round keeps its run")
    parser.add_argument("--into", type=Path, help="the folder for the table (default: that of the cells)")
    options = parser.parse_args(arguments)
    strategies = known.load_strategies(options.strategies)
    cells = [Cell(strategy, server) for server in options.servers for strategy in strategies]
    # A shell ignores SIGINT for what it starts in the background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        results = _measure(cells, options.rounds, options.cells)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on where this one was", file=sys.stderr)
        return 130
    into = options.into or options.cells
    facts = {"rounds": str(options.rounds), **machine(), **tools(strategies)}
    try:
        write(results, facts, into)
    except ValueError as error:
        print(error, file=sys.stderr)
        return ExitCode.WRONG
    missing = [(result, index) for result in results for index in _without_result(result)]
    whole = len(results) - len({result.cell.name for result, _ in missing})
    print(f"{whole} of {len(results)} cells: {into / 'results.md'}, .csv and .svg")
    for result, index in missing:
        head = f"{result.cell.server} × {result.cell.strategy.name}, round {index + 1}"
        print(f"  {head}: {result.rounds[index].trouble}")
    wrong = _wrong_claims(into)
    for sentence in wrong:
        print(f"  {into / 'results.md'} claims otherwise: {sentence}")
    return ExitCode.VIOLATED if missing or wrong else ExitCode.HELD


def write(results: Sequence[CellResult], facts: dict[str, str], into: Path) -> None:
    """Write results.csv, results.svg and, between its two comments, the table of results.md; its other text stays.

    ValueError, with nothing written, when the comments are not there or a table with more in it would be lost.
    """
    into.mkdir(parents=True, exist_ok=True)
    page, table = into / "results.md", into / "results.csv"
    text = (
        page.read_text()
        if page.exists()
        else f"# Results\n\n![The table as a picture](results.svg)\n\n{BEGIN}\n{END}\n"
    )
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{page}: the table is to stand between one {BEGIN} and one {END}")
    rows = from_csv(table.read_text()) if table.exists() else []
    if left_out := {(row["server"], row["strategy"]) for row in rows} - {_place(result) for result in results}:
        raise ValueError(f"{table}: has {len(left_out)} cells that this table leaves out; choose another folder")
    rounds = min(len(result.rounds) for result in results)
    if any(int(row["rounds"]) > rounds for row in rows):
        raise ValueError(f"{table}: has more rounds than the {rounds} of this table; choose another folder")
    table.write_text(as_csv(results))
    (into / "results.svg").write_text(as_svg(results, facts))
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{as_markdown(results, facts)}\n{END}{after}")


def _measure(cells: Sequence[Cell], rounds: int, folder: Path) -> list[CellResult]:
    """All rounds of all cells, the first of each before the second of any; those that are there are only read."""
    todo = [(number, cell) for number in range(1, rounds + 1) for cell in cells]
    found = {(number, cell.name): one for number, cell in todo if (one := recall(cell, number, folder)) is not None}
    if found:
        print(f"{len(found)} of {len(todo)} rounds are there already, in {folder}")
    todo = [(number, cell) for number, cell in todo if (number, cell.name) not in found]
    each, began = RARE_EVERY * RARE_FLIPS + SECONDS + START_UP, time.monotonic()
    for done, (number, cell) in enumerate(todo):
        if done:
            each = (time.monotonic() - began) / done
        minutes = each * (len(todo) - done) / 60
        head = f"[{done + 1:3d}/{len(todo)}] round {number}: {cell.server} × {cell.strategy.label}"
        if sys.stderr.isatty():
            print(f"\r{head:<60} {minutes:3.0f} min left ", end="", file=sys.stderr, flush=True)
        played = play(cell, number, folder)
        found[number, cell.name] = played
        clear = "\r" if sys.stderr.isatty() else ""
        print(f"{clear}{head:<60} {_in_short(cell, played):<24} {minutes:3.0f} min left", flush=True)
    return [CellResult(cell, tuple(found[number, cell.name] for number in range(1, rounds + 1))) for cell in cells]


def _in_short(cell: Cell, played: Round) -> str:
    return " ".join(lines(CellResult(cell, (played,))))


def _place(result: CellResult) -> tuple[str, str]:
    return result.cell.server, result.cell.strategy.name


def _without_result(result: CellResult) -> list[int]:
    """The rounds that are not measured."""
    return [index for index, worst in enumerate(result.classes) if worst == "not measured"]


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _wrong_claims(folder: Path) -> list[str]:
    rows = from_csv((folder / "results.csv").read_text())
    return [sentence for claim in claims((folder / "results.md").read_text()) for sentence in refuted(claim, rows)]


if __name__ == "__main__":
    sys.exit(main())
