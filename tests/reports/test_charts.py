"""The charts show what was counted, no more and no less."""

from __future__ import annotations

import re
from collections import defaultdict
from xml.etree import ElementTree

import pytest

from locust_cutover.judging.closeup import CloseUps, Cost
from locust_cutover.judging.histogram import Histogram
from locust_cutover.judging.outage import Outage
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.visit import Kind
from locust_cutover.reports import charts
from locust_cutover.reports.markup import Markup
from locust_cutover.reports.svg import COLUMNS

MS = 1_000_000


def parsed(chart: Markup | None) -> ElementTree.Element:
    """The chart as any reader of XML sees it."""
    assert chart is not None
    root = ElementTree.fromstring(chart)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    return root


def texts(root: ElementTree.Element) -> list[str]:
    """All text in it, in order."""
    return [text.text or "" for text in root.iter("text")]


def of_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """The shapes of a class."""
    return [shape for shape in root.iter() if shape.get("class") == name]


def rectangles(path: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """(x, y, width, height) of each in a path."""
    number = r"(-?[\d.]+)"
    found = re.findall(rf"M{number} {number}h{number}v{number}h-", path.get("d", ""))
    return [(float(x), float(y), float(width), float(height)) for x, y, width, height in found]


# Bars of answers.


def test_every_answer_has_a_bar_with_its_count_and_share() -> None:
    """A row for each label, also for what only another phase had; the scale is logarithmic."""
    rows: list[tuple[Kind, str, int]] = [("ok", "[200]", 9000), ("lost", "[404]", 900), ("torn", "[200 torn]", 0)]
    root = parsed(charts.answer_bars("forced", rows, 10_000, 0.0001))
    assert texts(root)[:6] == ["[200]", "9,000  ·  90 %", "[404]", "900  ·  9 %", "[200 torn]", "none"]
    (ok,), (lost,) = of_class(root, "ok"), of_class(root, "lost")
    assert float(ok.get("width", "").rstrip("%")) == pytest.approx(98.86, abs=0.01)
    assert float(lost.get("width", "").rstrip("%")) == pytest.approx(73.86, abs=0.01)
    assert not of_class(root, "torn")
    assert root.get("aria-label") == "Answers of forced: [200] 9,000  ·  90 %, [404] 900  ·  9 %, [200 torn] none"


def test_one_in_a_million_can_be_seen() -> None:
    """However short its bar were."""
    root = parsed(charts.answer_bars("x", [("lost", "[404]", 1)], 1_000_000, 1e-6))
    (bar,) = of_class(root, "lost")
    assert float(bar.get("width", "").rstrip("%")) >= 1
    assert "1  ·  0.0001 %" in texts(root)


# Time lines.

ROWS: list[tuple[int, dict[Kind, int]]] = [
    (0, {"ok": 10}),
    (2 * MS, {"ok": 8, "lost": 2}),
    (4 * MS, {"lost": 1, "torn": 3}),
    (6 * MS, {"ok": 5, "stale": 1, "unjudged": 1}),
]


def test_the_stack_adds_up_to_what_was_counted() -> None:
    """The height of each kind in each column is its count; the kinds stand on each other and do not overlap."""
    root = parsed(charts.timeline("forced", ROWS, 2 * MS, [(3 * MS, True)], 0))
    everything, faults = [
        plot for plot in root.iter("svg") if plot.find("path[@class='lost']") is not None and plot.get("y")
    ]
    for plot, top, kinds in (
        (everything, 10, ["ok", "lost", "torn", "stale", "unjudged"]),
        (faults, 4, ["lost", "torn", "stale", "unjudged"]),
    ):
        height = float(plot.get("height", ""))
        stacked: dict[float, float] = defaultdict(float)
        for kind in kinds:
            (path,) = of_class(plot, kind)
            counts = {x: tall / height * top for x, _, _, tall in rectangles(path)}
            expected = {start / (8 * MS) * COLUMNS: found[kind] for start, found in ROWS if kind in found}
            assert counts == pytest.approx(expected, abs=0.01)
            for x, y, width, tall in rectangles(path):
                assert width == COLUMNS / 4
                stacked[x] += tall
                assert y == pytest.approx(height - stacked[x], abs=0.02)
    assert texts(root)[:2] == ["answers per 2 ms, up to 10", "not ok per 2 ms, up to 4"]


def test_flips_are_marked_where_they_were_and_the_harmful_ones_again() -> None:
    """On the axis of the answers."""
    root = parsed(charts.timeline("forced", ROWS, 2 * MS, [(2 * MS, False), (4 * MS, True), (6 * MS, False)], 0))
    (flips,), (harmful,) = of_class(root, "flip"), of_class(root, "harmful")
    assert re.findall(r"M(\d+)", flips.get("d", "")) == ["250", "500", "750"]
    assert re.findall(r"M(\d+)", harmful.get("d", "")) == ["500"]
    assert {"3 flips", "1 harmful flip"} <= set(texts(root))
    assert root.get("aria-label") == "Time line of forced: 31 answers, 3 flips, 1 of them harmful"


def test_a_phase_without_a_fault_has_no_scale_for_faults() -> None:
    """And no row of harmful flips."""
    root = parsed(charts.timeline("atomic", ROWS[:1], 2 * MS, [(1 * MS, False)], 0))
    assert texts(root)[:2] == ["answers per 2 ms, up to 10", "1 flip"]
    assert not of_class(root, "harmful")


def test_a_sparse_phase_shows_only_its_harmful_flips() -> None:
    """The others are not known one by one."""
    root = parsed(charts.timeline("fast", ROWS, 2 * MS, [(3 * MS, True)], 0, sparse=True))
    assert not of_class(root, "flip")
    assert "1 harmful flip" in texts(root)


def test_many_intervals_become_fewer_columns_and_no_visit_is_lost() -> None:
    """A phone has room for 240."""
    rows: list[tuple[int, dict[Kind, int]]] = [(number * MS, {"ok": 1}) for number in range(500)]
    root = parsed(charts.timeline("x", rows, MS, [], 0))
    (path,) = of_class(root, "ok")
    columns = rectangles(path)
    assert len(columns) <= charts.MOST_COLUMNS
    assert sum(tall for *_, tall in columns) / 90 * 3 == pytest.approx(500, rel=0.01)
    assert texts(root)[0] == "answers per 3 ms, up to 3"


def test_the_axis_counts_from_the_start_of_the_run() -> None:
    """As the CSV files do."""
    rows: list[tuple[int, dict[Kind, int]]] = [(1_000_000_000 * second, {"ok": 1}) for second in range(10, 15)]
    root = parsed(charts.timeline("x", rows, 1_000_000_000, [], 8_000_000_000))
    assert texts(root)[1:] == ["2 s", "3 s", "4 s", "5 s", "6 s", "7 s"]


def test_flips_without_a_visit_are_a_time_line_and_nothing_is_none() -> None:
    """A phase that was not run has none."""
    assert texts(parsed(charts.timeline("x", [], MS, [(5, False), (9, False)], 0)))[0] == "2 flips"
    assert charts.timeline("x", [], MS, [], 0) is None


# Closer, and close up.

FLIP = Flip(0, 7, "b", 10_000_000, 10_060_000)

COSTS = [
    Cost(9_900_000, 11_000_000, "lost", "404 Not Found"),
    Cost(10_010_000, 10_500_000, "torn", "200 OK"),
    Cost(10_900_000, 11_900_000, "stale", "200 OK"),
]


def test_a_close_up_shows_the_cutover_as_a_band_and_each_visit_as_a_mark() -> None:
    """All on one scale in microseconds from the moment the flip was invoked."""
    root = parsed(charts.close_up(FLIP, COSTS))
    (band,) = of_class(root, "cutover")
    low, width = 9_900_000 - 50_000, 2_100_000
    x = float(band.get("x", "").rstrip("%"))
    assert x == pytest.approx(100 * (10_000_000 - low) / width, abs=0.01)
    assert float(band.get("width", "").rstrip("%")) == pytest.approx(100 * 60_000 / width, abs=0.01)
    for cost in COSTS:
        (mark,) = of_class(root, cost.kind)
        assert float(mark.get("x", "").rstrip("%")) == pytest.approx(100 * (cost.sent - low) / width, abs=0.01)
        assert float(mark.get("width", "").rstrip("%")) == pytest.approx(
            100 * (cost.received - cost.sent) / width, abs=0.01
        )
    assert texts(root) == ["[404]", "[200 torn]", "[200 stale]", "0 µs", "500", "1,000", "1,500"]
    assert "[404] −100 µs to +1,000 µs" in root.get("aria-label", "")


def test_a_close_up_does_not_grow_beyond_a_screen() -> None:
    """A stale cache spoils every visit."""
    root = parsed(charts.close_up(FLIP, [COSTS[2]] * 100))
    assert len(of_class(root, "stale")) == charts.MOST_COSTS


def sample(*numbers: int) -> CloseUps:
    """One visit that each of these flips cost."""
    closeups = CloseUps()
    for number in numbers:
        flip = at(number)
        closeups.flips[number] = (flip, [Cost(flip.invoked - 100, flip.completed + 100, "lost", "404 Not Found")])
    return closeups


def at(number: int) -> Flip:
    """A flip a millisecond after the one before."""
    return Flip(0, number, "a", number * MS, number * MS + 60_000)


def test_closer_every_flip_is_a_line_and_every_visit_a_bar_on_it() -> None:
    """So that one sees that the losses sit on the flips."""
    root = parsed(charts.detail("forced", [at(number) for number in range(2, 9)], sample(2, 5), 0))
    assert texts(root)[0] == "closer: 7 flips, 2 harmful"
    lines = [float(line.get("x1", "").rstrip("%")) for line in of_class(root, "edge")]
    assert len(lines) == 7
    bars = [
        (float(bar.get("x", "").rstrip("%")), float(bar.get("width", "").rstrip("%"))) for bar in of_class(root, "lost")
    ]
    assert len(bars) == 2
    assert all(x <= line <= x + width for (x, width), line in zip(bars, (lines[0], lines[3]), strict=True))


def test_closer_ends_where_the_sample_does() -> None:
    """After the last flip that was kept there may be harm that was not."""
    root = parsed(charts.detail("forced", [at(number) for number in range(1, 30)], sample(*range(1, 13)), 0))
    assert texts(root)[0] == "closer: 12 flips, 12 harmful"


def test_without_harm_there_is_nothing_to_look_closer_at() -> None:
    """Nor when the flips in sight are not those that were kept."""
    assert charts.detail("atomic", [at(1)], CloseUps(), 0) is None
    assert charts.detail("atomic", [at(1)], sample(50), 0) is None


def test_visits_at_the_same_time_are_above_one_another_and_not_without_end() -> None:
    """Fifty at one flip are shown as twelve."""
    closeups = sample(1)
    closeups.flips[1][1].extend(closeups.flips[1][1] * 49)
    root = parsed(charts.detail("forced", [at(1)], closeups, 0))
    places = {bar.get("y") for bar in of_class(root, "lost")}
    assert len(places) == len(of_class(root, "lost")) == charts.MOST_LANES


# Outage.


def test_the_outage_is_a_point_on_its_interval() -> None:
    """On one scale from 0 for all phases."""
    root = parsed(charts.outages([("forced", Outage(60, 50, 80)), ("atomic", Outage(0, 0, 4)), ("none", None)]))
    (point,) = of_class(root, "estimate")
    (interval,) = of_class(root, "interval lost")
    (bound,) = of_class(root, "interval ok")
    place = {
        key: float(point_or_line.get(name, "").rstrip("%"))
        for key, point_or_line, name in (
            ("us", point, "cx"),
            ("low", interval, "x1"),
            ("high", interval, "x2"),
            ("zero", bound, "x1"),
            ("upper", bound, "x2"),
        )
    }
    unit = 100 / 81.6
    assert place == pytest.approx(
        {"us": 60 * unit, "low": 50 * unit, "high": 80 * unit, "zero": 0, "upper": 4 * unit}, abs=0.01
    )
    assert texts(root)[:6] == [
        "forced",
        "60.0 µs (50.0 µs to 80.0 µs)",
        "atomic",
        "none seen; below 4 µs",
        "none",
        "not measured",
    ]


def test_an_outage_without_a_bound_has_words_and_no_interval() -> None:
    """Nothing is drawn that the visits do not carry; the scale is that of the others."""
    root = parsed(charts.outages([("forced", Outage(60, 50, 80)), ("atomic", Outage(0, 0, None))]))
    assert texts(root)[2:4] == ["atomic", "none seen; these visits carry no bound"]
    assert not of_class(root, "interval ok")
    assert "none seen; these visits carry no bound" in (root.get("aria-label") or "")


# Response times.


def test_response_times_are_an_area_that_grows_with_the_visits() -> None:
    """Each phase has its own height; all share the logarithmic axis."""
    times = Histogram()
    for _ in range(50):
        times.add(1 * MS)
    for _ in range(50):
        times.add(4 * MS)
    root = parsed(charts.response_times([("forced", times), ("none", Histogram())]))
    ((_, _, width_1, tall_1), (_, _, width_2, tall_2)) = rectangles(of_class(root, "times")[0])
    assert width_1 * tall_1 == pytest.approx(width_2 * tall_2, rel=0.02)
    assert texts(root)[0] == "forced"
    assert texts(root)[2:4] == ["none", "no visit"]
    assert charts.response_times([("none", Histogram())]) is None
