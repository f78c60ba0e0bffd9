"""The charts of the report: pure functions of what a phase has counted to inline SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from locust_cutover.judging.closeup import FLIPS, CloseUps, Cost
from locust_cutover.judging.histogram import Histogram
from locust_cutover.judging.outage import Outage
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.visit import KINDS, Kind
from locust_cutover.reports import words
from locust_cutover.reports.markup import Markup, element, join
from locust_cutover.reports.svg import COLUMNS, Scale, axis, bars, label, percent, picture, plot, ticks

MOST_COLUMNS = 240
"""Columns of a time line: on a phone more would be narrower than a pixel."""

FEW_FLIPS = 60
"""Flips up to which each gets a line through the time line."""

FLIPS_IN_SIGHT = 24
"""Flips in the part of a time line that is shown closer."""

MOST_LANES = 12
"""Visits above one another there."""

MOST_COSTS = 8
"""Visits shown in one close-up."""

Slice = tuple[int, Mapping[Kind, int]]
"""Beginning of an interval in nanoseconds, and the visits of each kind in it."""


def answer_bars(name: str, rows: Sequence[tuple[Kind, str, int]], visits: int, floor: float) -> Markup:
    """Answers of one phase as bars on a logarithmic scale from the share `floor` to 1, a row for each label.

    `rows` are (kind, label, count); those of other phases are here with a count of 0, so that phases can be compared.
    """
    scale = Scale(floor, 1.0, logarithmic=True)
    step, parts, said = 34, [], []
    for place, (kind, shown, count) in enumerate(rows):
        y = place * step
        share = count / visits if visits else 0.0
        value = f"{words.count(count)}  ·  {words.percentage(share)}" if count else "none"
        said.append(f"{shown} {value}")
        parts += [
            label(0, y + 13, _short(shown, 26), class_="name"),
            label(1, y + 13, value, class_="value" if count else "none"),
            element("rect", x="0", y=y + 18, width="100%", height="9", class_="track"),
        ]
        if count:
            # The smallest share that there can be is still to be seen.
            width = percent(max(scale.at(share), 0.012))
            parts.append(element("rect", x="0", y=y + 18, width=width, height="9", class_=kind))
    bottom = len(rows) * step + 2
    texts = [(tick, words.percentage(tick)) for tick in scale.ticks(4)]
    return picture(f"Answers of {name}: {', '.join(said) or 'none'}", bottom + 22, *parts, axis(scale, bottom, texts))


def timeline(
    name: str, rows: Iterable[Slice], width: int, flips: Sequence[tuple[int, bool]], began: int, sparse: bool = False
) -> Markup | None:
    """Answers per interval stacked by kind, faults alone on a scale of their own, and the flips: (invoked, harmful).

    `width` is that of an interval in nanoseconds. None where there was nothing. The time is that since `began`.
    """
    rows = list(rows)
    moments = [start for start, _ in rows] + [start + width for start, _ in rows] + [invoked for invoked, _ in flips]
    if not moments:
        return None
    first, last = min(moments), max(moments)
    wide = max(-(-(last - first) // (MOST_COLUMNS * width)), 1) * width
    columns: dict[int, dict[Kind, int]] = defaultdict(lambda: dict.fromkeys(KINDS, 0))
    for start, counts in rows:
        for kind, count in counts.items():
            columns[(start - first) // wide][kind] += count
    scale = Scale(0, max(last - first, 1))
    harmful = [invoked for invoked, harm in flips if harm]
    parts: list[str] = []
    y = 0
    lines = (
        element("path", d=ticks((scale.at(invoked - first) for invoked, _ in flips), 200), class_="flipline")
        if 0 < len(flips) <= FEW_FLIPS and not sparse
        else ""
    )
    per = words.duration(wide)
    fault_kinds: list[Kind] = [kind for kind in KINDS if kind != "ok" and any(c[kind] for c in columns.values())]
    for kinds, height, what in (
        (list(KINDS), 90, "answers"),
        (fault_kinds, 56, "not ok"),
    ):
        top = max((sum(counts[kind] for kind in kinds) for counts in columns.values()), default=0)
        if not top:
            continue
        parts += [
            label(0, y + 12, f"{what} per {per}, up to {words.count(top)}", class_="note"),
            plot(y + 18, height, lines, *_stack(columns, kinds, scale, wide, top, height)),
            element("line", x1="0", x2="100%", y1=y + 18 + height, y2=y + 18 + height, class_="axis"),
        ]
        y += height + 30
    if flips and not sparse:
        path = ticks((scale.at(invoked - first) for invoked, _ in flips), 10)
        parts += [
            label(0, y + 10, words.many(len(flips), "flip"), class_="note"),
            plot(y + 15, 10, element("path", d=path, class_="flip")),
        ]
        y += 34
    if harmful:
        path = ticks((scale.at(invoked - first) for invoked in harmful), 12)
        parts += [
            label(0, y + 10, words.many(len(harmful), "harmful flip"), class_="note"),
            plot(y + 15, 12, element("path", d=path, class_="harmful")),
        ]
        y += 34
    offset = (first - began) / 1e9
    seconds = Scale(offset, offset + max(last - first, 1) / 1e9)
    marks = seconds.ticks(8)
    texts = list(zip(marks, words.moments(marks), strict=True))
    described = (
        f"Time line of {name}: {words.many(sum(sum(counts.values()) for counts in columns.values()), 'answer')}, "
        f"{words.many(len(flips), 'flip')}, {words.count(len(harmful))} of them harmful"
    )
    return picture(described, y + 22, *parts, axis(seconds, y, texts))


def detail(name: str, flips: Sequence[Flip], closeups: CloseUps, began: int) -> Markup | None:
    """The flips from the first harmful one on, each a line, each visit that one cost a bar; None without one."""
    known = [flip.number for flip in flips if flip.number in closeups.flips]
    if not known:
        return None
    if len(closeups.flips) == FLIPS:
        # After the last one that was kept there may be harm that was not.
        flips = [flip for flip in flips if flip.number <= max(closeups.flips)]
    costs = sorted(cost for number in known for cost in closeups.flips[number][1])
    low = min([flips[0].invoked, *(cost.sent for cost in costs)])
    high = max([flips[-1].completed, *(cost.received for cost in costs)])
    margin = (high - low) // 60 + 1
    scale = Scale(low - margin, high + margin)
    lanes: list[int] = []
    bars_shown = []
    for cost in costs:
        # The first lane that is free by then.
        lane = next((lane for lane, end in enumerate(lanes) if end + margin // 3 < cost.sent), len(lanes))
        if lane == MOST_LANES:
            continue
        lanes[lane:] = [cost.received, *lanes[lane + 1 :]]
        start, end = scale.at(cost.sent), scale.at(cost.received)
        shape = element("title", f"{words.answer(cost.kind, cost.answer)} {words.duration(cost.received - cost.sent)}")
        bars_shown.append(
            element(
                "rect",
                shape,
                x=percent(start),
                y=22 + 11 * lane,
                width=percent(max(end - start, 0.003)),
                height="7",
                rx="2",
                class_=cost.kind,
            )
        )
    bottom = 24 + 11 * len(lanes)
    lines = [
        element("line", x1=percent(x), x2=percent(x), y1="18", y2=bottom, class_="edge")
        for x in (scale.at(flip.invoked) for flip in flips)
    ]
    seconds = Scale((scale.low - began) / 1e9, (scale.high - began) / 1e9)
    marks = seconds.ticks(6)
    texts = list(zip(marks, words.moments(marks), strict=True))
    what = f"closer: {words.many(len(flips), 'flip')}, {len(known)} harmful"
    return picture(
        f"{name}, {what}",
        bottom + 22,
        label(0, 12, what, class_="note"),
        *lines,
        *bars_shown,
        axis(seconds, bottom, texts),
    )


def close_up(flip: Flip, costs: Sequence[Cost]) -> Markup:
    """One flip in microseconds: its cutover as a band, the visits that it cost as marks from sent to received."""
    shown = costs[:MOST_COSTS]
    low = min([flip.invoked, *(cost.sent for cost in shown)])
    high = max([flip.completed, *(cost.received for cost in shown)])
    margin = max((high - low) // 40, 1)
    scale = Scale(low - margin, high + margin)
    step, bottom = 27, 27 * len(shown) + 8
    left, right = scale.at(flip.invoked), scale.at(flip.completed)
    parts = [
        element("rect", x=percent(left), y="0", width=percent(right - left), height=bottom, class_="cutover"),
        # However short the flip was, it is to be seen.
        element("line", x1=percent(left), x2=percent(left), y1="0", y2=bottom, class_="edge"),
        element("line", x1=percent(right), x2=percent(right), y1="0", y2=bottom, class_="edge"),
    ]
    said = []
    for place, cost in enumerate(shown):
        start, end = scale.at(cost.sent), scale.at(cost.received)
        what = words.answer(cost.kind, cost.answer)
        said.append(
            f"{what} {words.relative(cost.sent - flip.invoked)} to {words.relative(cost.received - flip.invoked)}"
        )
        y = step * place + 4
        here, anchor = (start, "start") if start < 0.6 else (end, "end")
        parts += [
            label(here, y + 10, _short(what, 26), anchor=anchor, class_="value"),
            element(
                "rect",
                element("title", said[-1]),
                x=percent(start),
                y=y + 14,
                width=percent(max(end - start, 0.006)),
                height="8",
                rx="2",
                class_=cost.kind,
            ),
        ]
    offset = Scale((scale.low - flip.invoked) / 1e3, (scale.high - flip.invoked) / 1e3)
    texts = [(mark, words.count(mark).replace("-", "−") if mark else "0 µs") for mark in offset.ticks(5)]
    described = (
        f"Flip {flip.number}: its cutover took {words.microseconds((flip.completed - flip.invoked) / 1e3)}; "
        f"visits in microseconds after it was invoked: {'; '.join(said)}"
    )
    return picture(described, bottom + 20, *parts, axis(offset, bottom, texts))


def outages(rows: Sequence[tuple[str, Outage | None]]) -> Markup:
    """The outage per flip of each phase with its 95 % interval, on one scale from 0."""
    top = max((outage.upper95 for _, outage in rows if outage and outage.upper95 is not None), default=0.0) or 1.0
    scale = Scale(0, top * 1.02)
    step, parts, said = 62, [], []
    for place, (name, outage) in enumerate(rows):
        y = step * place
        value = words.outage(outage)
        said.append(f"{name}: {value}")
        parts += [label(0, y + 13, _short(name), class_="name"), label(0, y + 30, value, class_="value")]
        if outage is None or outage.upper95 is None:
            continue
        middle = y + 43
        low, high = scale.at(outage.lower95), scale.at(outage.upper95)
        kind = "lost" if outage.us else "ok"
        parts.append(
            element("line", x1=percent(low), x2=percent(high), y1=middle, y2=middle, class_=f"interval {kind}")
        )
        for end in (low, high):
            parts.append(
                element("line", x1=percent(end), x2=percent(end), y1=middle - 5, y2=middle + 5, class_=f"end {kind}")
            )
        if outage.us:
            parts.append(element("circle", cx=percent(scale.at(outage.us)), cy=middle, r="4.5", class_="estimate"))
    bottom = step * len(rows) + 2
    texts = [(mark, words.microseconds(mark)) for mark in scale.ticks(4)]
    return picture(f"Outage per flip. {'; '.join(said)}", bottom + 22, *parts, axis(scale, bottom, texts))


def response_times(rows: Sequence[tuple[str, Histogram]]) -> Markup | None:
    """The response times of each phase, on one logarithmic scale; None without a visit."""
    ends = [end for _, times in rows for lower, upper, _ in times.buckets() for end in (max(lower, 1), upper)]
    if not ends:
        return None
    scale = Scale(min(ends), max(ends), logarithmic=True)
    step, height, parts = 92, 44, []
    said = []
    for place, (name, times) in enumerate(rows):
        y = step * place
        parts.append(label(0, y + 13, _short(name), class_="name"))
        if not times.total():
            parts.append(label(0, y + 30, "no visit"))
            continue
        median, slow = times.quantile(0.5), times.quantile(0.99)
        value = f"median {words.duration(median)}, 99 % within {words.duration(slow)}"
        said.append(f"{name}: {value}")
        columns = [(scale.at(lower), scale.at(upper), count) for lower, upper, count in times.buckets()]
        # A narrow bucket holds fewer visits than a wide one as often met: the area is what counts.
        densest = max(count / (right - left) for left, right, count in columns)
        shape = bars(
            (left * COLUMNS, height - tall, (right - left) * COLUMNS, tall)
            for left, right, count in columns
            for tall in (height * count / (right - left) / densest,)
        )
        quantiles = ticks((scale.at(median), scale.at(slow)), height)
        parts += [
            label(0, y + 30, value, class_="value"),
            plot(
                y + 36,
                height,
                element("path", d=shape, class_="times"),
                element("path", d=quantiles, class_="quantile"),
            ),
            element("line", x1="0", x2="100%", y1=y + 36 + height, y2=y + 36 + height, class_="axis"),
        ]
    bottom = step * len(rows) - 6
    texts = [(mark, words.duration(mark)) for mark in scale.ticks(5)]
    return picture(f"Response times. {'; '.join(said)}", bottom + 22, *parts, axis(scale, bottom, texts))


def _stack(
    columns: Mapping[int, Mapping[Kind, int]], kinds: Sequence[Kind], scale: Scale, wide: int, top: int, height: int
) -> list[Markup]:
    heights: dict[int, float] = defaultdict(float)
    paths = []
    for kind in kinds:
        shapes = []
        for column, counts in sorted(columns.items()):
            if not counts[kind]:
                continue
            tall = counts[kind] / top * height
            left, right = (scale.at(edge * wide) * COLUMNS for edge in (column, column + 1))
            heights[column] += tall
            shapes.append((left, height - heights[column], right - left, tall))
        if shapes:
            paths.append(element("path", d=bars(shapes), class_=kind))
    return paths


def _short(name: str, most: int = 36) -> str:
    """What fits on a phone; the whole is said when it is pointed at, and to those who listen."""
    if len(name) <= most:
        return name
    return join(f"{name[: most - 1]}…", element("title", name))
