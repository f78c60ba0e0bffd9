"""The rows of all files add up, whatever happened in a run."""

from __future__ import annotations

import pytest

from tests.adding_up import result_adds_up
from tests.reports.runs import kinds, lived_on

KINDS = kinds()


@pytest.mark.parametrize("kind", KINDS)
def test_faults_of_flips_and_faults_near_none_are_all_faults(kind: str) -> None:
    """Per phase and kind of fault; also where a flip of the phase before makes visits stale."""
    result_adds_up(KINDS[kind])


def test_a_flip_of_the_phase_before_counts_where_its_visits_were() -> None:
    """In the run that shows it, twelve visits of the second phase are stale after a flip of the first."""
    result = lived_on()
    rows = [(row.flip.phase, row.flip.number, row.faults) for row in result.flips[1].rows()]
    assert rows == [(0, 2, (0, 0, 12)), (1, 0, (1, 0, 0)), (1, 1, (1, 1, 4))]
    assert [one.observed for one in result.phases[1].expectations] == [3, 1, 16]
