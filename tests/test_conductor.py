"""A run that cannot begin says so, and keeps nobody waiting."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gevent
import pytest

from locust_cutover import scenario as scenarios
from locust_cutover.conductor import Conductor
from locust_cutover.history import History
from locust_cutover.lab import Lab
from locust_cutover.nodes import Nodes
from locust_cutover.result import Result
from locust_cutover.venue import SetUpError
from locust_cutover.visit import Marks


@pytest.mark.parametrize("step", ["set_up", "examine", "clear_up"])
def test_what_nobody_thought_of_is_told_and_no_result_is_made_of_the_run_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Exit code 3, and the history of the run before is as it was; the nodes still have its counts, too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "scenario.yaml"
    path.write_text("phases: [{strategy: atomic, every: 2ms, flips: 50}]\n")
    scenario = scenarios.load(str(path))
    nodes = Nodes(lambda message, name: None, list)
    nodes.begin(scenario, Marks("(?!)", 0), None)
    (tmp_path / "run.jsonl").write_text("of the run before")
    over: list[Result] = []
    conductor = Conductor(
        scenario, nodes, patience=5, history=lambda: History(tmp_path / "run.jsonl"), finished=over.append
    )

    def fail(*_: Any) -> None:
        raise RuntimeError("so it is")

    def clear_up(lab: Lab) -> None:
        own_clear_up(lab)
        fail()

    own_clear_up = Lab.clear_up
    monkeypatch.setattr(Lab, "examine" if step == "clear_up" else step, fail)
    if step == "clear_up":
        monkeypatch.setattr(Lab, step, clear_up)
    with gevent.Timeout(60), pytest.raises(SetUpError, match="the run could not begin: so it is") as caught:
        conductor.start()
    assert caught.value.exit_code == 3
    assert not over
    assert conductor.so_far() is None
    assert (tmp_path / "run.jsonl").read_text() == "of the run before"


def test_a_history_whose_run_fails_at_its_first_line_has_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was opened, so it is closed: a file that was cut off is told from one that was ended."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "scenario.yaml"
    path.write_text("phases: [{strategy: atomic, every: 2ms, flips: 50}]\n")

    def fail(*_: Any) -> None:
        raise RuntimeError("so it is")

    nodes = Nodes(fail, list)
    conductor = Conductor(scenarios.load(str(path)), nodes, patience=5, history=lambda: History(tmp_path / "run.jsonl"))
    with gevent.Timeout(60), pytest.raises(SetUpError):
        conductor.start()
    assert (tmp_path / "run.jsonl").read_text() == '{"op":"end","visits":0}\n'
