"""The parts of our charts as inline SVG: as wide as the page, with text that keeps its size on a phone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from locust_cutover.reports.markup import Markup, element

COLUMNS = 1000
"""The width of a plot in its own units; the browser stretches it."""


@dataclass(frozen=True)
class Scale:
    """Maps values to 0 … 1, linear or logarithmic."""

    low: float
    high: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where the value is; what lies outside is at the edge."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.0

    def ticks(self, most: int = 6) -> list[float]:
        """Round values, about so many: steps of 1, 2 or 5, on a long logarithmic scale decades."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            every = max(1, math.ceil((last - first + 1) / most))
            decades = [10.0**exponent for exponent in range(first, last + 1, every)]
            if len(decades) > 2:
                return decades
            steps = [10.0**exponent * factor for exponent in range(first - 1, last + 1) for factor in (1, 2, 5)]
            return [step for step in steps if self.low <= step <= self.high]
        if self.high <= self.low:
            return [self.low]
        least = (self.high - self.low) / most
        unit = 10.0 ** math.floor(math.log10(least))
        step: float = next(unit * factor for factor in (1, 2, 5, 10, 20) if unit * factor >= least)
        number = math.ceil(self.low / step - 1e-9)
        ticks: list[float] = []
        while number * step <= self.high + step * 1e-9:
            ticks.append(number * step)
            number += 1
        return ticks[: most + 1]


def picture(label: str, height: float, *children: str) -> Markup:
    """A whole chart: as wide as there is room, `height` pixels high; `label` says what it shows to those who listen."""
    return element("svg", *children, role="img", aria_label=label, width="100%", height=number(height))


def plot(y: float, height: float, *children: str) -> Markup:
    """A part of a picture for shapes alone: COLUMNS units wide, stretched to the width of the picture."""
    return element(
        "svg",
        *children,
        x="0",
        y=number(y),
        width="100%",
        height=number(height),
        viewBox=f"0 0 {COLUMNS} {number(height)}",
        preserveAspectRatio="none",
    )


def label(x: float, y: float, *content: str, anchor: str | None = None, class_: str | None = None) -> Markup:
    """Text at a share of the width; by itself it stays in the picture, but for what its frame has room for."""
    anchor = anchor or ("start" if x < 0.02 else "end" if x > 0.98 else "middle")
    return element("text", *content, x=percent(x), y=number(y), text_anchor=anchor, class_=class_)


def axis(scale: Scale, y: float, texts: Sequence[tuple[float, str]], height: float = 0) -> Markup:
    """Ticks below `y` with their texts; lines up to `height` above it."""
    parts = []
    for value, shown in texts:
        x = scale.at(value)
        tick = element("line", x1=percent(x), x2=percent(x), y1=number(y - height), y2=number(y + 4), class_="axis")
        parts += [tick, label(x, y + 16, shown)]
    return Markup("".join(parts))


def bars(columns: Iterable[tuple[float, float, float, float]]) -> str:
    """Path data of rectangles (x, y, width, height): small, also for hundreds of them."""
    return "".join(
        f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"
        for x, y, width, height in columns
    )


def ticks(places: Iterable[float], height: float) -> str:
    """Path data of lines from the top to `height`, at shares of the width; those that would coincide are one."""
    columns = sorted({round(place * COLUMNS) for place in places})
    return "".join(f"M{column} 0v{number(height)}" for column in columns)


def percent(share: float) -> str:
    """A share of the width, as an attribute."""
    return f"{number(100 * share)}%"


def number(value: float) -> str:
    """A coordinate, to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
