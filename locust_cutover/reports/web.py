"""The result as tables of Locust's web UI: what its `extended_tabs`, `extended_tables` and `extended_stats` take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from locust_cutover.judging.fliptable import NEWEST
from locust_cutover.judging.verdict import Expectation, PhaseVerdict, State
from locust_cutover.reports import words
from locust_cutover.result import Result

TABLES = {
    "Answers": {
        "phase": "Phase",
        "kind": "Kind",
        "answer": "Answer",
        "count": "Count",
        "share": "Share of the phase (%)",
    },
    "Flips": {
        "phase": "Phase",
        "flip": "Flip",
        "time": "Time from the start (s)",
        "release": "Release",
        "took": "Took (µs)",
        "cost": "What it cost",
        "visits": "Visits that met it",
        "outcome": "Outcome",
        "flip_phase": "Phase of the flip",
    },
    "Verdict": {
        "phase": "Phase",
        "expectation": "Expectation",
        "observed": "Observed",
        "where": "Where",
        "verdict": "Verdict",
        "visits": "Visits",
        "flips": "Flips",
        "met": "Met by visits",
        "bound": "Harmful flips",
        "outage": "Outage per flip (95 %)",
        "why": "Why",
    },
}
"""By tab: its columns, by the key that they have in a row. None is called `name`: Locust would sort by it."""


def template_args() -> dict[str, Any]:
    """What the page is told once: our tabs and their columns."""
    return {
        "extended_tabs": [{"title": tab, "key": _key(tab)} for tab in TABLES],
        "extended_tables": [
            {"key": _key(tab), "structure": [{"key": key, "title": title} for key, title in columns.items()]}
            for tab, columns in TABLES.items()
        ],
    }


def extended_stats(result: Result | None, trouble: str = "") -> list[dict[str, Any]]:
    """What the page asks for again and again: the rows of each tab.

    The result may be that of a run which still lasts; `trouble` says why there is none.
    """
    rows: dict[str, Iterable[dict[str, Any]]] = {"Answers": [], "Flips": [], "Verdict": []}
    if result is not None:
        rows = {"Answers": _answers(result), "Flips": _flips(result), "Verdict": _verdict(result)}
    elif trouble:
        rows["Verdict"] = [{"phase": "whole run", "verdict": "no run", "why": trouble}]
    return [{"key": _key(tab), "data": list(rows[tab])} for tab in TABLES]


def _key(tab: str) -> str:
    """The tab's name in the page's address."""
    return tab.lower()


def _answers(result: Result) -> Iterator[dict[str, Any]]:
    for phase in result.phases:
        for kind, answer, count in phase.answers:
            yield {
                "phase": phase.phase.name,
                "kind": kind,
                "answer": answer,
                "count": count,
                "share": round(100 * count / phase.visits, 3),
            }


def _flips(result: Result) -> Iterator[dict[str, Any]]:
    """The newest harmful flips, the last one first; no more than the page can show."""
    names = [phase.phase.name for phase in result.phases]
    tables = reversed(list(enumerate(result.flips)))
    rows = ((index, row) for index, table in tables for row in table.newest_harmful())
    for index, row in islice(rows, NEWEST):
        yield {
            "phase": names[index],
            "flip": row.flip.number or "repair",
            "time": round((row.flip.invoked - result.began) / 1e9, 3),
            "release": row.flip.release,
            "took": round((row.flip.completed - row.flip.invoked) / 1e3, 1),
            "cost": words.cost(row),
            "visits": row.visits,
            "outcome": row.flip.outcome,
            "flip_phase": names[row.flip.phase],
        }


def _verdict(result: Result) -> Iterator[dict[str, Any]]:
    lasts = any(phase.facts.state.lasts for phase in result.phases)
    reasons = [] if lasts else [words.sentence(result)]
    yield {
        "phase": "whole run",
        "expectation": f"{result.scenario.name} on {result.server}, {words.many(result.users, 'user')}",
        "verdict": words.STATES[State.RUNNING] if lasts and result.verdict != "violated" else result.verdict,
        "visits": sum(phase.visits for phase in result.phases),
        "flips": sum(phase.facts.flips for phase in result.phases),
        "why": "; ".join([*reasons, *result.notes]),
    }
    for phase in result.phases:
        for expectation in phase.expectations:
            yield _expectation(phase, expectation)


def _expectation(phase: PhaseVerdict, expectation: Expectation) -> dict[str, Any]:
    state, why = phase.facts.state, words.troubles(phase)
    verdict: str = expectation.verdict
    if state.lasts:
        why = list(phase.troubles)
        verdict = verdict if verdict == "violated" else words.STATES[state]
    row = {
        "phase": phase.phase.name,
        "expectation": words.expected(expectation),
        "observed": expectation.observed,
        "where": words.where(expectation).removeprefix(":").strip(),
        "verdict": verdict,
        "visits": phase.visits,
        "flips": phase.facts.flips,
        "met": phase.met_flips,
        "bound": words.bound(expectation, phase),
        "why": "; ".join([*why, *words.facts(phase, expectation.fault)]),
    }
    if expectation.fault == "lost" and phase.outage is not None:
        row["outage"] = words.outage(phase.outage)
    return row
