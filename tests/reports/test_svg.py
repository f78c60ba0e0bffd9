"""Scales, ticks and paths: numbers to places on the paper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cutover.reports.svg import Scale, bars, number, percent, ticks


def test_a_scale_goes_from_0_to_1() -> None:
    """What lies outside is at the edge."""
    scale = Scale(10, 20)
    assert [scale.at(value) for value in (10, 15, 20, 5, 99)] == [0, 0.5, 1, 0, 1]


def test_a_logarithmic_scale_has_its_decades_at_equal_distances() -> None:
    """And 0, which has no logarithm, at its beginning."""
    scale = Scale(0.001, 1, logarithmic=True)
    assert [scale.at(value) for value in (0, 0.001, 0.01, 0.1, 1)] == pytest.approx([0, 0, 1 / 3, 2 / 3, 1])


def test_ticks_are_round() -> None:
    """Steps of 1, 2 or 5."""
    assert Scale(0.3, 10.2).ticks(6) == [2, 4, 6, 8, 10]
    assert Scale(-120, 330).ticks(5) == [-100, 0, 100, 200, 300]
    assert Scale(1e-5, 1, logarithmic=True).ticks(4) == [1e-5, 1e-3, 0.1]
    assert Scale(0.8e6, 12e6, logarithmic=True).ticks(5) == [1e6, 2e6, 5e6, 1e7]


@given(st.floats(-1e7, 1e7), st.floats(1e-3, 1e12), st.integers(3, 8))
def test_ticks_lie_on_the_scale_and_are_few(low: float, width: float, most: int) -> None:
    """Wherever it begins and however long it is."""
    scale = Scale(low, low + width)
    found = scale.ticks(most)
    assert 1 <= len(found) <= most + 1
    assert all(low - width * 1e-3 <= tick <= low + width * 1.001 for tick in found)


def test_a_scale_without_width_has_one_tick() -> None:
    """A phase of one visit."""
    assert Scale(5, 5).ticks() == [5]
    assert Scale(5, 5).at(5) == 0


def test_bars_are_closed_rectangles() -> None:
    """In few characters."""
    assert bars([(0, 10, 4.5, 20), (7.125, 0, 1, 1)]) == "M0 10h4.5v20h-4.5zM7.12 0h1v1h-1z"


def test_ticks_that_would_coincide_are_one() -> None:
    """A hundred thousand flips are no more than the paper has columns."""
    assert ticks([0.1, 0.1001, 0.5], 10) == "M100 0v10M500 0v10"
    assert len(ticks((place / 100_000 for place in range(100_000)), 10)) < 12_000


def test_numbers_are_short() -> None:
    """A hundredth of a pixel is nothing."""
    assert [number(value) for value in (3, 3.0, 3.14159, 0.5, -2.10, 100)] == ["3", "3", "3.14", "0.5", "-2.1", "100"]
    assert percent(1 / 3) == "33.33%"
