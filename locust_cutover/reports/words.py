"""The result in sentences, for every report that people read."""

from __future__ import annotations

import math

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
    phases = [f"{phase.phase.name}: {faults(phase)}" for phase in result.phases]
    every = {1: "the phase", 2: "both phases"}.get(len(phases), f"all {len(phases)} phases")
    if len(phases) > SPELLED_OUT:
        return f"Held: {every} went as expected."
    return f"Held: {every} went as expected ({'; '.join(phases)})."


def faults(phase: PhaseVerdict) -> str:
    """What went wrong in a phase, expected or not: "106 of 34,501 visits lost, 10 torn"."""
    counts = [(expectation.fault, expectation.observed) for expectation in phase.expectations if expectation.observed]
    if not counts:
        return f"no fault in {_visits(phase)}"
    (fault, count), *rest = counts
    return ", ".join([f"{count:,} of {_visits(phase)} {fault}", *(f"{count:,} {fault}" for fault, count in rest)])


def seen(phase: PhaseVerdict, expectation: Expectation) -> str:
    """What was seen of one kind of fault: "106 of 34,501 visits lost (0.307 %) at 104 flips"."""
    if not expectation.observed:
        return f"none of {_visits(phase)} {expectation.fault}"
    share = percentage(expectation.observed / phase.visits)
    return f"{expectation.observed:,} of {_visits(phase)} {expectation.fault} ({share}){where(expectation)}"


def where(expectation: Expectation) -> str:
    """At which flips the faults were."""
    if not expectation.observed:
        return ""
    at_flips = f" at {many(expectation.harmful_flips, 'flip')}" if expectation.harmful_flips else ""
    if not expectation.unexplained:
        return at_flips
    return f"{at_flips}{',' if at_flips else ''} {expectation.unexplained:,} at none"


def extended(phase: PhaseVerdict) -> str:
    """That a control went on, for a table or a line of its own; empty when it did not."""
    times = phase.facts.extended
    if not times:
        return ""
    return f"the control was extended {many(times, 'time')}, since it had not shown each expected fault"


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
