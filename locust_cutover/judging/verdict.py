"""The verdict: what the counts of a phase say about its expectations, pure functions."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from locust_cutover.judging.bounds import lower_bound, upper_bound
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.strip import Strip
from locust_cutover.judging.tally import Tally
from locust_cutover.scenario import FAULTS, Expected, Fault, Phase
from locust_cutover.visit import Kind
from switcher.strategies import GAPPED

Verdict = Literal["held", "violated", "inconclusive"]

RESTLESS = "no visit with marks fell between two flips or after the last: an old page could not show"

BLIND: dict[Fault, str] = {
    "lost": "the control lost no request",
    "torn": "the control tore no page",
    "stale": "the control served no stale page",
}

TWO_CALLS = (*GAPPED, "swap-folders")
"""The strategies whose gap is only as long as two system calls take."""

NOT_RUN = "was not run"
RUNNING = "is running"
WAITING = "comes later"
"""Troubles of a phase that is not over: while they last it has not held, but a fault has violated it for good."""

EXIT_CODES: dict[Verdict, int] = {"held": 0, "violated": 1, "inconclusive": 3}


@dataclass
class PhaseFacts:
    """What happened in a phase, besides its visits."""

    seconds: float = 0.0
    """How long visitors were let in."""
    flips: int = 0
    """Flips made, failed ones included."""
    failed: int = 0
    """Flips after which the link did not point to the target."""
    late: int = 0
    """Flips that began later than they were due."""
    failure: str = ""
    """Why the last flip that did not take did not."""
    said: list[str] = field(default_factory=list)
    """The last lines of what a command printed that failed."""
    trouble: str = ""
    """Why the phase does not count in full; empty when it does."""
    extended: int = 0
    """How often a control went on, for as long again, since it had not shown each of its faults."""


@dataclass(frozen=True)
class Expectation:
    """What was expected of one kind of fault, and what was seen."""

    fault: Fault
    expected: Expected
    observed: int
    unexplained: int
    """Those of the observed that no flip explains."""
    harmful_flips: int
    """Flips with at least one such fault."""
    harmful_upper95: float
    """One-sided 95 % upper bound for the share of flips that do this harm."""
    verdict: Verdict


@dataclass(frozen=True)
class Outage:
    """Estimated time per flip in which a request is lost, in microseconds."""

    us: float
    lower95: float
    upper95: float
    """Both ends of the two-sided 95 % interval; without a loss the upper end is one-sided."""


@dataclass(frozen=True)
class PhaseVerdict:
    """One phase with its numbers; `answers` are (kind, answer, count), the most frequent first."""

    phase: Phase
    facts: PhaseFacts
    verdict: Verdict
    troubles: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    visits: int
    answers: tuple[tuple[Kind, str, int], ...]
    lost: int
    outage: Outage | None
    """None without visits or flips."""
    longest_stale: int
    """The greatest age of a stale visit, in nanoseconds; 0 without one."""
    convergence: int
    """The longest time after a flip at which a visitor still got the release before, in nanoseconds."""
    strip: Strip
    """What can be drawn of the visits."""
    not_judged: tuple[Fault, ...] = ()
    """What nobody could see: without a mark it is not known which release an answer is of."""

    @property
    def rate(self) -> float:
        """Visits per second."""
        return self.visits / self.facts.seconds if self.facts.seconds else 0.0

    @property
    def lost_share(self) -> float:
        """Lost visits of all visits, 0 to 1."""
        return self.lost / self.visits if self.visits else 0.0


def judge_phase(
    phase: Phase,
    index: int,
    facts: PhaseFacts,
    tally: Tally,
    flips: FlipTable,
    judged: Collection[Fault] = FAULTS,
    processors: int | None = None,
) -> PhaseVerdict:
    """Hold the counts of a phase against its expectations, but for faults that could not be `judged`.

    Nothing measured is never a pass: what is not violated is inconclusive where the phase has
    a trouble, and so is a fault that was to show (`some`) and did not show at any flip. A server
    that fails anyway is no positive control. Old pages can show only to a visit that overlaps no
    cutover, so without one of these torn and stale are inconclusive as well.

    `processors`: how many the run could use; None when that is not known.
    """
    visits = tally.visits(index)
    troubles = _troubles(phase, facts, visits, tally.visits(index, "unjudged"))
    expectations = []
    blind_controls = []
    calm = _has_calm_visit(tally.latest_calm.get(index), flips.first_completed)
    restless = []
    for fault in judged:
        expected = phase.expect[fault]
        observed = tally.visits(index, fault)
        unexplained = tally.unexplained[index, fault]
        harmful = flips.harmful(fault)
        verdict: Verdict = "held"
        if expected == "none" and observed:
            verdict = "violated"
        elif expected == "some" and not harmful:
            verdict = "inconclusive"
            if not facts.trouble:
                blind_controls.append(blind(fault, observed, phase, processors))
        elif troubles:
            verdict = "inconclusive"
        elif expected == "none" and fault != "lost" and not calm:
            verdict = "inconclusive"
            restless = [RESTLESS]
        bound = upper_bound(harmful, facts.flips)
        expectations.append(Expectation(fault, expected, observed, unexplained, harmful, bound, verdict))
    return PhaseVerdict(
        phase=phase,
        facts=facts,
        verdict=worst([expectation.verdict for expectation in expectations]),
        troubles=(*troubles, *blind_controls, *restless),
        expectations=tuple(expectations),
        visits=visits,
        answers=tuple(tally.of_phase(index)),
        lost=tally.visits(index, "lost"),
        outage=outage(tally.visits(index, "lost"), visits, facts, flips.sum_of_squares("lost")),
        longest_stale=tally.longest_stale.get(index, 0),
        convergence=tally.convergence.get(index, 0),
        strip=tally.strips.get(index) or Strip(),
        not_judged=tuple(fault for fault in FAULTS if fault not in judged),
    )


def shown(phase: Phase, index: int, tally: Tally, flips: FlipTable) -> bool:
    """Whether a control has shown each fault that it must, so that it need not go on."""
    return all(flips.harmful(fault) > 0 for fault, expected in phase.expect.items() if expected == "some")


def blind(fault: Fault, observed: int, phase: Phase, processors: int | None) -> str:
    """What a control that has not shown the fault at a flip means, and what to do about it.

    `observed`: how many such faults there were elsewhere.
    """
    sentence = f"{BLIND[fault]}{' at a flip' if observed else ''}, so this run proves nothing"
    if fault == "lost" and processors == 1 and phase.strategy in TWO_CALLS and not phase.gap:
        advice = "use a second processor" + (" or `gap: 1ms`" if phase.strategy in GAPPED else "")
        return f"{sentence}: with one processor a gap between two system calls is hardly ever seen; {advice}"
    return f"{sentence}; add flips or users"


def outage(lost: int, visits: int, facts: PhaseFacts, sum_of_squares: int) -> Outage | None:
    """Estimate the outage per flip: (lost visits / visits) × phase time / flips.

    It holds for visits spread evenly over the phase. Visitors that meet the same flip are lost
    together, so the interval counts clusters: with the dispersion φ = variance / mean of the losses
    per flip, k losses weigh as k/φ independent ones (quasi-likelihood; Wedderburn 1974), and the bounds
    are Clopper-Pearson's for these.
    """
    if not visits or not facts.flips or not facts.seconds:
        return None
    per_flip = facts.seconds / facts.flips * 1e6
    if not lost:
        return Outage(0.0, 0.0, upper_bound(0, visits) * per_flip)
    mean = lost / facts.flips
    variance = max(sum_of_squares / facts.flips - mean**2, 0) * facts.flips / max(facts.flips - 1, 1)
    dispersion = max(1.0, variance / mean)
    hits, trials = lost / dispersion, visits / dispersion
    return Outage(
        lost / visits * per_flip,
        lower_bound(hits, trials, 0.975) * per_flip,
        min(upper_bound(hits, trials, 0.975), 1.0) * per_flip,
    )


def requests_lost(outage_us: float, rate: float) -> str:
    """What an outage per deploy means to a site with `rate` requests per second, in words."""
    lost = outage_us / 1e6 * rate
    if lost == 0:
        return "no request is lost"
    if lost >= 1:
        return f"{_two_digits(lost)} requests are lost in a deploy"
    return f"one request is lost in {_two_digits(1 / lost)} deploys"


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Violated beats inconclusive beats held; nothing at all is inconclusive."""
    for verdict in ("violated", "inconclusive"):
        if verdict in verdicts:
            return verdict
    return "held" if verdicts else "inconclusive"


def _has_calm_visit(latest: int | None, first_completed: int | None) -> bool:
    """Whether a visit was sent after a flip and overlapped none; `latest` is the last that overlapped none."""
    return latest is not None and first_completed is not None and latest > first_completed


def _troubles(phase: Phase, facts: PhaseFacts, visits: int, unjudged: int) -> list[str]:
    troubles = [facts.trouble] if facts.trouble else []
    if not facts.trouble and not visits:
        troubles.append("no visit was made")
    if not facts.trouble and not facts.flips and not phase.quiet:
        troubles.append("no flip was made")
    if facts.failed:
        reason = f": {facts.failure}" if facts.failure else ""
        troubles.append(f"{facts.failed} of {facts.flips} flips did not take{reason}")
    if unjudged:
        troubles.append(f"{unjudged} visits could not be judged")
    return troubles


def _two_digits(number: float) -> str:
    """A number of 1 or more to two digits: an estimate is no more exact."""
    number = float(f"{number:.1e}")  # first, since it can become one digit longer: 9.96 is 10
    return f"{number:,.{max(1 - math.floor(math.log10(number)), 0)}f}"
