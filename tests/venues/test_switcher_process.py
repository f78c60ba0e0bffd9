"""The switcher is started with its phase's arguments, read line by line, extended, stopped, and killed if stuck."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import gevent
import gevent.subprocess
import pytest

from locust_cutover.scenario.model import Command, Phase
from locust_cutover.venues import switcher_process as module
from locust_cutover.venues.companion import Done, SwitcherError
from locust_cutover.venues.stream import Event
from locust_cutover.venues.switcher_process import SwitcherProcess, flipping, watching

MS = 1_000_000


def phase(strategy: str = "atomic", **changes: Any) -> Phase:
    """A phase of five flips."""
    expect = {"lost": changes.pop("lost", "none"), "torn": "none", "stale": "none"}
    return Phase("p", strategy, changes.pop("every", 20 * MS), None, 5, expect, **changes)


DEPLOY = Command(("sh", "deploy", "--log"), 30_000 * MS, folder=True)


@pytest.mark.parametrize(
    ("played", "options", "expected"),
    [
        (phase(), {}, "atomic {} --releases a b --every 20ms --seed 7 --flips 5 --attached --jitter 1.0"),
        (phase(every=0), {}, "atomic {} --releases a b --every 0 --seed 7 --flips 5 --attached"),
        (
            phase("forced", gap=MS, lost="some", jitter=0.0),
            {"restore": True},
            "forced {} --releases a b --every 20ms --seed 7 --flips 5 --attached --jitter 0.0 --gap 1ms --extend "
            "--restore",
        ),
        (
            phase("command", every=0, command=DEPLOY),
            {"releases": None, "commands": Path("/log")},
            "command {} --discover --every 0 --seed 7 --flips 5 --attached --log /log --folder --timeout 30s "
            "-- sh deploy --log",
        ),
    ],
    ids=["every", "as fast as possible", "a control that is put back", "a command"],
)
def test_the_phase_says_how_to_flip(played: Phase, options: dict[str, Any], expected: str) -> None:
    """Only what has an effect is given."""
    arguments = flipping(played, Path("/s"), "current", options.pop("releases", ("a", "b")), seed=7, **options)
    assert shlex.join(arguments) == expected.format("--root /s --link current")


def test_where_somebody_else_flips_it_only_watches() -> None:
    """Until its own end, or until it is asked to end."""
    watched = Phase("w", "watch", 0, 2_000 * MS, None, {})
    assert shlex.join(watching(watched, Path("/s"), "current")) == "watch --root /s --link current --for 2s --attached"


class Rig:
    """A switcher whose program is a shell script of the test's."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, played: Phase | None = None) -> None:
        program = folder / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr("sys.executable", str(program))
        monkeypatch.setattr(module, "subprocess", gevent.subprocess)  # as Locust patches it
        self.heard: list[Event] = []
        self.process = SwitcherProcess(played or phase(), ["atomic"], folder / "log")

    def start(self) -> SwitcherProcess:
        """Its events go to `heard`."""
        self.process.start(self.heard.append)
        return self.process


def says(event: str, **facts: object) -> str:
    """A line of a script that says it."""
    return f"echo {shlex.quote(json.dumps({'event': event, **facts}))}"


DONE = says("done", reason="schedule", late=3)


def test_its_events_are_heard_in_order_and_its_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ready when the first one was heard."""
    rig = Rig(tmp_path, monkeypatch, f"{says('ready')}; {says('heartbeat')}; {DONE}")
    process = rig.start()
    assert process.ready.wait(20)
    assert process.ended.wait(20)
    assert process.over.is_set()
    process.extend()
    process.stop()
    process.stop()
    assert [event["event"] for event in rig.heard] == ["ready", "heartbeat", "done"]
    assert process.check() == Done(as_planned=True, late=3)


def test_after_it_is_over_it_goes_on_for_each_line_and_ends_with_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is not asked for, it does not do."""
    asked = says("done", reason="asked to", late=0)
    rig = Rig(tmp_path, monkeypatch, f"{says('over')}; while read -r line; do {says('over')}; done; {asked}")
    process = rig.start()
    for _ in range(2):
        assert process.over.wait(20)
        process.extend()
        assert not process.over.is_set()
    assert process.over.wait(20)
    with gevent.Timeout(20):
        process.stop()
    assert [event["event"] for event in rig.heard] == ["over", "over", "over", "done"]
    assert process.check() == Done(as_planned=False)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo first >&2; echo no space left >&2", "the switcher died: no space left"),
        ("printf '{\"event\":'", "the switcher died"),
        ("true", "the switcher died"),
    ],
    ids=["with a reason", "in the middle of a line", "without a word"],
)
def test_one_that_died_says_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    """They are in its log."""
    process = Rig(tmp_path, monkeypatch, script).start()
    assert process.ended.wait(20)
    process.stop()
    with pytest.raises(SwitcherError) as error:
        process.check()
    assert str(error.value) == said


def test_an_event_that_cannot_be_taken_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody waits for it."""

    def fail(event: Event) -> None:
        raise RuntimeError("so it is")

    rig = Rig(tmp_path, monkeypatch, DONE)
    rig.process.start(fail)
    assert rig.process.ended.wait(20)
    with pytest.raises(SwitcherError, match="an event of the switcher could not be taken: RuntimeError"):
        rig.process.check()


def test_one_that_is_stuck_is_killed_after_the_time_for_the_flip_in_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The time is that of a command, and it is told."""
    caplog.set_level("INFO")
    monkeypatch.setattr(module, "STOPPING", 0.0)
    command = phase("command", command=Command(("deploy",), 10 * MS))
    process = Rig(tmp_path, monkeypatch, f"{says('ready')}; exec sleep 1000", command).start()
    assert process.ready.wait(20)
    with gevent.Timeout(20):
        process.stop()
    assert [record.message for record in caplog.records] == ["waiting for the command in hand, at most 0 s"]
    with pytest.raises(SwitcherError, match="the switcher died"):
        process.check()
