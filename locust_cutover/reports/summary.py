"""The result as Markdown, in the dialect of GitHub and GitLab: to be appended to the summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Sequence

from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.verdict import PhaseVerdict
from locust_cutover.reports import words
from locust_cutover.reports.markup import text as as_text
from locust_cutover.result import Result

ICONS = {"held": "✅", "violated": "❌", "inconclusive": "❔"}

# GitHub and GitLab make links, emoji and formulas of the text that Markdown has left, where no backslash is seen any
# more: mentions, issues and the like, :smile:, $x$, addresses. A sign in an element of its own is no part of these.
_SIGN = re.compile(r"([@#$^~]|[!%&](?=[\w\"])|:(?=\S)|(?<=\bwww)\.|(?<=\bG[HL])-(?=\d))", re.IGNORECASE)


def render(result: Result) -> str:
    """Verdict, expectations and answers; begins and ends with an empty line, as what stands around it may need."""
    lines = [
        f"### {ICONS[result.verdict]} {plain(words.sentence(result))}",
        "",
        plain(f"{result.scenario.name} on {result.server}, {words.many(result.users, 'user')}"),
        "",
        *_table(
            ["phase", "expected", "seen", "harmful flips", "verdict"],
            [
                [
                    phase.phase.name,
                    words.expected(expectation),
                    words.seen(phase, expectation),
                    words.bound(expectation, phase),
                    f"{ICONS[expectation.verdict]} {expectation.verdict}",
                ]
                for phase in result.phases
                for expectation in phase.expectations
            ],
        ),
        "",
        *_table(
            ["phase", "visits", "flips", "met by visits", "outage per flip (95 %)", "answers"],
            [
                [
                    phase.phase.name,
                    words.count(phase.visits),
                    words.count(phase.facts.flips),
                    words.count(phase.met_flips),
                    words.outage(phase.outage),
                    _answers(phase),
                ]
                for phase in result.phases
            ],
        ),
    ]
    troubles = [
        f"- {plain(f'{phase.phase.name}: {trouble}')}" for phase in result.phases for trouble in words.troubles(phase)
    ]
    troubles += [
        f"- {plain(f'{phase.phase.name}: {fact}')}"
        for phase in result.phases
        for fault in FAULTS
        for fact in words.facts(phase, fault)
    ]
    troubles += [
        f"- {plain(f'{phase.phase.name}: {went_on}')}" for phase in result.phases if (went_on := words.extended(phase))
    ]
    troubles += [f"- {plain(note)}" for note in (*result.problems, *result.notes)]
    if troubles:
        lines += ["", *troubles]
    if any(phase.facts.flips for phase in result.phases):
        lines += ["", plain(words.BOUNDS)]
    return "\n" + "\n".join(lines) + "\n\n"


def plain(string: str) -> str:
    """The text as Markdown that shows it as it is: on one line, with nothing in it taken for markup or made a link."""
    pieces = _SIGN.split(" ".join(string.split()))
    shown = "".join(f"<span>{_escaped(piece)}</span>" if n % 2 else _escaped(piece) for n, piece in enumerate(pieces))
    # At the start a list could begin.
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", shown)


def _escaped(piece: str) -> str:
    # What could begin code, emphasis, a link or a cell. HTML's own characters become references.
    return as_text(re.sub(r"[\\`*_\[\]|~]", r"\\\g<0>", piece))


def _answers(phase: PhaseVerdict) -> str:
    return (
        ", ".join(f"{words.answer(kind, answer)} {words.count(count)}" for kind, answer, count in phase.answers)
        or "none"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *([plain(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]
