"""What the counts of a phase say: three verdicts, the outage with its interval, and its words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from locust_cutover.judging.bounds import lower_bound, upper_bound
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.verdict import (
    BLIND,
    EXIT_CODES,
    Expectation,
    Outage,
    PhaseFacts,
    PhaseVerdict,
    Verdict,
    judge_phase,
    outage,
    requests_lost,
    shown,
    worst,
)
from locust_cutover.result import Result
from locust_cutover.scenario import FAULTS, Expected, Fault, Load, Phase, Scenario, Site
from locust_cutover.visit import Kind, Visit

SECONDS = 10.0


def phase(lost: Expected = "none", torn: Expected = "none", stale: Expected = "none") -> Phase:
    """A phase with these expectations."""
    return Phase("forced", "forced", 20_000_000, None, 10, {"lost": lost, "torn": torn, "stale": stale})


class Seen:
    """What was seen in a phase: so many visits of a kind, at a flip or at none."""

    def __init__(self, flips: int = 10, index: int = 0) -> None:
        self.index = index
        self.tally = Tally()
        self.table = FlipTable(index, sparse=False)
        self.flips = [Flip(index, number, "a", number * 100, number * 100 + 1) for number in range(flips + 1)]
        for flip in self.flips[1:]:
            self.table.add(flip)

    def add(self, kind: Kind, visits: int = 1, at: int | None = None) -> Seen:
        """`visits` of this kind; `at` the number of their flip."""
        flip = None if at is None else self.flips[at]
        visit = Visit(self.index, "GET", "/", 1_000_005, 1_000_006, kind, True, ("a",), 1, 1)
        for _ in range(visits):
            self.tally.add(visit, Judgment(kind, kind, flip, flip is not None))
        for met, counts in self.tally.flips.values():
            self.table.count(met, counts)
        self.tally.flips.clear()
        return self

    def judge(self, phase: Phase, facts: PhaseFacts | None = None, processors: int | None = None) -> PhaseVerdict:
        """The verdict; `facts` are those of a phase without trouble when not given."""
        facts = facts or PhaseFacts(seconds=SECONDS, flips=len(self.flips) - 1)
        return judge_phase(phase, self.index, facts, self.tally, self.table, processors=processors)

    def shown(self, phase: Phase) -> bool:
        """Whether a control has shown its faults."""
        return shown(phase, self.index, self.tally, self.table)


def troubled(**facts: object) -> PhaseFacts:
    """The facts of a phase with ten flips but for these."""
    values: dict[str, object] = {"seconds": SECONDS, "flips": 10, **facts}
    return PhaseFacts(**values)  # type: ignore[arg-type]


def expectation(verdict: PhaseVerdict, fault: Fault) -> Expectation:
    """The one about this fault."""
    (found,) = [one for one in verdict.expectations if one.fault == fault]
    return found


# What each expectation makes of what was seen.


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("expected", "at_flip", "verdict"),
    [
        ("none", False, "held"),
        ("none", True, "violated"),
        ("any", False, "held"),
        ("any", True, "held"),
        ("some", False, "inconclusive"),
        ("some", True, "held"),
    ],
)
def test_an_expectation_holds_or_not(fault: Fault, expected: Expected, at_flip: bool, verdict: Verdict) -> None:
    """none: none was seen. some: one was seen, else the control is blind. any: whatever."""
    seen = Seen().add("ok", 100)
    if at_flip:
        seen.add(fault, at=3)
    expect: dict[Fault, Expected] = {fault: expected}
    result = seen.judge(phase(**expect))
    assert expectation(result, fault).verdict == verdict
    assert result.verdict == verdict
    assert all(expectation(result, other).verdict == "held" for other in FAULTS if other != fault)


def test_without_a_visit_between_two_flips_or_after_the_last_old_pages_are_not_ruled_out() -> None:
    """A server that is stuck on one release looks right to visits that each meet a flip; losses are judged anyway."""
    seen = Seen()
    for number in range(1, 11):
        seen.add("ok", 10, at=number)
    result = seen.judge(phase())
    assert {fault: expectation(result, fault).verdict for fault in FAULTS} == {
        "lost": "held",
        "torn": "inconclusive",
        "stale": "inconclusive",
    }
    assert result.troubles == (
        "no visit with marks fell between two flips or after the last: an old page could not show",
    )


def test_who_expects_nothing_of_old_pages_needs_no_such_visit() -> None:
    """any: whatever."""
    assert Seen().add("ok", 10, at=3).judge(phase(torn="any", stale="any")).verdict == "held"


@pytest.mark.parametrize(("sent", "due"), [(5, 1), (1_000_005, 0)])
def test_a_visit_before_the_first_flip_or_without_marks_rules_nothing_out(sent: int, due: int) -> None:
    """The first could not be old yet, of the other nobody knows the release."""
    seen = Seen()
    visit = Visit(0, "GET", "/", sent, sent + 1, "200 OK", True, ("a",) * due, due, 1)
    seen.tally.add(visit, Judgment("ok", "200 OK"))
    assert seen.judge(phase()).verdict == "inconclusive"


def test_visits_of_several_nodes_count_together() -> None:
    """The latest of all."""
    seen, other = Seen().add("ok", 10, at=3), Seen().add("ok")
    seen.tally.merge(Tally.from_message(other.tally.to_message()))
    assert seen.judge(phase()).verdict == "held"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_no_flip_explains_violates_too(fault: Fault) -> None:
    """What was to be none was seen, wherever it came from."""
    assert Seen().add("ok", 100).add(fault).judge(phase()).verdict == "violated"


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_away_from_every_flip_are_no_positive_control(fault: Fault) -> None:
    """A server that fails anyway does not show that the harm of a flip would be seen."""
    expect: dict[Fault, Expected] = {fault: "some"}
    result = Seen().add("ok", 100).add(fault, 50).judge(phase(**expect))
    assert result.verdict == "inconclusive"
    assert expectation(result, fault).unexplained == expectation(result, fault).observed == 50
    assert f"{BLIND[fault]} at a flip, so this run proves nothing; add flips or users" in result.troubles


def test_one_fault_at_a_flip_is_control_enough_among_many_elsewhere() -> None:
    """Most of the losses may be the server's own."""
    result = Seen().add("ok", 100).add("lost", 50).add("lost", at=1).judge(phase(lost="some"))
    assert result.verdict == "held"
    assert (expectation(result, "lost").observed, expectation(result, "lost").unexplained) == (51, 50)


def test_losses_at_a_repair_are_no_positive_control() -> None:
    """The link was missing before the first flip: no flip of the phase did that."""
    result = Seen().add("ok", 100).add("lost", 5, at=0).judge(phase(lost="some"))
    assert result.verdict == "inconclusive"
    assert expectation(result, "lost").harmful_flips == 0


def test_another_phases_faults_are_not_this_ones() -> None:
    """Counts are told apart by phase, even in one tally."""
    seen = Seen(index=0).add("ok", 100)
    seen.tally.merge(Seen(index=1).add("lost", at=1).add("torn").tally)
    assert seen.judge(phase()).verdict == "held"
    assert seen.judge(phase()).visits == 100


# Trouble.


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (troubled(trouble="the switcher died (signal 9)"), "the switcher died (signal 9)"),
        (troubled(trouble="cut short"), "cut short"),
        (troubled(failed=2), "2 of 10 flips did not take"),
        (troubled(flips=0), "no flip was made"),
        (PhaseFacts(trouble="was not run"), "was not run"),
    ],
    ids=["switcher", "cut short", "failed flips", "no flip", "not run"],
)
@pytest.mark.parametrize("expected", ["none", "some", "any"])
def test_a_phase_with_trouble_never_holds(facts: PhaseFacts, said: str, expected: Expected) -> None:
    """Whatever was expected of it, and though a good phase would have held with these counts."""
    seen = Seen().add("ok", 100)
    if expected == "some":
        seen.add("lost", at=1).add("torn", at=1).add("stale", at=1)
    result = seen.judge(phase(expected, expected, expected), facts)
    assert result.verdict == "inconclusive"
    assert {one.verdict for one in result.expectations} == {"inconclusive"}
    assert said in result.troubles


@pytest.mark.parametrize("expected", ["none", "some", "any"])
def test_a_phase_without_a_visit_never_holds(expected: Expected) -> None:
    """Nothing measured is never a pass, not even where anything may happen."""
    result = Seen().judge(phase(expected, expected, expected))
    assert result.verdict == "inconclusive"
    assert "no visit was made" in result.troubles
    assert result.outage is None
    assert (result.rate, result.lost_share) == (0, 0)


@pytest.mark.parametrize("expected", ["none", "any"])
def test_visits_that_could_not_be_judged_make_it_inconclusive(expected: Expected) -> None:
    """One is enough: it may have been the harmed one."""
    result = Seen().add("ok", 10_000).add("unjudged").judge(phase(expected, expected, expected))
    assert result.verdict == "inconclusive"
    assert result.troubles == ("1 visits could not be judged",)
    assert result.visits == 10_001


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "facts",
    [troubled(trouble="the switcher died"), troubled(failed=10), troubled(trouble="cut short")],
    ids=["switcher", "failed flips", "cut short"],
)
def test_a_fault_that_was_seen_violates_in_spite_of_trouble(fault: Fault, facts: PhaseFacts) -> None:
    """What was seen was seen: the trouble can only hide more of it."""
    result = Seen().add("ok", 100).add("unjudged", 5).add(fault, at=2).judge(phase(), facts)
    assert result.verdict == "violated"
    assert expectation(result, fault).verdict == "violated"
    assert {expectation(result, other).verdict for other in FAULTS if other != fault} == {"inconclusive"}


def test_violated_beats_a_blind_control() -> None:
    """In one phase: nothing lost where some was due, and something torn where none was."""
    result = Seen().add("ok", 100).add("torn", at=1).judge(phase(lost="some"))
    assert [one.verdict for one in result.expectations] == ["inconclusive", "violated", "held"]
    assert result.verdict == "violated"


def test_every_trouble_is_said() -> None:
    """Not only the first; but that a control saw nothing in a phase that was cut short is no news."""
    result = Seen().add("ok").add("unjudged", 3).judge(phase(stale="some"), troubled(trouble="cut short", failed=1))
    assert result.troubles == (
        "cut short",
        "1 of 10 flips did not take",
        "3 visits could not be judged",
    )


def test_a_phase_that_was_not_run_says_only_that() -> None:
    """That it had neither visits nor flips goes without saying."""
    assert Seen(0).judge(phase(), PhaseFacts(trouble="was not run")).troubles == ("was not run",)


def test_late_flips_are_no_trouble() -> None:
    """A busy machine flips late; the flips count as they were."""
    assert Seen().add("ok", 100).judge(phase(), troubled(late=10)).verdict == "held"


# The worst of several.


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        (["held", "held"], "held"),
        (["held", "inconclusive"], "inconclusive"),
        (["inconclusive", "violated"], "violated"),
        (["violated", "held", "inconclusive"], "violated"),
        ([], "inconclusive"),
    ],
)
def test_violated_beats_inconclusive_beats_held(verdicts: Sequence[Verdict], verdict: Verdict) -> None:
    """In any order; of nothing at all nothing is known."""
    assert worst(verdicts) == verdict
    assert worst(list(reversed(verdicts))) == verdict


@pytest.mark.parametrize(
    ("seen", "verdict", "code"),
    [
        ([Seen().add("ok", 9)], "held", 0),
        ([Seen().add("ok", 9), Seen().add("ok", 9).add("lost", at=1)], "violated", 1),
        ([Seen().add("ok", 9), Seen()], "inconclusive", 3),
        ([Seen(), Seen().add("lost", at=1)], "violated", 1),
        ([], "inconclusive", 3),
    ],
    ids=["held", "violated", "inconclusive", "both", "no phase"],
)
def test_the_run_is_as_good_as_its_worst_phase(seen: list[Seen], verdict: Verdict, code: int) -> None:
    """And its exit code says so: 0, 1 or 3; 2 is for what cannot be run."""
    now = datetime.now().astimezone()
    phases = tuple(one.judge(phase()) for one in seen)
    scenario = Scenario("x", Path("x.yaml"), "", Site(), Load(), tuple(one.phase for one in phases))
    result = Result(scenario, phases, tuple(one.table for one in seen), "embedded", 1, "http://x", 0, now, now)
    assert (result.verdict, result.exit_code) == (verdict, code)


def test_no_verdict_has_the_exit_code_of_a_wrong_command_line() -> None:
    """A CI job tells a bad scenario from a bad deploy."""
    assert sorted(EXIT_CODES.values()) == [0, 1, 3]


# Numbers.


def test_the_counts_of_a_phase_stand_in_its_verdict() -> None:
    """Visits, answers, losses, harmful flips with their bound, and what they make per second and in shares."""
    result = Seen().add("ok", 87).add("lost", 7, at=3).add("lost", 3, at=4).add("torn", 3).judge(phase("any", "any"))
    assert result.visits == 100
    assert result.answers == (("ok", "ok", 87), ("lost", "lost", 10), ("torn", "torn", 3))
    assert (result.lost, result.lost_share, result.rate) == (10, 0.1, 10.0)
    lost, torn, stale = result.expectations
    assert (lost.observed, lost.unexplained, lost.harmful_flips) == (10, 0, 2)
    assert lost.harmful_upper95 == pytest.approx(0.50690, abs=1e-5)  # 2 of 10, Clopper-Pearson
    assert (torn.observed, torn.unexplained, torn.harmful_flips) == (3, 3, 0)
    assert stale.harmful_upper95 == pytest.approx(1 - 0.05 ** (1 / 10), abs=1e-9)


def test_without_flips_any_share_of_them_may_be_harmful() -> None:
    """The bound is 1, and there is no outage per flip."""
    result = Seen(0).add("ok", 100).judge(phase(), PhaseFacts(seconds=1, flips=0))
    assert {one.harmful_upper95 for one in result.expectations} == {1.0}
    assert result.outage is None


def test_the_times_of_stale_visits_stand_in_the_verdict() -> None:
    """0 where there was none."""
    seen = Seen().add("ok", 5)
    assert (seen.judge(phase()).longest_stale, seen.judge(phase()).convergence) == (0, 0)
    visit = Visit(0, "GET", "/", 1000, 1200, "200 OK", True, ("a",), 1, 1)
    seen.tally.add(visit, Judgment("stale", "200 OK", None, True, age=70))
    assert (seen.judge(phase()).longest_stale, seen.judge(phase()).convergence) == (70, 270)


# The outage.


def facts(flips: int, seconds: float = SECONDS) -> PhaseFacts:
    """So many flips in so many seconds."""
    return PhaseFacts(seconds=seconds, flips=flips)


def measured(lost: int, visits: int, facts: PhaseFacts, sum_of_squares: int) -> Outage:
    """The outage of a phase in which something was measured."""
    found = outage(lost, visits, facts, sum_of_squares)
    assert found is not None
    return found


def test_the_outage_is_the_share_of_lost_visits_in_the_time_of_a_flip() -> None:
    """30 of 10,000 lost, a flip every 20 ms: 60 us a flip."""
    assert measured(30, 10_000, facts(500), 30).us == pytest.approx(60)


def test_the_outage_of_a_phase_that_lost_all_is_all_of_it() -> None:
    """20 ms of each 20 ms; the interval goes no further."""
    found = measured(1000, 1000, facts(500), 2000)
    assert found.us == found.upper95 == pytest.approx(20_000)
    assert 19_000 < found.lower95 < 20_000


def test_the_interval_is_two_sided_and_clopper_pearsons() -> None:
    """10 independent losses of 10,000: 0.048 % to 0.184 %, as in the tables."""
    found = measured(10, 10_000, facts(500), 10)
    assert found.lower95 == pytest.approx(20_000 * 0.00047964, rel=1e-4)
    assert found.upper95 == pytest.approx(20_000 * 0.00183832, rel=1e-4)


def test_without_a_loss_the_upper_end_is_one_sided() -> None:
    """None of 10,000: less than 3/10,000 of the time of a flip."""
    found = measured(0, 10_000, facts(500), 0)
    assert (found.us, found.lower95) == (0, 0)
    assert found.upper95 == pytest.approx(20_000 * (1 - 0.05 ** (1 / 10_000)))


@pytest.mark.parametrize(("visits", "facts"), [(0, facts(5)), (5, facts(0)), (5, facts(5, seconds=0.0))])
def test_without_visits_flips_or_time_there_is_no_outage(visits: int, facts: PhaseFacts) -> None:
    """Nothing is divided by zero."""
    assert outage(0, visits, facts, 0) is None


def test_losses_on_one_flip_say_less_than_the_same_number_spread() -> None:
    """20 visitors that met one bad flip are one observation: same estimate, wider interval."""
    spread = measured(20, 10_000, facts(500), 20)
    pairs = measured(20, 10_000, facts(500), 10 * 2**2)
    cluster = measured(20, 10_000, facts(500), 20**2)
    assert spread.us == pairs.us == cluster.us
    assert spread.lower95 > pairs.lower95 > cluster.lower95 > 0
    assert spread.upper95 < pairs.upper95 < cluster.upper95


def test_a_single_cluster_weighs_like_a_single_loss() -> None:
    """Its interval is that of 1 loss of 500 visits, not of 20 of 10,000."""
    cluster = measured(20, 10_000, facts(500), 20**2)
    assert cluster.us == pytest.approx(20_000 / 500)
    assert cluster.lower95 == pytest.approx(20_000 * lower_bound(1, 500, 0.975), rel=1e-9)
    assert cluster.upper95 == pytest.approx(20_000 * upper_bound(1, 500, 0.975), rel=1e-9)


def test_from_one_flip_nothing_is_known_about_clusters() -> None:
    """Its losses are taken for independent ones, and nothing is divided by zero."""
    found = measured(20, 1000, facts(1, 0.02), 20**2)
    assert found.upper95 == pytest.approx(20_000 * upper_bound(20, 1000, 0.975), rel=1e-9)


def test_losses_more_even_than_chance_do_not_narrow_the_interval() -> None:
    """Each flip lost exactly one: still no more is known than from independent losses."""
    even = measured(500, 10_000, facts(500), 500)
    assert even.upper95 > even.us * 1.07


def covered(visitors: int, together: int, outage_us: float, flips: int) -> float:
    """The share of 200 phases whose interval holds the true outage.

    Each flip is 20 ms and loses what is sent in its first `outage_us`. Each of the `visitors` sends every
    millisecond, with its own phase; `together` send at the same moments as one.
    """
    chance = random.Random(20260731)
    held = 0
    for _ in range(200):
        losses = [
            sum(int(outage_us / 1000 + chance.random()) for _ in range(visitors // together)) * together
            for _ in range(flips)
        ]
        found = measured(
            sum(losses), visitors * 20 * flips, facts(flips, 0.02 * flips), sum(losses_of**2 for losses_of in losses)
        )
        held += found.lower95 <= outage_us <= found.upper95
    return held / 200


@pytest.mark.parametrize(
    ("visitors", "together", "outage_us", "flips"),
    [
        (1, 1, 5, 200),
        (1, 1, 20, 200),
        (1, 1, 400, 100),
        (10, 1, 1, 100),
        (10, 1, 30, 100),
        (10, 1, 2600, 50),
        (10, 10, 50, 100),
        (10, 10, 150, 100),
        (10, 5, 2600, 50),
    ],
    ids=[
        "one visitor, one loss",
        "one visitor, few losses",
        "one visitor, many losses",
        "ten visitors, one loss",
        "ten visitors, some losses",
        "ten visitors, outage longer than a visit",
        "ten visitors in step, few bad flips",
        "ten visitors in step, some bad flips",
        "ten visitors in two groups, every flip bad",
    ],
)
def test_the_interval_holds_the_true_outage(visitors: int, together: int, outage_us: float, flips: int) -> None:
    """In at least nine of ten phases (fixed seed), for few and many losses, apart and in clusters."""
    assert covered(visitors, together, outage_us, flips) >= 0.9


def test_without_counting_clusters_the_interval_would_be_too_narrow() -> None:
    """The simulation can tell: ten visitors in step, taken for independent ones, are covered too rarely."""
    chance = random.Random(20260731)
    held = 0
    for _ in range(200):
        lost = 10 * sum(chance.random() < 0.15 for _ in range(100))
        found = measured(lost, 20_000, facts(100, 2.0), lost)
        held += found.lower95 <= 150 <= found.upper95
    assert held / 200 < 0.7


# In words.


@pytest.mark.parametrize(
    ("outage_us", "rate", "words"),
    [
        (0, 100, "no request is lost"),
        (33.3, 100, "one request is lost in 300 deploys"),
        (60, 1000, "one request is lost in 17 deploys"),
        (60, 10, "one request is lost in 1,700 deploys"),
        (0.81, 1, "one request is lost in 1,200,000 deploys"),
        (100_400, 1000, "100 requests are lost in a deploy"),
        (12_300_000, 1000, "12,000 requests are lost in a deploy"),
        (2340, 1000, "2.3 requests are lost in a deploy"),
    ],
)
def test_an_outage_in_words_of_a_site(outage_us: float, rate: float, words: str) -> None:
    """Two digits: an estimate is no more exact."""
    assert requests_lost(outage_us, rate) == words


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (1, "1.0 requests are lost in a deploy"),
        (9.94, "9.9 requests are lost in a deploy"),
        (9.96, "10 requests are lost in a deploy"),
        (99.6, "100 requests are lost in a deploy"),
        (999.6, "1,000 requests are lost in a deploy"),
        (0.5, "one request is lost in 2.0 deploys"),
        (1 / 9.96, "one request is lost in 10 deploys"),
        (1 / 99.6, "one request is lost in 100 deploys"),
        (0.001, "one request is lost in 1,000 deploys"),
        (0.999, "one request is lost in 1.0 deploys"),
    ],
)
def test_rounding_up_does_not_add_a_digit(lost: float, words: str) -> None:
    """9.96 is 10 and not 10.0; the turn from requests to deploys is at one request."""
    assert requests_lost(lost * 1e6, 1) == words


# A control that shows nothing


def test_a_control_has_shown_its_faults_when_each_was_at_a_flip() -> None:
    """One is enough; what was at no flip is none, and what may be is not waited for."""
    both = phase(lost="some", torn="some", stale="any")
    seen = Seen().add("ok", 100).add("lost", 5)
    assert not seen.shown(both)
    assert not seen.add("lost", at=3).shown(both)
    assert seen.add("torn", at=4).shown(both)
    assert Seen().shown(phase(lost="any"))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("lost", "the control lost no request, so this run proves nothing; add flips or users"),
        ("torn", "the control tore no page, so this run proves nothing; add flips or users"),
        ("stale", "the control served no stale page, so this run proves nothing; add flips or users"),
    ],
)
def test_a_blind_control_says_what_to_do(fault: Fault, sentence: str) -> None:
    """In one sentence."""
    expect: dict[Fault, Expected] = {fault: "some"}
    assert sentence in Seen().add("ok", 100).judge(phase(**expect), processors=2).troubles


@pytest.mark.parametrize(
    ("strategy", "advice"),
    [
        ("forced", "use a second processor or `gap: 1ms`"),
        ("two-renames", "use a second processor or `gap: 1ms`"),
        ("swap-folders", "use a second processor"),
    ],
)
def test_with_one_processor_a_gap_of_two_calls_is_hardly_seen_and_that_is_said(strategy: str, advice: str) -> None:
    """More flips or users would not help; with more processors, or on a machine that is not known, they may."""
    control = replace(phase(lost="some", torn="any", stale="any"), strategy=strategy)
    seen = Seen().add("ok", 100)
    (one,) = seen.judge(control, processors=1).troubles
    assert one == (
        "the control lost no request, so this run proves nothing: with one processor a gap between two system calls "
        f"is hardly ever seen; {advice}"
    )
    for processors in (2, None):
        (more,) = seen.judge(control, processors=processors).troubles
        assert more.endswith("proves nothing; add flips or users")


@pytest.mark.parametrize(
    "control",
    [
        replace(phase(lost="some", torn="any", stale="any"), gap=1_000_000),
        replace(phase(lost="some", torn="any", stale="any"), strategy="command"),
        phase(torn="some", stale="any"),
    ],
)
def test_with_one_processor_other_controls_can_be_seen(control: Phase) -> None:
    """A gap that was planted, a command with processes of its own, and pages that are torn."""
    (trouble,) = Seen().add("ok", 100).judge(control, processors=1).troubles
    assert trouble.endswith("proves nothing; add flips or users")
