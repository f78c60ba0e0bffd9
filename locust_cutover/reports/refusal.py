"""The files of a run without a result: they say that nothing was proved, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass

from locust_cutover.judging.verdict import Verdict
from locust_cutover.reports import html
from locust_cutover.reports.markup import element
from locust_cutover.reports.summary import ICONS, plain
from locust_cutover.result import machine, versions

VERDICT: Verdict = "inconclusive"
"""Also if the exit code is 2, which says whose fault it is."""


@dataclass(frozen=True)
class Refusal:
    """Why there is no result."""

    scenario: str
    """The name as given; there may be no such scenario."""
    trouble: str
    exit_code: int
    began: bool = False
    """Whether visits were made; their counts are lost."""

    @property
    def headline(self) -> str:
        """In one line."""
        return "the run ended without a result" if self.began else "the run did not begin"


def as_json(refusal: Refusal) -> str:
    """PREFIX_verdict.json, without phases and with the trouble."""
    facts: dict[str, object] = {
        "verdict": VERDICT,
        "exit_code": refusal.exit_code,
        "trouble": refusal.trouble,
        "scenario": {"name": refusal.scenario},
        "phases": [],
        "versions": versions(),
        "machine": machine(),
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def as_junit(refusal: Refusal) -> str:
    """One test case with an error: there was no test."""
    counts = {"tests": 1, "failures": 0, "errors": 1}
    error = element("error", refusal.trouble, message=f"{refusal.headline}: {refusal.trouble}", type=VERDICT)
    case = element(
        "testcase",
        error,
        name="the run has a result" if refusal.began else "the run begins",
        classname=refusal.scenario,
    )
    suite = element("testsuite", case, name=refusal.scenario, **counts)
    document = element("testsuites", suite, name=f"locust-cutover: {refusal.scenario}", **counts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'


def as_summary(refusal: Refusal) -> str:
    """A heading and the trouble, between empty lines."""
    heading = f"### {ICONS[VERDICT]} {plain(f'{refusal.scenario}: {refusal.headline}')}"
    return f"\n{heading}\n\n{plain(refusal.trouble)}\n\n"


def as_html(refusal: Refusal) -> str:
    """A page with these two."""
    return html.page(
        f"{refusal.scenario}: {VERDICT}",
        element("h1", refusal.scenario),
        html.headline(VERDICT, f"{refusal.headline[0].upper()}{refusal.headline[1:]}: {refusal.trouble}"),
    )
