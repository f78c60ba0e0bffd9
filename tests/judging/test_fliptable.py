"""The table of flips has each flip with its toll, whatever way the counts come, and stays small."""

from __future__ import annotations

import random
import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.fliptable import MOST, NEWEST, Convergence, FlipTable, Row
from locust_cutover.judging.judge import judge
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.toll import Toll
from locust_cutover.judging.visit import Kind, Visit
from tests.histories import timeline
from tests.tallies import after, at, count, made, runs, tally_of, travelled, visit

PHASE = 2

NONE = (0, 0, 0)


def flip(number: int, outcome: str = "ok") -> Flip:
    """A flip of the phase, one every 100 ns."""
    return made(number, PHASE, 100 * number + 10, outcome)


def toll(visits: int, lost: int = 0, torn: int = 0, stale: int = 0) -> Toll:
    """So many visits and faults; stale ones come after the flip, the others are at it."""
    return Toll(visits, (lost, torn, 0), (0, 0, stale))


def table_of(*flips: Flip, sparse: bool = False) -> FlipTable:
    """A table that was told of these."""
    table = FlipTable(PHASE, sparse)
    for one in flips:
        table.add(one)
    return table


def test_all_flips_stand_in_the_table_in_order() -> None:
    """With their releases and times, whether they met a visit or not."""
    flips = [flip(number) for number in range(1, 8)]
    assert list(table_of(*flips).rows()) == [Row(one, 0, NONE) for one in flips]


def test_a_failed_flip_keeps_its_outcome() -> None:
    """And the ones around it stay good."""
    flips = [flip(1), flip(2, "Permission denied"), flip(3)]
    assert [row.flip.outcome for row in table_of(*flips).rows()] == ["ok", "Permission denied", "ok"]


def test_counts_of_several_nodes_add_up_on_their_flip() -> None:
    """Reports come in any order, and more than once for a flip."""
    table = table_of(flip(1), flip(2), flip(3))
    table.count(flip(3), toll(5, 1, 0, 2))
    table.count(flip(1), toll(4, 0, 1))
    table.count(flip(3), toll(2, 1, 1))
    assert [row[1:] for row in table.rows()] == [(4, (0, 1, 0)), (0, NONE), (7, (2, 1, 2))]


def test_counts_may_come_before_the_flips_after_theirs() -> None:
    """The table grows while it is counted."""
    table = table_of(flip(1))
    table.count(flip(1), toll(1, 1))
    table.add(flip(2))
    table.count(flip(2), toll(3))
    assert [row.visits for row in table.rows()] == [1, 3]


@pytest.mark.parametrize(("kind", "count"), [("lost", 2), ("torn", 3), ("stale", 4)])
def test_a_row_gives_its_count_by_kind(kind: Kind, count: int) -> None:
    """Each kind its own."""
    assert Row(flip(1), 9, (2, 3, 4)).count(kind) == count


def test_harmful_counts_flips_and_not_visits() -> None:
    """A flip that lost seven is one flip that lost; one that is harmful at and after itself is one."""
    table = table_of(flip(1), flip(2), flip(3), flip(4))
    table.count(flip(1), toll(8, 7))
    table.count(flip(3), Toll(3, (1, 1, 0), (0, 1, 0)))
    table.count(flip(4), toll(2))
    assert [table.harmful(kind) for kind in FAULTS] == [2, 1, 0]


def test_the_sum_of_squares_tells_a_cluster_from_the_same_number_spread() -> None:
    """4 on one flip are 16, one on each of four flips are 4."""
    cluster, spread = (table_of(*map(flip, range(1, 5))) for _ in range(2))
    cluster.count(flip(2), toll(9, 4))
    for number in range(1, 5):
        spread.count(flip(number), toll(3, 1))
    assert (cluster.sum_of_squares("lost"), spread.sum_of_squares("lost")) == (16, 4)
    assert cluster.sum_of_squares("stale") == 0


@pytest.mark.parametrize("harm_first", [False, True])
def test_a_harmful_flip_of_a_sparse_table_has_all_its_visits(harm_first: bool) -> None:
    """Those before its harm and those after it, from whichever node; harmless flips are not shown."""
    table = table_of(*map(flip, range(1, 10)), sparse=True)
    tolls = [toll(3, 1), toll(2), toll(4)]
    for one in tolls if harm_first else tolls[::-1]:
        table.count(flip(7, "File exists"), one)
    table.count(flip(4), toll(9))
    assert list(table.rows()) == [Row(flip(7, "File exists"), 9, (1, 0, 0))]


# Flips that a visit met, and positive controls.


@pytest.mark.parametrize("sparse", [False, True])
def test_lost_and_torn_could_show_at_the_flips_that_were_met_and_stale_after_those_with_a_calm_visit(
    sparse: bool,
) -> None:
    """A flip that nobody met proves nothing; a flip that did harm could of course show it."""
    table = table_of(*map(flip, range(1, 10)), sparse=sparse)
    table.meet(2, 4)
    table.meet(4, 5)
    table.count(flip(5), Toll(probes=3))
    table.count(flip(7), Toll(probes=1))
    table.count(flip(9), toll(1, stale=1))
    table.count(flip(8), Toll(1, after=(0, 1, 0)))
    assert (table.met, table.probes) == (4, 4)
    assert [table.tried(kind) for kind in FAULTS] == [4, 5, 3]


@pytest.mark.parametrize(("fault", "at_flip", "after_flip"), [("lost", 1, 0), ("torn", 1, 0), ("stale", 0, 1)])
def test_a_positive_control_is_lost_or_torn_at_a_flip_or_stale_after_it(
    fault: Kind, at_flip: int, after_flip: int
) -> None:
    """Torn after flips is none: a cache, or a server that mixes at random, does that without them."""
    counts = tuple(int(kind == fault) for kind in FAULTS)
    here, later = table_of(flip(1)), table_of(flip(1))
    here.count(flip(1), Toll(1, at=counts))
    later.count(flip(1), Toll(1, after=counts))
    assert (here.shown(fault), later.shown(fault)) == (at_flip, after_flip)
    assert here.harmful(fault) == later.harmful(fault) == 1


# Repairs, and flips of the phase before.


@pytest.mark.parametrize("sparse", [False, True])
def test_a_repair_is_no_flip_of_the_phase(sparse: bool) -> None:
    """Number 0 has a row, so that rows add up to the phase's faults; it proves nothing of the phase's flips."""
    table = table_of(flip(0), flip(1), flip(2), sparse=sparse)
    table.count(flip(0), Toll(6, (5, 0, 0), probes=9))
    assert (table.harmful("lost"), table.harmful_others("lost")) == (0, 1)
    assert (table.shown("lost"), table.at("lost"), table.sum_of_squares("lost")) == (0, 0, 0)
    assert (table.tried("lost"), table.tried("stale"), table.probes) == (0, 0, 0)
    rows = [(row.flip.number, row.count("lost")) for row in table.rows()]
    assert rows == ([(0, 5)] if sparse else [(0, 5), (1, 0), (2, 0)])
    assert [row.flip.number for row in table.newest_harmful()] == [0]


def test_what_a_flip_of_the_phase_before_made_stale_stands_under_that_flip() -> None:
    """In the table of the phase that visited, though a flip of that phase has the same number."""
    last = made(1, PHASE - 1, 50)
    tally = tally_of(
        (visit(PHASE - 1), at("lost", last)),
        (visit(PHASE), after("stale", last)),
        (visit(PHASE), after("ok", last)),
        (visit(PHASE), at("torn", flip(1))),
    )
    before, table = FlipTable(PHASE - 1, sparse=False), table_of(flip(1))
    before.add(last)
    for one in (before, table):
        one.take(tally)
    assert list(before.rows()) == [Row(last, 1, (1, 0, 0))]
    assert list(table.rows()) == [Row(last, 1, (0, 0, 1)), Row(flip(1), 1, (0, 1, 0))]
    assert (table.harmful("stale"), table.harmful_others("stale"), table.shown("stale"), table.probes) == (0, 1, 0, 0)


# Convergence.


def converged(right: int, stale: int, *, flips: int = 1) -> Convergence:
    """Of flip 1, completed at 110, with a right calm visit and a stale one sent then; each took 5."""
    table = table_of(*map(flip, range(1, flips + 1)))
    for sent, kind in ((right, "ok"), (stale, "stale")):
        judgment = after("ok" if kind == "ok" else "stale", flip(1))
        table.take(tally_of((visit(PHASE, sent, sent + 5), judgment)))
    return table.convergence


def test_a_flip_has_converged_when_a_right_visit_was_sent_some_time_after_the_last_stale_one() -> None:
    """More than a tenth of the time later. From the completion to when the last old answer was received."""
    assert converged(right=144, stale=140) == Convergence(seen=35)
    assert converged(right=144, stale=140, flips=2) == Convergence(seen=35)


@pytest.mark.parametrize("flips", [1, 2])
def test_a_flip_whose_last_calm_visits_were_stale_was_not_seen_to_converge(flips: int) -> None:
    """The phase ended, or the next flip came; right and stale in turns is not yet new everywhere."""
    for right in (139, 140, 143):
        assert converged(right=right, stale=140, flips=flips) == Convergence(unseen=35, next_flip=flips > 1)


def test_a_flip_that_made_nothing_stale_says_nothing_of_convergence() -> None:
    """Most flips."""
    table = table_of(flip(1))
    table.take(tally_of((visit(PHASE), after("ok", flip(1)))))
    assert table.convergence == Convergence()


def test_the_slowest_flip_counts() -> None:
    """Of those that were seen to converge, and of those that were not."""
    table = table_of(*map(flip, range(1, 8)))
    for number, (fresh, sent, received) in enumerate(
        [(30, 20, 25), (90, 70, 75), (75, 70, 76), (0, 40, 45), (0, 60, 65), (50, 50, 60)], start=1
    ):
        base = flip(number).completed
        table.count(
            flip(number), Toll(1, probes=1, fresh=base + fresh, old_sent=base + sent, old_received=base + received)
        )
    assert table.convergence == Convergence(seen=75, unseen=76, next_flip=True)


# Against counting by hand.


def reports(run: tuple[list[Flip], list[Visit]], nodes: int, chance: random.Random) -> list[Tally]:
    """The visits of a run, spread over nodes that report now and then; the reports come in any order."""
    flips, visits = run
    line = timeline("a", *flips)
    found: list[Tally] = []
    tallies = [Tally() for _ in range(nodes)]
    for one in visits:
        node = chance.randrange(nodes)
        tallies[node].add(one, judge(one, line))
        if chance.random() < 0.3:
            found.append(tallies[node])
            tallies[node] = Tally()
    found += tallies
    chance.shuffle(found)
    return [travelled(tally) for tally in found]


@pytest.mark.parametrize("sparse", [False, True])
@given(runs(), st.integers(1, 3), st.randoms(use_true_random=False))
def test_the_tables_hold_what_one_would_count_by_hand(
    sparse: bool, run: tuple[list[Flip], list[Visit]], nodes: int, chance: random.Random
) -> None:
    """However many nodes there are, wherever their reports are cut and in whatever order they come."""
    flips, visits = run
    told = reports(run, nodes, chance)
    for phase in (0, 1):
        own = [one for one in flips if one.phase == phase and one.number]
        table = FlipTable(phase, sparse)
        for one in flips:
            if one.phase == phase:
                table.add(one)
        for tally in told:
            table.take(tally)
        by_hand = count(phase, "a", flips, visits)
        others = sorted(one for one in by_hand.visits if one not in own)
        rows = {row.flip[:2]: row for row in table.rows()}
        shown = others + [one for one in own if not sparse or any(by_hand.faults(one))]
        assert list(rows) == [one[:2] for one in shown]
        for one in shown:
            assert rows[one[:2]][1:] == (by_hand.visits[one], by_hand.faults(one))
        assert {row.flip[:2] for row in table.newest_harmful()} == {key for key, row in rows.items() if row.harmful}
        assert table.met == len(by_hand.met)
        assert table.probes == sum(by_hand.probes[one] for one in own)
        assert table.convergence == by_hand.convergence([*own[:-1], *(others if own else [])])
        for index, kind in enumerate(FAULTS):
            faults = [by_hand.faults(one)[index] for one in own]
            could = {one for one in own if by_hand.probes[one]} if kind == "stale" else by_hand.met
            assert table.harmful(kind) == sum(map(bool, faults))
            assert table.harmful_others(kind) == sum(by_hand.faults(one)[index] > 0 for one in others)
            assert table.tried(kind) == len(could | {one for one in own if by_hand.faults(one)[index]})
            assert table.sum_of_squares(kind) == sum(number**2 for number in faults)
            assert table.at(kind) == sum(by_hand.at[one, kind] for one in own)
            proofs = by_hand.after if kind == "stale" else by_hand.at
            assert table.shown(kind) == sum(proofs[one, kind] for one in own)


@pytest.mark.parametrize("sparse", [False, True])
def test_of_many_harmful_flips_the_newest_are_at_hand(sparse: bool) -> None:
    """Those of the highest numbers, though counts come late and out of order; then a repair, where there is room."""
    numbers = list(range(1, 3 * NEWEST))
    table = table_of(*map(flip, numbers), sparse=sparse)
    random.Random(6).shuffle(numbers)
    for number in [0, *numbers]:
        table.count(flip(number), toll(1, 1))
    newest = [row.flip.number for row in table.newest_harmful()]
    assert newest == sorted(numbers, reverse=True)[:NEWEST]


# Memory.


def size(table: FlipTable) -> int:
    """The bytes of a table with all it holds, but for the few release names."""
    total = 0
    for value in vars(table).values():
        columns = list(value.values()) if isinstance(value, dict) else []
        held = [one for one in [value, *columns] if isinstance(one, array | bytearray | dict | list)]
        total += sum(map(sys.getsizeof, held))
    return total


def test_a_flip_takes_some_fifty_bytes() -> None:
    """A run of a day with a flip every 20 ms has four million of them."""
    few, many = table_of(), table_of(*map(flip, range(1, 50_001)))
    many.meet(1, 50_000)
    assert 40 < (size(many) - size(few)) / 50_000 < 60


def test_a_flip_of_a_sparse_table_takes_some_fifteen_bytes_when_a_visit_met_it() -> None:
    """With every: 0 there are a million in a minute: 15 MB. One that comes after the last visit takes none."""
    flips = [flip(number) for number in range(1, 100_001)]
    table = table_of(*flips, sparse=True)
    assert size(table) == size(table_of(sparse=True))
    for one in flips[::10]:
        table.count(one, Toll(visits=2, probes=1))
        table.meet(one.number, one.number + 3)
    assert 15 <= (size(table) - size(table_of(sparse=True))) / 100_000 < 18


@pytest.mark.parametrize("sparse", [False, True])
def test_a_table_has_the_flips_that_it_was_told_of(sparse: bool) -> None:
    """By number alone where most flips are not kept; a flip of another phase or none is not its own."""
    table = FlipTable(1, sparse)
    first = Flip(1, 1, "b", 5, 6, "no space", "a", opaque=True)
    table.add(first)
    table.add(made(2, 1))
    assert table.flips == 2
    assert table.has(first)
    assert table.has(made(2, 1))
    assert [table.has(made(number, phase)) for number, phase in ((3, 1), (0, 1), (-1, 1), (2, 0))] == [False] * 4
    for other in (first._replace(release="c"), first._replace(completed=7), first._replace(outcome="ok")):
        assert table.has(other) == sparse


def test_a_table_has_room_for_so_many_visits_of_a_flip() -> None:
    """The columns are narrow; more than they hold would raise where the counts are added up."""
    table = FlipTable(0, False)
    table.add(made(1))
    table.count(made(1), Toll(visits=MOST - 1))
    assert (table.room(made(1)), table.room(made(2))) == (1, MOST)
    table.count(made(1), Toll(visits=1))
    assert table.room(made(1)) == 0
