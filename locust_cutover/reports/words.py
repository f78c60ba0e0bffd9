"""The result in sentences, for every report that people read."""

from __future__ import annotations

import math

from locust_cutover.judging.fliptable import Convergence
from locust_cutover.judging.outage import Outage
from locust_cutover.judging.verdict import Expectation, PhaseVerdict, Verdict
from locust_cutover.result import Result

SPELLED_OUT = 3
"""Phases, or expectations, up to which a sentence names each."""

SIGNS: dict[Verdict, str] = {"held": "✓", "violated": "✕", "inconclusive": "?"}
"""For the eye that does not see the colour."""


def sentence(result: Result) -> str:
    """The verdict of the run."""
    if result.verdict == "violated":
        reasons = [
            f"{phase.phase.name}: {seen(phase, expectation)}, where none was expected"
            for phase in result.phases
            for expectation in phase.expectations
            if expectation.verdict == "violated"
        ]
        return f"Violated: {_some(reasons)}."
    if result.verdict == "inconclusive":
        reasons = [f"{phase.phase.name}: {' and '.join(phase.troubles)}" for phase in result.phases if phase.troubles]
        return f"Inconclusive: {_some(reasons or ['nothing was run'])}."
    if len(result.phases) <= SPELLED_OUT:
        return f"Held. {' '.join(f'{phase.phase.name}: {proof(phase)}.' for phase in result.phases)}"
    weakest = max(result.phases, key=lambda phase: max((one.harmful_upper95 for one in _clean(phase)), default=0.0))
    return (
        f"Held: all {len(result.phases)} phases went as expected. "
        f"The weakest proof, {weakest.phase.name}: {proof(weakest)}."
    )


def proof(phase: PhaseVerdict) -> str:
    """What a phase that held has shown, and how much that proves: the control, the bound, and what was allowed."""
    parts = [
        f"the control showed {seen(phase, expectation)}"
        for expectation in phase.expectations
        if expectation.expected == "some"
    ]
    clean = _clean(phase)
    if clean and phase.facts.flips:
        names = "" if len(clean) == len(phase.expectations) else f"{' and '.join(one.fault for one in clean)}: "
        parts.append(names + bound(max(clean, key=lambda one: one.harmful_upper95), phase))
    elif clean:
        parts.append(f"no fault in {_visits(phase)}, and no flip")
    parts += [
        f"{seen(phase, expectation)}, which the scenario allows"
        for expectation in phase.expectations
        if expectation.expected == "any" and expectation.observed
    ]
    return "; ".join(parts) or f"{_visits(phase)}, whatever they were"


def bound(expectation: Expectation, phase: PhaseVerdict) -> str:
    """How many flips did this harm, and how many could: "0 of 250 flips harmful; at most 1.2 % could be (95 %)"."""
    flips, tried = phase.facts.flips, expectation.tried_flips
    if not flips:
        return "no flip was made"
    if not tried:
        return f"none of {many(flips, 'flip')} was met by a visit"
    harmful = expectation.harmful_flips - expectation.other_flips
    of = many(tried, "flip") if tried >= flips else f"the {tried:,} of {many(flips, 'flip')} that visits met"
    if harmful:
        return f"{harmful:,} of {of} harmful; at most {_share(expectation.harmful_upper95)} are (95 %)"
    if tried == 1:
        return f"0 of {of}; after one flip, up to 95 % of deploys could still be harmful (95 % confidence)"
    return f"0 of {of} harmful; at most {_share(expectation.harmful_upper95)} could be (95 %)"


def _clean(phase: PhaseVerdict) -> list[Expectation]:
    return [expectation for expectation in phase.expectations if expectation.expected == "none"]


def _share(bound: float) -> str:
    """A bound in percent to two digits: it is no more exact."""
    return f"{100 * bound:.2g} %"


def outage(outage: Outage | None) -> str:
    """An outage with its interval: "62.4 µs (51.1 to 75.4)"."""
    if outage is None:
        return "not measured"
    if outage.upper95 is None:
        return "none seen; these visits carry no bound"
    if not outage.us:
        return f"none seen; below {microseconds(outage.upper95)}"
    low, high = (microseconds(end).removesuffix(" µs") for end in (outage.lower95, outage.upper95))
    return f"{microseconds(outage.us)} ({low} to {high})"


def background(phase: PhaseVerdict) -> str:
    """What was lost while nothing flipped; empty where nothing was."""
    found = phase.background
    if found is None or not found.lost:
        return ""
    return (
        f"background: {found.lost:,} of {many(found.visits, 'visit')} away from flips lost, {percentage(found.share)} "
        f"(95 %: {percentage(found.lower95)} to {percentage(found.upper95)}); not part of the outage"
    )


def seen(phase: PhaseVerdict, expectation: Expectation) -> str:
    """What was seen of one kind of fault: "106 of 34,501 visits lost (0.307 %) at 104 flips"."""
    if not expectation.observed:
        return f"none of {_visits(phase)} {expectation.fault}"
    share = percentage(expectation.observed / phase.visits)
    return f"{expectation.observed:,} of {_visits(phase)} {expectation.fault} ({share}){where(expectation)}"


def where(expectation: Expectation) -> str:
    """Where the faults were: " at 3 flips", or " at or after 3 flips: 5 at, 2 after, 1 not near any flip"."""
    if not expectation.observed:
        return ""
    counts = [
        (expectation.at_flips, "at"),
        (expectation.after_flips, "after"),
        (expectation.at_none, "not near any flip"),
    ]
    places = [(count, place) for count, place in counts if count]
    flips = many(expectation.harmful_flips, "flip")
    if len(places) == 1:
        place = places[0][1]
        return f" {place}" if expectation.at_none else f" {place} {flips}"
    prepositions = " or ".join(place for count, place in counts[:2] if count)
    return f" {prepositions} {flips}: {', '.join(f'{count:,} {place}' for count, place in places)}"


def convergence(phase: PhaseVerdict) -> list[str]:
    """For how long an old release was served, and whether that was seen to end; nothing where none was stale."""
    told = phase.convergence
    sentences = []
    if phase.longest_stale:
        sentences.append(f"stale for at least {milliseconds(phase.longest_stale)} after the flip")
    if told.unseen:
        sentences.append(
            f"not converged: still stale {milliseconds(told.unseen)} after the flip, when {not_converged_until(told)}"
        )
    elif told.seen:
        sentences.append(f"converged: every visitor had the new release {milliseconds(told.seen)} after a flip")
    return sentences


def not_converged_until(told: Convergence) -> str | None:
    """What came before every visitor was seen to have the new release; None where nothing did."""
    if not told.unseen:
        return None
    return "the next flip came" if told.next_flip else "the phase ended"


def milliseconds(nanoseconds: int) -> str:
    """A time as people read it."""
    return f"{nanoseconds / 1e6:,.1f} ms" if nanoseconds < 10_000_000_000 else f"{nanoseconds / 1e9:,.1f} s"


def microseconds(number: float) -> str:
    """An estimate in microseconds, as exact as it is worth."""
    if number == 0:
        return "0 µs"
    if number >= 100_000:
        return f"{number / 1000:,.0f} ms"
    return f"{number:,.0f} µs" if number >= 100 else f"{number:.1f} µs" if number >= 10 else f"{number:.2g} µs"


def percentage(share: float) -> str:
    """A share of 0 to 1 in percent; below one percent to three digits, since the smallest are what one looks for."""
    value = 100 * share
    digits = 1 if value >= 1 or not value else 2 - math.floor(math.log10(value))
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + " %"


def many(count: int, noun: str) -> str:
    """The count, as people write it, with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _visits(phase: PhaseVerdict) -> str:
    return many(phase.visits, "visit")


def _some(reasons: list[str]) -> str:
    named = "; ".join(reasons[:SPELLED_OUT])
    left = len(reasons) - SPELLED_OUT
    return f"{named}; and {left} more" if left > 0 else named
