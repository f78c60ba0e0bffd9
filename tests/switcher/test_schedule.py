"""When flips are due."""

from __future__ import annotations

import pytest

from switcher.schedule import Schedule

START = 1_000_000_007


@pytest.mark.parametrize("k", [0, 1, 2, 999, 10**12])
def test_flip_k_is_due_k_intervals_after_the_start(k: int) -> None:
    """Counted from 0 and from the start, whatever the time is by then: the schedule does not drift."""
    schedule = Schedule(START, every=20_000_000)
    for now in (START, START + 5, START + 10**15):
        assert schedule.due(k, now) == START + k * 20_000_000


def test_without_an_interval_a_flip_is_due_at_once() -> None:
    """With every 0 the next flip is due when the one before it is done."""
    schedule = Schedule(START, every=0)
    assert schedule.due(0, START + 3) == START + 3
    assert schedule.due(5, START + 70) == START + 70


@pytest.mark.parametrize("every", [0, 20])
def test_a_number_of_flips_ends_the_schedule(every: int) -> None:
    """With 3 flips the flips 0, 1 and 2 are due and there is no flip 3."""
    schedule = Schedule(START, every, flips=3)
    assert [schedule.due(k, START) is not None for k in range(5)] == [True, True, True, False, False]
    assert schedule.end is None


def test_a_length_ends_the_schedule() -> None:
    """10 s at 20 ms are exactly 500 flips: the one that would be due at the end is not made."""
    schedule = Schedule(START, every=20_000_000, length=10_000_000_000)
    assert schedule.due(499, START) == START + 9_980_000_000
    assert schedule.due(500, START) is None
    assert schedule.end == START + 10_000_000_000


def test_a_flip_that_was_due_before_the_end_is_due_after_it_too() -> None:
    """A late flip is not dropped: not even when the time is over by now."""
    schedule = Schedule(START, every=20, length=100)
    assert schedule.due(4, START + 10_000) == START + 80


def test_without_an_interval_the_length_ends_it_by_the_clock() -> None:
    """With every 0 flips are due until the end, not at it."""
    schedule = Schedule(START, every=0, length=100)
    assert schedule.due(7, START + 99) == START + 99
    assert schedule.due(8, START + 100) is None


def test_with_neither_it_never_ends() -> None:
    """Only a stop ends it."""
    schedule = Schedule(START, every=20)
    assert schedule.due(10**9, START) is not None
    assert schedule.end is None


def test_whichever_comes_first_ends_it() -> None:
    """A number of flips and a length may both be given."""
    assert Schedule(START, every=20, flips=2, length=100).due(2, START) is None
    assert Schedule(START, every=20, flips=200, length=100).due(5, START) is None
