"""The table as one picture: a row for each way, a column for each server, a colour for the worst that visitors met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from matrix.cell import RARE_EVERY, RARE_FLIPS, Class, Measured

# Okabe and Ito's colours, which colour-blind people can tell apart, the same as in the report (reports/report.css).
COLOURS: dict[Class, str] = {
    "clean": "#009e73",
    "stale": "#b3579a",
    "torn": "#0072b2",
    "lost": "#d55e00",
    "nothing flips": "#c8d0d8",
    "not measured": "#f0f2f4",
}

MEANING: dict[Class, str] = {
    "clean": "all right",
    "stale": "old, status 200; for how long",
    "torn": "of two releases, status 200",
    "lost": "no whole page; per 1,000 flips",
    "nothing flips": "the link stays",
    "not measured": "no result",
}

SHOWN = ("system", "kernel", "file system")
"""Which of the machine's facts are on the picture."""

MACHINE = (*SHOWN, "processors", "Python")
"""All of them; the other facts are tools and their versions."""

TITLE = "What visitors meet while a site is switched"

WIDTH, HEIGHT, LEFT, TOP = 92, 40, 170, 100


def as_svg(cells: Sequence[Measured], facts: Mapping[str, str]) -> str:
    """An SVG file; each cell says in words what its colour says, and its numbers in a title."""
    ways = list(dict.fromkeys((cell.way, cell.label) for cell in cells))
    servers = list(dict.fromkeys(cell.server for cell in cells))
    width, bottom = LEFT + WIDTH * len(servers) + 20, TOP + HEIGHT * len(ways)
    classes = [name for name in COLOURS if any(cell.worst == name for cell in cells)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 100}" role="img" '
        f'aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="12">',
        f'<title id="t">{TITLE}</title>',
        f'<desc id="d">{escape(describe(cells))}</desc>',
        f'<rect width="{width}" height="{bottom + 100}" fill="#ffffff"/>',
        f'<text x="16" y="30" font-size="17" font-weight="600" fill="#1b1f24">{TITLE}</text>',
    ]
    for column, server in enumerate(servers):
        x, y = LEFT + WIDTH * column + WIDTH / 2 - 4, TOP - 10
        # Slanted: the names are longer than the cells are wide.
        parts.append(f'<text x="{x}" y="{y}" fill="#1b1f24" transform="rotate(-18 {x} {y})">{escape(server)}</text>')
    for row, (way, label) in enumerate(ways):
        y = TOP + HEIGHT * row
        parts.append(
            f'<text x="{LEFT - 10}" y="{y + HEIGHT / 2 + 4}" text-anchor="end" fill="#1b1f24">{escape(label)}</text>'
        )
        for column, server in enumerate(servers):
            found = next((cell for cell in cells if (cell.way, cell.server) == (way, server)), None)
            if found is not None:
                parts += _cell(found, LEFT + WIDTH * column, y)
    parts += _legend(classes, bottom + 24)
    made = ", ".join(facts[name] for name in SHOWN if name in facts)
    versions = "; ".join(dict.fromkeys(cell.version for cell in cells if cell.version))
    tools = "; ".join(dict.fromkeys(value for name, value in facts.items() if name not in MACHINE))
    for number, text in enumerate((made, versions, tools)):
        baseline = bottom + 54 + 16 * number
        parts.append(f'<text x="16" y="{baseline}" font-size="10" fill="#57606a">{escape(text)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def describe(cells: Sequence[Measured]) -> str:
    """The picture in words, for those who do not see it."""
    texts = []
    for name in COLOURS:
        found = [cell for cell in cells if cell.worst == name]
        if found:
            listed = ", ".join(f"{cell.label} on {cell.server}" for cell in found)
            texts.append(f"{name}, {len(found)} of {len(cells)}: {listed}.")
    return " ".join(texts)


def numbers(cell: Measured) -> list[str]:
    """What is written in a cell, at most two lines."""
    match cell.worst:
        case "lost":
            number = f"{cell.lost_per_1000_flips:,.0f}" if cell.lost_per_1000_flips >= 1 else "< 1"
            return ["lost", f"{number} per 1,000"]
        case "torn":
            return ["torn", f"{100 * cell.torn_share:.1f} %" if cell.torn_share >= 0.001 else "< 0.1 %"]
        case "stale":
            return [
                "stale",
                f"{RARE_EVERY * RARE_FLIPS:.0f} s and on"
                if cell.is_stale_to_the_end
                else f"{cell.longest_stale_s:.1f} s",
            ]
        case _:
            return [cell.worst]


def _cell(cell: Measured, x: float, y: float) -> list[str]:
    ink = "#1b1f24" if cell.worst in ("nothing flips", "not measured") else "#ffffff"
    lines = numbers(cell)
    middle = x + WIDTH / 2 - 1
    found = ", ".join(f"{name}: {count}" for name, count in sorted(cell.answers.items())) or "no fault"
    title = f"{cell.label} on {cell.server}: {found}; {cell.flips} flips, {cell.visits} visits"
    parts = [
        f"<g><title>{escape(title)}</title>",
        f'<rect x="{x}" y="{y}" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="3" fill="{COLOURS[cell.worst]}"/>',
    ]
    for number, line in enumerate(lines):
        baseline = y + HEIGHT / 2 + 3 + (number - (len(lines) - 1) / 2) * 14
        style = f'fill="{ink}" font-size="11"' + (' font-weight="600"' if number == 0 else "")
        parts.append(f'<text x="{middle}" y="{baseline}" text-anchor="middle" {style}>{escape(line)}</text>')
    return [*parts, "</g>"]


def _legend(classes: Sequence[Class], y: float) -> list[str]:
    parts, x = [], 16.0
    for name in classes:
        text = f"{name}: {MEANING[name]}"
        parts.append(f'<rect x="{x}" y="{y - 11}" width="13" height="13" rx="2" fill="{COLOURS[name]}"/>')
        parts.append(f'<text x="{x + 18}" y="{y}" fill="#1b1f24">{escape(text)}</text>')
        x += 32 + 5.7 * len(text)
    return parts
