"""The tally counts each judged visit once, and adds up whatever way its parts travel."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cutover.judging.closeup import Cost
from locust_cutover.judging.judge import Judgment, Place, judge
from locust_cutover.judging.tally import Key, Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.toll import Toll
from locust_cutover.judging.visit import KINDS, Kind, Visit
from tests.histories import timeline
from tests.tallies import after, alone, at, count, made, runs, tally_of, travelled, visit


def tolls(tally: Tally) -> dict[Key, tuple[int, tuple[int, ...]]]:
    """Of each flip its visits and faults, by the phase of the visits, that of the flip and its number."""
    return {key: (toll.visits, toll.faults) for key, (_, toll) in tally.flips.items()}


def numbers(ranges: list[tuple[int, int]]) -> set[int]:
    """The numbers that are in ranges."""
    return {number for first, last in ranges for number in range(first, last + 1)}


def as_plain(tally: Tally) -> dict[str, Any]:
    """All that a tally holds, to be compared."""
    return {name: dict(value) for name, value in vars(tally).items()}


def test_each_visit_is_counted_once_by_phase_kind_and_answer() -> None:
    """Two phases, one answer of two kinds: nothing is mixed up."""
    tally = tally_of(
        (visit(0), alone("ok")),
        (visit(0), alone("ok")),
        (visit(0), after("stale", made(1))),
        (visit(1), alone("ok")),
        (visit(1), alone("lost")),
    )
    assert tally.of_phase(0) == [("ok", "200 OK", 2), ("stale", "200 OK", 1)]
    assert tally.of_phase(1) == [("lost", "404 Not Found", 1), ("ok", "200 OK", 1)]
    assert tally.of_phase(2) == []


def test_visits_are_asked_for_by_kind() -> None:
    """Of one kind, of several, or, when none is named, of all."""
    tally = tally_of(*((visit(), alone(kind)) for kind in KINDS), (visit(), alone("lost")), (visit(1), alone("ok")))
    assert tally.visits(0) == 6
    assert tally.visits(0, "lost") == 2
    assert tally.visits(0, "lost", "torn") == 3
    assert tally.visits(1, "lost") == 0
    assert tally.visits(7) == 0


def test_the_most_frequent_answer_comes_first() -> None:
    """Then by name, so that two runs with equal counts read alike."""
    tally = Tally()
    tally.answers.update({(0, "lost", "timed out"): 2, (0, "lost", "404 Not Found"): 2, (0, "ok", "200 OK"): 5})
    assert [row[1] for row in tally.of_phase(0)] == ["200 OK", "404 Not Found", "timed out"]


def test_a_visit_counts_for_the_flip_it_met_with_what_it_was() -> None:
    """Each flip has its visits, and of these the lost, torn and stale ones; an ok or unjudged one is a visit only."""
    flip = made(3)
    tally = tally_of(*((visit(), at(kind, flip)) for kind in KINDS), (visit(), at("lost", flip)))
    assert tally.flips[0, 0, 3][0] == flip
    assert tolls(tally) == {(0, 0, 3): (6, (2, 1, 1))}


def test_a_flip_is_kept_apart_by_its_phase_and_by_that_of_its_visits() -> None:
    """Numbers begin again in each phase, and what the last flip of one made stale may be visited in the next."""
    tally = tally_of(
        (visit(0), at("lost", made(1, 0))),
        (visit(1), at("torn", made(1, 1))),
        (visit(1), after("stale", made(1, 0))),
    )
    assert tolls(tally) == {(0, 0, 1): (1, (1, 0, 0)), (1, 1, 1): (1, (0, 1, 0)), (1, 0, 1): (1, (0, 0, 1))}


@pytest.mark.parametrize("kind", ["lost", "torn", "stale"])
def test_faults_are_counted_by_their_place(kind: Kind) -> None:
    """At a flip, after one, or at none; in their phase and kind only."""
    flip = made(1)
    tally = tally_of(*((visit(), one) for one in [alone(kind), alone(kind), at(kind, flip), after(kind, flip)]))
    places: dict[Place, int] = {"none": 2, "at": 1, "after": 1}
    assert tally.places == {(0, kind, place): number for place, number in places.items()}


@pytest.mark.parametrize("kind", ["ok", "unjudged"])
def test_what_is_no_fault_has_no_place(kind: Kind) -> None:
    """Most visits meet no flip."""
    assert not tally_of((visit(), alone(kind)), (visit(), at(kind, made(1)))).places


def test_calm_visits_are_counted_by_kind_and_those_that_met_a_flip_too() -> None:
    """Some are neither: after the switcher's death nobody knows whether they met a flip."""
    tally = tally_of(
        (visit(), alone("ok")),
        (visit(), after("stale", made(1))),
        (visit(), at("lost", made(1))),
        (visit(), Judgment("lost", "404 Not Found")),
        (visit(1), alone("lost")),
    )
    assert tally.calm == {(0, "ok"): 1, (0, "stale"): 1, (1, "lost"): 1}
    assert tally.meetings == {0: 1}


def test_the_times_between_visits_are_counted_by_phase() -> None:
    """The first visit of a phase comes after none."""
    tally = tally_of(*((visit(phase, apart=apart), alone("ok")) for phase, apart in [(0, 0), (0, 7), (0, 7), (1, 9)]))
    assert tally.spacings == {0: {7: 2}, 1: {9: 1}}


def test_the_longest_stale_is_the_greatest_age_of_the_phase() -> None:
    """A maximum, not the last one, and each phase has its own."""
    tally = tally_of(
        (visit(0), after("stale", made(1), age=50)),
        (visit(0), after("stale", made(1), age=700)),
        (visit(0), after("stale", made(1), age=60)),
        (visit(1), after("stale", made(1, phase=1), age=5)),
    )
    assert tally.longest_stale == {0: 700, 1: 5}


@pytest.mark.parametrize("kind", ["ok", "lost", "torn", "unjudged"])
def test_only_stale_visits_have_an_age(kind: Kind) -> None:
    """A phase without one has no number."""
    assert not tally_of((visit(), at(kind, made(1)))).longest_stale


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 40), st.integers(0, 12))))
def test_the_flips_that_visits_met_are_those_of_all_visits_in_whatever_order(
    meetings: list[tuple[int, int, int]],
) -> None:
    """Kept as few ranges, apart and in order. A history is judged file by file: the times begin again with each."""
    tally = Tally()
    expected: dict[int, set[int]] = {}
    for phase, first, more in meetings:
        tally.add(visit(phase), Judgment("ok", "200 OK", made(first + more), met=(first, first + more)))
        expected.setdefault(phase, set()).update(range(first, first + more + 1))
    assert {phase: numbers(ranges) for phase, ranges in tally.met.items()} == expected
    for ranges in tally.met.values():
        assert all(last + 1 < first for (_, last), (first, _) in itertools.pairwise(ranges))


def parts() -> list[Tally]:
    """What three nodes counted: phases, kinds and answers that overlap in part."""
    return [
        tally_of((visit(0), alone("ok")), (visit(0), after("stale", made(1), age=900)), (visit(1), alone("lost"))),
        tally_of((visit(0), alone("ok")), (visit(0), after("stale", made(1), age=30)), (visit(1), alone("lost"))),
        tally_of((visit(1), alone("torn")), (visit(2), after("stale", made(2, phase=2), age=7))),
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_tallies_of_several_nodes_add_up_in_any_order(order: tuple[int, ...]) -> None:
    """Counts are sums, times are maxima, and no node's report is before another's."""
    total = Tally()
    for index in order:
        total.merge(parts()[index])
    assert total.of_phase(0) == [("ok", "200 OK", 2), ("stale", "200 OK", 2)]
    assert total.of_phase(1) == [("lost", "404 Not Found", 2), ("torn", "200 OK", 1)]
    assert total.places == {
        (0, "stale", "after"): 2,
        (1, "lost", "none"): 2,
        (1, "torn", "none"): 1,
        (2, "stale", "after"): 1,
    }
    assert total.longest_stale == {0: 900, 2: 7}


def test_merging_leaves_the_other_tally_as_it_was() -> None:
    """And its flips are the flip table's to count."""
    other, total = parts()[0], Tally()
    total.merge(other)
    total.merge(other)
    assert as_plain(other) == as_plain(parts()[0])
    assert not total.flips


def test_a_message_carries_all_of_a_tally() -> None:
    """Phases, kinds, releases beyond ASCII, nanoseconds beyond 32 bits and failed flips arrive as they were."""
    failed = Flip(1, 2, "b", 5, 6, "the link points to ü", "ü", opaque=True)
    tally = tally_of(
        (visit(0, received=9 << 40, apart=3 << 40), after("stale", made(1, completed=1 << 61), age=1 << 60)),
        (visit(1), Judgment("lost", "404 Not Found", failed, "at", met=(1, 2))),
        (visit(1), Judgment("ok", "200 OK", made(7, 1), met=(5, 7))),
        (visit(1), alone("torn")),
        (visit(1), after("ok", made(9, 1))),
    )
    back = travelled(tally)
    assert as_plain(back) == as_plain(tally)
    assert back.flips[1, 1, 2][0] == failed
    assert isinstance(back.flips[1, 1, 2][0], Flip)
    assert isinstance(back.flips[1, 1, 2][1], Toll)


def test_each_phase_has_a_strip_of_its_visits_that_travels_and_adds_up() -> None:
    """Every visit is on it once, with its time; one that a flip spoiled is kept itself."""
    tally = tally_of((visit(0), alone("ok")), (visit(0), at("lost", made(1))), (visit(1), alone("ok")))
    total = travelled(tally)
    total.merge(tally)
    assert {phase: list(strip.intervals.rows()) for phase, strip in total.strips.items()} == {
        0: [(0, {"ok": 2, "lost": 2})],
        1: [(0, {"ok": 2})],
    }
    assert list(total.strips[0].times.buckets()) == [(10, 11, 4)]
    assert total.strips[0].closeups.flips == {1: (made(1), [Cost(100, 110, "lost", "404 Not Found")] * 2)}


def test_an_empty_tally_travels() -> None:
    """A node without visits reports, too."""
    assert as_plain(travelled(Tally())) == as_plain(Tally())


def test_a_tally_that_travelled_goes_on_counting() -> None:
    """Its counters are counters again: a kind it has not seen begins at 0."""
    back = travelled(tally_of((visit(), at("lost", made(1)))))
    back.add(visit(), at("torn", made(1)))
    back.merge(parts()[0])
    assert back.visits(0, "torn") == 1
    assert back.places[0, "lost", "none"] == 0
    assert tolls(back) == {(0, 0, 1): (2, (1, 1, 0))}


@given(runs(), st.randoms(use_true_random=False))
def test_a_tally_counts_what_one_would_count_by_hand(
    run: tuple[list[Flip], list[Visit]], chance: random.Random
) -> None:
    """Visits, faults and probes of every flip, and the flips that were met, in whatever order the visits come."""
    flips, visits = run
    line = timeline("a", *flips)
    tally = tally_of(*((one, judge(one, line)) for one in chance.sample(visits, len(visits))))
    for phase in (0, 1):
        by_hand = count(phase, "a", flips, visits)
        found = {flip: toll for (index, _, _), (flip, toll) in tally.flips.items() if index == phase}
        assert {flip: toll.visits for flip, toll in found.items() if toll.visits} == by_hand.visits
        assert {flip: toll.probes for flip, toll in found.items() if toll.probes} == by_hand.probes
        assert all(toll.faults == by_hand.faults(flip) for flip, toll in found.items())
        assert numbers(tally.met.get(phase, [])) == {flip.number for flip in by_hand.met}
