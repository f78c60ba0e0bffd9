"""The tally counts each judged visit once, and adds up whatever way its parts travel."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from locust.rpc.protocol import Message

from locust_cutover.judging.closeup import Cost
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.visit import KINDS, Kind, Visit

ANSWERS: dict[Kind, str] = {
    "ok": "200 OK",
    "lost": "404 Not Found",
    "torn": "200 OK",
    "stale": "200 OK",
    "unjudged": "flips unknown",
}


def visit(phase: int = 0, sent: int = 100, received: int = 110) -> Visit:
    """A visit of which the tally needs no more than phase and times."""
    return Visit(phase, "GET", "/current/", sent, received, "200 OK", True, ("a",), 1, 20)


def flip(number: int, phase: int = 0, completed: int = 105) -> Flip:
    """A good flip."""
    return Flip(phase, number, "a", completed - 10, completed)


def judged(kind: Kind, at: Flip | None = None, age: int = 0) -> Judgment:
    """A judgment; at a flip it is explained by it."""
    return Judgment(kind, ANSWERS[kind], at, at is not None, age)


def tally_of(*counted: tuple[Visit, Judgment]) -> Tally:
    """The tally of these."""
    tally = Tally()
    for one, judgment in counted:
        tally.add(one, judgment)
    return tally


def counts(tally: Tally) -> dict[int, list[int]]:
    """Of each flip, by its number: visits, lost, torn, stale."""
    return {number: mine for (_, number), (_, mine) in tally.flips.items()}


def as_plain(tally: Tally) -> dict[str, Any]:
    """All that a tally holds, to be compared."""
    return {name: dict(value) for name, value in vars(tally).items()}


def travel(message: dict[str, Any]) -> Any:
    """The message as it arrives on another node, through Locust's own packing."""
    return Message.unserialize(Message("cutover", message, "node").serialize()).data


def test_each_visit_is_counted_once_by_phase_kind_and_answer() -> None:
    """Two phases, one answer of two kinds: nothing is mixed up."""
    tally = tally_of(
        (visit(0), judged("ok")),
        (visit(0), judged("ok")),
        (visit(0), judged("stale", flip(1))),
        (visit(1), judged("ok")),
        (visit(1), judged("lost")),
    )
    assert tally.of_phase(0) == [("ok", "200 OK", 2), ("stale", "200 OK", 1)]
    assert tally.of_phase(1) == [("lost", "404 Not Found", 1), ("ok", "200 OK", 1)]
    assert tally.of_phase(2) == []


def test_visits_are_asked_for_by_kind() -> None:
    """Of one kind, of several, or, when none is named, of all."""
    tally = tally_of(*((visit(), judged(kind)) for kind in KINDS), (visit(), judged("lost")), (visit(1), judged("ok")))
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
    met = flip(3)
    tally = tally_of(*((visit(), judged(kind, met)) for kind in KINDS), (visit(), judged("lost", met)))
    assert tally.flips[0, 3] == (met, [6, 2, 1, 1])


def test_flips_of_the_same_number_in_two_phases_are_two() -> None:
    """Numbers begin again in each phase."""
    tally = tally_of((visit(0), judged("lost", flip(1, phase=0))), (visit(1), judged("torn", flip(1, phase=1))))
    assert {key: mine for key, (_, mine) in tally.flips.items()} == {(0, 1): [1, 1, 0, 0], (1, 1): [1, 0, 1, 0]}


@pytest.mark.parametrize("kind", ["lost", "torn", "stale"])
def test_a_fault_that_no_flip_explains_is_unexplained(kind: Kind) -> None:
    """In its phase and kind only; one at a flip is explained."""
    tally = tally_of((visit(), judged(kind)), (visit(), judged(kind)), (visit(), judged(kind, flip(1))))
    assert tally.unexplained == {(0, kind): 2}


def test_a_fault_during_a_flip_that_does_not_explain_it_is_unexplained() -> None:
    """The flip counts it all the same: it was a visit of its cutover."""
    tally = tally_of((visit(), Judgment("torn", "200 OK", flip(1), at_flip=False)))
    assert tally.unexplained == {(0, "torn"): 1}
    assert counts(tally) == {1: [1, 0, 1, 0]}


@pytest.mark.parametrize("kind", ["ok", "unjudged"])
def test_what_is_no_fault_is_not_unexplained(kind: Kind) -> None:
    """Most visits meet no flip."""
    assert not tally_of((visit(), judged(kind))).unexplained


def test_the_longest_stale_is_the_greatest_age_of_the_phase() -> None:
    """A maximum, not the last one, and each phase has its own."""
    tally = tally_of(
        (visit(0), judged("stale", flip(1), age=50)),
        (visit(0), judged("stale", flip(1), age=700)),
        (visit(0), judged("stale", flip(1), age=60)),
        (visit(1), judged("stale", flip(1, phase=1), age=5)),
    )
    assert tally.longest_stale == {0: 700, 1: 5}


def test_convergence_counts_until_the_old_release_was_received() -> None:
    """The age is of the moment of sending; a slow answer of less age can have come later."""
    tally = tally_of(
        (visit(sent=1000, received=1100), judged("stale", flip(1), age=50)),
        (visit(sent=1010, received=1020), judged("stale", flip(1), age=60)),
    )
    assert tally.longest_stale == {0: 60}
    assert tally.convergence == {0: 150}


@pytest.mark.parametrize("kind", ["ok", "lost", "torn", "unjudged"])
def test_only_stale_visits_have_an_age(kind: Kind) -> None:
    """A phase without one has neither number."""
    tally = tally_of((visit(), judged(kind, flip(1))))
    assert not tally.longest_stale
    assert not tally.convergence


def parts() -> list[Tally]:
    """What three nodes counted: phases, kinds and answers that overlap in part."""
    return [
        tally_of((visit(0), judged("ok")), (visit(0), judged("stale", flip(1), age=900)), (visit(1), judged("lost"))),
        tally_of((visit(0), judged("ok")), (visit(0), judged("stale", flip(1), age=30)), (visit(1), judged("lost"))),
        tally_of((visit(1), judged("torn")), (visit(2), judged("stale", flip(2, phase=2), age=7))),
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_tallies_of_several_nodes_add_up_in_any_order(order: tuple[int, ...]) -> None:
    """Counts are sums, times are maxima, and no node's report is before another's."""
    total = Tally()
    for index in order:
        total.merge(parts()[index])
    assert total.of_phase(0) == [("ok", "200 OK", 2), ("stale", "200 OK", 2)]
    assert total.of_phase(1) == [("lost", "404 Not Found", 2), ("torn", "200 OK", 1)]
    assert total.unexplained == {(1, "lost"): 2, (1, "torn"): 1}
    assert total.longest_stale == {0: 900, 2: 7}
    assert total.convergence == {0: 910, 2: 17}


def test_merging_leaves_the_other_tally_as_it_was() -> None:
    """And its flips are the flip table's to count."""
    other, total = parts()[0], Tally()
    total.merge(other)
    total.merge(other)
    assert as_plain(other) == as_plain(parts()[0])
    assert not total.flips


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "packed"])
def test_a_message_carries_all_of_a_tally(packed: bool) -> None:
    """Phases, kinds, answers beyond ASCII, nanoseconds beyond 32 bits and failed flips arrive as they were."""
    tally = tally_of(
        (visit(0, received=9 << 40), judged("stale", flip(1, completed=1 << 61), age=1 << 60)),
        (visit(1), Judgment("lost", '499 Schlüssel, "fehlt"\n', Flip(1, 2, "b", 5, 6, "the link points to ü"), True)),
        (visit(1), judged("torn")),
        (visit(1), judged("ok")),
    )
    message = tally.to_message()
    back = Tally.from_message(travel(message) if packed else message)
    assert as_plain(back) == as_plain(tally)
    assert back.flips[1, 2][0].outcome == "the link points to ü"
    assert isinstance(back.flips[1, 2][0], Flip)


def test_each_phase_has_a_strip_of_its_visits_that_travels_and_adds_up() -> None:
    """Every visit is on it once, with its time; one that a flip spoiled is kept itself."""
    tally = tally_of((visit(0), judged("ok")), (visit(0), judged("lost", flip(1))), (visit(1), judged("ok")))
    total = Tally.from_message(travel(tally.to_message()))
    total.merge(tally)
    assert {phase: list(strip.intervals.rows()) for phase, strip in total.strips.items()} == {
        0: [(0, {"ok": 2, "lost": 2})],
        1: [(0, {"ok": 2})],
    }
    assert list(total.strips[0].times.buckets()) == [(10, 11, 4)]
    assert total.strips[0].closeups.flips == {1: (flip(1), [Cost(100, 110, "lost", "404 Not Found")] * 2)}


def test_an_empty_tally_travels() -> None:
    """A node without visits reports, too."""
    assert as_plain(Tally.from_message(travel(Tally().to_message()))) == as_plain(Tally())


def test_a_tally_that_travelled_goes_on_counting() -> None:
    """Its counters are counters again: a kind it has not seen begins at 0."""
    back = Tally.from_message(travel(tally_of((visit(), judged("lost", flip(1)))).to_message()))
    back.add(visit(), judged("torn", flip(1)))
    back.merge(parts()[0])
    assert back.visits(0, "torn") == 1
    assert back.unexplained[0, "lost"] == 0
    assert counts(back) == {1: [2, 1, 1, 0]}


def test_of_a_sparse_phase_the_harmless_flips_stay_behind() -> None:
    """Harmful ones go out, and so do all flips of the other phases; no count of visits is lost."""
    tally = tally_of(
        (visit(0), judged("ok", flip(1))),
        (visit(0), judged("lost", flip(2))),
        (visit(0), judged("ok", flip(2))),
        (visit(1), judged("ok", flip(1, phase=1))),
    )
    tally.keep_harmless({0}, horizon=1000)
    assert {key: mine for key, (_, mine) in tally.flips.items()} == {(0, 2): [2, 1, 0, 0], (1, 1): [1, 0, 0, 0]}
    assert tally.visits(0) == 3


@pytest.mark.parametrize("kind", ["lost", "torn", "stale"])
def test_any_fault_makes_a_flip_harmful(kind: Kind) -> None:
    """One is enough."""
    tally = tally_of((visit(), judged(kind, flip(1))))
    kept = tally.keep_harmless({0}, horizon=0)
    assert counts(tally) == {1: [1] + [int(kind == other) for other in ("lost", "torn", "stale")]}
    assert not kept.flips


def test_a_harmless_flip_that_can_still_do_harm_is_kept_for_the_next_tally() -> None:
    """A visit that was sent before its end may still be judged; later it is dropped or goes out with all its visits."""
    tally = tally_of(
        (visit(), judged("ok", flip(1, completed=999))),
        (visit(), judged("ok", flip(2, completed=1000))),
        (visit(), judged("ok", flip(3, completed=1001))),
    )
    kept = tally.keep_harmless({0}, horizon=1000)
    assert not tally.flips
    assert counts(kept) == {2: [1, 0, 0, 0], 3: [1, 0, 0, 0]}
    assert not kept.answers
    kept.add(visit(), judged("lost", flip(3, completed=1001)))
    assert counts(kept.keep_harmless({0}, horizon=2000)) == {}
    assert counts(kept) == {3: [2, 1, 0, 0]}
