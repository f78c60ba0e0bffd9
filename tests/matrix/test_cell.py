"""One cell: what is run for it, and what is read from its run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from locust_cutover import scenario as scenarios
from locust_cutover.reports.refusal import Refusal, as_json
from locust_cutover.servers import SERVERS
from matrix.cell import FREQUENT, RARE, RARE_EVERY, RARE_FLIPS, Class, measured, not_measured
from matrix.ways import load_ways
from tests.matrix.cells import cell, result, verdict


def test_each_cell_is_a_scenario_that_locust_takes(tmp_path: Path) -> None:
    """All ways on all servers; every kind of fault counts against it."""
    for server in SERVERS:
        for way in load_ways():
            file = tmp_path / "cell.yaml"
            file.write_text(json.dumps(cell(server, way).scenario()))
            scenario = scenarios.load(str(file))
            assert scenario.site.server == server
            assert [phase.name for phase in scenario.phases] == [RARE, FREQUENT]
            assert all(set(phase.expect.values()) == {"none"} for phase in scenario.phases)


def test_a_release_does_not_come_back_while_flips_are_rare() -> None:
    """Else an old page would be right again."""
    assert len(cell().scenario()["site"]["releases"]) > RARE_FLIPS


def test_the_numbers_are_those_of_the_frequent_flips_and_the_age_that_of_the_rare_ones() -> None:
    """Each phase is there for one thing."""
    observed = {fault: {"observed": number} for fault, number in (("lost", 7), ("torn", 50), ("stale", 4))}
    stale = {**observed, "lost": {"observed": 0}, "torn": {"observed": 0}, "stale": {"observed": 90}}
    said = verdict(
        rare={"longest_stale_ns": 1_250_000_000, "expectations": stale, "visits": 300},
        frequent={"expectations": observed, "longest_stale_ns": 5, "visits": 500},
    )
    found = measured(cell(), said)
    assert (found.lost, found.torn, found.stale, found.rare_stale) == (7, 50, 94, 90)
    assert (found.lost_per_1000_flips, found.torn_share, found.longest_stale_s) == (3.5, 0.1, 1.25)
    assert (found.rare_lost, found.rare_torn, found.version) == (0, 0, "nginx 1.22.1")


def test_a_run_that_never_began_has_measured_nothing() -> None:
    """Its file says why, and nothing else."""
    refusal = json.loads(as_json(Refusal("cell", "no server", 3)))
    assert measured(cell(), refusal) == not_measured(cell(), "no server")


def test_the_answers_of_both_phases_add_up_without_the_good_ones() -> None:
    """Torn and stale by what they are, losses by their answer."""
    lost = {"kind": "lost", "answer": "404 Not Found", "count": 3}
    torn = {"kind": "torn", "answer": "200 OK", "count": 2}
    found = measured(cell(), verdict(rare={"answers": [lost]}, frequent={"answers": [lost, torn]}))
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
        ({"failed_flips": 2000}, "nothing flips"),
        ({"failed_flips": 1999, "lost": 1}, "lost"),
        ({"verdict": "not measured"}, "not measured"),
    ],
)
def test_the_worst_of_a_cell_is_what_it_is_called_by(values: dict[str, Any], worst: Class) -> None:
    """Lost before torn before stale; a way that never flips and a cell without a run have nothing to show."""
    assert result(**values).worst == worst


def test_a_page_that_is_old_until_the_end_may_be_old_for_longer() -> None:
    """Nobody looked any more."""
    assert result(longest_stale_s=RARE_EVERY * RARE_FLIPS - 0.1).is_stale_to_the_end
    assert not result(longest_stale_s=1.0).is_stale_to_the_end


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"visits": 0}, "no visit or no flip"),
        ({"flips": 0, "troubles": ["no flip was made"]}, "no flip was made"),
        ({"troubles": ["cut short"]}, "cut short"),
        ({"troubles": ["server nginx ended"]}, "server nginx ended"),
    ],
)
@pytest.mark.parametrize("phase", [RARE, FREQUENT])
def test_a_cell_that_was_cut_short_is_not_measured(phase: str, changes: dict[str, Any], trouble: str) -> None:
    """Nothing measured is never clean."""
    found = measured(cell(), verdict(**{phase: changes}))
    assert (found.worst, found.trouble) == ("not measured", trouble)


def test_flips_that_do_not_take_are_a_result() -> None:
    """mv without -T, say."""
    failed = {"failed_flips": 2000, "troubles": ["2000 of 2000 flips did not take"]}
    found = measured(cell(), verdict(rare=failed, frequent=failed))
    assert (found.worst, found.trouble) == ("nothing flips", "2000 of 2000 flips did not take")


def test_a_cell_without_a_run_says_why() -> None:
    """And divides nothing by nothing."""
    found = not_measured(cell(), "server nginx: nginx is not installed")
    assert (found.worst, found.trouble) == ("not measured", "server nginx: nginx is not installed")
    assert (found.lost_per_1000_flips, found.torn_share) == (0.0, 0.0)
