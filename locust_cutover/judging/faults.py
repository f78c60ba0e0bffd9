"""The registry of faults: what can be wrong with an answer, what it means, how it shows and how it is drawn.

Whatever counts, judges or reports faults iterates over this table, in its order. A further fault is one more entry
here and one more rule in the judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Expected = Literal["none", "some", "any"]
"""How many of a fault a scenario expects in a phase; `some` makes the phase a control."""

Fault = str
"""The name of a fault."""

Pattern = Literal["solid", "stripes", "dots", "lines", "crosses"]
"""What fills a fault in a chart, so that faults differ without colour."""


@dataclass(frozen=True)
class Definition:
    """What a fault is; colours are of a light and of a dark page."""

    meaning: str
    """In one line."""
    control: str
    """What a control did that did not show it: "lost no request"."""
    colour: str
    dark: str
    pattern: Pattern
    shows: Literal["at", "after"]
    """Where it proves something of a flip: `at`: only a visit that meets the flip shows it; `after`: later ones do."""
    needs_mark: bool
    """Whether only marks show it: not without `site.mark`, and not where every visit overlapped a flip."""


# Okabe and Ito's colours, which colour-blind people can tell apart.
FAULTS: dict[Fault, Definition] = {
    "lost": Definition(
        meaning="no whole 2xx answer",
        control="lost no request",
        colour="#d55e00",
        dark="#f0762a",
        pattern="solid",
        shows="at",
        needs_mark=False,
    ),
    "torn": Definition(
        meaning="parts of two releases, or a part missing",
        control="tore no page",
        colour="#0072b2",
        dark="#56b4e9",
        pattern="stripes",
        shows="at",
        needs_mark=True,
    ),
    "stale": Definition(
        meaning="of a release that had been replaced before",
        control="served no stale page",
        colour="#b3579a",
        dark="#dc8fbc",
        pattern="dots",
        shows="after",
        needs_mark=True,
    ),
}
"""By name, the worst first."""
