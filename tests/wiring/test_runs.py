"""A run begins with a site or is given up with a reason, and the web UI hears of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gevent
import pytest
from locust.runners import STATE_RUNNING

from locust_cutover.venues.venue import SetUpError
from locust_cutover.wiring import runs as module
from locust_cutover.wiring.ending import Ending
from locust_cutover.wiring.process_end import INTERRUPTED, ProcessEnd
from locust_cutover.wiring.runs import Runs
from locust_cutover.wiring.transport import Transport
from tests.reports.runs import Told, result
from tests.whole_runs.runs import write
from tests.wiring.fakes import FakeMaster, FakeRunner, environment

SITE = "http://127.0.0.1:8080"


class FakeConductor:
    """A conductor that sets nothing up; `error` is what goes wrong when it starts."""

    error: BaseException | None = None

    def __init__(self, scenario: Any, nodes: Any, **given: Any) -> None:
        self.given = given
        self.url = given["host"] or SITE
        self.told: list[Any] = []

    def start(self) -> None:
        """Open the history, as the real one does, then fail if the test wants that."""
        if self.given["history"]:
            self.given["history"]().close()
        if self.error:
            raise self.error

    def users_are_there(self, users: int) -> None:
        """Remember it."""
        self.told.append(users)

    def fail(self, problem: str) -> None:
        """Remember it."""
        self.told.append(problem)

    def cut(self) -> None:
        """Remember it."""
        self.told.append("cut")

    def so_far(self) -> Any:
        """A result that is none."""
        return "so far"


@pytest.fixture(autouse=True)
def conducted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run is conducted by a fake."""
    monkeypatch.setattr(module, "Conductor", FakeConductor)
    monkeypatch.setattr(FakeConductor, "error", None)


class Process:
    """The runs of one process, and what they have to do with."""

    def __init__(self, runner: FakeRunner | None = None, **given: Any) -> None:
        self.env = environment(runner, **given)
        self.end = ProcessEnd()
        self.transport = Transport()
        self.transport.connect(self.env)
        self.runs = Runs(self.env, self.transport, self.end)

    @property
    def conductor(self) -> Any:
        """Of the current run."""
        return self.runs._conductor

    @property
    def ending(self) -> Ending:
        """Of its runs."""
        return self.runs._ending


def test_a_run_that_begins_has_a_site_for_its_users() -> None:
    """Whoever waits for the decision goes on, and sees the run."""
    process = Process(num_users=4)
    assert process.runs.so_far() is None
    process.runs.begin()
    process.runs.users_are_there(4)
    assert process.env.host == SITE
    assert process.runs.decided.is_set()
    so_far: Any = process.runs.so_far()
    assert (process.runs.trouble, so_far) == ("", "so far")
    assert process.conductor.told == [4]
    assert process.conductor.given["users"] == 4


def test_a_host_that_was_chosen_is_visited_and_the_site_of_an_earlier_run_is_not_one() -> None:
    """The form of the web UI repeats the URL of the run before."""
    process = Process(host="http://chosen")
    process.runs.begin()
    assert (process.conductor.given["host"], process.env.host) == ("http://chosen", "http://chosen")
    process.env.host = ""
    process.runs.begin()
    assert (process.conductor.given["host"], process.env.host) == (None, SITE)
    process.runs.begin()
    assert process.conductor.given["host"] is None


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        (SetUpError("nobody serves", 2), "nobody serves", 2),
        (SetUpError("no room", 3), "no room", 3),
        (RuntimeError("planted"), "the run could not begin: planted", 3),
        (PermissionError(13, "Permission denied", "a.csv"), "a.csv: the file of an earlier run is in the way", 2),
    ],
)
@pytest.mark.parametrize("web_ui", [None, object()])
def test_a_run_that_cannot_begin_is_given_up(
    monkeypatch: pytest.MonkeyPatch, web_ui: object, error: Exception, said: str, code: int
) -> None:
    """With the web UI, Locust's start ends before it spawns users; a headless Locust quits."""
    monkeypatch.setattr(FakeConductor, "error", error)
    process = Process(web_ui=web_ui)
    if web_ui:
        with pytest.raises(gevent.GreenletExit):
            process.runs.begin()
    else:
        process.runs.begin()
    assert process.runs.trouble.startswith(said)
    assert process.end.code == process.env.process_exit_code == code
    assert process.runs.decided.is_set()
    assert process.runs.so_far() is None
    gevent.sleep(0)
    assert process.env.runner.ended == (["stop"] if web_ui else ["quit"])
    assert process.env.host is None


def test_a_scenario_that_became_wrong_is_given_up_with_its_place(tmp_path: Path) -> None:
    """Exit code 2."""
    process = Process(scenario=write(tmp_path, "phases: 5\n"))
    process.runs.begin()
    assert process.runs.trouble.startswith(f"{tmp_path}/scenario.yaml:1: phases: ")
    assert process.end.code == 2


def test_a_start_that_is_stopped_meanwhile_ends_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locust kills its greenlet that starts; the site must not stay."""
    monkeypatch.setattr(FakeConductor, "error", gevent.GreenletExit())
    process = Process()
    with pytest.raises(gevent.GreenletExit):
        process.runs.begin()
    assert process.conductor.told == ["cut"]
    assert process.runs.refusal("") == ""


def test_users_that_cannot_be_spawned_end_the_run() -> None:
    """The greenlet of Locust that begins the run spawns them, too."""

    def spawn() -> None:
        process.runs.begin()
        raise RuntimeError("planted")

    process = Process()
    gevent.spawn(spawn).join()
    gevent.sleep(0)
    assert process.conductor.told == ["the users could not be spawned: RuntimeError('planted')"]


def test_the_visits_of_this_process_go_to_the_history_unless_workers_make_them(tmp_path: Path) -> None:
    """A master has no visits of its own."""
    for runner, keeps in ((FakeRunner(), True), (FakeMaster(), False)):
        process = Process(runner, history=str(tmp_path / "run.jsonl"))
        process.runs.begin()
        assert (process.transport.recorder.keep is not None) == keeps


def test_a_history_that_cannot_be_opened_prevents_the_run(tmp_path: Path) -> None:
    """Exit code 2, with its name."""
    process = Process(history=str(tmp_path))
    process.runs.begin()
    assert process.runs.trouble == f"--history {tmp_path}: Is a directory"
    assert process.end.code == 2


@pytest.mark.parametrize("reason", ["Locust has failed", INTERRUPTED])
@pytest.mark.parametrize("state", ["no run", "running", "given up", "over"])
def test_a_process_that_fails_ends_its_run_in_the_way_that_fits(state: str, reason: str) -> None:
    """A run goes on to its end with a problem; without one, or when Ctrl-C comes twice, there is no result."""
    process = Process()
    if state != "no run":
        process.runs.begin()
    if state == "given up":
        process.ending.give_up("nobody serves", 2)
    if state == "over":
        process.ending.finish(result(Told("atomic", {"torn": "any", "stale": "any"}).flip(10).visit(9, "a", took=3)))
        assert process.end.code == 0
        assert process.runs.so_far() is process.ending.result is not None
    process.runs.crash(reason)
    if state == "given up":
        assert process.runs.trouble == "nobody serves"
    elif state == "over":
        assert reason in process.end.text
        assert process.end.code == 3
    elif state == "running" and reason != INTERRUPTED:
        assert process.conductor.told == [reason, "cut"]
    else:
        assert process.runs.trouble == reason
        assert process.end.code == 3


def test_a_scenario_that_cannot_be_started_is_refused(tmp_path: Path) -> None:
    """Before Locust starts anything, with the line that the command line would give."""
    process = Process(scenario=write(tmp_path, "phases: [{strategy: atomic, every: 2ms, flips: 5}]\n"))
    assert process.runs.refusal("") == process.runs.refusal("atomic") == ""
    assert process.runs.refusal("atomi").endswith("did you mean atomic?")
    write(tmp_path, "phases: 5\n")
    assert "phases: " in process.runs.refusal("")


def test_while_a_run_lasts_no_other_scenario_can_be_started() -> None:
    """Locust takes a start then for a change of the number of users, which is allowed."""
    process = Process(scenario="atomic")
    process.env.runner.state = STATE_RUNNING
    assert process.runs.refusal("forced-vs-atomic") == "atomic is running; stop it before you start forced-vs-atomic"
    assert process.runs.refusal("atomic") == process.runs.refusal("") == ""


def test_while_a_site_is_set_up_nothing_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the same scenario."""
    process = Process()
    refusals: list[str] = []
    monkeypatch.setattr(FakeConductor, "start", lambda _: refusals.append(process.runs.refusal("atomic")))
    process.runs.begin()
    assert refusals == ["a run is being set up"]
