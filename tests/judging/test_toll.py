"""A toll adds up to the same in whatever order and on however many nodes its visits are counted."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.toll import NO_FAULTS, Toll
from locust_cutover.judging.visit import KINDS, Kind, Visit
from tests.tallies import after, at, made, visit

FLIP = made(1)

Counted = tuple[Visit, Judgment]

VISITS = st.lists(
    st.builds(
        lambda sent, took, kind, calm: (visit(0, sent, sent + took), after(kind, FLIP) if calm else at(kind, FLIP)),
        st.integers(1, 100),
        st.integers(0, 30),
        st.sampled_from(KINDS),
        st.booleans(),
    )
)


def toll_of(*counted: Counted) -> Toll:
    """As a tally counts them."""
    toll = Toll()
    for one, judgment in counted:
        if judgment.flip is not None:
            toll.add(one, judgment)
        if judgment.after is not None:
            toll.probe(one, judgment)
    return toll


@pytest.mark.parametrize(("kind", "counts"), [("lost", (1, 0, 0)), ("torn", (0, 1, 0)), ("stale", (0, 0, 1))])
def test_faults_at_a_flip_and_after_it_are_counted_apart(kind: Kind, counts: tuple[int, ...]) -> None:
    """Only the first are a positive control; both are harm."""
    assert (toll_of((visit(), at(kind, FLIP))).at, toll_of((visit(), at(kind, FLIP))).after) == (counts, NO_FAULTS)
    toll = toll_of((visit(), after(kind, FLIP)))
    assert (toll.at, toll.after, toll.faults) == (NO_FAULTS, counts, counts)


@pytest.mark.parametrize("kind", ["ok", "unjudged"])
def test_a_visit_without_a_fault_is_a_visit_only(kind: Kind) -> None:
    """It overlapped the cutover and came to no harm."""
    assert toll_of((visit(), at(kind, FLIP))) == Toll(visits=1)


def test_a_calm_visit_after_a_flip_is_a_probe_whatever_it_showed() -> None:
    """It does not count as a visit of the flip unless its fault came after it."""
    toll = toll_of(*((visit(), after(kind, FLIP)) for kind in KINDS))
    assert (toll.probes, toll.visits) == (len(KINDS), 3)


def test_the_last_right_and_the_last_old_answer_are_kept() -> None:
    """The one that was received last need not be the one that was sent last."""
    toll = toll_of(
        (visit(sent=10, received=90), after("stale", FLIP)),
        (visit(sent=20, received=30), after("stale", FLIP)),
        (visit(sent=25, received=26), after("ok", FLIP)),
        (visit(sent=15, received=95), after("ok", FLIP)),
    )
    assert (toll.fresh, toll.old_sent, toll.old_received) == (25, 20, 90)


def test_a_page_with_an_old_part_is_old_too() -> None:
    """Torn after a flip: not every visitor had the new release by then. Torn at one says nothing of that."""
    assert toll_of((visit(sent=20, received=30), after("torn", FLIP))).old_received == 30
    assert toll_of((visit(sent=20, received=30), at("torn", FLIP))).old_received == 0


@given(VISITS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_tolls_of_several_nodes_add_up_in_any_order(
    counted: list[Counted], nodes: int, chance: random.Random
) -> None:
    """However the visits are spread over the nodes, and whichever reports first."""
    parts: list[list[Counted]] = [[] for _ in range(nodes)]
    for one in counted:
        chance.choice(parts).append(one)
    total = Toll()
    for part in chance.sample(parts, len(parts)):
        total.merge(toll_of(*part))
    assert total == toll_of(*counted)
