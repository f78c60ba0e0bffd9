"""The table of flips has each flip with its counts, and stays small."""

from __future__ import annotations

import random
import sys
from array import array

import pytest

from locust_cutover.judging.fliptable import NEWEST, FlipTable, Row
from locust_cutover.judging.timeline import Flip
from locust_cutover.visit import Kind

PHASE = 2


def flip(number: int, outcome: str = "ok") -> Flip:
    """A flip of the phase; the releases go round robin, and a flip is due every 100 ns."""
    return Flip(PHASE, number, "abc"[number % 3], number * 100, number * 100 + 7, outcome)


def table_of(*flips: Flip, sparse: bool = False) -> FlipTable:
    """A table that was told of these."""
    table = FlipTable(PHASE, sparse)
    for one in flips:
        table.add(one)
    return table


def test_all_flips_stand_in_the_table_in_order() -> None:
    """With their releases and times, whether they met a visit or not."""
    flips = [flip(number) for number in range(1, 8)]
    assert list(table_of(*flips).rows()) == [Row(one, 0, 0, 0, 0) for one in flips]


def test_a_failed_flip_keeps_its_outcome() -> None:
    """And the ones around it stay good."""
    flips = [flip(1), flip(2, "Permission denied"), flip(3)]
    assert [row.flip.outcome for row in table_of(*flips).rows()] == ["ok", "Permission denied", "ok"]


def test_counts_of_several_nodes_add_up_on_their_flip() -> None:
    """Reports come in any order, and more than once for a flip."""
    table = table_of(flip(1), flip(2), flip(3))
    table.count(flip(3), [5, 1, 0, 2])
    table.count(flip(1), [4, 0, 1, 0])
    table.count(flip(3), [2, 1, 1, 0])
    assert list(table.rows()) == [Row(flip(1), 4, 0, 1, 0), Row(flip(2), 0, 0, 0, 0), Row(flip(3), 7, 2, 1, 2)]


def test_counts_may_come_before_the_flips_after_theirs() -> None:
    """The table grows while it is counted."""
    table = table_of(flip(1))
    table.count(flip(1), [1, 1, 0, 0])
    table.add(flip(2))
    table.count(flip(2), [3, 0, 0, 0])
    assert [row.visits for row in table.rows()] == [1, 3]


@pytest.mark.parametrize(("kind", "count"), [("lost", 2), ("torn", 3), ("stale", 4)])
def test_a_row_gives_its_count_by_kind(kind: Kind, count: int) -> None:
    """Each kind its own."""
    assert Row(flip(1), 9, 2, 3, 4).count(kind) == count


def test_harmful_counts_flips_and_not_visits() -> None:
    """A flip that lost seven is one flip that lost."""
    table = table_of(flip(1), flip(2), flip(3), flip(4))
    table.count(flip(1), [8, 7, 0, 0])
    table.count(flip(3), [2, 1, 1, 0])
    table.count(flip(4), [2, 0, 0, 0])
    assert [table.harmful(kind) for kind in ("lost", "torn", "stale")] == [2, 1, 0]


def test_the_sum_of_squares_tells_a_cluster_from_the_same_number_spread() -> None:
    """4 on one flip are 16, one on each of four flips are 4."""
    cluster, spread = (table_of(*map(flip, range(1, 5))) for _ in range(2))
    cluster.count(flip(2), [9, 4, 0, 0])
    for number in range(1, 5):
        spread.count(flip(number), [3, 1, 0, 0])
    assert (cluster.sum_of_squares("lost"), spread.sum_of_squares("lost")) == (16, 4)
    assert cluster.sum_of_squares("stale") == 0


def test_a_sparse_table_has_only_the_flips_that_were_counted() -> None:
    """In order, each as it was reported; all others are known by their number alone, which the phase's facts have."""
    table = table_of(*map(flip, range(1, 10)), sparse=True)
    assert list(table.rows()) == []
    table.count(flip(7), [2, 1, 0, 0])
    table.count(flip(4, "File exists"), [1, 0, 1, 0])
    table.count(flip(7), [3, 1, 0, 0])
    assert list(table.rows()) == [Row(flip(4, "File exists"), 1, 0, 1, 0), Row(flip(7), 5, 2, 0, 0)]
    assert table.harmful("lost") == 1
    assert table.sum_of_squares("lost") == 4


@pytest.mark.parametrize("sparse", [False, True])
def test_a_repair_is_no_flip_of_the_phase(sparse: bool) -> None:
    """Number 0 does not shift the others, and is not among the harmful: there are no more of these than flips."""
    table = table_of(flip(0), flip(1), flip(2), sparse=sparse)
    table.count(flip(0), [6, 5, 0, 0])
    table.count(flip(2), [1, 1, 0, 0])
    assert table.harmful("lost") == 1
    by_number = {row.flip.number: row.lost for row in table.rows()}
    assert by_number == ({0: 5, 2: 1} if sparse else {0: 5, 1: 0, 2: 1})


def test_the_losses_at_a_repair_stay_in_the_table() -> None:
    """They weigh in the outage's interval, and the rows add up to the phase's losses."""
    table = table_of(flip(0), flip(1))
    table.count(flip(0), [6, 5, 0, 0])
    assert table.sum_of_squares("lost") == 25


@pytest.mark.parametrize("sparse", [False, True])
def test_the_sums_are_those_of_the_rows(sparse: bool) -> None:
    """However the counts come: in any order, several times for a flip, for a repair, with nothing in them."""
    draw = random.Random(6)
    table = table_of(*map(flip, range(1, 31)), sparse=sparse)
    for _ in range(200):
        harm = [draw.choice([0, 0, 0, 1, 3]) for _ in range(3)]
        if any(harm) or not sparse:
            table.count(flip(draw.randrange(31)), [5, *harm])
    rows = list(table.rows())
    kinds: list[Kind] = ["lost", "torn", "stale"]
    for kind in kinds:
        assert table.harmful(kind) == sum(1 for row in rows if row.flip.number and row.count(kind))
        assert table.sum_of_squares(kind) == sum(row.count(kind) ** 2 for row in rows)
    newest = sorted((row for row in rows if row.harmful), key=lambda row: -row.flip.number)
    assert list(table.newest_harmful()) == newest


@pytest.mark.parametrize("sparse", [False, True])
def test_of_many_harmful_flips_the_newest_are_at_hand(sparse: bool) -> None:
    """Those of the highest numbers, though counts come late and out of order."""
    numbers = list(range(1, 3 * NEWEST))
    table = table_of(*map(flip, numbers), sparse=sparse)
    random.Random(6).shuffle(numbers)
    for number in numbers:
        table.count(flip(number), [1, 1, 0, 0])
    newest = [row.flip.number for row in table.newest_harmful()]
    assert newest == sorted(numbers, reverse=True)[:NEWEST]


def size(table: FlipTable) -> int:
    """The bytes of a table with all it holds, but for the few release names."""
    columns: list[array[int]] = []
    for value in vars(table).values():
        columns += [item for item in (value if isinstance(value, tuple) else [value]) if isinstance(item, array)]
    others = [value for value in vars(table).values() if isinstance(value, dict)]
    return sum(map(sys.getsizeof, columns)) + sum(map(sys.getsizeof, others))


def test_a_flip_takes_some_fifty_bytes() -> None:
    """A run of a day with a flip every 20 ms has four million of them."""
    few, many = table_of(), table_of(*map(flip, range(1, 50_001)))
    assert 40 < (size(many) - size(few)) / 50_000 < 60


def test_a_sparse_table_does_not_grow_with_harmless_flips() -> None:
    """With every: 0 there are a million in a minute."""
    assert size(table_of(*map(flip, range(1, 5001)), sparse=True)) == size(table_of(sparse=True))
