"""A run ends with files, an exit code and a last line that say the same, and ends Locust's test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
import pytest

from locust_cutover.reports import console, html
from locust_cutover.reports.outputs import Outputs
from locust_cutover.result import Result
from locust_cutover.wiring import locust_csv
from locust_cutover.wiring.ending import Ending
from locust_cutover.wiring.hosts import Hosts
from locust_cutover.wiring.process_end import ProcessEnd
from tests.reports.runs import Told, result
from tests.wiring.fakes import FakeRunner, environment


@dataclass
class Run:
    """The ending of runs in one process, and what it has done to the others."""

    ending: Ending
    end: ProcessEnd
    env: Any
    folder: Path

    @property
    def runner(self) -> FakeRunner:
        """Locust's."""
        gevent.sleep(0)  # it is ended in a greenlet of its own
        runner: FakeRunner = self.env.runner
        return runner

    def verdict(self) -> dict[str, Any]:
        """PREFIX_verdict.json."""
        verdict: dict[str, Any] = json.loads((self.folder / "run_verdict.json").read_text())
        return verdict


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Makes a process whose run has begun, with all files asked for."""
    monkeypatch.setattr(locust_csv, "wait", lambda prefix, requests: True)

    def run(**given: Any) -> Run:
        names = {name: str(tmp_path / f"run.{name}") for name in ("report", "junit", "summary")}
        env = environment(**{"csv_prefix": str(tmp_path / "run"), **names, **given})
        end = ProcessEnd()
        ending = Ending(env, end, Hosts(env))
        ending.begin()
        return Run(ending, end, env, tmp_path)

    return run


def fail(*_: Any, **__: Any) -> Any:
    """Raises an error that nobody expects."""
    raise RuntimeError("planted")


def held() -> Result:
    """The result of a run that held."""
    told = Told("atomic", {"torn": "any", "stale": "any"})
    for at in range(0, 100, 10):
        told.flip(at, "ab"[at // 10 % 2 == 0]).visit(at - 1, "a", took=3)
    made = result(told)
    assert made.verdict == "held"
    return made


def violated() -> Result:
    """The result of a run that was violated."""
    return result(Told("forced").flip(10).visit(9, answer="404 Not Found"))


def test_without_a_run_nothing_was_proved() -> None:
    """Exit code 3, whoever ends Locust."""
    env, end = environment(), ProcessEnd()
    ending = Ending(env, end, Hosts(env))
    assert (end.code, env.process_exit_code) == (3, 3)
    assert end.text.endswith("no run was started")
    ending.begin()
    assert end.code == 3
    assert end.text.endswith("the run did not come to its end")


def test_the_files_of_an_earlier_run_go_when_one_begins(run: Callable[..., Run]) -> None:
    """Nobody takes them for those of this run."""
    made = run()
    made.ending.finish(held())
    assert made.verdict()["verdict"] == "held"
    made.ending.begin()
    assert not (made.folder / "run_verdict.json").exists()
    assert made.ending.result is None


@pytest.mark.parametrize(("result", "code"), [(held, 0), (violated, 1)])
def test_a_result_is_in_the_files_and_on_the_terminal_and_ends_locust(
    run: Callable[..., Run], result: Callable[[], Result], code: int
) -> None:
    """Headless: the report is printed last, after Locust's own tables."""
    made = run()
    made.ending.finish(result())
    assert (made.end.code, made.env.process_exit_code, made.verdict()["exit_code"]) == (code, code, code)
    assert made.end.text.splitlines()[-1].startswith(f"verdict: {made.verdict()['verdict']} (exit code {code})")
    assert made.end.text.count("\n") > 5
    assert made.runner.ended == ["quit"]


@pytest.mark.parametrize(("given", "ended"), [({}, ["stop"]), ({"autostart": True, "autoquit": 0}, ["stop", "quit"])])
def test_with_the_web_ui_locust_goes_on_unless_autoquit_says_otherwise(
    run: Callable[..., Run], capsys: pytest.CaptureFixture[str], given: dict[str, Any], ended: list[str]
) -> None:
    """The report is printed at once."""
    web_ui = type("WebUI", (), {"stop": lambda self: None})()
    made = run(web_ui=web_ui, **given)
    made.ending.finish(held())
    assert "verdict: held (exit code 0)" in capsys.readouterr().out
    assert made.end.text == "verdict: held (exit code 0)"
    gevent.sleep(0)
    gevent.sleep(0)
    assert made.runner.ended == ended


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (html, "--report cannot be made"),
        (console, "the report on the terminal cannot be made"),
        (locust_csv, "--csv: Locust could not write"),
    ],
)
def test_a_report_that_fails_makes_the_run_inconclusive_in_all_others(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, module: Any, reason: str
) -> None:
    """A run whose report is missing has not held."""
    made = run()
    if module is locust_csv:
        monkeypatch.setattr(locust_csv, "wait", lambda prefix, requests: False)
    else:
        monkeypatch.setattr(module, "render", fail)
    made.ending.finish(held())
    assert made.end.code == 3
    assert reason in made.end.text
    assert made.verdict()["verdict"] == "inconclusive"
    assert any(reason in problem for problem in made.verdict()["problems"])
    for name in {"junit", "summary"}:
        assert reason in (made.folder / f"run.{name}").read_text().replace("\\", "")


def test_when_nothing_can_be_reported_the_run_has_no_result(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files say so, and nobody waits for it."""
    made = run()
    monkeypatch.setattr(Outputs, "write", fail)
    made.ending.finish(held())
    assert "could not be reported: RuntimeError('planted')" in made.ending.trouble
    assert (made.end.code, made.verdict()["verdict"]) == (3, "inconclusive")
    assert made.runner.ended == ["quit"]


def test_a_run_that_is_given_up_says_why_everywhere_and_forgets_the_host(run: Callable[..., Run]) -> None:
    """A host typed into Locust's form cannot be deleted there; one of the command line stays."""
    made = run(host="http://given")
    made.env.host = "http://typed"
    made.ending.give_up("nobody serves", 2)
    assert made.ending.trouble == "nobody serves"
    assert (made.end.code, made.end.text) == (2, "verdict: none (exit code 2): nobody serves")
    assert (made.verdict()["exit_code"], made.verdict()["trouble"]) == (2, "nobody serves")
    assert made.env.host == "http://given"
    assert made.runner.ended == ["quit"]


@pytest.mark.parametrize(("result", "code"), [(held, 3), (violated, 1)])
def test_a_failure_of_locust_after_the_result_spoils_one_that_held(
    run: Callable[..., Run], result: Callable[[], Result], code: int
) -> None:
    """What was violated stays so. The summary, which is appended to, has the run once."""
    made = run()
    made.ending.finish(result())
    made.ending.doubt("Locust has failed")
    assert (made.end.code, made.verdict()["exit_code"]) == (code, code)
    assert ("Locust has failed" in made.end.text) == (code == 3)
    assert (made.folder / "run.summary").read_text().count("###") == 1
