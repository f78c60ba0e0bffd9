"""The result as text for a terminal, 80 columns wide."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import TextIO

from locust_cutover.judging.verdict import Expectation, Outage, PhaseVerdict, Verdict, requests_lost
from locust_cutover.reports import words
from locust_cutover.result import Result

WIDTH = 80
"""Columns; what is longer goes on in the next line."""

RATES = (10, 100, 1000)
"""Requests per second for which the outage is put in words."""


COLOURS: dict[Verdict, str] = {"held": "32", "violated": "31", "inconclusive": "33"}
"""Green, red and yellow, in the numbers of ECMA-48; the word itself says the same."""


def render(result: Result, *, report: str = "", colour: bool = False) -> str:
    """Per phase: requests, flips, the distribution of answers, the expectations; then the verdict, and what now.

    `report` is the file with the HTML report, where one was written.
    """
    lines = ["", f"{result.scenario.name} on {result.server}, {result.users} users", ""]
    for phase in result.phases:
        lines += [*_phase(phase), ""]
    lines += [f"note: {note}" for note in result.notes]
    lines.append(f"verdict: {result.verdict} (exit code {result.exit_code})")
    if result.verdict != "held":
        why = f"why: {words.sentence(result).partition(': ')[2]}"
        lines.append(textwrap.shorten(why, WIDTH, placeholder=" ..."))  # all of it stands above
    elif not report:
        lines.append("next: --report FILE.html shows when and why, --scenario NAME asks something else")
    fitted = [part for line in lines for part in _fit(line)]
    if report:
        fitted.append(f"report: {report}")  # in one piece, however long
    return "\n".join(map(_paint, fitted) if colour else fitted)


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether the stream is a terminal whose user has nothing against colours (no-color.org)."""
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
        f"{phase.phase.name}: {phase.visits} requests in {facts.seconds:.1f} s, "
        f"{phase.rate:.0f} requests/s, {plural(facts.flips, 'flip')}"
    )
    labels = [label(kind, answer) for kind, answer, _ in phase.answers]
    width = max(map(len, labels), default=0)
    digits = len(str(phase.visits))
    for text, (_, _, count) in zip(labels, phase.answers, strict=True):
        yield f"  {text:<{width}} {count:>{digits}} responses  {100 * count / phase.visits:7.3f} %"
    if phase.outage is not None:
        yield from _outage(phase.outage, phase.lost_share)
    if phase.longest_stale:
        yield f"  stale for up to {milliseconds(phase.longest_stale)} after the flip"
        yield f"  the last visitor got the new release {milliseconds(phase.convergence)} after a flip"
    if facts.late:
        yield f"  {plural(facts.late, 'flip')} began late"
    if went_on := words.extended(phase):
        yield f"  {went_on}"
    for expectation in phase.expectations:
        yield f"  {_expectation(expectation):<58} {expectation.verdict}"
    for fault in phase.not_judged:
        yield f"  {fault + ': not judged':<58} -"
    for trouble in phase.troubles:
        yield f"  ! {trouble}"
    if facts.said:
        yield "  ! the last lines that the command printed:"
        yield from (f"    | {line}" for line in facts.said)


def _outage(outage: Outage, lost_share: float) -> Iterator[str]:
    if not outage.us:
        yield f"  nothing lost; outage per flip below {_number(outage.upper95)} us (95 %)"
        return
    yield (
        f"  lost {100 * lost_share:.3f} %, outage per flip {_number(outage.us)} us "
        f"(95 %: {_number(outage.lower95)} to {_number(outage.upper95)})"
    )
    for rate in RATES:
        yield f"    at {rate:,} requests/s: {requests_lost(outage.us, rate)}"


def _expectation(expectation: Expectation) -> str:
    text = f"{expectation.fault}: {expectation.observed}"
    if expectation.unexplained:
        at_flips = expectation.observed - expectation.unexplained
        text += f", {at_flips} at {plural(expectation.harmful_flips, 'flip')}, {expectation.unexplained} at none"
    elif expectation.observed:
        text += f" at {plural(expectation.harmful_flips, 'flip')}"
    return f"{text}; expected: {expectation.expected}"


def _number(number: float) -> str:
    return f"{number:.1f}" if number >= 10 else f"{number:.2g}"


def plural(count: int, noun: str) -> str:
    """The count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def milliseconds(nanoseconds: int) -> str:
    """A time as people read it."""
    return f"{nanoseconds / 1e6:.1f} ms" if nanoseconds < 10_000_000_000 else f"{nanoseconds / 1e9:.1f} s"


def label(kind: str, answer: str) -> str:
    """A line's name in the manner of a load tool: [200] for a status, [200 torn] where the status hides it."""
    status, _, _ = answer.partition(" ")
    shown = status if status.isdigit() else answer
    if kind not in ("ok", "lost"):
        shown = f"{shown} {kind}"
    return f"[{shown}]"
