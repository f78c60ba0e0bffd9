"""The result as JUnit XML, as CI systems read it: a suite for each phase, a test case for each expectation.

The form is that of Jenkins' junit-10.xsd, which Maven Surefire, GitLab and the actions for GitHub share.
A violated expectation is a failure: the test said no. An inconclusive one is an error: there was no test. So no
CI system takes a run that has measured nothing for one that passed, and each still tells the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from locust_cutover.judging.faults import Fault
from locust_cutover.judging.verdict import Expectation, PhaseVerdict
from locust_cutover.reports import words
from locust_cutover.reports.markup import Markup, element
from locust_cutover.result import Result


def render(result: Result) -> str:
    """The whole file."""
    suites = [_suite(result, phase) for phase in result.phases]
    document = element(
        "testsuites",
        *suites,
        name=f"locust-cutover: {result.scenario.name}",
        time=_seconds(sum(phase.facts.seconds for phase in result.phases)),
        **_counts(result.phases),
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'


def _suite(result: Result, phase: PhaseVerdict) -> Markup:
    facts = {"scenario": str(result.scenario.path), "server": result.server, "visits": phase.visits}
    facts |= {"flips": phase.facts.flips, "met_flips": phase.met_flips, "extended": phase.facts.extended}
    return element(
        "testsuite",
        element("properties", *(element("property", name=name, value=value) for name, value in facts.items())),
        *(_case(result, phase, expectation) for expectation in phase.expectations),
        *(_skipped(result, phase, fault) for fault in phase.not_judged),
        name=phase.phase.name,
        time=_seconds(phase.facts.seconds),
        timestamp=result.started.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
        # The schema has this number here and not for the whole.
        skipped=len(phase.not_judged),
        **_counts([phase]),
    )


def _case(result: Result, phase: PhaseVerdict, expectation: Expectation) -> Markup:
    seen, bound = words.seen(phase, expectation), words.bound(expectation, phase)
    if expectation.expected == "some" and expectation.verdict == "held":
        seen = f"the control showed {seen}, as it must"
    facts = words.facts(phase, expectation.fault)
    if expectation.fault == "lost" and phase.facts.flips:
        facts.insert(0, f"outage per flip (95 %): {words.outage(phase.outage)}")
    said = "; ".join([seen, bound, *facts])
    outcome = Markup("")
    if expectation.verdict == "violated":
        outcome = element("failure", said, message=f"{seen}; none was expected; {bound}", type="violated")
    elif expectation.verdict == "inconclusive":
        reason = "; ".join([*words.troubles(phase), *result.problems]) or "not known"
        outcome = element("error", said, message=f"inconclusive: {reason}", type="inconclusive")
    return element(
        "testcase",
        outcome,
        element("system-out", said) if expectation.verdict == "held" else Markup(""),
        name=f"{expectation.fault}: {expectation.expected}",
        classname=_class(result, phase),
        time=_seconds(phase.facts.seconds),
    )


def _skipped(result: Result, phase: PhaseVerdict, fault: Fault) -> Markup:
    return element(
        "testcase",
        element("skipped", message="; ".join(result.notes)),
        name=f"{fault}: {phase.phase.expect[fault]}",
        classname=_class(result, phase),
        time=_seconds(phase.facts.seconds),
    )


def _class(result: Result, phase: PhaseVerdict) -> str:
    """CI systems group by the part before the last dot."""
    return f"{result.scenario.name}.{phase.phase.name.replace('.', '_')}"


def _counts(phases: Sequence[PhaseVerdict]) -> dict[str, int]:
    verdicts = [expectation.verdict for phase in phases for expectation in phase.expectations]
    return {
        "tests": len(verdicts) + sum(len(phase.not_judged) for phase in phases),
        "failures": verdicts.count("violated"),
        "errors": verdicts.count("inconclusive"),
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
