"""The verdict: whether the counts of a phase meet its expectations; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal, Protocol

from locust_cutover.judging.answers import NOT_SENT, UNKNOWN_FLIPS, UNKNOWN_RELEASE
from locust_cutover.judging.bounds import lower_bound, upper_bound
from locust_cutover.judging.faults import FAULTS, Expected, Fault
from locust_cutover.judging.fliptable import SHOWS_AFTER, Convergence, FlipTable
from locust_cutover.judging.outage import Background, Losses, Outage, background, estimate
from locust_cutover.judging.strip import Strip
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.visit import KINDS, Kind

Verdict = Literal["held", "violated", "inconclusive"]

RESTLESS = "every visit overlapped a flip, so a stale page could not be detected; flip less often (`every`)"

UNPROBED = (
    "no whole page came between two flips or after the last one, so a stale page could not be detected; "
    "add users, or flip less often (`every`)"
)

UNMET = "no visit overlapped a flip, so a lost request could not be detected; add users or flips"

UNSEEN = (
    "no deploy could be seen, so this shows only that the site answered; set site.root and `watch: true`, "
    "or `quiet: true` if nobody deploys"
)

UNJUDGED = {
    UNKNOWN_RELEASE: "site.releases does not name the release that they showed, or it came before its first flip; "
    "check site.releases and site.mark",
    UNKNOWN_FLIPS: "which flips were made meanwhile is not known",
    NOT_SENT: "no port or file descriptor was left to send them; use fewer users",
}
"""Why a visit could not be judged, by its answer, and what to do about it."""


class ExitCode(IntEnum):
    """What a process ends with."""

    HELD = 0
    VIOLATED = 1
    WRONG = 2
    """The scenario or the command line is wrong."""
    INCONCLUSIVE = 3


class State(StrEnum):
    """How far a phase is; only one that is over can have held, but a fault violates it in any state."""

    WAITING = "waiting"
    RUNNING = "running"
    NOT_RUN = "not run"
    """The run ended before it."""
    CUT_SHORT = "cut short"
    """The run ended during it."""
    OVER = "over"

    @property
    def lasts(self) -> bool:
        """Whether it can still become another one."""
        return self in (State.WAITING, State.RUNNING)


class PhasePlan(Protocol):
    """What a verdict needs to know of a phase."""

    @property
    def name(self) -> str:
        """Its name in reports."""

    @property
    def strategy(self) -> str:
        """How it flips."""

    @property
    def every(self) -> int:
        """The time from flip to flip, in nanoseconds."""

    @property
    def expect(self) -> Mapping[Fault, Expected]:
        """What is expected of each fault."""

    @property
    def unflipped(self) -> bool:
        """Whether no flip of it is made or seen by the run."""

    @property
    def quiet(self) -> bool:
        """Whether the scenario says that nobody deploys."""

    @property
    def random(self) -> bool:
        """Whether its flips come at moments that no load can be in step with."""

    @property
    def gap(self) -> int:
        """A pause between the two calls of a flip, in nanoseconds."""

    @property
    def two_calls(self) -> bool:
        """Whether a flip is two system calls with nothing between them but the gap."""

    @property
    def can_have_gap(self) -> bool:
        """Whether its strategy takes a gap."""


@dataclass
class PhaseFacts:
    """What happened in a phase, apart from its visits."""

    seconds: float = 0.0
    """How long visitors were admitted."""
    flips: int = 0
    """Flips made, failed ones included."""
    failed: int = 0
    """Flips after which the link did not point to the target."""
    late: int = 0
    """Flips that started late."""
    failure: str = ""
    """Why the last failed flip failed."""
    said: list[str] = field(default_factory=list)
    """The last lines that a failed command printed."""
    trouble: str = ""
    """What went wrong, so that the phase does not count in full; empty when nothing did."""
    extended: int = 0
    """How often a control was repeated because it had not shown each expected fault."""
    state: State = State.OVER

    def __post_init__(self) -> None:
        self.state = State(self.state)  # a history has its text

    @property
    def whole(self) -> bool:
        """Whether the phase came to its end and nothing went wrong."""
        return self.state is State.OVER and not self.trouble


@dataclass(frozen=True)
class Expectation:
    """What was expected of one kind of fault, and what was seen."""

    fault: Fault
    expected: Expected
    observed: int
    at_flips: int
    """How many were at a flip: the visit overlapped its cutover."""
    after_flips: int
    """How many came after a flip: a part of the answer was stale."""
    at_none: int
    """How many were near no flip."""
    harmful_flips: int
    """Flips with at least one such fault."""
    other_flips: int
    """How many of these are repairs, or flips of earlier phases."""
    tried_flips: int
    """Flips that could have shown it: met by a visit, or, for stale, followed by a calm visit."""
    harmful_upper95: float
    """One-sided 95 % upper bound for the share of flips that harm visitors of this load."""
    verdict: Verdict


@dataclass(frozen=True)
class PhaseVerdict:
    """One phase with its numbers; `answers` are (kind, answer, count), the most frequent first."""

    phase: PhasePlan
    facts: PhaseFacts
    verdict: Verdict
    troubles: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    visits: int
    answers: tuple[tuple[Kind, str, int], ...]
    lost: int
    met_flips: int
    """Flips whose cutover a visit overlapped."""
    outage: Outage | None
    """None if no visit met a flip."""
    background: Background | None
    """Losses away from flips; None if every visit overlapped a flip."""
    longest_stale: int
    """The greatest age of a stale visit, in nanoseconds, as a lower bound; 0 without a stale visit."""
    convergence: Convergence
    strip: Strip
    """The visits over time, for charts."""
    not_judged: tuple[Fault, ...] = ()
    """Faults that could not be seen: without a mark, the release of an answer is unknown."""

    @property
    def rate(self) -> float:
        """Visits per second."""
        return self.visits / self.facts.seconds if self.facts.seconds else 0.0

    @property
    def lost_share(self) -> float:
        """Lost visits of all visits, 0 to 1."""
        return self.lost / self.visits if self.visits else 0.0


def judge_phase(
    phase: PhasePlan,
    index: int,
    facts: PhaseFacts,
    tally: Tally,
    flips: FlipTable,
    judged: Collection[Fault] = tuple(FAULTS),
    processors: int | None = None,
) -> PhaseVerdict:
    """Compare the counts of a phase with its expectations, for the faults that can be `judged`.

    A run that measured nothing never passes. An expectation that is not violated is inconclusive if

    1. the phase did not run to its end or had trouble. Trouble includes that no deploy could be seen, unless the
       scenario says that nobody deploys;
    2. it is a control (`some`) that showed nothing: lost or torn visits at flips, more often than away from them, or a
       stale one after a flip. A server that fails anyway is no control;
    3. the fault shows at flips (lost, torn), and no visit met a flip;
    4. the fault shows by marks (torn, stale), and no calm visit with marks came after a flip.

    `processors`: how many the run could use; None if unknown.
    """
    visits, calm = tally.visits(index), sum(tally.calm[index, kind] for kind in KINDS)
    unjudged = {answer: count for kind, answer, count in tally.of_phase(index) if kind == "unjudged"}
    troubles = _troubles(phase, facts, visits, unjudged)
    expectations = []
    blind_controls: list[str] = []
    undetectable: list[str] = []
    for fault in judged:
        expected = phase.expect[fault]
        observed = tally.visits(index, fault)
        verdict: Verdict = "held"
        unseen = [
            reason
            for reason, holds in (
                (UNMET, FAULTS[fault].shows == "at" and not flips.met and not phase.unflipped),
                (UNPROBED if calm else RESTLESS, FAULTS[fault].needs_mark and not flips.probes),
            )
            if holds
        ]
        if expected == "none" and observed:
            verdict = "violated"
        elif expected == "some" and not proved(fault, index, tally, flips):
            verdict = "inconclusive"
            if facts.whole:
                blind_controls.append(blind(fault, observed, phase, processors, flips.shown(fault)))
        elif troubles or not facts.whole:
            verdict = "inconclusive"
        elif expected == "none" and unseen:
            verdict = "inconclusive"
            undetectable += [reason for reason in unseen if reason not in undetectable]
        at, after, none = (tally.places[index, fault, place] for place in ("at", "after", "none"))
        harmful, others, tried = flips.harmful(fault), flips.harmful_others(fault), flips.tried(fault)
        expectations.append(
            Expectation(
                fault,
                expected,
                observed,
                at_flips=at,
                after_flips=after,
                at_none=none,
                harmful_flips=harmful + others,
                other_flips=others,
                tried_flips=tried,
                harmful_upper95=upper_bound(harmful, tried),
                verdict=verdict,
            )
        )
    # Fewer than those lost near no flip: some were received when the flips were no longer known.
    calm_lost = tally.calm[index, "lost"]
    return PhaseVerdict(
        phase=phase,
        facts=facts,
        verdict=worst([expectation.verdict for expectation in expectations]),
        troubles=(*troubles, *blind_controls, *undetectable),
        expectations=tuple(expectations),
        visits=visits,
        answers=tuple(tally.of_phase(index)),
        lost=tally.visits(index, "lost"),
        met_flips=flips.met,
        outage=estimate(
            Losses(
                visits=visits,
                flips=facts.flips,
                seconds=facts.seconds,
                lost=flips.at("lost"),
                squares=flips.sum_of_squares("lost"),
                meetings=tally.meetings[index],
                calm=calm,
                calm_lost=calm_lost,
                spacing=tally.spacings.get(index),
                random=phase.random,
                late=facts.late,
            )
        ),
        background=background(calm_lost, calm),
        longest_stale=tally.longest_stale.get(index, 0),
        convergence=flips.convergence,
        strip=tally.strips.get(index) or Strip(),
        not_judged=tuple(fault for fault in FAULTS if fault not in judged),
    )


def shown(phase: PhasePlan, index: int, tally: Tally, flips: FlipTable) -> bool:
    """Whether a control has shown each expected fault, so that it can stop."""
    return all(proved(fault, index, tally, flips) for fault, expected in phase.expect.items() if expected == "some")


def proved(fault: Fault, index: int, tally: Tally, flips: FlipTable) -> bool:
    """Whether the flips caused this fault.

    A server that fails at random also fails during flips. So lost and torn visits at flips prove something only if
    their share is greater than among calm visits: the 95 % bounds (Clopper-Pearson) must not overlap.
    """
    found = flips.shown(fault)
    elsewhere = tally.calm[index, fault]
    if fault in SHOWS_AFTER or not found or not elsewhere:
        return found > 0
    calm = sum(tally.calm[index, kind] for kind in KINDS)
    return lower_bound(found, tally.meetings[index]) > upper_bound(elsewhere, calm)


def blind(fault: Fault, observed: int, phase: PhasePlan, processors: int | None, at_flips: int = 0) -> str:
    """Say that a control did not show that flips cause the fault, and what to do about it.

    `observed`: how many such faults there were at all; `at_flips`: those at flips, as often as elsewhere.
    """
    if at_flips:
        visits = f"{at_flips:,} {fault} visit{'s' if at_flips > 1 else ''}"
        return (
            f"the control showed {visits} at flips, no more often than away from flips, so this run proves nothing; "
            "first find out what fails away from flips"
        )
    sentence = f"the control {FAULTS[fault].control}{' at a flip' if observed else ''}, so this run proves nothing"
    if fault == "lost" and processors == 1 and phase.two_calls and not phase.gap:
        advice = "use a second processor" + (" or `gap: 1ms`" if phase.can_have_gap else "")
        return f"{sentence}: with one processor a gap between two system calls is hardly ever seen; {advice}"
    return f"{sentence}; add flips or users"


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Violated beats inconclusive beats held; nothing at all is inconclusive."""
    for verdict in ("violated", "inconclusive"):
        if verdict in verdicts:
            return verdict
    return "held" if verdicts else "inconclusive"


def _troubles(phase: PhasePlan, facts: PhaseFacts, visits: int, unjudged: Mapping[str, int]) -> list[str]:
    troubles = [facts.trouble] if facts.trouble else []
    if facts.whole and not visits:
        troubles.append("no visit was made")
    if facts.whole and not facts.flips and not phase.unflipped:
        troubles.append("no flip was made")
    if facts.whole and phase.unflipped and not phase.quiet:
        troubles.append(UNSEEN)
    if facts.failed:
        reason = f": {facts.failure}" if facts.failure else ""
        troubles.append(f"{_failed(facts)} failed{reason}")
    for answer, count in unjudged.items():
        told = f"{count:,} visit{'s' if count > 1 else ''} could not be judged"
        troubles.append(f"{told}: {UNJUDGED.get(answer, answer)}")
    return troubles


def _failed(facts: PhaseFacts) -> str:
    if facts.failed < facts.flips:
        return f"{facts.failed} of {facts.flips} flips"
    return {1: "the flip", 2: "both flips"}.get(facts.flips, f"all {facts.flips} flips")
