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
    """Exit code 3, the cause in the log, and a history that has its end; the nodes still have the last run's counts."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "scenario.yaml"
    path.write_text("phases: [{strategy: atomic, every: 2ms, flips: 50}]\n")
    scenario = scenarios.load(str(path))
    nodes = Nodes(lambda message, name: None, list)
    nodes.begin(scenario, Marks("(?!)", 0), None)
    over: list[Result] = []
    history = History(tmp_path / "run.jsonl")
    conductor = Conductor(scenario, nodes, patience=5, history=history, finished=over.append)

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
    assert (tmp_path / "run.jsonl").read_text() == '{"op":"end","visits":0}\n'
