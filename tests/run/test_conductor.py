"""A run that cannot begin says so, and keeps nobody waiting."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gevent
import pytest

from locust_cutover.history import History, OverLine, RunLine, name_of, read
from locust_cutover.judging.verdict import ExitCode, State
from locust_cutover.nodes.owner import Nodes
from locust_cutover.result import Result
from locust_cutover.run import conductor as module
from locust_cutover.run.conductor import Conductor, Progress
from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.model import Phase
from locust_cutover.servers.embedded import Embedded
from locust_cutover.servers.server import NotInstalledError, ServerError
from locust_cutover.venues.venue import SetUpError
from tests.run.fakes import FakeCompanion, FakeNodes, FakeStage, Log, flip, phase, ready, scenario, told


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


# With fakes around it.


class Rig:
    """A conductor on a fake stage; what it tells goes to `told`, what is done to `log`."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *phases: Phase,
        seed: int | None = 7,
        folder: Path | None = None,
        broken: dict[str, Exception] | None = None,
    ) -> None:
        self.log: Log = []
        self.told: list[Result | str] = []
        self.progress: list[Progress] = []
        self.nodes = FakeNodes(self.log)
        self.companions = [FakeCompanion(self.log, [ready(), told(flip(1), flip(2, "a", 150))]) for _ in phases]
        self.stage = FakeStage(self.log, self.companions, broken or {})
        monkeypatch.setattr(module, "Stage", lambda *_: self.stage)
        monkeypatch.setattr(Phase, "aftermath", 0)
        self.conductor = Conductor(
            scenario(*phases, seed=seed),
            self.nodes,
            users=5,
            history=None if folder is None else lambda: History(folder / "run.jsonl"),
            progress=self.progress.append,
            finished=self.told.append,
            failed=self.told.append,
        )

    def run(self) -> Result:
        """From its start to its end; the only thing that it tells."""
        with gevent.Timeout(20):
            self.conductor.start()
            self.conductor.users_are_there(3)
            while not self.told:
                gevent.sleep(0.001)
        (result,) = self.told
        assert isinstance(result, Result)
        return result

    def states(self) -> list[State]:
        """How far each phase is by now."""
        so_far = self.conductor.so_far()
        return [phase.facts.state for phase in so_far.phases] if so_far else []


def test_a_run_is_set_up_played_phase_by_phase_cleared_up_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that is known of it."""
    rig = Rig(monkeypatch, phase("forced"), phase("atomic"))
    result = rig.run()
    one = ["start", "know 50", "know B A 200", "stop", "know all"]
    assert rig.log == [
        "set up",
        *("companion", "open 0", *one, "close 0", "collect 0"),
        *("companion", "open 1", *one, "close 1", "collect 1"),
        "clear up",
    ]
    assert [phase.facts.flips for phase in result.phases] == [2, 2]
    assert (result.server, result.url, result.users, result.seed) == ("fake 1.0", "http://fake", 5, 7)
    assert rig.conductor.url == "http://fake"
    assert [(told.number, told.phases, told.flips, told.over) for told in rig.progress] == [
        (1, 2, 2, True),
        (2, 2, 2, True),
    ]


def test_more_users_than_were_asked_for_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a shape of the user's own."""
    rig = Rig(monkeypatch, phase())
    rig.conductor.users_are_there(9)
    assert rig.run().users == 9


def test_each_phase_has_a_seed_of_its_own_made_from_the_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one each run draws one, for all of its phases."""
    given = Rig(monkeypatch, phase(), phase())
    assert given.run().seed == 7
    assert given.stage.seeds == [7, 8]
    monkeypatch.setattr(module, "draw_seed", lambda: 40)
    drawn = Rig(monkeypatch, phase(), phase(), seed=None)
    assert drawn.run().seed == 40
    assert drawn.stage.seeds == [40, 41]


def test_while_it_lasts_each_phase_has_a_state_and_nothing_has_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting, running, over; after a cut, not run."""
    rig = Rig(monkeypatch, phase("forced"), phase("atomic"), phase("last"))
    assert rig.states() == []
    rig.companions[1].over_at_once = False
    rig.conductor.start()
    assert rig.states() == [State.WAITING] * 3
    rig.conductor.users_are_there(3)
    rig.companions[1].ready.wait(20)
    assert rig.states() == [State.OVER, State.RUNNING, State.WAITING]
    rig.conductor.cut()
    (result,) = rig.told
    assert isinstance(result, Result)
    assert [phase.facts.state for phase in result.phases] == [State.OVER, State.CUT_SHORT, State.NOT_RUN]
    assert rig.log[-1] == "clear up"


def test_what_goes_wrong_outside_the_phases_ends_the_run_and_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the users are there, no phase is played."""
    rig = Rig(monkeypatch, phase())
    rig.conductor.start()
    rig.conductor.fail("the users could not be spawned")
    rig.conductor.cut()
    (result,) = rig.told
    assert isinstance(result, Result)
    assert result.problems == ("the users could not be spawned",)
    assert result.phases[0].facts.state is State.NOT_RUN
    assert rig.log == ["set up", "clear up"]


@pytest.mark.parametrize(
    ("step", "problems", "trouble"),
    [
        ("companion", (), "the phase could not be played: so it is"),
        ("clear_up", ("the site could not be cleared up: RuntimeError('so it is')",), ""),
    ],
)
def test_an_error_of_our_own_after_the_begin_is_in_the_result(
    monkeypatch: pytest.MonkeyPatch, step: str, problems: tuple[str, ...], trouble: str
) -> None:
    """Nobody is let in any more, and everything is cleared up."""
    rig = Rig(monkeypatch, phase(), phase(), broken={step: RuntimeError("so it is")})
    result = rig.run()
    assert result.problems == problems
    assert result.phases[0].facts.trouble == trouble
    assert result.verdict == "inconclusive"
    assert rig.log[-1] == "clear up"
    if step == "companion":
        assert rig.log[2:] == ["know no more", "close 0", "clear up"]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SetUpError("site.url: refused", ExitCode.WRONG), 2, "site.url: refused"),
        (NotInstalledError("install nginx"), 2, "install nginx"),
        (ServerError("nginx: died"), 3, "the site cannot be set up: nginx: died"),
        (OSError("disk full"), 3, "the site cannot be set up: disk full"),
        (RuntimeError("so it is"), 3, "the run could not begin: so it is"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_run_that_cannot_begin_says_why_clears_up_and_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    """The history of the run before stays as it was, and the nodes still have its counts."""
    (tmp_path / "run.jsonl").write_text("of the run before")
    rig = Rig(monkeypatch, phase(), folder=tmp_path, broken={"set_up": error})
    with gevent.Timeout(20), pytest.raises(SetUpError) as caught:
        rig.conductor.start()
    assert (str(caught.value), caught.value.exit_code) == (said, code)
    assert rig.log == ["set up", "clear up"]
    assert rig.told == []
    assert rig.states() == []
    assert (tmp_path / "run.jsonl").read_text() == "of the run before"


def test_a_result_that_cannot_be_put_together_is_told_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locust waits for one of the two."""

    def fail(*_: Any) -> None:
        raise RuntimeError("so it is")

    rig = Rig(monkeypatch, phase())
    monkeypatch.setattr(module, "assemble", fail)
    rig.conductor.start()
    with gevent.Timeout(20):
        rig.conductor.cut()
    assert rig.told == ["the result could not be put together: RuntimeError('so it is')"]


def test_the_history_has_the_run_from_its_first_line_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that `check` needs."""
    result = Rig(monkeypatch, phase(), folder=tmp_path).run()
    operations = list(read(tmp_path / "run.jsonl"))
    first, over = operations[0], operations[-2]
    assert [name_of(operation) for operation in operations] == [
        "run",
        "open",
        "start",
        "flip",
        "flip",
        "close",
        "over",
        "end",
    ]
    assert isinstance(first, RunLine)
    assert first.releases == ["A", "B"]
    assert (first.what.server, first.what.users, first.what.seed) == ("fake 1.0", 5, 7)
    assert (first.what.url, first.what.began) == ("http://fake", result.began)
    assert isinstance(over, OverLine)
    assert over.phases[0].flips == 2
