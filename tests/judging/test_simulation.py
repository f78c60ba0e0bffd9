"""A right server is never accused and every planted fault is found, however it is flipped, visited and reported."""

from __future__ import annotations

from collections import Counter

import pytest

from locust_cutover.judging.faults import FAULTS
from tests.judging.simulation import WAYS, Found, Simulation, simulate

OPAQUE = [way for way in WAYS if way.opaque]


def observed(found: Found) -> Counter[tuple[int, str]]:
    """Faults by phase and kind, as the verdict has them."""
    return Counter(
        {
            (index, one.fault): one.observed
            for index, phase in enumerate(found.phases)
            for one in phase.expectations
            if one.observed
        }
    )


def assert_adds_up(found: Found) -> None:
    """The flips' rows and the faults at none make up the answers; and one tally of all visits says the same."""
    assert found.phases == found.again
    assert found.rows == found.rows_again
    for phase, rows in zip(found.phases, found.rows, strict=True):
        for one in phase.expectations:
            assert sum(row.count(one.fault) for row in rows) == one.at_flips + one.after_flips
            assert one.at_flips + one.after_flips + one.at_none == one.observed
            assert one.harmful_flips == sum(row.count(one.fault) > 0 for row in rows)
            assert one.harmful_flips - one.other_flips <= one.tried_flips <= phase.facts.flips


def test_a_right_server_is_not_accused_in_50_000_visits() -> None:
    """Closed visitors and paced ones in step with the flips; flips that fail, or pass through other releases.

    Some nodes hear of flips late, report at the end only, or join in the middle. Half a million: simulate(500_000).
    """
    found = simulate(50_000)
    assert found.visits >= 50_000
    assert found.wrong == []
    assert [(phase.phase.name, phase.verdict) for phase in found.phases] == [(way.name, "held") for way in WAYS]
    assert observed(found) == found.planted
    assert_adds_up(found)


@pytest.mark.parametrize("named", [True, False], ids=["named releases", "whatever somebody flips to"])
def test_every_planted_fault_is_found(named: bool) -> None:
    """As what it is, and at none only where it overlaps no cutover; nobody else is accused."""
    found = simulate(14_000, faults=0.02, named=named, ways=WAYS if named else OPAQUE)
    assert found.wrong == []
    assert observed(found) == found.planted
    assert {fault for _, fault in found.planted} == set(FAULTS)
    assert {phase.verdict for phase in found.phases} == {"violated"}
    assert_adds_up(found)


def test_the_visits_of_a_node_that_says_nothing_are_missed() -> None:
    """However well the others fared: nothing is held."""

    def silence(simulation: Simulation) -> None:
        simulation.workers["quiet"].mute = True

    found = simulate(300, ways=WAYS[:1], before=silence)
    assert [(phase.verdict, phase.troubles) for phase in found.phases] == [
        ("inconclusive", ("worker quiet did not report all its visits",))
    ]
