"""JUnit XML that CI systems read: valid by their schema, and never green for a run that was not."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from locust_cutover.reports import junit
from locust_cutover.result import Result
from locust_cutover.scenario.external import External
from locust_cutover.scenario.model import Load, Scenario, Site
from tests.reports.runs import Told, held, result, spoiled
from tests.reports.schema import SCHEMA
from tests.reports.texts import HOSTILE


def cases(run: Result) -> dict[tuple[str, str], ElementTree.Element]:
    """The test cases of the file by class and name, after it was found valid."""
    text = junit.render(run)
    SCHEMA.validate(text)
    root = ElementTree.fromstring(text.encode())
    assert root.tag == "testsuites"
    for counted in (root, *root):
        inside = list(counted.iter("testcase"))
        assert counted.get("tests") == str(len(inside))
        assert counted.get("failures") == str(sum(case.find("failure") is not None for case in inside))
        assert counted.get("errors") == str(sum(case.find("error") is not None for case in inside))
    return {(case.get("classname", ""), case.get("name", "")): case for case in root.iter("testcase")}


def violated() -> Told:
    """A lost visit where none was expected."""
    return Told("forced").flip(100).visit(50, "a", "a", times=3).visit(99.5, answer="404 Not Found")


def test_there_is_a_case_for_each_phase_and_expectation() -> None:
    """CI systems show them by scenario and phase."""
    assert list(cases(result(violated(), held()))) == [
        (f"two.{phase}", f"{fault}: none") for phase in ("forced", "atomic") for fault in ("lost", "torn", "stale")
    ]


def test_what_held_passes_and_says_what_was_seen() -> None:
    """A pass is more than nothing."""
    case = cases(result(held()))["two.atomic", "lost: none"]
    assert [part.tag for part in case] == ["system-out"]
    assert case.findtext("system-out") == (
        "none of 200 visits lost; 0 of 50 flips harmful; at most 5.8 % could be (95 %); "
        "outage per flip (95 %): none seen; below 584 µs"
    )


def test_a_control_that_held_says_that_it_is_one() -> None:
    """A pass over lost visits is explained, and has what else there is to say of them."""
    one = spoiled()
    one.flips = [flip._replace(outcome="ok") for flip in one.flips]
    one.visits = [visit for visit in one.visits if "?" not in visit.marks]
    found = cases(result(one))
    said = found["two.all faults", "lost: some"].findtext("system-out") or ""
    assert said.startswith(
        "the control showed 7 of 912 visits lost (0.768 %): 6 at 3 flips, 1 not near any flip, as it must; "
    )
    assert "; outage per flip (95 %): " in said
    assert "; background: 1 of " in said
    assert "; stale for at least " in (found["two.all faults", "stale: any"].findtext("system-out") or "")


def test_what_was_violated_is_a_failure_in_plain_words() -> None:
    """The message says what was seen, and what was expected."""
    found = cases(result(violated()))
    failure = found["two.forced", "lost: none"].find("failure")
    assert failure is not None
    assert failure.get("type") == "violated"
    assert failure.get("message") == ("1 of 4 visits lost (25 %) at 1 flip; none was expected; 1 of 1 flip harmful")
    assert found["two.forced", "torn: none"].find("failure") is None


def test_what_is_inconclusive_is_an_error_and_never_a_pass() -> None:
    """Nothing was measured: the message says why."""
    found = cases(result(Told("cut", trouble="cut short"), Told("empty"), Told("never", trouble="was not run")))
    messages = {
        key[0]: error.get("message") for key, case in found.items() if (error := case.find("error")) is not None
    }
    assert messages == {
        "two.cut": "inconclusive: cut short",
        "two.empty": "inconclusive: no visit was made; no flip was made",
        "two.never": "inconclusive: was not run",
    }
    assert all(case.find("error") is not None for case in found.values())


def test_what_nobody_could_see_is_skipped() -> None:
    """Without a mark only lost is judged; the rest neither passes nor fails."""
    one = held()
    scenario = Scenario(
        "ours", Path("ours.yaml"), "", Site("external", external=External("http://127.0.0.1/")), Load(), (one.phase(),)
    )
    run = result(one, scenario=scenario, judged=("lost",))
    found = cases(run)
    assert [part.tag for key, case in found.items() for part in case] == ["system-out", "skipped", "skipped"]
    assert ElementTree.fromstring(junit.render(run).encode())[0].get("skipped") == "2"


def test_every_kind_of_run_is_valid() -> None:
    """With all faults at once, and with no phase at all."""
    assert len(cases(result(spoiled(), held(), violated()))) == 9
    assert cases(result()) == {}


def test_a_dot_in_the_name_of_a_phase_is_no_package() -> None:
    """CI systems would group by it."""
    assert ("two.v1_2", "lost: none") in cases(result(Told("v1.2")))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    """The file is valid whatever a phase, an answer or a trouble is called."""
    told = Told(text, trouble=text).flip(100, text).visit(99.5, answer=text)
    scenario = Scenario(text, Path(text.replace("\0", "")), text, Site(), Load(), (told.phase(),), text)
    found = cases(result(told, scenario=scenario, server=text))
    assert [case.find("failure") is None for case in found.values()] == [False, True, True]
