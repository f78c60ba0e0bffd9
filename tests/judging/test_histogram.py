"""A histogram is as exact as it says, from nanoseconds to hours."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cutover.judging.histogram import PRECISION, Histogram


def of(*times: int) -> Histogram:
    """The histogram of these."""
    histogram = Histogram()
    for time in times:
        histogram.add(time)
    return histogram


@given(st.integers(0, 1 << 45))
def test_a_time_is_in_a_bucket_as_narrow_as_promised(time: int) -> None:
    """The bucket holds it, and is no wider than 6.25 % of it, or a nanosecond."""
    ((lower, upper, count),) = of(time).buckets()
    assert lower <= time < upper
    assert upper - lower <= max(1, time >> PRECISION)
    assert count == 1


@given(st.lists(st.integers(0, 1 << 30), min_size=1), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_that_of_the_times_but_for_a_bucket(times: list[int], share: float) -> None:
    """By the definition: the smallest time that so many took at most."""
    times.sort()
    exact = times[max(math.ceil(len(times) * share) - 1, 0)]
    assert of(*times).quantile(share) == pytest.approx(exact, rel=0.0626, abs=1)


def test_buckets_meet_and_are_in_order() -> None:
    """Where one ends the next begins."""
    buckets = list(of(*range(5000)).buckets())
    assert all(one[1] == other[0] for one, other in itertools.pairwise(buckets))
    assert sum(count for _, _, count in buckets) == 5000


def test_nothing_has_no_quantile() -> None:
    """Rather than a time of 0."""
    with pytest.raises(ValueError, match="no visits"):
        Histogram().quantile(0.5)


def test_very_many_times_need_few_buckets() -> None:
    """From a microsecond to ten seconds."""
    assert len(of(*range(1000, 10_000_000_000, 99_991))) < 400
