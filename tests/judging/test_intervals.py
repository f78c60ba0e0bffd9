"""Counts per interval lose no visit, stay few, and add up whatever node counted which visit."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from locust_cutover.judging.intervals import FINEST, MOST, Intervals
from locust_cutover.judging.visit import KINDS, Kind

Moment = tuple[int, Kind]

MOMENTS = st.builds(
    lambda began, moments: [(began + received, kind) for received, kind in moments],
    st.integers(0, 1 << 50),
    st.lists(st.tuples(st.integers(0, 1 << 43), st.sampled_from(KINDS)), max_size=60),
)
"""Up to two and a half hours, at any time."""


def counted(moments: list[Moment]) -> Intervals:
    """The intervals of visits whose answers came then."""
    intervals = Intervals()
    for received, kind in moments:
        intervals.add(received, kind)
    return intervals


def test_visits_are_counted_by_interval_and_kind() -> None:
    """An interval begins with its first nanosecond and ends before that of the next."""
    second = FINEST * 7
    intervals = counted(
        [(second, "ok"), (second + FINEST - 1, "ok"), (second + 5, "lost"), (second + FINEST, "torn"), (0, "stale")]
    )
    assert list(intervals.rows()) == [
        (0, {"stale": 1}),
        (second, {"ok": 2, "lost": 1}),
        (second + FINEST, {"torn": 1}),
    ]


def test_a_long_phase_has_wider_intervals_and_not_more() -> None:
    """An hour of a visit a second: the width is the smallest that keeps to the limit."""
    intervals = counted([(second * 1_000_000_000, "ok") for second in range(3600)])
    rows = list(intervals.rows())
    assert MOST / 2 <= len(rows) <= MOST
    assert sum(counts["ok"] for _, counts in rows) == 3600
    assert intervals.width * MOST >= 3600e9 - 1e9 > intervals.width / 2 * MOST


@given(MOMENTS)
def test_no_visit_is_lost_and_each_is_in_its_interval(moments: list[Moment]) -> None:
    """However the width had to grow."""
    intervals = counted(moments)
    expected = Counter((received // intervals.width * intervals.width, kind) for received, kind in moments)
    found = {(start, kind): count for start, counts in intervals.rows() for kind, count in counts.items()}
    assert found == expected
    starts = [start // intervals.width for start, _ in found]
    if starts:
        assert max(starts) - min(starts) < MOST
    if intervals.width > FINEST:
        finer = [received // (intervals.width // 2) for received, _ in moments]
        assert max(finer) - min(finer) >= MOST


@given(MOMENTS, MOMENTS)
def test_two_nodes_count_as_one(mine: list[Moment], theirs: list[Moment]) -> None:
    """Whichever has the wider intervals, and whichever comes first."""
    whole = counted(mine + theirs)
    for first, second in ((mine, theirs), (theirs, mine)):
        merged = counted(first)
        merged.merge(counted(second))
        assert list(merged.rows()) == list(whole.rows())


def test_a_merged_node_is_left_as_it_was() -> None:
    """Its counts are not the sum's."""
    other, total = counted([(5, "ok")]), Intervals()
    total.merge(other)
    total.add(6, "ok")
    assert list(other.rows()) == [(0, {"ok": 1})]
