"""A cell over all of its rounds."""

from __future__ import annotations

import pytest

from matrix.result import LONGEST, MEDIANS, RATES, SUMS
from matrix.round import not_measured
from matrix.table import LATER, NUMBERS
from tests.matrix.cells import of_rounds, played

CLEAN, LOST, TORN, STALE = played(), played(lost=1, verdict="violated"), played(torn=1), played(stale=1)

NOTHING = played(failed_flips=2000, verdict="inconclusive")

BLIND, NONE = played(unseen=("lost",), verdict="inconclusive"), not_measured("no server")


@pytest.mark.parametrize(
    ("rounds", "worst"),
    [
        ([CLEAN, CLEAN, CLEAN], "clean"),
        ([LOST, LOST, LOST], "lost"),
        ([LOST, CLEAN, LOST], "lost in 2 of 3"),
        ([LOST, TORN, CLEAN], "lost in 1 of 3"),
        ([STALE, TORN, TORN], "torn in 2 of 3"),
        ([CLEAN, CLEAN, BLIND], "inconclusive in 1 of 3"),
        ([CLEAN, CLEAN, NONE], "not measured in 1 of 3"),
        ([NONE, LOST, NONE], "lost in 1 of 3"),
        ([NOTHING, NOTHING, CLEAN], "nothing flips in 2 of 3"),
        ([NONE, NONE, NONE], "not measured"),
        ([LOST], "lost"),
    ],
)
def test_a_cell_is_called_by_what_all_rounds_showed(rounds: list[object], worst: str) -> None:
    """Where they differ by the worst, and in how many it was; that is none of the certain ones."""
    found = of_rounds(*rounds)  # type: ignore[arg-type] # of the table above
    assert found.worst == worst
    assert found.is_certain == (" in " not in worst)


def test_a_verdict_is_that_of_all_rounds() -> None:
    """Held only where every round was."""
    assert of_rounds(CLEAN, CLEAN).verdict == "held"
    assert of_rounds(CLEAN, LOST, BLIND).verdict == "violated in 1 of 3"


def test_counts_add_up_estimates_have_a_median_and_the_longest_time_counts() -> None:
    """Rates are those of the sums, not the mean of the rounds' rates."""
    rounds = [
        played(flips=100, lost=30, visits=1000, torn=10, outage_us=9.0, longest_stale_s=0.4, answers={"404": 30}),
        played(flips=300, lost=10, visits=3000, torn=0, outage_us=1.0, longest_stale_s=1.1, answers={"404": 10}),
        played(flips=400, lost=0, visits=4000, torn=0, outage_us=0.0, longest_stale_s=0.0),
    ]
    found = of_rounds(*rounds)
    assert (found.number("flips"), found.number("lost"), found.number("visits")) == (800, 40, 8000)
    assert (found.number("lost_per_1000_flips"), found.number("torn_share")) == (50, 10 / 8000)
    assert (found.number("outage_us"), found.number("longest_stale_s")) == (1.0, 1.1)
    assert (found.least("lost_per_1000_flips"), found.greatest("lost_per_1000_flips")) == (0, 300)
    assert (found.least("longest_stale_s"), found.greatest("outage_us")) == (0.0, 9.0)
    assert found.answers == {"404": 40}


def test_the_numbers_are_those_of_the_rounds_that_have_some() -> None:
    """A round that was not played has no 0 to give; a cell without any has no numbers."""
    found = of_rounds(NONE, played(lost=4))
    assert (found.number("lost"), found.least("lost"), found.version) == (4, 4, "nginx 1.0")
    assert of_rounds(played(outage_us=None), played(outage_us=2.0)).number("outage_us") == 2.0
    for name in (*NUMBERS, *LATER):
        assert (of_rounds(NONE).number(name), of_rounds(NONE).least(name), of_rounds(NONE).greatest(name)) == (
            None,
        ) * 3


def test_every_number_of_the_table_is_put_together_somehow() -> None:
    """As a sum, a median, the longest or a ratio."""
    assert sorted([*SUMS, *MEDIANS, *LONGEST, *RATES]) == sorted([*NUMBERS, *LATER])


def test_the_trouble_is_that_of_the_class_that_the_cell_is_called_by() -> None:
    """Else any."""
    assert of_rounds(played(trouble="late", lost=1), NONE).trouble == "late"
    assert of_rounds(played(trouble="late"), NONE).trouble == "no server"
    assert of_rounds(LOST, NONE).trouble == "no server"
