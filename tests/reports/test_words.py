"""The verdict in a sentence: what happened, where, and nothing that did not."""

from __future__ import annotations

import pytest

from locust_cutover.reports import words
from tests.reports.runs import Told, held, result, spoiled


def lossy(name: str = "forced", expected: str = "none") -> Told:
    """Three visits of which one found nothing."""
    one = Told(name, {"lost": expected})  # type: ignore[dict-item] # one of the three words
    one.flip(100).visit(50, "a", "a").visit(99.5, answer="404 Not Found").visit(150, "b", "b")
    return one


def test_a_run_that_held_says_what_its_phases_saw() -> None:
    """What was expected and seen is told as well as what was not seen."""
    assert words.sentence(result(lossy(expected="some"), held())) == (
        "Held: both phases went as expected (forced: 1 of 3 visits lost; atomic: no fault in 200 visits)."
    )
    assert words.sentence(result(held())) == "Held: the phase went as expected (atomic: no fault in 200 visits)."


def test_of_many_phases_that_held_only_the_number_is_told() -> None:
    """A sentence is no table."""
    assert words.sentence(result(*[held()] * 5)) == "Held: all 5 phases went as expected."


def test_a_violation_is_told_with_phase_count_share_and_flips() -> None:
    """And beats what was inconclusive."""
    run = result(lossy(), Told("never", trouble="was not run"))
    assert words.sentence(run) == ("Violated: forced: 1 of 3 visits lost (33.3 %) at 1 flip, where none was expected.")


def test_many_violations_are_told_by_the_first_three() -> None:
    """And how many there are besides."""
    sentence = words.sentence(result(*(lossy(f"phase {number}") for number in range(5))))
    assert sentence.startswith("Violated: phase 0: 1 of 3 visits lost")
    assert "phase 2" in sentence
    assert "phase 3" not in sentence
    assert sentence.endswith("; and 2 more.")


def test_an_inconclusive_run_says_why() -> None:
    """In the words of the verdict."""
    run = result(held(), Told("empty"), Told("cut", trouble="cut short"))
    assert words.sentence(run) == ("Inconclusive: empty: no visit was made and no flip was made; cut: cut short.")
    assert words.sentence(result()) == "Inconclusive: nothing was run."


def test_what_was_seen_of_a_fault() -> None:
    """With the flips it was at, and how much of it was at none."""
    (phase,) = result(spoiled()).phases
    assert [words.seen(phase, expectation) for expectation in phase.expectations] == [
        "7 of 913 visits lost (0.767 %) at 3 flips, 1 at none",
        "2 of 913 visits torn (0.219 %) at 2 flips",
        "3 of 913 visits stale (0.329 %) at 1 flip",
    ]
    assert words.faults(phase) == "7 of 913 visits lost, 2 torn, 3 stale"


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0 %"), (1, "100 %"), (0.9966, "99.7 %"), (0.00307, "0.307 %"), (0.000001, "0.0001 %"), (0.05, "5 %")],
)
def test_a_share_in_percent(share: float, shown: str) -> None:
    """One in a million is not 0.000 %."""
    assert words.percentage(share) == shown


def test_a_count_has_its_noun() -> None:
    """Grouped by thousands."""
    assert [words.many(count, "flip") for count in (0, 1, 1234)] == ["0 flips", "1 flip", "1,234 flips"]
