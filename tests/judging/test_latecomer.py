"""A node that joins late judges its visits as if it had been there from the start, and is told little."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cutover.judging.judge import judge
from locust_cutover.judging.latecomer import needs
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.visit import Visit
from tests.histories import RELEASES, flip, flips, timeline, visits


@pytest.mark.parametrize("releases", [RELEASES, ()], ids=["named releases", "whatever somebody flips to"])
@given(flips(most=20), visits(), st.integers(0, 20), st.integers(0, 20))
def test_a_latecomer_judges_as_the_others_do(
    releases: tuple[str, ...], history: list[Flip], seen: list[Visit], first: int, more: int
) -> None:
    """Kind, age, flip and flips met, whatever came before; also of flips of which only the needed ones were kept."""
    known = history[: first + more]
    whole = timeline("a", *history, releases=releases)
    late = timeline("a", *needs([*needs(known[:first]), *known[first:]]), *history[first + more :], releases=releases)
    joined = max((one.completed + 1 for one in known), default=0)
    for visit in seen:
        later = visit._replace(sent=joined + visit.sent // 4, received=joined + visit.sent // 4 + visit.received % 9)
        assert judge(later, late) == judge(later, whole)


def test_of_many_flips_few_are_needed() -> None:
    """The last to each release and what replaced it; whatever the number of flips."""
    chance = random.Random(6)
    history = [flip(number, chance.choice(RELEASES), 10 * number, 10 * number + 3) for number in range(1, 5000)]
    assert history[-1] in needs(history)
    assert len(needs(history)) <= 2 * len(RELEASES) + 1


def test_all_flips_that_failed_since_the_last_good_one_are_needed() -> None:
    """A visit overlaps all their cutovers, which last until the next good one."""
    good, *failed = [
        flip(number, "ab"[number % 2], 10 * number, 10 * number + 3, "ok" if number == 1 else "no space")
        for number in range(1, 9)
    ]
    assert needs([good, *failed]) == [good, *failed]


def test_without_a_flip_nothing_is_needed() -> None:
    """The start is told apart."""
    assert needs([]) == []
