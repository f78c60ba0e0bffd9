"""When flips are due."""

from __future__ import annotations

from itertools import islice, pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switcher.schedule import Schedule, moments

START = 1_000_000_007

everys = st.integers(min_value=1, max_value=10**18)
jitters = st.floats(min_value=0, max_value=1)
seeds = st.integers(min_value=0, max_value=2**64)


def first(count: int, every: int, jitter: float, seed: int) -> list[int]:
    """The first moments of a schedule."""
    return list(islice(moments(every, jitter, Random(seed)), count))


@given(everys, jitters, seeds)
def test_each_flip_is_due_within_its_own_interval(every: int, jitter: float, seed: int) -> None:
    """Flip k in [k, k + 1) × every: so a length or a number of flips is as many flips as without jitter."""
    for k, moment in enumerate(first(50, every, jitter, seed)):
        assert k * every <= moment < (k + 1) * every


@given(everys, jitters, seeds)
def test_two_flips_are_at_least_a_tenth_of_an_interval_apart(every: int, jitter: float, seed: int) -> None:
    """A visitor who meets one flip is seldom still there at the next."""
    for earlier, later in pairwise(first(50, every, jitter, seed)):
        assert 10 * (later - earlier) >= every


@given(everys, jitters, seeds)
def test_the_same_seed_gives_the_same_times(every: int, jitter: float, seed: int) -> None:
    """A run can be made again."""
    assert first(20, every, jitter, seed) == first(20, every, jitter, seed)


@given(everys, seeds)
def test_without_jitter_the_beat_is_exact(every: int, seed: int) -> None:
    """Whatever the seed is."""
    assert first(20, every, 0, seed) == [k * every for k in range(20)]


@given(seeds)
def test_jitter_says_how_much_of_the_interval_is_random(seed: int) -> None:
    """With half of it each flip comes in the first half of its interval, at half the distance into it."""
    whole, half = first(20, 10**9, 1.0, seed), first(20, 10**9, 0.5, seed)
    assert all(moment % 10**9 <= 5 * 10**8 for moment in half)
    # Where the one before was close the flip was moved; elsewhere both were made of the same number.
    scaled = [(one % 10**9, two % 10**9) for one, two in zip(whole, half, strict=True)]
    assert any(abs(one - 2 * two) <= 2 for one, two in scaled)


def test_with_jitter_all_parts_of_the_interval_have_flips() -> None:
    """No load is in step with that: of a thousand flips each tenth of the interval has at least fifty."""
    tenths = [moment % 1000 // 100 for moment in first(1000, 1000, 1.0, 7)]
    assert min(tenths.count(tenth) for tenth in range(10)) >= 50


def test_the_schedule_has_these_moments_from_its_start_on() -> None:
    """Asked more than once for a flip it says the same."""
    schedule = Schedule(START, every=1000, jitter=1.0, random=Random(7))
    due = [schedule.due(k, START) for k in range(20) for _ in range(2)]
    assert due[::2] == due[1::2] == [START + moment for moment in first(20, 1000, 1.0, 7)]


@pytest.mark.parametrize("seed", range(20))
def test_a_length_has_as_many_flips_with_jitter(seed: int) -> None:
    """10 s at 20 ms are 500 flips."""
    schedule = Schedule(START, every=20_000_000, length=10_000_000_000, jitter=1.0, random=Random(seed))
    assert [schedule.due(k, START) is not None for k in range(501)] == [True] * 500 + [False]


def test_a_schedule_can_be_done_again() -> None:
    """From another start on, and with other moments: whoever was in step once is not so again."""
    schedule = Schedule(START, every=1000, flips=20, length=30_000, jitter=1.0, random=Random(7))
    once = [schedule.due(k, START) for k in range(21)]
    again = schedule.again(2 * START)
    twice = [again.due(k, 2 * START) for k in range(21)]
    assert once[20] is twice[20] is None
    moved = [due - START if due is not None else None for due in twice]
    assert moved != once
    assert again.end == 2 * START + 30_000


@pytest.mark.parametrize(
    ("schedule", "k", "now", "due"),
    [
        # Counted from 0 and from the start, whatever the time is by then: the schedule does not drift.
        *[({"every": 20}, k, now, k * 20) for k in (0, 1, 2, 999, 10**12) for now in (0, 5, 10**15)],
        # Without an interval a flip is due when the one before it is done.
        *[({"every": 0}, k, now, now) for k, now in ((0, 3), (5, 70))],
        # A number of flips, or a length: 10 s at 20 ms are exactly 500 flips. Whichever comes first.
        *[({"every": 20, "flips": 3}, k, 0, due) for k, due in ((2, 40), (3, None), (4, None))],
        *[({"every": 0, "flips": 3}, k, 7, due) for k, due in ((2, 7), (3, None))],
        *[({"every": 20, "length": 10_000}, k, 0, due) for k, due in ((499, 9_980), (500, None))],
        ({"every": 20, "flips": 2, "length": 100}, 2, 0, None),
        ({"every": 20, "flips": 200, "length": 100}, 5, 0, None),
        # A late flip is not dropped, not even when the time is over; without an interval the clock ends it.
        ({"every": 20, "length": 100}, 4, 10_000, 80),
        *[({"every": 0, "length": 100}, k, now, due) for k, now, due in ((7, 99, 99), (8, 100, None))],
    ],
)
def test_when_a_flip_is_due(schedule: dict[str, Any], k: int, now: int, due: int | None) -> None:
    """Flip k is due k intervals after the start, until the end."""
    found = Schedule(START, **schedule)
    assert found.due(k, START + now) == (None if due is None else START + due)
    assert found.end == (START + schedule["length"] if "length" in schedule else None)
