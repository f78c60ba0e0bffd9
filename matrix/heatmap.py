"""The table as one picture: strategies in rows, servers in columns, a colour for the worst that visitors met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from locust_cutover.judging.faults import FAULTS
from locust_cutover.reports import words
from matrix import wording
from matrix.result import CellResult
from matrix.round import Class

COLOURS: dict[Class, str] = {
    "clean": "#009e73",
    **{fault: FAULTS[fault].colour for fault in reversed(FAULTS)},
    "nothing flips": "#c8d0d8",
    "inconclusive": "#ece5c8",
    "not measured": "#f0f2f4",
}

DARK, LIGHT = "#1b1f24", "#ffffff"
"""Inks."""

PALE = 0.3
"""The opacity of the colour where the rounds differ."""

MEANING: dict[Class, str] = {
    "clean": "all right",
    **{fault: definition.meaning for fault, definition in FAULTS.items()},
    "nothing flips": "the link stays",
    "inconclusive": "a fault could not have been seen",
    "not measured": "no result",
}

SHOWN = ("system", "kernel", "file system")
"""Which of the machine's facts are on the picture."""

NO_TOOLS = (*SHOWN, "processors", "Python", "rounds")
"""The other facts are tools and their versions."""

TITLE = "What visitors meet while current is flipped"

DIFFERS = "paler: not in all rounds"

WIDTH, HEIGHT, LEFT, TOP = 92, 40, 170, 100


def as_svg(results: Sequence[CellResult], facts: Mapping[str, str]) -> str:
    """An SVG file; each cell says in words what its colour says, and its numbers in a title."""
    strategies = list(dict.fromkeys((one.cell.strategy.name, one.cell.strategy.label) for one in results))
    servers = list(dict.fromkeys(one.cell.server for one in results))
    width = LEFT + WIDTH * len(servers) + 20
    legend, bottom = _legend(results, TOP + HEIGHT * len(strategies) + 24, width)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 76}" role="img" '
        f'aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="12">',
        f'<title id="t">{TITLE}</title>',
        f'<desc id="d">{escape(describe(results))}</desc>',
        f'<rect width="{width}" height="{bottom + 76}" fill="#ffffff"/>',
        f'<text x="16" y="30" font-size="17" font-weight="600" fill="{DARK}">{TITLE}</text>',
    ]
    for column, server in enumerate(servers):
        x, y = LEFT + WIDTH * column + WIDTH / 2 - 4, TOP - 10
        # Slanted: the names are longer than the cells are wide.
        parts.append(f'<text x="{x}" y="{y}" fill="{DARK}" transform="rotate(-18 {x} {y})">{escape(server)}</text>')
    places = {(one.cell.strategy.name, one.cell.server): one for one in results}
    for row, (strategy, label) in enumerate(strategies):
        y = TOP + HEIGHT * row
        parts.append(
            f'<text x="{LEFT - 10}" y="{y + HEIGHT / 2 + 4}" text-anchor="end" fill="{DARK}">{escape(label)}</text>'
        )
        for column, server in enumerate(servers):
            if (strategy, server) in places:
                parts += _cell(places[strategy, server], LEFT + WIDTH * column, y)
    parts += legend
    made = ", ".join(facts[name] for name in SHOWN if name in facts)
    versions = "; ".join(dict.fromkeys(one.version for one in results if one.version))
    tools = "; ".join(dict.fromkeys(value for name, value in facts.items() if name not in NO_TOOLS))
    for number, text in enumerate((made, versions, tools)):
        baseline = bottom + 30 + 16 * number
        parts.append(f'<text x="16" y="{baseline}" font-size="10" fill="#57606a">{escape(text)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def describe(results: Sequence[CellResult]) -> str:
    """The picture in words, for those who do not see it."""
    texts = []
    for name in COLOURS:
        of_colour = [one for one in results if one.colour == name]
        # The certain ones first.
        for worst in sorted({one.worst for one in of_colour}, key=lambda worst: (worst != name, worst)):
            found = [one for one in of_colour if one.worst == worst]
            listed = ", ".join(f"{one.cell.strategy.label} on {one.cell.server}" for one in found)
            texts.append(f"{worst}, {len(found)} of {len(results)} cells: {listed}.")
    return " ".join(texts)


def lines(result: CellResult) -> list[str]:
    """What is written in a cell, at most two lines."""
    if not result.is_certain:
        return [result.colour, result.worst.removeprefix(result.colour).strip()]
    if result.colour not in FAULTS:
        return [result.colour]
    number = wording.number(result, result.colour).partition(" (")[0]
    return [result.colour, f"{number} per 1,000" if result.colour == "lost" and number != "seldom" else number]


def _cell(result: CellResult, x: float, y: float) -> list[str]:
    colour = result.colour
    is_dark = result.is_certain and (colour in FAULTS or colour == "clean")
    ink, opacity = (LIGHT if is_dark else DARK), ("" if result.is_certain else f' fill-opacity="{PALE}"')
    middle = x + WIDTH / 2 - 1
    found = ", ".join(f"{name}: {words.count(count)}" for name, count in sorted(result.answers.items())) or "no fault"
    title = (
        f"{result.cell.strategy.label} on {result.cell.server}: {found}; "
        f"{words.many(int(result.number('flips') or 0), 'flip')}, "
        f"{words.many(int(result.number('visits') or 0), 'visit')}; rounds: {', '.join(result.classes)}"
    )
    parts = [
        f"<g><title>{escape(title)}</title>",
        f'<rect x="{x}" y="{y}" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="3" fill="{COLOURS[colour]}"{opacity}/>',
    ]
    written = lines(result)
    for number, line in enumerate(written):
        baseline = y + HEIGHT / 2 + 3 + (number - (len(written) - 1) / 2) * 14
        style = f'fill="{ink}" font-size="11"' + (' font-weight="600"' if number == 0 else "")
        parts.append(f'<text x="{middle}" y="{baseline}" text-anchor="middle" {style}>{escape(line)}</text>')
    return [*parts, "</g>"]


def _legend(results: Sequence[CellResult], y: float, width: float) -> tuple[list[str], float]:
    """What the colours mean that occur, in as many lines as it takes, and where the last of them is."""
    parts, x = [], 16.0
    colours = {one.colour for one in results}
    entries = [(COLOURS[name], 1.0, f"{name}: {MEANING[name]}") for name in COLOURS if name in colours]
    if any(not one.is_certain for one in results):
        entries.append((DARK, PALE, DIFFERS))
    for colour, opacity, text in entries:
        length = 32 + 6.3 * len(text)
        if x > 16 and x + length > width:
            x, y = 16.0, y + 20
        box = f'x="{x}" y="{y - 11}" width="13" height="13" rx="2"'
        parts.append(f'<rect {box} fill="{colour}" fill-opacity="{opacity}"/>')
        parts.append(f'<text x="{x + 18}" y="{y}" fill="{DARK}">{escape(text)}</text>')
        x += length
    return parts, y
