"""Durations as people write them."""

from __future__ import annotations

import pytest

from switcher.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("7ns", 7),
        ("3us", 3_000),
        ("3µs", 3_000),
        ("20ms", 20_000_000),
        ("10s", 10_000_000_000),
        ("1.5s", 1_500_000_000),
        ("0.05s", 50_000_000),
        ("2m", 120_000_000_000),
        ("1h", 3_600_000_000_000),
        (" 20ms\n", 20_000_000),
        ("1.1s", 1_100_000_000),  # not rounded through a float, at any size
        ("9007199.254740993s", 9_007_199_254_740_993),
        ("1.9ns", 1),  # the clock has nothing smaller
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, nanoseconds: int) -> None:
    """Each unit has its length in nanoseconds; a fraction is allowed, and 0 needs no unit."""
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    ["", "20", "ms", "-5ms", "+5ms", "1e3s", ".5s", "5.s", "1.2.3s", "20 ms", "20msec", "1s500ms", "1d", "nan", "٣ms"],
)
def test_anything_else_is_refused_with_an_example_of_what_is_right(text: str) -> None:
    """The error repeats the text and shows how a duration is written."""
    with pytest.raises(ValueError, match="is not a duration: write a number and a unit, such as 20ms") as error:
        parse_duration(text)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0"),
        (7, "7ns"),
        (1_500, "1500ns"),
        (3_000, "3us"),
        (20_000_000, "20ms"),
        (1_500_000_000, "1500ms"),
        (90_000_000_000, "90s"),
        (120_000_000_000, "2m"),
        (7_200_000_000_000, "2h"),
    ],
)
def test_a_duration_is_written_in_its_largest_whole_unit(nanoseconds: int, text: str) -> None:
    """What is written is short, loses nothing, and is read back as the same duration."""
    assert format_duration(nanoseconds) == text
    assert parse_duration(text) == nanoseconds
