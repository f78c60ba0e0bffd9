"""Orders reach the nodes and reports come back, through Locust's runners; nothing that goes wrong is lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from locust.exception import StopTest
from locust.runners import STATE_INIT, STATE_MISSING

from locust_cutover.nodes.messages import Ask, Join, pack
from locust_cutover.nodes.owner import LOCAL, VERSION
from locust_cutover.wiring.transport import MESSAGE, Transport
from tests.histories import loss
from tests.tallies import alone
from tests.wiring.fakes import FakeMaster, FakeRunner, FakeWorker, environment


def connected(runner: FakeRunner) -> Transport:
    """A transport over this runner."""
    transport = Transport()
    transport.connect(environment(runner))
    return transport


def told(transport: Transport, monkeypatch: pytest.MonkeyPatch, *names: str) -> list[tuple[Any, ...]]:
    """Collects the calls of these methods of the owner."""
    calls: list[tuple[Any, ...]] = []
    for name in names:
        monkeypatch.setattr(transport.nodes, name, lambda *given, name=name: calls.append((name, *given)))
    return calls


def fail(*_: Any) -> Any:
    """Raises an error that nobody expects."""
    raise RuntimeError("planted")


@pytest.mark.parametrize(("answer", "error"), [("404 Not Found", "404 Not Found"), ("my own", "other")])
def test_the_error_of_a_lost_visit_is_the_name_that_it_counts_as(answer: str, error: str) -> None:
    """So that Locust's tables have no more rows than ours."""
    fired: list[dict[str, Any]] = []
    env = environment()
    env.events.request.add_listener(lambda **event: fired.append(event))
    transport = Transport()
    transport.connect(env)
    transport.node.phases = ["forced"]
    transport._tell_locust(loss(10, 20, answer), alone("lost")._replace(answer=answer))
    assert [(event["name"], event["exception"]) for event in fired] == [("forced", error)]


def test_a_listener_that_ends_a_user_does_not_end_the_judge() -> None:
    """StopTest passes Locust's own guard; the run hears of it."""
    env = environment()
    env.events.request.add_listener(lambda **_: (_ for _ in ()).throw(StopTest("planted")))
    transport = Transport()
    transport.connect(env)
    transport.node.phases = ["forced"]
    transport._tell_locust(loss(10, 20), alone("lost"))
    assert "request event raised StopTest('planted')" in transport.node.report().trouble


def test_without_workers_the_owner_talks_to_the_node_of_its_own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is packed or sent."""
    transport = connected(FakeRunner())
    calls = told(transport, monkeypatch, "take")
    transport.nodes.ask()
    assert [call[:2] for call in calls] == [("take", LOCAL)]
    assert list(transport._present()) == [LOCAL]


def test_a_master_sends_orders_to_its_workers_and_knows_who_is_missing() -> None:
    """To all of them, or to one."""
    runner = FakeMaster(w1=STATE_INIT, w2=STATE_MISSING)
    transport = connected(runner)
    transport.nodes.ask()
    transport._send(Ask(), "w1")
    assert runner.sent == [(MESSAGE, pack(Ask()), None), (MESSAGE, pack(Ask()), "w1")]
    assert list(transport._present()) == ["w1"]


def test_a_worker_joins_with_its_version_and_hears_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as its runner is there."""
    runner = FakeWorker()
    transport = connected(runner)
    assert runner.sent == [(MESSAGE, pack(Join(VERSION)), None)]
    heard: list[Any] = []
    monkeypatch.setattr(transport.node, "hear", heard.append)
    runner.listeners[MESSAGE](msg=SimpleNamespace(data="an order"))
    assert heard == ["an order"]
    assert transport.node.worker_index == 1


def test_an_order_that_cannot_be_obeyed_is_a_trouble_of_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The master hears of it with the next report."""
    runner = FakeWorker()
    transport = connected(runner)
    monkeypatch.setattr(transport.node, "hear", fail)
    runner.listeners[MESSAGE](msg=SimpleNamespace(data="an order"))
    assert "could not be obeyed: RuntimeError('planted')" in transport.node.report().trouble


def test_a_worker_reports_with_the_counts_of_locust() -> None:
    """Both are of one moment: Locust's listeners fill the same message."""
    runner = FakeWorker()
    transport = connected(runner)
    events = runner.environment.events.report_to_master
    events.add_listener(lambda client_id, data: data.update(stats=client_id))
    events.add_listener(lambda client_id, data: transport.add_report(data))
    transport.leave()
    kind, data, _ = runner.sent[-1]
    assert kind == "stats"
    assert data == {"stats": "w2", MESSAGE: pack(transport.node.report())}


def test_a_worker_that_cannot_report_is_not_taken_for_one_without_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its report has our part, which is empty."""
    transport = connected(FakeWorker())
    monkeypatch.setattr(transport.node, "report", fail)
    data: dict[str, Any] = {}
    with pytest.raises(RuntimeError):
        transport.add_report(data)
    assert data == {MESSAGE: None}


def test_the_owner_takes_our_part_of_a_report_and_notices_who_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker without it has not called `install()`."""
    transport = connected(FakeMaster())
    calls = told(transport, monkeypatch, "hear", "stranger")
    transport.take_report("w1", {MESSAGE: "ours"})
    transport.take_report("w2", {})
    assert calls == [("hear", "w1", "ours"), ("stranger", "w2")]


def test_a_report_that_cannot_be_taken_is_a_trouble_of_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locust would only log it."""
    transport = connected(FakeMaster())
    calls = told(transport, monkeypatch, "fail")
    monkeypatch.setattr(transport.nodes, "hear", fail)
    transport.take_report("w1", {MESSAGE: "ours"})
    assert calls == [("fail", "w1", "a report of it could not be taken: RuntimeError('planted')")]


def test_the_owner_lets_workers_join_and_names_those_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that makes no sense is of another version."""
    runner = FakeMaster()
    calls = told(connected(runner), monkeypatch, "join", "does_not_fit")
    runner.listeners[MESSAGE](msg=SimpleNamespace(node_id="w1", data=pack(Join("9.9"))))
    runner.listeners[MESSAGE](msg=SimpleNamespace(node_id="w2", data="?"))
    assert calls[0] == ("join", "w1", "9.9")
    assert calls[1][:2] == ("does_not_fit", "w2")
    assert calls[1][2].endswith("; install one version on both")
