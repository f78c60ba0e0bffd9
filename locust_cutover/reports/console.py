"""The result as text for a terminal, 80 columns wide."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import TextIO

from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.verdict import Expectation, PhaseVerdict, Verdict
from locust_cutover.reports import words
from locust_cutover.result import Result

WIDTH = 80
"""Columns; what is longer goes on in the next line."""

RATES = (10, 100, 1000)
"""Requests per second for which the outage is put in words."""


COLOURS: dict[Verdict, str] = {"held": "32", "violated": "31", "inconclusive": "33"}
"""Green, red and yellow, in the numbers of ECMA-48; the word itself says the same."""


def render(result: Result, *, report: str = "", colour: bool = False) -> str:
    """Per phase: requests, flips, the answers, the expectations; then what they prove; last the verdict.

    `report` is the file with the HTML report, where one was written.
    """
    lines = ["", f"{result.scenario.name} on {result.server}, {words.many(result.users, 'user')}", ""]
    for phase in result.phases:
        lines += [*_phase(phase), ""]
    lines += [f"note: {note}" for note in result.notes]
    if any(phase.facts.flips for phase in result.phases):
        lines.append(f"note: {words.BOUNDS}")
    lines += [f"  ! {problem}" for problem in result.problems]
    if result.verdict == "held":
        lines.append(f"why: {words.why(result)}")
    if result.verdict == "held" and not report:
        lines.append("next: --report FILE.html shows when and why, --scenario NAME asks something else")
    fitted = [part for line in lines for part in _fit(line)]
    # These two in one piece, however long: for who looks for them.
    if report:
        fitted.append(f"report: {report}")
    fitted.append(words.last_line(result))
    return "\n".join(map(_paint, fitted) if colour else fitted)


def wants_colour(stream: TextIO | None, environment: Mapping[str, str]) -> bool:
    """Whether the stream is a terminal whose user has nothing against colours (no-color.org); None: it is closed."""
    if stream is None:
        return False
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def _paint(line: str) -> str:
    """Colour the verdict at the end of a line, and a line with a trouble."""
    if line.startswith("  ! "):
        return f"\033[{COLOURS['inconclusive']}m{line}\033[0m"
    return re.sub(
        rf"(?<= )({'|'.join(COLOURS)})(?=$| \(exit code)",
        lambda match: f"\033[{COLOURS[match[1]]}m{match[1]}\033[0m",  # type: ignore[index] # one of its keys
        line,
    )


def _fit(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _phase(phase: PhaseVerdict) -> Iterator[str]:
    facts = phase.facts
    yield (
        f"{phase.phase.name}: {words.many(phase.visits, 'request')} in {words.duration(facts.seconds * 1e9)}, "
        f"{words.count(phase.rate)} requests/s, {words.many(facts.flips, 'flip')}"
        + (f", {words.count(phase.met_flips)} met by visits" if facts.flips else "")
    )
    rows = [
        (words.answer(kind, answer), words.count(count), words.percentage(count / phase.visits))
        for kind, answer, count in phase.answers
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for label, count, share in rows:
        yield f"  {label:<{widths[0]}}  {count:>{widths[1]}} responses  {share:>{widths[2]}}"
    if facts.flips and phase.visits:
        yield f"  lost {words.percentage(phase.lost_share)}; outage per flip (95 %): {words.outage(phase.outage)}"
        if phase.outage is not None and phase.outage.us:
            for rate in RATES:
                yield f"    at {words.count(rate)} requests/s: {words.lost_per_deploy(phase.outage, rate)}"
    yield from (f"  {told}" for fault in FAULTS for told in words.facts(phase, fault))
    if went_on := words.extended(phase):
        yield f"  {went_on}"
    for expectation in phase.expectations:
        yield f"  {_expectation(expectation):<58} {expectation.verdict}"
    if facts.flips:
        yield from (f"  {told}" for told in words.bounds(phase))
    for fault in phase.not_judged:
        yield f"  {f'{fault}: {words.NOT_JUDGED}':<58} -"
    for trouble in words.troubles(phase):
        yield f"  ! {trouble}"
    if facts.said:
        yield "  ! the last lines that the command printed:"
        yield from (f"    | {line}" for line in facts.said)


def _expectation(expectation: Expectation) -> str:
    expected = words.expected(expectation).removeprefix(f"{expectation.fault}: ")
    return f"{expectation.fault}: {words.count(expectation.observed)}{words.where(expectation)}; expected: {expected}"
