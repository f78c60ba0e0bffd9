"""One round of a cell: what is read from its run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locust_cutover.reports.refusal import Refusal, as_json
from matrix.cell import FREQUENT, RARE, RARE_EVERY
from matrix.round import Class, measured, not_measured
from tests.matrix.cells import observed, played, verdict

RESTLESS = "no visit with marks fell between two flips or after the last: an old page could not show"


def test_the_numbers_are_those_of_the_frequent_flips_and_the_age_that_of_the_rare_one() -> None:
    """Each phase is there for one thing."""
    found = measured(
        verdict(
            rare={"longest_stale_ns": 1_150_000_000, "expectations": observed(stale=90), "visits": 300},
            frequent={"expectations": observed(lost=7, torn=50, stale=4), "longest_stale_ns": 5, "visits": 500},
        )
    )
    assert (found.lost, found.torn, found.stale, found.rare_stale) == (7, 50, 94, 90)
    assert (found.lossy_flips, found.tearing_flips) == (3, 25)
    assert (found.lost_per_1000_flips, found.torn_share, found.longest_stale_s) == (3.5, 0.1, 1.15)
    assert (found.rare_lost, found.rare_torn, found.version, found.looked_s) == (0, 0, "nginx 1.22.1", RARE_EVERY)


def test_the_answers_of_both_phases_add_up_without_the_good_ones() -> None:
    """Torn and stale by what they are, losses by their answer."""
    lost = {"kind": "lost", "answer": "404 Not Found", "count": 3}
    torn = {"kind": "torn", "answer": "200 OK", "count": 2}
    found = measured(verdict(rare={"answers": [lost]}, frequent={"answers": [lost, torn]}))
    assert found.answers == {"404 Not Found": 6, "torn": 2}


@pytest.mark.parametrize(
    ("values", "worst"),
    [
        ({}, "clean"),
        ({"stale": 1}, "stale"),
        ({"stale": 9, "torn": 1}, "torn"),
        ({"rare_torn": 1}, "torn"),
        ({"torn": 9, "lost": 1}, "lost"),
        ({"rare_lost": 1}, "lost"),
        ({"unseen": ("stale",)}, "inconclusive"),
        ({"unseen": ("stale",), "torn": 1}, "torn"),
        ({"failed_flips": 2000}, "nothing flips"),
        ({"failed_flips": 1999, "lost": 1}, "lost"),
        ({"verdict": "not measured"}, "not measured"),
    ],
)
def test_the_worst_of_a_round_is_what_it_is_called_by(values: dict[str, Any], worst: Class) -> None:
    """Lost before torn before stale; a strategy that never flips and a cell without a run have nothing to show."""
    assert played(**values).worst == worst


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"visits": 0, "troubles": ["no visit was made"]}, "no visit was made"),
        ({"flips": 0, "troubles": ["no flip was made"]}, "no flip was made"),
        ({"trouble": "cut short", "troubles": ["cut short", RESTLESS]}, "cut short"),
        ({"trouble": "server nginx ended", "expectations": observed(lost=800)}, "server nginx ended"),
    ],
)
@pytest.mark.parametrize("name", [RARE, FREQUENT])
def test_a_round_that_was_cut_short_is_not_measured(name: str, changes: dict[str, Any], trouble: str) -> None:
    """Nothing measured is never clean, and what a server loses that has died is not the strategy's."""
    found = measured(verdict(**{name: changes}))
    assert (found.worst, found.trouble) == ("not measured", trouble)


def test_a_fault_that_was_seen_counts_whatever_could_not_be_seen_beside_it() -> None:
    """As of PHP that goes on with an old page: no visit is calm then, and thousands are stale."""
    restless: dict[str, Any] = {"troubles": [RESTLESS]}
    found = measured(
        verdict(
            rare={**restless, "expectations": observed(stale=21_597, torn="inconclusive")},
            frequent={**restless, "expectations": observed(torn=25_023, stale="inconclusive")},
        )
    )
    assert (found.worst, found.torn, found.rare_stale, found.trouble) == ("torn", 25_023, 21_597, RESTLESS)


@pytest.mark.parametrize(
    ("rare", "frequent", "unseen"),
    [
        ({}, {}, ()),
        ({}, {"torn": "inconclusive", "stale": "inconclusive"}, ()),
        ({"lost": "inconclusive"}, {}, ()),
        ({}, {"lost": "inconclusive"}, ("lost",)),
        ({"torn": "inconclusive"}, {"torn": "inconclusive"}, ("torn",)),
    ],
)
def test_clean_is_only_what_is_proven(rare: dict[str, str], frequent: dict[str, str], unseen: tuple[str, ...]) -> None:
    """Each fault was looked for in some phase, and a lost request where there are many flips."""
    found = measured(
        verdict(rare={"expectations": observed(**rare)}, frequent={"expectations": observed(**frequent)}),
    )
    assert found.unseen == unseen
    assert found.worst == ("inconclusive" if unseen else "clean")


def test_flips_that_do_not_take_are_a_result() -> None:
    """mv without -T, say."""
    blind = observed(lost="inconclusive", torn="inconclusive", stale="inconclusive")
    failed = {"failed_flips": 2000, "troubles": ["all 2,000 flips failed"], "expectations": blind}
    found = measured(verdict(rare={**failed, "failed_flips": 1}, frequent=failed))
    assert (found.worst, found.trouble) == ("nothing flips", "all 2,000 flips failed")


def test_a_run_that_never_began_has_measured_nothing() -> None:
    """Its file says why, and nothing else."""
    assert measured(json.loads(as_json(Refusal("cell", "no server", 3)))) == not_measured("no server")


def test_a_round_without_a_run_says_why() -> None:
    """And divides nothing by nothing."""
    found = not_measured("server nginx: nginx is not installed")
    assert (found.worst, found.trouble) == ("not measured", "server nginx: nginx is not installed")
    assert (found.lost_per_1000_flips, found.torn_share) == (0.0, 0.0)
