"""A phase is played in five steps, and whatever ends it, nobody is let in afterwards and every count is collected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event as Moment

from locust_cutover.history import Operation, name_of
from locust_cutover.judging.verdict import PhaseFacts, State
from locust_cutover.run import play as module
from locust_cutover.run.play import MOST, Play
from locust_cutover.scenario.model import Phase
from locust_cutover.venues.companion import Done, SwitcherError
from locust_cutover.venues.stream import StreamReader
from tests.run.fakes import AS_PLANNED, FakeCompanion, FakeNodes, FakeVenue, Log, flip, phase, ready, told


class Rig:
    """A play of one phase with fakes around it."""

    def __init__(self, phase: Phase, *events: dict[str, Any], done: Done | SwitcherError = AS_PLANNED) -> None:
        self.log: Log = []
        self.history: list[str] = []
        self.facts = PhaseFacts()
        self.cut = Moment()
        self.venue = FakeVenue()
        self.nodes = FakeNodes(self.log)
        self.companion = FakeCompanion(self.log, events, done)
        stream = StreamReader(0, phase, self.venue.release, 10)
        self.player = Play(stream, self.facts, self.venue, self.companion, self.nodes, self._write, self.cut)

    def play(self, tick: Callable[[], None] = lambda: None) -> PhaseFacts:
        """To its end."""
        with gevent.Timeout(20):
            self.player.play(5, tick)
        assert self.player.over
        return self.facts

    def _write(self, operation: Operation) -> None:
        told = [f"{key}={getattr(operation, key)}" for key in ("release", "after") if hasattr(operation, key)]
        self.history.append(" ".join([name_of(operation), *told]))


@pytest.fixture(autouse=True)
def no_aftermath(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was flipped last is given no time: nobody visits here."""
    monkeypatch.setattr(Phase, "aftermath", 0)


FLIPS = [ready(), told(flip(1), flip(2, "a", 150))]

WATCH = phase("watch")

KNOWN = ["know 50", "know B A 200"]


def test_a_phase_is_opened_flipped_closed_and_collected() -> None:
    """Visitors see the site before its first flip; their counts come last."""
    rig = Rig(phase(), *FLIPS, done=Done(True, late=3))
    assert rig.play() == PhaseFacts(seconds=rig.facts.seconds, flips=2, late=3)
    assert rig.log == ["open 0", "start", *KNOWN, "stop", "know all", "close 0", "collect 0"]
    assert rig.history == ["open", "start release=A", "flip release=B", "flip release=A", "close"]


def test_where_somebody_else_flips_the_watch_comes_first_and_lasts_until_all_is_judged() -> None:
    """What is flipped before it watches, or after, is not seen."""
    rig = Rig(WATCH, ready(link="current", by="inotify"))
    rig.play()
    assert rig.log == ["start", "know 50", "open 0", "close 0", "collect 0", "stop", "know all", "close 0", "collect 0"]


def test_a_watch_with_visits_left_is_blind_from_its_last_look_on() -> None:
    """Somebody may have flipped when nobody watched any more."""
    rig = Rig(WATCH, ready(link="current", by="inotify"))
    rig.nodes.missing = ["worker one died"]
    assert rig.play().trouble == "worker one died"
    assert "know no more" in rig.log
    assert "blind after=50" in rig.history


@pytest.mark.parametrize("cut", [False, True])
def test_nobody_meets_the_link_being_put_back(cut: bool) -> None:
    """All have left before the switcher is stopped, unless the run is cut: then it must start no other flip."""
    rig = Rig(phase(), *FLIPS)
    rig.venue.restores = True
    if cut:
        rig.cut.set()
    rig.play()
    before = ["close 0"] if cut else ["close 0", "collect 0"]
    assert rig.log == ["open 0", "start", *KNOWN, *before, "stop", "know all", "close 0", "collect 0"]


@pytest.mark.parametrize(
    ("played", "cut", "done", "state"),
    [
        (phase(), False, Done(True), State.OVER),
        (phase(), False, Done(False), State.CUT_SHORT),
        (phase(), True, Done(True), State.CUT_SHORT),
        (phase("watch", None), True, Done(False), State.OVER),
        (phase("watch", 2), True, Done(False), State.CUT_SHORT),
    ],
    ids=["its end", "the switcher was asked", "cut", "cut, without an end of its own", "cut while it waits for flips"],
)
def test_a_phase_that_did_not_come_to_its_own_end_is_cut_short(
    played: Phase, cut: bool, done: Done, state: State
) -> None:
    """One that only Locust ends is not."""
    rig = Rig(played, ready(link="current", by="inotify"), done=done)
    if cut:
        rig.cut.set()
    assert rig.play().state is state


def test_a_switcher_that_died_ends_the_run_and_what_it_did_not_tell_stays_unknown() -> None:
    """The watermark says until when everything is known."""
    rig = Rig(phase(), *FLIPS, done=SwitcherError("the switcher died: no space left"))
    assert rig.play().trouble == "the switcher died: no space left"
    assert rig.cut.is_set()
    assert rig.log[-4:] == ["stop", "know no more", "close 0", "collect 0"]
    assert rig.history[-2:] == ["blind after=200", "close"]


def test_a_server_that_died_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else tells of it: it is looked for all the time."""
    monkeypatch.setattr(module, "TICK", 0.01)
    rig = Rig(phase(), ready())
    rig.companion.over_at_once = False
    rig.venue.wrong = "nginx died"
    assert rig.play().trouble == "nginx died"
    assert rig.cut.is_set()


def test_counts_that_did_not_come_are_told_beside_other_troubles() -> None:
    """All of them."""
    rig = Rig(phase(), ready(), done=SwitcherError("the switcher died"))
    rig.nodes.missing = ["worker one died", "worker two died"]
    assert rig.play().trouble == "the switcher died; worker one died; worker two died"


def test_a_failed_flip_has_its_reason_and_what_was_printed() -> None:
    """Of many the last one's; a repair at the end is no flip."""
    said = {"event": "said", "flip": 2, "lines": ["no \udce9", "database"], "watermark": 210}
    done = {"event": "done", "release": "a", "repaired": True, "watermark": 220, "flips": 3, "reason": "schedule"}
    rig = Rig(phase(), ready(), told(flip(1, outcome="old"), flip(2, outcome="is gone"), flip(3)), said, done)
    facts = rig.play()
    assert (facts.flips, facts.failed, facts.failure, facts.said) == (3, 2, "is gone", ["no \\udce9", "database"])
    assert "know A 220" in rig.log


CONTROL = phase("forced", expect={"lost": "some", "torn": "any", "stale": "any"})


@pytest.mark.parametrize(("after", "extended"), [(0, 0), (1, 1), (3, 3), (99, MOST - 1)])
def test_a_control_goes_on_until_it_has_shown_its_faults(
    monkeypatch: pytest.MonkeyPatch, after: int, extended: int
) -> None:
    """For as long again each time, and not for ever; the counts are waited for, since they are late."""
    rig = Rig(CONTROL, *FLIPS)
    monkeypatch.setattr(module, "shown", lambda *_: rig.log.count("extend") >= after)
    assert rig.play().extended == extended == rig.log.count("extend")
    assert rig.log.count("catch up") == (min(after, MOST - 1))
    assert rig.player.planned == 2 * (1 + extended)


@pytest.mark.parametrize("why", ["a flip failed", "cut", "ended"])
def test_a_control_that_would_stay_inconclusive_does_not_go_on(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """More flips would prove nothing."""
    monkeypatch.setattr(module, "shown", lambda *_: False)
    rig = Rig(CONTROL, ready(), told(flip(1, outcome="old" if why == "a flip failed" else "ok")))
    if why == "cut":
        rig.cut.set()
    if why == "ended":
        rig.companion.ended.set()
    assert rig.play().extended == 0


def test_flips_of_somebody_else_are_logged_but_not_all_of_many(caplog: pytest.LogCaptureFixture) -> None:
    """The first at once, the others not within a second."""
    caplog.set_level("INFO")
    rig = Rig(WATCH, ready(link="/shop/current", by="inotify"), told(flip(1)), told(flip(2, "a", 150)))
    rig.play()
    assert [record.message for record in caplog.records] == ["flip 1: to release B, seen within 0.0 ms"]


def test_a_watch_is_announced_when_visitors_are_there(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for this line deploys under load."""
    caplog.set_level("INFO")
    monkeypatch.setattr(module, "TICK", 0.001)
    rig = Rig(WATCH, ready(link="/shop/current", by="inotify"))
    rig.companion.over_at_once = False
    announced: list[int] = []

    def tick() -> None:
        announced.append(len(caplog.records))
        rig.nodes.tally.answers[0, "ok", "200 OK"] += 1
        if len(announced) == 3:
            rig.companion.over.set()

    rig.play(tick)
    assert announced == [0, 1, 1, 1]
    assert caplog.records[0].message == "watching /shop/current by inotify; it points to release A"


@pytest.mark.parametrize(
    ("played", "planned", "share"),
    [(phase(flips=4), 4, 0.5), (phase(flips=None, duration=1), None, 1.0), (phase("watch", None), None, None)],
)
def test_how_much_is_done_is_by_flips_or_by_time(played: Phase, planned: int | None, share: float | None) -> None:
    """A phase without an end of its own is never a part of something."""
    rig = Rig(played)
    rig.facts.flips = 2
    rig.facts.seconds = 2.0
    assert (rig.player.planned, rig.player.share) == (planned, share)
