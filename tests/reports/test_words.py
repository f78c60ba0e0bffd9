"""The verdict in a sentence: what happened, where, and nothing that did not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from locust_cutover.judging.fliptable import Convergence
from locust_cutover.judging.outage import Outage
from locust_cutover.judging.verdict import UNSEEN, Expectation, PhaseFacts
from locust_cutover.reports import words
from tests.reports.runs import MS, Told, held, lived_on, result, spoiled


def lossy(name: str = "forced", expected: str = "none") -> Told:
    """Three visits of which one found nothing."""
    one = Told(name, {"lost": expected})  # type: ignore[dict-item] # one of the three words
    one.flip(100).visit(50, "a", "a").visit(99.5, answer="404 Not Found").visit(150, "b", "b")
    return one


def test_a_run_that_held_says_what_its_phases_saw() -> None:
    """A control is called one; of the others the headline says how many flips were met, and what is not excluded."""
    assert words.sentence(result(lossy(expected="some"), held())) == (
        "Held for this load. forced: the control showed 1 of 3 visits lost (33.3 %) at 1 flip, as it must; torn and "
        "stale: 0 of 1 flip; after one flip, up to 95 % of deploys could still be harmful (95 % confidence). "
        "atomic: lost, torn and stale: 0 of 50 flips harmful; at most 5.8 % could be (95 %)."
    )


def test_what_the_scenario_allows_is_told() -> None:
    """With what was seen of it; a phase that allows all proves nothing."""
    allowed = Told("as it is", {"lost": "any", "torn": "any", "stale": "any"}).flip(100).visit(99, "a", "b")
    assert words.sentence(result(allowed)) == ("Held for this load. as it is: 1 torn allowed.")
    allowed.visits.clear()
    assert words.proof(result(allowed.visit(110, "b", "b")).phases[0]) == "1 visit; the scenario allows every fault"


def test_of_many_phases_that_held_the_number_and_the_weakest_proof_are_told() -> None:
    """A sentence is no table; controls are counted."""
    weak = Told("weak").flip(100).visit(99.5, "a", "a").visit(110, "b", "b")
    assert words.sentence(result(*[held()] * 3, weak, lossy(expected="some"))) == (
        "Held for this load. All 5 phases went as expected, 1 control showed a fault, as expected. The weakest proof "
        "is that of weak: lost, torn and stale: 0 of 1 flip; after one flip, up to 95 % of deploys could still be "
        "harmful (95 % confidence)."
    )


def test_the_bound_counts_the_flips_that_could_have_shown_the_fault() -> None:
    """For lost and torn those that a visit met, for stale those that a visit fell between and the next."""
    some = Told("some").flip(100).flip(200, "a").flip(300)
    some.visit(99.5, "a", "a").visit(199.5, "b", "b").visit(310, "b", "b")
    (phase,) = result(some).phases
    assert words.bounds(phase) == [
        "lost and torn: 0 of 2 flips harmful; at most 77.6 % could be (95 %); no visit met the other one",
        "stale: 0 of 1 flip; after one flip, up to 95 % of deploys could still be harmful (95 % confidence); "
        "no visit followed the other 2 in time",
    ]
    (unmet,) = result(Told("unmet").flip(100).flip(200, "a").visit(5, "a", "a")).phases
    assert words.bounds(unmet) == [
        "lost and torn: no visit met any of 2 flips",
        "stale: no visit followed any of 2 flips in time",
    ]
    (once,) = result(Told("once").flip(100).visit(5, "a", "a")).phases
    assert words.bounds(once) == ["lost and torn: no visit met the flip", "stale: no visit followed the flip in time"]
    (still,) = result(Told("still").visit(5, "a", "a")).phases
    assert words.bounds(still) == ["lost, torn and stale: no flip was made"]


def test_the_bound_of_harmful_flips() -> None:
    """How many were, and how many are at most; of other phases' flips it knows nothing."""
    harmful = Told("forced").flip(100).flip(200, "a").visit(99.5, answer="404 Not Found").visit(199.5, "b", "b")
    harmful.visit(110, "b", "b").visit(210, "a", "a")
    (phase,) = result(harmful).phases
    assert words.bounds(phase)[0] == "lost: 1 of 2 flips harmful; at most 97.5 % are (95 %)"
    second = lived_on().phases[1]
    assert (
        words.bounds(second)[0]
        == "lost and stale: 1 of 1 flip harmful; not counted: 1 harmful flip of earlier phases, or repairs"
    )


def test_a_site_that_is_only_asked_whether_it_answers_proves_no_more() -> None:
    """Nothing was flipped: there is no bound, and the headline says what was shown."""
    one = Told("shop", strategy="none", quiet=True).visit(5, "a", "a", times=40)
    assert words.sentence(result(one, judged=("lost",))) == (
        "Held for this load. shop: none of 40 visits lost; nothing was flipped, so this shows only that the site "
        "answered."
    )
    one.visit(60, answer="503 Busy")
    assert words.sentence(result(one, judged=("lost",))) == (
        "Violated: shop: 1 of 41 visits lost (2.4 %) not near any flip, where none was expected."
    )
    unseen = Told("shop", strategy="none").visit(5, "a", "a", times=40)
    assert words.sentence(result(unseen, judged=("lost",))) == f"Inconclusive: shop: {UNSEEN}."


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
    """With the flips it was at or after, and how much of it was near none."""
    (phase,) = result(spoiled()).phases
    assert [words.seen(phase, expectation) for expectation in phase.expectations] == [
        "7 of 913 visits lost (0.767 %): 6 at 3 flips, 1 not near any flip",
        "2 of 913 visits torn (0.219 %) at 2 flips",
        "3 of 913 visits stale (0.329 %) after 1 flip",
    ]


@pytest.mark.parametrize(
    ("at", "after", "none", "flips", "shown"),
    [
        (5, 0, 0, 3, " at 3 flips"),
        (0, 5, 0, 1, " after 1 flip"),
        (0, 0, 5, 0, " not near any flip"),
        (5, 2, 0, 3, ": 5 at and 2 after 3 flips"),
        (5, 0, 9238, 3, ": 5 at 3 flips, 9,238 not near any flip"),
        (5, 2, 1, 3, ": 5 at and 2 after 3 flips, 1 not near any flip"),
        (0, 0, 0, 0, ""),
    ],
)
def test_where_faults_were(at: int, after: int, none: int, flips: int, shown: str) -> None:
    """Three cases, each counted."""
    told = Expectation("torn", "any", at + after + none, at, after, none, flips, 0, 10, 0.5, "held")
    assert words.where(told) == shown


def test_what_was_lost_away_from_flips_is_the_background() -> None:
    """With its interval; without such a loss nothing is said."""
    (phase,) = result(spoiled()).phases
    assert words.background(phase) == (
        "background: 1 of 724 visits away from flips lost, 0.138 % (95 %: 0.0035 % to 0.767 %); not part of the outage"
    )
    assert words.background(result(held()).phases[0]) == ""


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (Convergence(), []),
        (Convergence(seen=12 * MS), ["converged: every visit got the new release from 12 ms after the flip on"]),
        (
            Convergence(seen=12 * MS, unseen=4501 * MS),
            ["not converged: still stale 4.5 s after the flip, when the phase ended"],
        ),
        (
            Convergence(unseen=40 * MS, next_flip=True),
            ["not converged: still stale 40 ms after the flip, when the next flip came"],
        ),
    ],
)
def test_convergence_is_told_only_where_it_was_seen(told: Convergence, shown: list[str]) -> None:
    """Else for how long at least it was not; a stale age is a least one."""
    phase = replace(result(held()).phases[0], convergence=told)
    assert words.convergence(phase) == shown
    stale = replace(phase, longest_stale=7 * MS)
    assert words.convergence(stale) == ["stale for at least 7 ms after the flip", *shown]


def test_late_flips_are_told_with_what_they_mean() -> None:
    """A busy machine; no count is wrong for it."""
    assert words.late(PhaseFacts(late=8)) == "8 flips started late (busy machine; counts are unaffected)"
    assert words.late(PhaseFacts()) == ""


@pytest.mark.parametrize(
    ("outage", "shown"),
    [
        (Outage(0.5, 0.1, 2), "0.5 µs (0.1 µs to 2 µs)"),
        (Outage(1234, 1000, 1500), "1,234 µs (1,000 µs to 1,500 µs)"),
        (Outage(90_000, 80_000, 120_000), "90,000 µs (80,000 µs to 120 ms)"),
        (Outage(0, 0, 120_000), "none seen; below 120 ms"),
        (Outage(0, 0, None), "none seen; these visits carry no bound"),
        (None, "not measured"),
    ],
)
def test_an_outage_with_its_interval(outage: Outage | None, shown: str) -> None:
    """As exact as it is worth."""
    assert words.outage(outage) == shown


@pytest.mark.parametrize(
    ("outage_us", "rate", "shown"),
    [
        (33.3, 100, "one lost request per 300 deploys"),
        (60, 1000, "one lost request per 17 deploys"),
        (60, 10, "one lost request per 1,700 deploys"),
        (0.81, 1, "one lost request per 1,200,000 deploys"),
        (100_400, 1000, "100 lost requests per deploy"),
        (12_300_000, 1000, "12,000 lost requests per deploy"),
        (2340, 1000, "2.3 lost requests per deploy"),
    ],
)
def test_an_outage_in_words_of_a_site(outage_us: float, rate: float, shown: str) -> None:
    """Two digits: an estimate is no more exact. Without a loss it is the worst that could be."""
    assert words.lost_per_deploy(Outage(outage_us, 0, 2 * outage_us), rate) == shown
    assert words.lost_per_deploy(Outage(0, 0, outage_us), rate) == f"at worst, {shown}"


def test_an_outage_without_a_bound_has_no_words_of_a_site() -> None:
    """Nothing is known; a bound of nothing is no request."""
    assert words.lost_per_deploy(Outage(0, 0, None), 100) == ""
    assert words.lost_per_deploy(Outage(0, 0, 0), 100) == "at worst, no lost request"


@pytest.mark.parametrize(
    ("lost", "shown"),
    [
        (1, "1.0 lost requests per deploy"),
        (9.94, "9.9 lost requests per deploy"),
        (9.96, "10 lost requests per deploy"),
        (99.6, "100 lost requests per deploy"),
        (999.6, "1,000 lost requests per deploy"),
        (0.5, "one lost request per 2.0 deploys"),
        (1 / 9.96, "one lost request per 10 deploys"),
        (1 / 99.6, "one lost request per 100 deploys"),
        (0.001, "one lost request per 1,000 deploys"),
        (0.999, "one lost request per 1.0 deploys"),
    ],
)
def test_rounding_up_does_not_add_a_digit(lost: float, shown: str) -> None:
    """9.96 is 10 and not 10.0; the turn from requests to deploys is at one request."""
    assert words.lost_per_deploy(Outage(lost * 1e6, 0, lost * 1e6), 1) == shown


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [(0, "0 s"), (999, "999 ns"), (1500, "1.5 µs"), (2_345_678, "2.35 ms"), (123_456_789, "123 ms"), (60e9, "60 s")],
)
def test_a_duration_has_the_unit_that_suits_it(nanoseconds: float, shown: str) -> None:
    """To three digits."""
    assert words.duration(nanoseconds) == shown


@pytest.mark.parametrize(
    ("kind", "answer", "shown"),
    [
        ("ok", "200 OK", "[200]"),
        ("ok", "204 No Content", "[204]"),
        ("lost", "404 Not Found", "[404]"),
        ("lost", "599", "[599]"),
        ("lost", "connection closed", "[connection closed]"),
        ("torn", "200 OK", "[200 torn]"),
        ("stale", "206 Partial Content", "[206 stale]"),
        ("unjudged", "flips unknown", "[flips unknown unjudged]"),
    ],
)
def test_an_answer_is_shown_in_the_manner_of_a_load_tool(kind: str, answer: str, shown: str) -> None:
    """The status alone where it says all; what it hides is said."""
    assert words.answer(kind, answer) == shown


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
