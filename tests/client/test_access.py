"""How a site is reached: headers, an authority, a password that only the environment has."""

from __future__ import annotations

import base64
import os
from dataclasses import replace
from pathlib import Path

import pytest

from locust_cutover.client.access import Access, AccessError
from locust_cutover.client.marks import Marks
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.visit import Visit
from locust_cutover.nodes.messages import Order
from locust_cutover.nodes.node import Node
from locust_cutover.nodes.owner import Nodes
from locust_cutover.nodes.recorder import Recorder
from locust_cutover.scenario.model import Load, Phase, Scenario, Site

LOCKED = Access({"X-Canary": "on"}, user="SHOP_USER", password="SHOP_PASSWORD")


def test_the_credentials_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """In UTF-8 (RFC 7617), beside the headers of the scenario."""
    monkeypatch.setenv("SHOP_USER", "editor")
    monkeypatch.setenv("SHOP_PASSWORD", "a:ß")
    fields = LOCKED.fields()
    assert fields["X-Canary"] == "on"
    assert base64.b64decode(fields["Authorization"].removeprefix("Basic ")).decode() == "editor:a:ß"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """An empty one is none: a forgotten secret of a CI job is an empty text."""
    monkeypatch.setenv("SHOP_USER", "editor")
    monkeypatch.delenv("SHOP_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("SHOP_PASSWORD", value)
    with pytest.raises(AccessError, match=r"site\.auth: the environment variable SHOP_PASSWORD is not set"):
        LOCKED.fields()


def test_a_variable_that_is_no_text_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in Latin-1, as an old file of settings has it."""
    monkeypatch.setenv("SHOP_USER", "editor")
    monkeypatch.setitem(os.environ, "SHOP_PASSWORD", os.fsdecode("geheim-ß".encode("latin-1")))
    with pytest.raises(AccessError) as caught:
        LOCKED.fields()
    assert str(caught.value) == "site.auth: the environment variable SHOP_PASSWORD is not UTF-8 text"


def test_without_anything_the_system_is_trusted_and_nothing_is_sent() -> None:
    """As a lab's site is reached."""
    assert Access().fields() == {}
    assert Access().tls() is None


def test_an_authority_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, a folder, or no certificate."""
    (tmp_path / "empty.pem").write_text("")
    for path in (tmp_path / "none.pem", tmp_path, tmp_path / "empty.pem"):
        with pytest.raises(AccessError, match=f"site.ca: {path}: "):
            Access(ca=str(path)).tls()


def test_a_node_without_the_password_has_no_visitors_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused visit would be a lost one, and the deploy accused for it."""
    monkeypatch.delenv("SHOP_USER", raising=False)

    def report(visit: Visit, judgment: Judgment) -> None: ...

    node = Node(Recorder(report), lambda: None)

    def send(order: Order, name: str | None) -> None:
        node.obey(order)

    nodes = Nodes(send, lambda: ["one"])
    phase = Phase("atomic", "atomic", 1000, None, 5, {"lost": "none", "torn": "none", "stale": "none"})
    scenario = Scenario("x", Path("x.yaml"), "", Site("external"), Load(), (phase,))
    nodes.begin(scenario, Marks("(?!)", 0), None, LOCKED)
    nodes.open(0)
    assert node.report().trouble == "site.auth: the environment variable SHOP_USER is not set"
    nodes.take("one", replace(node.report(), drained=0))
    assert nodes.collect(0, 0) == ["worker one: site.auth: the environment variable SHOP_USER is not set"]

    monkeypatch.setenv("SHOP_USER", "editor")
    monkeypatch.setenv("SHOP_PASSWORD", "x")
    nodes.begin(scenario, Marks("(?!)", 0), None, LOCKED)
    assert node.report().trouble == ""
