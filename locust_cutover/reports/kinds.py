"""How each kind of answer is drawn: a colour, light or dark, and a pattern that tells it apart without colour."""

from __future__ import annotations

from locust_cutover.judging.faults import FAULTS, Pattern
from locust_cutover.reports.markup import Markup, element

PATTERNS: dict[str, Pattern] = {**{fault: known.pattern for fault, known in FAULTS.items()}, "unjudged": "lines"}
"""Of every kind but ok, which is in report.css."""

_SHAPES: dict[Pattern, tuple[str, str, dict[str, str]]] = {
    "stripes": ("5", "path", {"d": "M1.3 0v5", "stroke_width": "2.6"}),
    "dots": ("4", "circle", {"cx": "2", "cy": "2", "r": "1.5", "stroke_width": "0"}),
    "lines": ("4", "path", {"d": "M0 2h4", "stroke_width": "1.4"}),
    "crosses": ("5", "path", {"d": "M0 2.5h5M2.5 0v5", "stroke_width": "1.2"}),
}
"""Of each pattern that is not solid: the width of a tile, and the shape in it."""


def styles() -> str:
    """CSS that goes before report.css: the colours of the faults, and what fills each kind."""
    light = "".join(f" --{fault}: {known.colour};" for fault, known in FAULTS.items())
    dark = "".join(f" --{fault}: {known.dark};" for fault, known in FAULTS.items())
    rules = [f":root {{{light} }}", f"@media screen and (prefers-color-scheme: dark) {{ :root {{{dark} }} }}"]
    for kind, pattern in PATTERNS.items():
        fill = f"var(--{kind})" if pattern == "solid" else f"url(#{kind})"
        rules += [
            f".{kind} {{ fill: {fill}; stroke: var(--{kind}); }}",
            f"rect.{kind} {{ stroke-width: 1; }}",
            f"path.{kind} {{ stroke-width: .5; vector-effect: non-scaling-stroke; }}",
            f"#{kind} * {{ fill: var(--{kind}); stroke: var(--{kind}); }}",
        ]
    return "\n".join(rules) + "\n"


def patterns() -> Markup:
    """What fills the kinds that are not solid."""
    tiles = []
    for kind, pattern in PATTERNS.items():
        if pattern != "solid":
            size, tag, shape = _SHAPES[pattern]
            tile = {"width": size, "height": size, "patternUnits": "userSpaceOnUse"}
            # Turned: bars are upright, too.
            turn = "rotate(45)" if pattern == "stripes" else None
            tiles.append(element("pattern", element(tag, **shape), id=kind, patternTransform=turn, **tile))
    return element("svg", element("defs", *tiles), class_="patterns", width="0", height="0", aria_hidden="true")
