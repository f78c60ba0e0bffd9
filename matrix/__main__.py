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

from locust_cutover.servers import SERVERS, NotInstalledError
from matrix import ways as known
from matrix.cell import RARE_EVERY, RARE_FLIPS, SECONDS, Cell, Measured, not_measured
from matrix.claims import claims, refuted
from matrix.heatmap import as_svg, numbers
from matrix.machine import machine, tools
from matrix.run import recall, run
from matrix.table import as_csv, as_markdown, from_csv

START_UP = 5.0
"""Seconds that a cell takes besides its flips; where none has been run yet that is all there is to go by."""

BEGIN, END = "<!-- begin of the table -->", "<!-- end of the table -->"

EXAMPLES = """
examples:
  python -m matrix                                     all cells; those of an earlier call are not run again
  python -m matrix --servers nginx --ways forced atomic
  python -m matrix --into docs                         and write results.md, results.csv, results.svg there
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cells and write the table.

    The exit code is 1 when a cell has no result or a claim is refuted, 2 when the table cannot be written.
    """
    parser = argparse.ArgumentParser(
        prog="python -m matrix",
        description="Measures every way to switch on every server, and writes the table of results.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--servers", nargs="+", choices=list(SERVERS), default=list(SERVERS), metavar="NAME")
    parser.add_argument("--ways", nargs="+", choices=known.NAMES, default=known.NAMES, metavar="NAME")
    parser.add_argument("--cells", type=Path, default=Path("reports/matrix"), help="where each cell keeps its run")
    parser.add_argument("--into", type=Path, help="the folder for the table (default: that of the cells)")
    options = parser.parse_args(arguments)
    cells = [Cell(way, server) for server in options.servers for way in known.load_ways(options.ways)]
    # A shell ignores SIGINT for what it starts in the background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        results = _measure(cells, options.cells)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on where this one was", file=sys.stderr)
        return 130
    into = options.into or options.cells
    facts = {**machine(), **tools(known.load_ways(options.ways))}
    try:
        write(results, facts, into)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    missing = [cell for cell in results if cell.worst == "not measured"]
    print(f"{len(results) - len(missing)} of {len(results)} cells: {into / 'results.md'}, .csv and .svg")
    for cell in missing:
        print(f"  {cell.server} × {cell.way}: {cell.trouble}")
    wrong = _wrong_claims(into)
    for sentence in wrong:
        print(f"  {into / 'results.md'} claims otherwise: {sentence}")
    return 1 if missing or wrong else 0


def write(results: Sequence[Measured], facts: dict[str, str], into: Path) -> None:
    """Write results.csv, results.svg and, between its two comments, the table of results.md; its other text stays.

    ValueError, with nothing written, when the comments are not there or a larger table would be lost.
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
    there = {(row["server"], row["way"]) for row in from_csv(table.read_text())} if table.exists() else set()
    if left_out := there - {(cell.server, cell.way) for cell in results}:
        raise ValueError(f"{table}: has {len(left_out)} cells that this table leaves out; choose another folder")
    table.write_text(as_csv(results))
    (into / "results.svg").write_text(as_svg(results, facts))
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{as_markdown(results, facts)}\n{END}{after}")


def _measure(cells: Sequence[Cell], folder: Path) -> list[Measured]:
    """All cells, in order; those that are there already are only read."""
    results = {cell.name: found for cell in cells if (found := recall(cell, folder)) is not None}
    if results:
        print(f"{len(results)} of {len(cells)} cells are there already, in {folder}")
    todo = [cell for cell in cells if cell.name not in results]
    each, began = RARE_EVERY * RARE_FLIPS + SECONDS + START_UP, time.monotonic()
    for number, cell in enumerate(todo):
        if number:
            each = (time.monotonic() - began) / number
        minutes = each * (len(todo) - number) / 60
        head = f"[{len(results) + 1:3d}/{len(cells)}] {cell.server} × {cell.way.label}"
        if sys.stderr.isatty():
            print(f"\r{head:<60} {minutes:3.0f} min left ", end="", file=sys.stderr, flush=True)
        measured = _run_if_installed(cell, folder)
        results[cell.name] = measured
        clear = "\r" if sys.stderr.isatty() else ""
        print(f"{clear}{head:<60} {' '.join(numbers(measured)):<24} {minutes:3.0f} min left", flush=True)
    return [results[cell.name] for cell in cells]


def _run_if_installed(cell: Cell, folder: Path) -> Measured:
    try:
        SERVERS[cell.server].check()
    except NotInstalledError as error:
        return not_measured(cell, str(error))
    return run(cell, folder)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _wrong_claims(folder: Path) -> list[str]:
    rows = from_csv((folder / "results.csv").read_text())
    return [sentence for claim in claims((folder / "results.md").read_text()) for sentence in refuted(claim, rows)]


if __name__ == "__main__":
    sys.exit(main())
