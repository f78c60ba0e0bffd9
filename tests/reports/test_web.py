"""The tables of the web UI: each tab has its rows, of a run that is over, that lasts, or that never began."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from locust_cutover.judging.fliptable import NEWEST
from locust_cutover.judging.toll import Toll
from locust_cutover.judging.verdict import State
from locust_cutover.reports import web, words
from locust_cutover.result import Result
from tests.reports.counts import Run, flip, phase, run
from tests.reports.runs import lived_on
from tests.reports.texts import STRANGE


def tables(result: Result | None, trouble: str = "") -> dict[str, list[dict[str, Any]]]:
    """The rows by tab, as the page gets them."""
    return {table["key"]: table["data"] for table in json.loads(json.dumps(web.extended_stats(result, trouble)))}


def test_each_tab_has_a_table_and_rows_of_its_columns() -> None:
    """Locust finds them by the same key, and a row has nothing that no column shows."""
    args = web.template_args()
    structures = {table["key"]: table["structure"] for table in args["extended_tables"]}
    assert [tab["title"] for tab in args["extended_tabs"]] == ["Answers", "Flips", "Verdict"]
    rows = tables(run().result())
    assert [tab["key"] for tab in args["extended_tabs"]] == list(structures) == list(rows)
    for key, structure in structures.items():
        columns = [column["key"] for column in structure]
        assert "name" not in columns  # Locust would sort by it
        assert rows[key]
        for row in rows[key]:
            assert set(row) <= set(columns)


def test_the_answers_are_those_of_each_phase_with_their_share() -> None:
    """The most frequent first; the shares of a phase are 100 %."""
    rows = tables(run().result())["answers"]
    assert rows[0] == {"phase": "forced", "kind": "ok", "answer": "200 OK", "count": 904, "share": 98.582}
    for name in ("forced", "fast"):
        assert sum(row["share"] for row in rows if row["phase"] == name) == pytest.approx(100, abs=0.01)


def test_the_flips_are_the_harmful_ones_with_the_newest_first() -> None:
    """When, to which release, how long it took and what it cost."""
    rows = tables(run().result())["flips"]
    assert [(row["phase"], row["flip"], row["cost"]) for row in rows] == [
        ("fast", 4, "1 lost"),
        ("forced", 3, "3 torn"),
        ("forced", 2, "2 stale"),
        ("forced", 1, "7 lost"),
    ]
    assert rows[1] == {
        "phase": "forced",
        "flip": 3,
        "time": 1.56,
        "release": "b",
        "took": 40.2,
        "cost": "3 torn",
        "visits": 3,
        "outcome": "Permission denied",
        "flip_phase": "forced",
    }


def test_a_flip_of_the_phase_before_is_called_so() -> None:
    """It stands under the phase whose visits it made stale."""
    rows = tables(lived_on())["flips"]
    assert [(row["phase"], row["flip"], row["flip_phase"], row["cost"]) for row in rows] == [
        ("second", 1, "second", "1 lost, 1 torn, 4 stale"),
        ("second", "repair", "second", "1 lost"),
        ("second", 2, "first", "12 stale"),
        ("first", 2, "first", "6 stale"),
    ]


def test_a_flip_that_did_several_kinds_of_harm_says_all() -> None:
    """And a repair is called one."""
    changed = Run(phase("forced")).flips(flip(1))
    changed.visits("lost", "404 Not Found", 2, at=flip(1)).visits("torn", "200 OK", 1, at=flip(1))
    changed.visits("lost", "404 Not Found", 1, at=flip(0))
    assert [(row["flip"], row["cost"]) for row in tables(changed.result())["flips"]] == [
        (1, "2 lost, 1 torn"),
        ("repair", "1 lost"),
    ]


def test_no_more_flips_than_the_page_can_show() -> None:
    """The newest of all phases together."""
    changed = Run(phase("first"), phase("second"))
    for index in (0, 1):
        for number in range(1, NEWEST):
            changed.flips(flip(number, index))
            changed.tables[index].count(flip(number, index), Toll(1, (1, 0, 0)))
    rows = tables(changed.result())["flips"]
    assert len(rows) == NEWEST
    assert [(row["phase"], row["flip"]) for row in (rows[0], rows[-1])] == [
        ("second", NEWEST - 1),
        ("first", NEWEST - 1),
    ]


def test_the_verdict_has_a_row_for_the_run_and_one_for_each_expectation() -> None:
    """With the bounds; the outage stands where something can be lost."""
    rows = tables(run().result())["verdict"]
    assert [(row["phase"], row["expectation"], row["verdict"]) for row in rows] == [
        ("whole run", "two on nginx 1.22.1, 10 users", "violated"),
        ("forced", "lost: some (the control)", "inconclusive"),
        ("forced", "torn: any", "inconclusive"),
        ("forced", "stale: none", "violated"),
        ("fast", "lost: some (the control)", "held"),
        ("fast", "torn: any", "held"),
        ("fast", "stale: none", "held"),
    ]
    assert rows[0]["why"] == words.sentence(run().result())
    assert rows[1]["why"].startswith("1 of 3 flips failed; background: 1 of 901 visits away from flips lost")
    assert (rows[1]["where"], rows[1]["met"]) == ("7 at 1 flip, 1 not near any flip", 3)
    assert rows[3]["where"] == "after 1 flip"
    assert "; not converged: still stale 9 µs after the flip, when the next flip came" in rows[3]["why"]
    assert rows[4]["observed"] == 1
    assert rows[4]["bound"] == "1 of 1 flip harmful; no visit met the other 4"
    assert [("outage" in row) for row in rows] == [False, True, False, False, True, False, False]
    assert " to " in rows[4]["outage"]


def test_a_run_that_lasts_has_not_held_yet_but_may_be_violated() -> None:
    """What is not over says so in place of a verdict; a fault where none was expected stays one."""
    lasting = run()
    lasting.facts[0].state, lasting.facts[1].state = State.RUNNING, State.WAITING
    running, waiting = words.STATES[State.RUNNING], words.STATES[State.WAITING]
    rows = tables(lasting.result())["verdict"]
    verdicts = [row["verdict"] for row in rows]
    assert verdicts == ["violated", running, running, "violated", waiting, waiting, waiting]
    assert [row.get("why", "").partition("; ")[0] for row in rows[3:5]] == ["1 of 3 flips failed", ""]


def test_a_run_that_lasts_without_a_fault_is_running() -> None:
    """The run as a whole, too; between two phases as well."""
    for state in (State.RUNNING, State.WAITING):
        lasting = Run(phase("forced")).visits("ok", "200 OK", 5)
        lasting.facts[0] = replace(lasting.facts[0], state=state)
        assert tables(lasting.result())["verdict"][0]["verdict"] == words.STATES[State.RUNNING]


def test_without_a_run_the_tables_are_empty_or_say_why() -> None:
    """Before the first start, and after one that came to nothing."""
    assert tables(None) == {"answers": [], "flips": [], "verdict": []}
    assert tables(None, "nginx is not installed")["verdict"] == [
        {"phase": "whole run", "verdict": "no run", "why": "nginx is not installed"}
    ]


@pytest.mark.parametrize("text", STRANGE)
def test_strange_texts_reach_the_page_as_they_are(text: str) -> None:
    """It shows texts as text: nothing is escaped twice."""
    changed = Run(phase(text)).flips(flip(1, release=text)).visits("lost", text, 1, at=flip(1, release=text))
    rows = tables(changed.result(server=text))
    assert (rows["answers"][0]["phase"], rows["answers"][0]["answer"]) == (text, "other")
    assert rows["flips"][0]["release"] == text
    assert text in rows["verdict"][0]["expectation"]
