"""The sample is bounded and the same in whatever order and on whatever node its visits were seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from locust_cutover.judging.closeup import FLIPS, VISITS, CloseUps, Cost
from locust_cutover.judging.timeline import Flip
from tests.histories import flip, loss
from tests.tallies import after, alone, at

Spoiled = tuple[int, int]
"""Number of the flip, when sent."""

SPOILED = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 40)), max_size=200)


def met(number: int) -> Flip:
    """A flip."""
    return flip(number, "a", number * 100, number * 100 + 5)


def sample(spoiled: list[Spoiled]) -> CloseUps:
    """What is kept of these lost visits."""
    closeups = CloseUps()
    for number, sent in spoiled:
        one = loss(sent, sent + 9)
        closeups.add(one, at("lost", met(number)))
    return closeups


@given(SPOILED)
def test_the_first_visits_of_the_first_flips_are_kept(spoiled: list[Spoiled]) -> None:
    """By number and by time of sending, however they came."""
    first = sorted({number for number, _ in spoiled})[:FLIPS]
    assert sample(spoiled).flips == {
        number: (
            met(number),
            [
                Cost(sent, sent + 9, "lost", "404 Not Found")
                for sent in sorted(sent for other, sent in spoiled if other == number)[:VISITS]
            ],
        )
        for number in first
    }


@given(SPOILED, SPOILED)
def test_two_nodes_keep_what_one_would(mine: list[Spoiled], theirs: list[Spoiled]) -> None:
    """Also when each had to leave some out."""
    merged = sample(mine)
    merged.merge(sample(theirs))
    assert merged == sample(mine + theirs)


def test_of_a_flip_that_spoiled_everything_few_visits_are_kept() -> None:
    """Those that were sent first, also when they came last and from two nodes."""
    late = sample([(1, sent) for sent in range(60, 30, -1)])
    late.merge(sample([(1, sent) for sent in range(30)]))
    assert [cost.sent for cost in late.flips[1][1]] == list(range(VISITS))


def test_a_fault_at_or_after_a_flip_of_its_phase_is_kept() -> None:
    """One at none is not, nor one that a flip of another phase is to blame for: that has no strip here."""
    closeups = CloseUps()
    closeups.add(loss(5, 9), alone("lost"))
    closeups.add(loss(5, 9)._replace(phase=1), after("stale", met(1)))
    closeups.add(loss(5, 9), at("ok", met(2)))
    closeups.add(loss(5, 9), after("torn", met(3)))
    closeups.add(loss(5, 9), at("lost", met(4)))
    assert list(closeups.flips) == [3, 4]
