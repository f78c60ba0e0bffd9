"""A run that cannot begin says so, and keeps nobody waiting."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gevent
import pytest

from locust_cutover.client.marks import Marks
from locust_cutover.history import History
from locust_cutover.nodes.owner import Nodes
from locust_cutover.result import Result
from locust_cutover.run.conductor import Conductor
from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.model import Phase
from locust_cutover.servers.embedded import Embedded
from locust_cutover.venues.companion import Companion
from locust_cutover.venues.lab import Lab
from locust_cutover.venues.venue import SetUpError


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


@pytest.mark.parametrize("program", ["lnn", "{root}/deploy"])
def test_a_mistyped_command_of_a_later_phase_is_told_before_the_first_flip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """Exit code 2, with the phase, the program and where it was looked for; no server is started."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Embedded, "start", pytest.fail)
    path = tmp_path / "scenario.yaml"
    deploy = f'{{name: deploy, strategy: {{command: ["{program}", "{{target}}"]}}, every: 1s, flips: 1}}'
    path.write_text(f"phases: [{{strategy: atomic, every: 2ms, flips: 50}}, {deploy}]\n")
    conductor = Conductor(scenarios.load(str(path)), Nodes(lambda message, name: None, list), patience=5)
    expected = "phase deploy: command: expected a program, got '.*(lnn': not found in PATH|/deploy': no such file)"
    with gevent.Timeout(60), pytest.raises(SetUpError, match=expected) as caught:
        conductor.start()
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == [path]


def seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str) -> tuple[int | None, list[int]]:
    """The seed in the result of a run of two phases, and those that their switchers got."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "scenario.yaml"
    phases = "[{strategy: atomic, every: 2ms, flips: 2}, {strategy: forced, every: 2ms, flips: 2}]"
    path.write_text(f"{head}phases: {phases}\n")
    given: list[int] = []

    def companion(lab: Lab, phase: Phase, folder: Path, seed: int) -> Companion:
        given.append(seed)
        return own_companion(lab, phase, folder, seed)

    own_companion = Lab.companion
    over: list[Result] = []
    with monkeypatch.context() as patch, gevent.Timeout(60):
        patch.setattr(Lab, "companion", companion)
        nodes = Nodes(lambda message, name: None, list)
        conductor = Conductor(scenarios.load(str(path)), nodes, patience=5, finished=over.append)
        conductor.start()
        conductor.users_are_there(1)
        while not over:
            gevent.sleep(0.01)
    return over[0].seed, given


def test_each_phase_has_a_seed_of_its_own_made_from_the_scenarios(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result says the first of them."""
    assert seeds(tmp_path, monkeypatch, "seed: 7\n") == (7, [7, 8])


def test_without_a_seed_each_run_draws_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, for all of its phases."""
    first, second = seeds(tmp_path, monkeypatch, ""), seeds(tmp_path, monkeypatch, "")
    assert first != second
    for seed, given in (first, second):
        assert seed is not None
        assert given == [seed, seed + 1]
