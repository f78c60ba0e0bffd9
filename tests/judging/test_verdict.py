"""What the counts of a phase say: three verdicts, the outage with its interval, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from locust_cutover.judging.answers import NOT_SENT, UNKNOWN_RELEASE
from locust_cutover.judging.faults import FAULTS, Expected, Fault
from locust_cutover.judging.fliptable import Convergence, FlipTable
from locust_cutover.judging.judge import Judgment, Place
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.toll import Toll
from locust_cutover.judging.verdict import (
    RESTLESS,
    UNMET,
    UNSEEN,
    ExitCode,
    Expectation,
    PhaseFacts,
    PhaseVerdict,
    State,
    Verdict,
    judge_phase,
    shown,
    worst,
)
from locust_cutover.judging.visit import Kind, Visit
from locust_cutover.result import Result
from locust_cutover.scenario.model import NO_STRATEGY, Command, Load, Phase, Scenario, Site
from switcher.watch import WATCH
from tests.tallies import ANSWERS

SECONDS = 10.0


def phase(lost: Expected = "none", torn: Expected = "none", stale: Expected = "none") -> Phase:
    """A phase with these expectations."""
    return Phase("forced", "forced", 20_000_000, None, 10, {"lost": lost, "torn": torn, "stale": stale})


class Seen:
    """What was seen in a phase: so many visits of a kind, at a flip, after one or away from all.

    Every flip is met by an ok visit, and followed by a calm one, unless `met` or `calm` says otherwise.
    """

    def __init__(self, flips: int = 10, index: int = 0, *, met: bool = True, calm: bool = True) -> None:
        self.index = index
        self.tally = Tally()
        self.table = FlipTable(index, sparse=False)
        self.flips = [Flip(index, number, "a", number * 100, number * 100 + 1) for number in range(flips + 1)]
        for flip in self.flips[1:]:
            self.table.add(flip)
            self.table.count(flip, Toll(probes=calm))
        if met and flips:
            self.table.meet(1, flips)

    def add(self, kind: Kind, visits: int = 1, at: int | None = None, after: int | None = None) -> Seen:
        """`visits` of this kind; `at` or `after` the flip of this number, or calm ones. A stale one is always after."""
        if kind == "stale":
            at, after = None, at or after
        flip = None if at is None and after is None else self.flips[at or after or 0]
        place: Place = "none" if flip is None else "at" if after is None else "after"
        met = (at, at) if at else None
        visit = Visit(self.index, "GET", "/", 1_000_005, 1_000_006, kind, True, ("a",), 1, 1)
        for _ in range(visits):
            self.tally.add(visit, Judgment(kind, ANSWERS[kind], flip, place, met=met, calm=at is None))
        self.table.take(self.tally)
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


# A site without a root: no deploy can be seen.


@pytest.mark.parametrize(
    ("quiet", "lost", "verdict", "troubles"),
    [
        (False, 0, "inconclusive", (UNSEEN,)),
        (True, 0, "held", ()),
        (False, 3, "violated", (UNSEEN,)),
        (True, 3, "violated", ()),
    ],
)
def test_a_site_without_a_root_holds_only_where_nobody_deploys(
    quiet: bool, lost: int, verdict: Verdict, troubles: tuple[str, ...]
) -> None:
    """All that can be seen is whether the site answers; what was lost violates whatever the scenario says."""
    expect: dict[Fault, Expected] = {"lost": "none", "torn": "none", "stale": "none"}
    unflipped = Phase("visits", NO_STRATEGY, 0, 60_000_000_000, None, expect, quiet=quiet)
    seen = Seen(flips=0).add("ok", 100).add("lost", lost)
    facts = PhaseFacts(seconds=SECONDS)
    judged: tuple[Fault, ...] = ("lost",)
    result = judge_phase(unflipped, 0, facts, seen.tally, seen.table, judged)
    assert (result.verdict, result.troubles) == (verdict, troubles)


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


def test_without_a_calm_visit_after_a_flip_old_pages_are_not_ruled_out() -> None:
    """A server that is stuck on one release looks right to visits that each meet a flip; losses are judged anyway."""
    seen = Seen(calm=False)
    for number in range(1, 11):
        seen.add("ok", 10, at=number)
    result = seen.judge(phase())
    assert {fault: expectation(result, fault).verdict for fault in FAULTS} == {
        "lost": "held",
        "torn": "inconclusive",
        "stale": "inconclusive",
    }
    assert result.troubles == (RESTLESS,)


def test_a_calm_visit_is_one_whatever_it_showed() -> None:
    """Where nearly all were stale, nobody can say that a stale page could not be detected."""
    result = Seen().add("stale", 99, after=3).judge(phase(torn="none", stale="any"))
    assert (result.verdict, result.troubles) == ("held", ())


def test_without_a_visit_that_met_a_flip_losses_are_not_ruled_out() -> None:
    """Visitors in step with the flips meet none of them, whatever the flips do."""
    result = Seen(met=False).add("ok", 1000).judge(phase())
    assert {fault: expectation(result, fault).verdict for fault in FAULTS} == {
        "lost": "inconclusive",
        "torn": "inconclusive",
        "stale": "held",
    }
    assert (result.troubles, result.met_flips, result.outage) == ((UNMET,), 0, None)


def test_who_expects_nothing_of_losses_needs_no_visit_that_met_a_flip() -> None:
    """any: whatever."""
    assert Seen(met=False).add("ok", 10).judge(phase(lost="any", torn="any")).verdict == "held"


def test_who_expects_nothing_of_old_pages_needs_no_calm_visit() -> None:
    """any: whatever."""
    assert Seen(calm=False).add("ok", 10, at=3).judge(phase(torn="any", stale="any")).verdict == "held"


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
    assert expectation(result, fault).at_none == expectation(result, fault).observed == 50
    assert (
        f"the control {FAULTS[fault].control} at a flip, so this run proves nothing; add flips or users"
        in result.troubles
    )


def test_faults_at_flips_are_control_enough_among_many_elsewhere() -> None:
    """Most of the losses may be the server's own, if visits at flips are lost more often."""
    result = Seen().add("ok", 100).add("lost", 50).add("lost", 12, at=1).judge(phase(lost="some"))
    assert result.verdict == "held"
    assert (expectation(result, "lost").at_flips, expectation(result, "lost").at_none) == (12, 50)


def test_a_torn_page_after_a_flip_is_no_positive_control() -> None:
    """A server that mixes releases at random would show it, too."""
    result = Seen().add("ok", 100).add("torn", 41, after=3).judge(phase(torn="some"))
    assert result.verdict == "inconclusive"
    torn = expectation(result, "torn")
    assert (torn.at_flips, torn.after_flips, torn.at_none, torn.harmful_flips) == (0, 41, 0, 1)


def test_losses_at_a_repair_are_no_positive_control() -> None:
    """The link was missing before the first flip: no flip of the phase did that."""
    result = Seen().add("ok", 100).add("lost", 5, at=0).judge(phase(lost="some"))
    assert result.verdict == "inconclusive"
    lost = expectation(result, "lost")
    assert (lost.harmful_flips, lost.other_flips) == (1, 1)
    assert lost.harmful_upper95 == pytest.approx(1 - 0.05 ** (1 / 10))


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
        (troubled(state=State.CUT_SHORT), None),
        (troubled(failed=2), "2 of 10 flips failed"),
        (troubled(failed=10, failure="no space"), "all 10 flips failed: no space"),
        (troubled(flips=2, failed=2), "both flips failed"),
        (troubled(flips=1, failed=1), "the flip failed"),
        (troubled(flips=0), "no flip was made"),
        (PhaseFacts(state=State.NOT_RUN), None),
    ],
    ids=["switcher", "cut short", "failed flips", "all failed", "both failed", "one failed", "no flip", "not run"],
)
@pytest.mark.parametrize("expected", ["none", "some", "any"])
def test_a_phase_with_trouble_never_holds(facts: PhaseFacts, said: str | None, expected: Expected) -> None:
    """Whatever was expected of it, and though a good phase would have held with these counts."""
    seen = Seen().add("ok", 100)
    if expected == "some":
        seen.add("lost", at=1).add("torn", at=1).add("stale", at=1)
    result = seen.judge(phase(expected, expected, expected), facts)
    assert result.verdict == "inconclusive"
    assert {one.verdict for one in result.expectations} == {"inconclusive"}
    assert said is None or said in result.troubles


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
    assert result.troubles == ("1 visit could not be judged: which flips were made meanwhile is not known",)
    assert result.visits == 10_001


@pytest.mark.parametrize(
    ("answer", "advice"), [(UNKNOWN_RELEASE, "check site.releases"), (NOT_SENT, "use fewer users")]
)
def test_visits_that_could_not_be_judged_say_why_and_what_to_do(answer: str, advice: str) -> None:
    """It may be the only reason in the last line."""
    seen = Seen().add("ok", 100)
    seen.tally.add(Visit(0, "GET", "/", 5, 6, answer, True, (), 1, 1), Judgment("unjudged", answer))
    (trouble,) = seen.judge(phase()).troubles
    assert trouble.startswith("1 visit could not be judged: ")
    assert trouble.endswith(advice) or f"{advice} and" in trouble


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "facts",
    [troubled(trouble="the switcher died"), troubled(failed=10), troubled(state=State.CUT_SHORT)],
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
    result = Seen().add("ok").add("unjudged", 3).judge(phase(stale="some"), troubled(state=State.CUT_SHORT, failed=1))
    assert result.troubles == (
        "1 of 10 flips failed",
        "3 visits could not be judged: which flips were made meanwhile is not known",
    )


def test_a_phase_that_was_not_run_says_only_that() -> None:
    """That it had neither visits nor flips goes without saying."""
    assert Seen(0).judge(phase(), PhaseFacts(state=State.NOT_RUN)).troubles == ()


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
    scenario = Scenario("x", Path("x.yaml"), "", Site(), Load(), (phase(),) * len(seen))
    result = Result(scenario, phases, tuple(one.table for one in seen), "embedded", 1, "http://x", 0, now, now)
    assert (result.verdict, result.exit_code) == (verdict, code)


def test_no_verdict_has_the_exit_code_of_a_wrong_command_line() -> None:
    """A CI job tells a bad scenario from a bad deploy."""
    assert list(ExitCode) == [0, 1, 2, 3]


# Numbers.


def test_the_counts_of_a_phase_stand_in_its_verdict() -> None:
    """Visits, answers, losses, harmful flips with their bound, and what they make per second and in shares."""
    result = Seen().add("ok", 87).add("lost", 7, at=3).add("lost", 3, at=4).add("torn", 3).judge(phase("any", "any"))
    assert result.visits == 100
    assert result.answers == (("ok", "200 OK", 87), ("lost", "404 Not Found", 10), ("torn", "200 OK", 3))
    assert (result.lost, result.lost_share, result.rate) == (10, 0.1, 10.0)
    lost, torn, stale = result.expectations
    assert (lost.observed, lost.at_none, lost.harmful_flips, lost.tried_flips) == (10, 0, 2, 10)
    assert lost.harmful_upper95 == pytest.approx(0.50690, abs=1e-5)  # 2 of 10, Clopper-Pearson
    assert (torn.observed, torn.at_none, torn.harmful_flips) == (3, 3, 0)
    assert stale.harmful_upper95 == pytest.approx(1 - 0.05 ** (1 / 10), abs=1e-9)


def test_without_flips_any_share_of_them_may_be_harmful() -> None:
    """The bound is 1, and there is no outage per flip."""
    result = Seen(0).add("ok", 100).judge(phase(), PhaseFacts(seconds=1, flips=0))
    assert {one.harmful_upper95 for one in result.expectations} == {1.0}
    assert result.outage is None


def test_the_bound_counts_only_flips_that_a_visit_met() -> None:
    """Of 10 flips 4 were met, and none of these did harm: the others prove nothing."""
    seen = Seen(met=False)
    seen.table.meet(2, 5)
    lost = expectation(seen.add("ok", 100).judge(phase()), "lost")
    assert lost.tried_flips == 4
    assert lost.harmful_upper95 == pytest.approx(1 - 0.05 ** (1 / 4), abs=1e-9)


def test_losses_away_from_flips_are_the_background_and_no_outage() -> None:
    """A server that drops requests now and then does not do so because of a flip."""
    result = Seen().add("ok", 980).add("lost", 20).add("ok", at=1).judge(phase(lost="any"))
    assert result.outage is not None
    assert result.background is not None
    assert (result.outage.us, result.background.lost, result.background.visits) == (0, 20, 1000)


@pytest.mark.parametrize(
    ("way", "bounded"),
    [
        ({}, True),
        ({"jitter": 0.5}, False),
        ({"every": 0}, True),
        ({"every": 0, "strategy": "command", "command": Command(("true",))}, False),
        ({"every": 0, "strategy": WATCH}, False),
    ],
)
def test_the_outage_has_a_bound_only_where_no_load_can_be_in_step_with_the_flips(
    way: dict[str, Any], bounded: bool
) -> None:
    """A command that is run again and again, or somebody else's deploys, may keep an exact beat."""
    seen = Seen().add("ok", 10, at=1)
    seen.tally.spacings[0].update({1000: 100_000})
    outage = seen.judge(replace(phase(), **way)).outage
    assert outage is not None
    assert (outage.upper95 is not None) == bounded


def test_the_times_of_stale_visits_stand_in_the_verdict() -> None:
    """0 where there was none."""
    seen = Seen().add("ok", 5)
    assert (seen.judge(phase()).longest_stale, seen.judge(phase()).convergence) == (0, Convergence())
    visit = Visit(0, "GET", "/", 1000, 1200, "200 OK", True, ("a",), 1, 1)
    seen.tally.add(visit, Judgment("stale", "200 OK", seen.flips[9], "after", age=99))
    seen.table.take(seen.tally)
    assert seen.judge(phase()).longest_stale == 99
    assert seen.judge(phase()).convergence == Convergence(unseen=299, next_flip=True)


# A control that shows nothing


def test_a_control_has_shown_its_faults_when_each_was_at_a_flip() -> None:
    """One is enough; what was at no flip is none, and what may be is not waited for."""
    both = phase(lost="some", torn="some", stale="any")
    assert not Seen().add("ok", 100).add("lost", 5).shown(both)
    seen = Seen().add("ok", 100)
    assert not seen.add("lost", at=3).shown(both)
    assert seen.add("torn", at=4).shown(both)
    assert Seen().shown(phase(lost="any"))


@pytest.mark.parametrize("fault", ["lost", "torn"])
def test_a_server_that_fails_at_random_is_no_control_though_some_faults_fall_on_flips(fault: Fault) -> None:
    """Of 5,000 visits, half of them at flips, each 500th fails: the flips have nothing to do with it."""
    expect: dict[Fault, Expected] = {"torn": "any", fault: "some"}
    control = phase(**expect)
    seen = Seen().add("ok", 2495).add(fault, 5).add("ok", 2493, at=2).add(fault, 7, at=3)
    assert not seen.shown(control)
    verdict = seen.judge(control)
    assert verdict.verdict == "inconclusive"
    assert verdict.troubles == (
        f"the control showed 7 {fault} visits at flips, no more often than away from flips, "
        "so this run proves nothing; first find out what fails away from flips",
    )
    assert seen.add(fault, 20, at=4).shown(control)
    assert seen.judge(control).verdict == "held"


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
