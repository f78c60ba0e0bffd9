"""What Locust's events do in the owner of the link, in a master and in a worker."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from locust_cutover.wiring import hooks as module
from locust_cutover.wiring.hooks import Hooks
from locust_cutover.wiring.visitor import Visitor
from tests.wiring.fakes import FakeMaster, FakeRunner, FakeWorker, environment

Handlers = dict[int, Callable[[], None]]


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> Handlers:
    """The signal handlers that would be set, by number."""
    handlers: Handlers = {}
    monkeypatch.setattr(gevent, "signal_handler", handlers.__setitem__)
    return handlers


def ready(runner: FakeRunner, **given: Any) -> tuple[Hooks, Any]:
    """A process in which Locust is ready, and its environment."""
    hooks, env = Hooks(), environment(runner, **given)
    hooks.on_init(env, runner, None)
    return hooks, env


def test_the_load_of_the_scenario_counts_where_the_command_line_gives_none() -> None:
    """-u and -r win."""
    _, env = ready(FakeRunner(), scenario="forced-vs-atomic")
    assert env.parsed_options.num_users > 0
    assert env.parsed_options.spawn_rate > 0
    _, env = ready(FakeRunner(), num_users=3, spawn_rate=30)
    assert (env.parsed_options.num_users, env.parsed_options.spawn_rate) == (3, 30)


def test_until_a_run_begins_the_owner_ends_with_3_and_a_worker_with_0() -> None:
    """Locust would end a worker with 1 for any failed request."""
    assert ready(FakeRunner())[1].process_exit_code == 3
    assert ready(FakeMaster())[1].process_exit_code == 3
    assert ready(FakeWorker())[1].process_exit_code == 0


def test_a_node_waits_as_long_as_the_slowest_visitor() -> None:
    """Its users may have time-outs of their own."""
    hooks, env = Hooks(), environment()
    env.user_classes = [type("Slow", (Visitor,), {"timeout": 30.0}), type("Other", (), {"host": None})]
    hooks.on_init(env, env.runner, None)
    assert hooks.transport.node.visit_timeout == 30.0


@pytest.mark.parametrize("runner", [None, FakeWorker()])
def test_events_before_init_and_on_workers_begin_nothing(runner: FakeWorker | None) -> None:
    """A worker that joins late starts its users before `init`."""
    hooks = ready(runner)[0] if runner else Hooks()
    hooks.on_test_start()
    hooks.on_spawning_complete(user_count=3)
    hooks.on_test_stopping()
    assert hooks._runs is None


def test_the_events_of_a_run_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins, its users come, and it is cut by the stop of the test or of Locust."""
    hooks, env = ready(FakeRunner())
    told: list[Any] = []
    for name in ("begin", "users_are_there", "cut"):
        monkeypatch.setattr(hooks._runs, name, lambda *given, name=name: told.append((name, *given)))
    hooks.on_test_start()
    hooks.on_spawning_complete(user_count=3)
    hooks.on_test_stopping()
    hooks.on_quitting(env)
    assert told == [("begin",), ("users_are_there", 3), ("cut",), ("cut",)]


def test_a_worker_that_quits_reports_its_last_visits() -> None:
    """The master is still waiting for them."""
    runner = FakeWorker()
    hooks, env = ready(runner)
    hooks.on_quitting(env)
    assert runner.sent[-1][0] == "stats"


def test_reports_go_out_and_come_in() -> None:
    """Through the transport."""
    hooks, _ = ready(FakeMaster())
    data: dict[str, Any] = {}
    hooks.on_report_to_master(data)
    hooks.on_worker_report("w1", data)
    assert "w1" in hooks.transport.nodes._heard


@pytest.mark.parametrize(
    ("runner", "arguments", "at_once"),
    [(FakeRunner(), [], True), (FakeWorker(), ["--worker"], True), (FakeWorker(), ["--processes", "2"], False)],
)
def test_a_forked_worker_leaves_the_first_ctrl_c_to_the_master(
    monkeypatch: pytest.MonkeyPatch, handlers: Handlers, runner: FakeRunner, arguments: list[str], at_once: bool
) -> None:
    """In a terminal it reaches both; everybody else ends at once."""
    interrupted: list[int] = []
    later: list[float] = []
    monkeypatch.setattr(sys, "argv", ["locust", *arguments])
    monkeypatch.setattr(module, "_interrupt", lambda: interrupted.append(1))
    monkeypatch.setattr(gevent, "spawn_later", lambda seconds, _: later.append(seconds))
    hooks, _ = ready(runner, processes=2 if "--processes" in arguments else None)
    handlers[signal.SIGINT]()
    assert bool(interrupted) == at_once
    if not at_once:
        assert later == [hooks.transport.patience]  # in case there is no master any more
        handlers[signal.SIGINT]()
        assert interrupted
