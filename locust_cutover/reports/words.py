"""Every number, label and sentence that people read: the one place that formats them, for all reports."""

from __future__ import annotations

import math
from collections.abc import Sequence

from locust_cutover.judging.faults import FAULTS, Fault
from locust_cutover.judging.fliptable import Convergence, FlipCost
from locust_cutover.judging.outage import Outage
from locust_cutover.judging.verdict import Expectation, PhaseFacts, PhaseVerdict, State, Verdict
from locust_cutover.judging.visit import Kind
from locust_cutover.result import Result

SPELLED_OUT = 3
"""Phases, or expectations, up to which a sentence names each."""

SIGNS: dict[Verdict, str] = {"held": "✓", "violated": "✕", "inconclusive": "?"}
"""For readers who do not see the colour."""

STATES = {
    State.WAITING: "not started",
    State.RUNNING: "is running",
    State.NOT_RUN: "was not run",
    State.CUT_SHORT: "cut short",
}
"""Of a phase that is not over."""

NOT_JUDGED = "not judged"
"""The verdict on a fault that could not be seen."""

NOT_FAULTS: dict[Kind, str] = {"ok": "ok", "unjudged": "could not be judged"}
"""What the kinds of answers mean that are no faults."""

BOUNDS = (
    "A harmful flip cost visitors of this load a request. Another load meets other flips; "
    "the outage per flip carries over to it."
)
"""What a bound for harmful flips does not cover."""


HEADS: dict[Verdict, str] = {
    "held": "Held for this load.",
    "violated": "Violated:",
    "inconclusive": "Inconclusive:",
}
"""How the headline begins."""


def sentence(result: Result) -> str:
    """The headline: the verdict of the run, and the reason for it."""
    return f"{HEADS[result.verdict]} {why(result)}"


def why(result: Result) -> str:
    """The reason for the verdict of the run: the proof that it held, or what is wrong."""
    if result.verdict == "violated":
        reasons = [
            f"{phase.phase.name}: {seen(phase, expectation)}, where none was expected"
            for phase in result.phases
            for expectation in phase.expectations
            if expectation.verdict == "violated"
        ]
        return f"{_some(reasons)}."
    if result.verdict == "inconclusive":
        reasons = list(result.problems)
        reasons += [f"{phase.phase.name}: {' and '.join(said)}" for phase in result.phases if (said := troubles(phase))]
        return f"{_some(reasons or ['nothing was run'])}."
    if len(result.phases) <= SPELLED_OUT:
        return " ".join(f"{phase.phase.name}: {proof(phase)}." for phase in result.phases)
    controls = sum(expectation.expected == "some" for phase in result.phases for expectation in phase.expectations)
    weakest = max(result.phases, key=lambda phase: max((one.harmful_upper95 for one in _clean(phase)), default=0.0))
    return (
        f"All {len(result.phases)} phases went as expected"
        + (f", {many(controls, 'control')} showed a fault, as expected" if controls else "")
        + f". The weakest proof is that of {weakest.phase.name}: {proof(weakest)}."
    )


def proof(phase: PhaseVerdict) -> str:
    """What a phase that held proves: the control, the weakest bound, and the faults that were allowed."""
    parts = [
        f"the control showed {seen(phase, expectation)}, as it must"
        for expectation in phase.expectations
        if expectation.expected == "some"
    ]
    clean = _clean(phase)
    faults = _list([expectation.fault for expectation in clean])
    if phase.phase.unflipped:
        parts.append(
            f"none of {_visits(phase)} {faults}; nothing was flipped, so this shows only that the site answered"
        )
    elif clean:
        parts.append(f"{faults}: {_proved(max(clean, key=lambda one: one.harmful_upper95))}")
    allowed = [
        f"{expectation.observed:,} {expectation.fault}"
        for expectation in phase.expectations
        if expectation.expected == "any" and expectation.observed
    ]
    if allowed:
        parts.append(f"{_list(allowed)} allowed")
    return "; ".join(parts) or f"{_visits(phase)}; the scenario allows every fault"


def bounds(phase: PhaseVerdict) -> list[str]:
    """How many flips were harmful, and how many could be; faults with the same numbers share a sentence.

    "lost and stale: 0 of 250 flips harmful; at most 1.2 % could be (95 %)"
    """
    faults: dict[str, list[str]] = {}
    for expectation in _clean(phase):
        faults.setdefault(bound(expectation, phase), []).append(expectation.fault)
    return [f"{_list(names)}: {text}" for text, names in faults.items()]


def bound(expectation: Expectation, phase: PhaseVerdict) -> str:
    """How many flips were harmful, and how many could be: "0 of 250 flips harmful; at most 1.2 % could be (95 %)".

    Only flips that could have shown the fault count; the others are named.
    """
    flips, tried = phase.facts.flips, expectation.tried_flips
    harmful = expectation.harmful_flips - expectation.other_flips
    most = percentage(expectation.harmful_upper95)
    if not flips:
        parts = ["no flip was made"]
    elif not tried:
        parts = []
    elif harmful == tried:
        parts = [f"{harmful:,} of {many(tried, 'flip')} harmful"]
    elif harmful:
        parts = [f"{harmful:,} of {many(tried, 'flip')} harmful; at most {most} are (95 %)"]
    else:
        parts = [_proved(expectation)]
    if tried < flips:
        parts.append(untried(expectation, flips))
    if expectation.other_flips:
        parts.append(f"not counted: {many(expectation.other_flips, 'harmful flip')} of earlier phases, or repairs")
    return "; ".join(parts)


def _proved(expectation: Expectation) -> str:
    """What flips without this fault prove."""
    tried, most = expectation.tried_flips, percentage(expectation.harmful_upper95)
    if tried == 1:
        return f"0 of 1 flip; after one flip, up to {most} of deploys could still be harmful (95 % confidence)"
    return f"0 of {many(tried, 'flip')} harmful; at most {most} could be (95 %)"


def untried(expectation: Expectation, flips: int) -> str:
    """How many flips could not show the fault: no visit met them, or none came before the next flip."""
    others = flips - expectation.tried_flips
    which = f"any of {flips:,} flips" if flips > 1 else "the flip"
    if expectation.tried_flips:
        which = f"the other {others:,}" if others > 1 else "the other one"
    return (
        f"no visit followed {which} in time" if FAULTS[expectation.fault].shows == "after" else f"no visit met {which}"
    )


def expected(expectation: Expectation) -> str:
    """What was expected of a fault: "lost: none", or "lost: some (the control)"."""
    control = " (the control)" if expectation.expected == "some" else ""
    return f"{expectation.fault}: {expectation.expected}{control}"


def outage(outage: Outage | None) -> str:
    """An outage with its interval: "62.4 µs (51.1 µs to 75.4 µs)"."""
    if outage is None:
        return "not measured"
    if outage.upper95 is None:
        return "none seen; these visits carry no bound"
    if not outage.us:
        return f"none seen; below {microseconds(outage.upper95)}"
    return f"{microseconds(outage.us)} ({microseconds(outage.lower95)} to {microseconds(outage.upper95)})"


def lost_per_deploy(outage: Outage, rate: float) -> str:
    """What an outage means for a site with `rate` requests per second; empty if the visits carry no bound.

    "one lost request per 2,400 deploys"; without a loss "at worst, one lost request per 65,000 deploys".
    """
    most = outage.us or outage.upper95
    if most is None:
        return ""
    lost = most / 1e6 * rate
    if not lost:
        text = "no lost request"
    elif lost >= 1:
        text = f"{_two_digits(lost)} lost requests per deploy"
    else:
        text = f"one lost request per {_two_digits(1 / lost)} deploys"
    return text if outage.us else f"at worst, {text}"


def background(phase: PhaseVerdict) -> str:
    """Losses away from flips; empty if there were none."""
    found = phase.background
    if found is None or not found.lost:
        return ""
    return (
        f"background: {found.lost:,} of {many(found.visits, 'visit')} away from flips lost, {percentage(found.share)} "
        f"(95 %: {percentage(found.lower95)} to {percentage(found.upper95)}); not part of the outage"
    )


def late(facts: PhaseFacts) -> str:
    """How many flips started late; empty if none did."""
    if not facts.late:
        return ""
    return f"{many(facts.late, 'flip')} started late (busy machine; counts are unaffected)"


def last_line(result: Result) -> str:
    """The verdict with its exit code, the reason, and what to do about it."""
    line = f"verdict: {result.verdict} (exit code {result.exit_code})"
    if result.verdict == "held":
        return line
    reason = why(result).removesuffix(".")
    advice = _advice(result) if result.verdict == "inconclusive" else ""
    return "; ".join(filter(None, [f"{line}: {reason}", advice]))


def no_verdict(exit_code: int, reason: str) -> str:
    """The last line of a run without a result."""
    return f"verdict: none (exit code {exit_code}): {' '.join(reason.split())}"


def _advice(result: Result) -> str:
    """What to do about an inconclusive run, if its reasons do not say so."""
    if result.problems:
        return "see to this, then run it again"
    states = {phase.facts.state for phase in result.phases}
    if State.CUT_SHORT in states:
        return "let it run to its end"
    if states <= {State.NOT_RUN}:
        return "start it again"
    return ""


def seen(phase: PhaseVerdict, expectation: Expectation) -> str:
    """What was seen of one kind of fault: "106 of 34,501 visits lost (0.307 %) at 104 flips"."""
    if not expectation.observed:
        return f"none of {_visits(phase)} {expectation.fault}"
    share = percentage(expectation.observed / phase.visits)
    return f"{expectation.observed:,} of {_visits(phase)} {expectation.fault} ({share}){where(expectation)}"


def where(expectation: Expectation) -> str:
    """Where the faults were: " at 3 flips", or ": 5 at and 2 after 3 flips, 1 not near any flip"."""
    if not expectation.observed:
        return ""
    places = {"at": expectation.at_flips, "after": expectation.after_flips}
    tied = [(count, place) for place, count in places.items() if count]
    flips = many(expectation.harmful_flips, "flip")
    if not tied:
        return " not near any flip"
    if len(tied) == 1 and not expectation.at_none:
        return f" {tied[0][1]} {flips}"
    away = f", {expectation.at_none:,} not near any flip" if expectation.at_none else ""
    return f": {' and '.join(f'{count:,} {place}' for count, place in tied)} {flips}{away}"


def convergence(phase: PhaseVerdict) -> list[str]:
    """How long an old release was served, and whether that ended; nothing if no visit was stale."""
    told = phase.convergence
    sentences = []
    if phase.longest_stale:
        sentences.append(f"stale for at least {duration(phase.longest_stale)} after the flip")
    if told.unseen:
        sentences.append(
            f"not converged: still stale {duration(told.unseen)} after the flip, when {not_converged_until(told)}"
        )
    elif told.seen:
        sentences.append(f"converged: every visit got the new release from {duration(told.seen)} after the flip on")
    return sentences


def not_converged_until(told: Convergence) -> str:
    """What came before every visit got the new release; empty if nothing did."""
    if not told.unseen:
        return ""
    return "the next flip came" if told.next_flip else "the phase ended"


def facts(phase: PhaseVerdict, fault: Fault) -> list[str]:
    """Further facts about one kind of fault."""
    match fault:
        case "lost":
            return [fact for fact in (background(phase), late(phase.facts)) if fact]
        case "stale":
            return convergence(phase)
        case _:
            return []


def cost(row: FlipCost) -> str:
    """What a flip cost: "2 lost, 1 torn"."""
    return ", ".join(f"{count:,} {fault}" for fault, count in zip(FAULTS, row.faults, strict=True) if count)


def extended(phase: PhaseVerdict) -> str:
    """That a control was extended; empty if it was not."""
    times = phase.facts.extended
    if not times:
        return ""
    return f"the control was extended {many(times, 'time')}, since it had not shown each expected fault"


def troubles(phase: PhaseVerdict) -> list[str]:
    """Why a phase is inconclusive, or may be: that it is not over, and what went wrong."""
    return [*_unfinished(phase.facts), *phase.troubles]


def trouble(facts: PhaseFacts) -> str:
    """Why a phase does not count in full, in one line; empty when it does."""
    return "; ".join([*_unfinished(facts), *filter(None, [facts.trouble])])


def meaning(kind: Kind) -> str:
    """What an answer of this kind is."""
    return f"{kind}: {FAULTS[kind].meaning}" if kind in FAULTS else NOT_FAULTS[kind]


def answer(kind: Kind, name: str) -> str:
    """An answer's label in the manner of a load tool: [200] for a status, [200 torn] where the status hides it."""
    status, _, _ = name.partition(" ")
    shown = status if status.isdigit() else name
    hidden = kind not in NOT_FAULTS and FAULTS[kind].needs_mark
    return f"[{shown} {kind}]" if hidden or kind == "unjudged" else f"[{shown}]"


def progress(
    phase: str,
    place: str,
    *,
    share: float | None,
    flips: int,
    planned: int | None,
    visits: int,
    lost: int,
) -> str:
    """One line about a running phase; `place`: "2 of 3"; `planned`: how many flips there will be, where known."""
    done = "" if share is None else f"{100 * share:.0f} %, "
    made = f"{flips:,} of {many(planned, 'flip')}" if planned else many(flips, "flip")
    return f"phase {phase} ({place}): {done}{made}, {many(visits, 'visit')}, {lost:,} lost"


def count(number: float) -> str:
    """A whole number: "34,501"."""
    return f"{number:,.0f}"


def rate(number: float) -> str:
    """How many per so many others, to the digits that an average of counts is worth."""
    if 0 < number < 0.1:
        return "< 0.1"
    return f"{number:.1f}" if 0 < number < 10 else count(number)


def duration(nanoseconds: float) -> str:
    """A time to two or three digits, in the unit that suits it."""
    if not nanoseconds:
        return "0 s"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            value = nanoseconds / size
            return f"{value:,.0f} {unit}" if value >= 100 or value == round(value) else f"{value:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"


def moments(seconds: Sequence[float]) -> list[str]:
    """Moments of a run, with as many digits as tell one from the next: "1.25 s"."""
    step = seconds[1] - seconds[0] if len(seconds) > 1 else 1.0
    digits = next((digits for digits in range(7) if abs(step * 10**digits - round(step * 10**digits)) < 1e-6), 6)
    return [f"{moment:,.{digits}f} s" for moment in seconds]


def moment(nanoseconds: int) -> str:
    """A moment of a run, to the millisecond: "12.345 s"."""
    return f"{nanoseconds / 1e9:,.3f} s"


def relative(nanoseconds: int) -> str:
    """How long before or after something: "−1,204 µs"."""
    away = round(nanoseconds / 1e3)
    return f"{away:+,} µs".replace("-", "−") if away else "0 µs"


def microseconds(number: float) -> str:
    """An estimate in microseconds, with no more digits than it deserves."""
    if number == 0:
        return "0 µs"
    if number >= 100_000:
        return f"{number / 1000:,.0f} ms"
    return f"{number:,.0f} µs" if number >= 100 else f"{number:.1f} µs" if number >= 10 else f"{number:.2g} µs"


def percentage(share: float) -> str:
    """A share of 0 to 1 in percent; below one percent to three digits, since small shares matter most."""
    value = 100 * share
    digits = 1 if value >= 1 or not value else 2 - math.floor(math.log10(value))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + " %"


def many(count: int, noun: str) -> str:
    """The count with its noun: "1,234 flips"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _clean(phase: PhaseVerdict) -> list[Expectation]:
    return [expectation for expectation in phase.expectations if expectation.expected == "none"]


def _unfinished(facts: PhaseFacts) -> list[str]:
    return [STATES[facts.state]] if facts.state in STATES else []


def _two_digits(number: float) -> str:
    """A number of 1 or more to two digits: an estimate is no more exact."""
    number = float(f"{number:.1e}")  # first, since it can become one digit longer: 9.96 is 10
    return f"{number:,.{max(1 - math.floor(math.log10(number)), 0)}f}"


def _list(names: Sequence[str]) -> str:
    """As in a sentence: "lost, torn and stale"."""
    *most, last = names or ("",)
    return f"{', '.join(most)} and {last}" if most else last


def _visits(phase: PhaseVerdict) -> str:
    return many(phase.visits, "visit")


def _some(reasons: list[str]) -> str:
    named = "; ".join(reasons[:SPELLED_OUT])
    left = len(reasons) - SPELLED_OUT
    return f"{named}; and {left} more" if left > 0 else named
