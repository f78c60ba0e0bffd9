"""The recorder lets visitors in, judges each visit once and not too early, and forgets what no visit can ask for."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from types import SimpleNamespace

import gevent
import pytest

import locust_cutover.nodes.gate
from locust_cutover.client.marks import Marks
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import STILL, Flip
from locust_cutover.judging.visit import Kind, Visit
from locust_cutover.nodes.gate import Ticket
from locust_cutover.nodes.late_judge import SLICE
from locust_cutover.nodes.recorder import Recorder

PATIENCE = 10.0
"""Seconds for what must happen; only a failing test takes that long."""


class Rig:
    """A recorder with all that it reported; its clock is at `now`."""

    def __init__(self) -> None:
        self.now = 1
        self.reported: list[tuple[Visit, Judgment]] = []
        self.recorder = Recorder(lambda visit, judgment: self.reported.append((visit, judgment)))
        self.begin()

    def begin(self) -> None:
        """A new run with the releases a and b; the link points to a."""
        self.recorder.begin("/current/", Marks("mark: (.)", 1), ["a", "b"])
        self.recorder.judge.start("a")

    def visit(self, sent: int, received: int, *marks: str, phase: int = 0) -> Visit:
        """A visitor comes, gets this answer and goes; the answer is a loss when it has no marks."""
        self.now = sent
        ticket = self.recorder.enter()
        self.now = received
        visit = answer(sent, received, *marks, phase=phase)
        self.recorder.leave(ticket, visit)
        return visit

    def kinds(self) -> list[Kind]:
        """What was reported, in order, once all that can be judged is judged."""
        settle()
        return [judgment.kind for _, judgment in self.reported]

    def remembered(self) -> int:
        """How many flips the recorder still knows."""
        settle()
        return len(self.recorder.judge._timeline)


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterable[Rig]:
    """A recorder at the begin of a run; its greenlet does not outlive the test."""
    rig = Rig()
    clock = SimpleNamespace(monotonic=time.monotonic, monotonic_ns=lambda: rig.now)
    monkeypatch.setattr(locust_cutover.nodes.gate, "time", clock)
    yield rig
    rig.recorder.judge.stop()


@pytest.fixture
def visitors() -> Iterable[Callable[[Callable[[], object]], gevent.Greenlet[[], object]]]:
    """Starts greenlets; those that still wait at the end of the test are ended."""
    started: list[gevent.Greenlet[[], object]] = []

    def spawn(do: Callable[[], object]) -> gevent.Greenlet[[], object]:
        greenlet: gevent.Greenlet[[], object] = gevent.spawn(do)
        started.append(greenlet)
        return greenlet

    yield spawn
    gevent.killall(started)


Spawn = Callable[[Callable[[], object]], "gevent.Greenlet[[], object]"]


def answer(sent: int, received: int, *marks: str, phase: int = 0) -> Visit:
    """A whole answer with one mark due, or a loss when it has no marks."""
    name = "200 OK" if marks else "404 Not Found"
    return Visit(phase, "GET", "/current/", sent, received, name, bool(marks), marks, 1, 9)


def flip(number: int, invoked: int, completed: int, phase: int = 0) -> Flip:
    """A good flip; odd numbers are to b, even ones to a."""
    return Flip(phase, number, "ab"[number % 2], invoked, completed)


def settle() -> None:
    """Let every greenlet run that can."""
    for _ in range(5):
        gevent.idle()


def harm(tally: Tally) -> dict[int, list[int]]:
    """Of each flip in it, by its number: visits, lost, torn, stale."""
    return {number: [toll.visits, *toll.faults] for (_, _, number), (_, toll) in tally.flips.items()}


# Letting in.


def test_visitors_wait_until_a_phase_is_open(rig: Rig, visitors: Spawn) -> None:
    """All of them, and then all are let in, with the phase that is open."""
    waiting = [visitors(rig.recorder.enter) for _ in range(3)]
    settle()
    assert not [greenlet for greenlet in waiting if greenlet.ready()]
    rig.recorder.open(2)
    gevent.joinall(waiting, timeout=PATIENCE)
    tickets = [greenlet.value for greenlet in waiting]
    assert [ticket.phase for ticket in tickets if isinstance(ticket, Ticket)] == [2, 2, 2]
    assert len({ticket.number for ticket in tickets if isinstance(ticket, Ticket)}) == 3


def test_nobody_is_let_in_between_phases(rig: Rig, visitors: Spawn) -> None:
    """Who comes after the close waits for the next open, and belongs to that phase."""
    rig.recorder.open(0)
    rig.recorder.close()
    late = visitors(rig.recorder.enter)
    settle()
    assert not late.ready()
    rig.recorder.open(1)
    late.join(PATIENCE)
    assert isinstance(late.value, Ticket)
    assert late.value.phase == 1


def test_a_phase_that_opens_and_closes_at_once_lets_nobody_slip_in(rig: Rig, visitors: Spawn) -> None:
    """A visitor that wakes up too late waits on: a visit of no phase would be nobody's."""
    waiting = visitors(rig.recorder.enter)
    settle()
    rig.recorder.open(0)
    rig.recorder.close()
    settle()
    assert not waiting.ready()


def test_a_visitor_that_is_stopped_while_it_waits_leaves_no_trace(rig: Rig, visitors: Spawn) -> None:
    """It was never inside."""
    waiting = visitors(rig.recorder.enter)
    settle()
    waiting.kill()
    rig.recorder.open(0)
    rig.recorder.close()
    assert rig.recorder.drain(PATIENCE)
    assert rig.recorder.judge.visits == 0


# Judging late.


def test_a_visit_is_judged_when_the_watermark_has_passed_its_end(rig: Rig) -> None:
    """Not one nanosecond earlier: a flip during its last one would not be known."""
    rig.recorder.open(0)
    rig.visit(90, 100, "a")
    assert rig.kinds() == []
    rig.recorder.judge.know([], 99)
    assert rig.kinds() == []
    rig.recorder.judge.know([], 100)
    assert rig.kinds() == ["ok"]


def test_a_visit_is_judged_against_the_flips_that_came_after_it(rig: Rig) -> None:
    """When it was received nobody knew of the flip that explains it."""
    rig.recorder.open(0)
    rig.visit(100, 120)
    rig.visit(130, 140, "a")
    rig.recorder.judge.know([flip(1, invoked=110, completed=115)], 150)
    assert rig.kinds() == ["lost", "stale"]
    assert [judgment.flip for _, judgment in rig.reported] == [flip(1, 110, 115)] * 2


def test_a_watermark_that_goes_back_changes_nothing(rig: Rig) -> None:
    """What is known stays known: flips that are told again to a late joiner come with 0."""
    rig.recorder.open(0)
    rig.recorder.judge.know([], 100)
    rig.recorder.judge.know([], 0)
    rig.visit(50, 60, "a")
    rig.recorder.judge.know([], 0)
    assert rig.kinds() == ["ok"]


def test_a_phase_begins_with_nothing_known(rig: Rig) -> None:
    """At the end of the one before everything was known for ever; now there are flips again."""
    rig.recorder.open(0)
    rig.recorder.judge.know([], STILL)
    rig.recorder.close()
    rig.recorder.open(1)
    rig.visit(1990, 2000, "a", phase=1)
    rig.recorder.judge.know([], 1999)
    assert rig.kinds() == []
    rig.recorder.judge.know([], 2000)
    assert rig.kinds() == ["ok"]


def test_a_visit_that_can_be_judged_does_not_overtake_one_that_cannot(rig: Rig) -> None:
    """Visits are judged in the order in which they ended."""
    rig.recorder.open(0)
    rig.visit(90, 300, "a")
    rig.visit(95, 100, "a")
    rig.recorder.judge.know([], 200)
    assert rig.kinds() == []
    rig.recorder.judge.know([], 300)
    assert rig.kinds() == ["ok", "ok"]


def test_each_visit_is_reported_exactly_once(rig: Rig) -> None:
    """However many there are, and however the watermark moves: many slices, some of one visit."""
    rig.recorder.open(0)
    visits = []
    for number in range(10 * SLICE + 3):
        visits.append(rig.visit(10 * number, 10 * number + 9, "a"))
        if number % 7 == 0:
            rig.recorder.judge.know([], 10 * number)
        if number % 11 == 0:
            settle()
    rig.recorder.judge.know([], 1 << 60)
    rig.recorder.judge.know([], 1 << 61)
    settle()
    assert [visit for visit, _ in rig.reported] == visits
    assert rig.recorder.judge.visits == len(visits)
    assert rig.recorder.judge.take_tally().visits(0) == len(visits)


def test_each_visit_is_written_down_once_too(rig: Rig) -> None:
    """Where a history is kept."""
    kept: list[Visit] = []
    rig.recorder.keep = kept.append
    rig.recorder.open(0)
    visits = [rig.visit(number, number + 1, "a") for number in range(2 * SLICE)]
    rig.recorder.judge.know([], 1000)
    settle()
    assert kept == visits


def test_between_two_slices_others_have_their_turn(rig: Rig, visitors: Spawn) -> None:
    """A long burst of judging would keep visitors from taking their times."""
    rig.recorder.open(0)
    for number in range(5 * SLICE):
        rig.visit(number, number + 1, "a")
    seen: list[int] = []

    def look() -> None:
        while len(rig.reported) < 5 * SLICE:
            seen.append(len(rig.reported))
            gevent.sleep(0)

    looking = visitors(look)
    rig.recorder.judge.know([], 1000)
    looking.join(PATIENCE)
    assert len(seen) >= 4
    assert all(later - earlier <= SLICE for earlier, later in itertools.pairwise(seen))


# The end of a phase.


def test_a_drained_phase_has_every_visit_judged(rig: Rig) -> None:
    """All at once, when the last flips are known."""
    rig.recorder.open(0)
    for number in range(3 * SLICE):
        rig.visit(number, number + 1, "a")
    rig.recorder.judge.know([], 1 << 60)
    rig.recorder.close()
    assert rig.recorder.drain(PATIENCE)
    assert len(rig.reported) == 3 * SLICE


def test_an_empty_phase_is_drained_at_once(rig: Rig) -> None:
    """Before anything was open, too."""
    assert rig.recorder.drain(0)
    rig.recorder.open(0)
    rig.recorder.close()
    assert rig.recorder.drain(0)


def test_draining_waits_for_the_visitors_inside(rig: Rig, visitors: Spawn) -> None:
    """Their answers are still to come, and belong to the phase."""
    rig.recorder.open(0)
    tickets = [rig.recorder.enter(), rig.recorder.enter()]
    rig.recorder.judge.know([], 1 << 60)
    rig.recorder.close()
    draining = visitors(lambda: rig.recorder.drain(PATIENCE))
    for ticket in tickets:
        settle()
        assert not draining.ready()
        rig.recorder.leave(ticket, answer(1, 2, "a"))
    draining.join(PATIENCE)
    assert draining.value is True
    assert rig.kinds() == ["ok", "ok"]


def test_draining_waits_for_the_watermark(rig: Rig, visitors: Spawn) -> None:
    """A visit that is not judged yet is not done."""
    rig.recorder.open(0)
    rig.visit(90, 100, "a")
    rig.recorder.close()
    draining = visitors(lambda: rig.recorder.drain(PATIENCE))
    settle()
    assert not draining.ready()
    rig.recorder.judge.know([], 100)
    draining.join(PATIENCE)
    assert draining.value is True
    assert rig.kinds() == ["ok"]


def test_draining_gives_up_on_a_visitor_that_does_not_come_out(rig: Rig) -> None:
    """Something hangs: better to say so than to hang as well."""
    rig.recorder.open(0)
    rig.recorder.enter()
    rig.recorder.close()
    assert not rig.recorder.drain(0.01)


def test_draining_gives_up_on_flips_that_do_not_become_known(rig: Rig) -> None:
    """The owner of the link is gone: nobody moves the watermark any more."""
    rig.recorder.open(0)
    rig.visit(90, 100, "a")
    rig.recorder.close()
    with gevent.Timeout(PATIENCE):
        assert not rig.recorder.drain(0.01)
    assert rig.kinds() == []


def test_draining_sleeps_while_it_waits_for_flips(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not ask again and again: that would take the processor from those it waits for."""
    rig.recorder.open(0)
    rig.visit(90, 100, "a")
    rig.recorder.close()
    asked = 0
    can_judge = rig.recorder.judge._can_judge

    def counted() -> bool:
        nonlocal asked
        asked += 1
        return can_judge()

    monkeypatch.setattr(rig.recorder.judge, "_can_judge", counted)
    with gevent.Timeout(PATIENCE):
        rig.recorder.drain(0.05)
    assert asked < 10


def test_a_visitor_that_is_stopped_in_the_middle_leaves_no_trace(rig: Rig) -> None:
    """Its request has no answer, and no kind."""
    rig.recorder.open(0)
    stopped = rig.recorder.enter()
    rig.visit(10, 20, "a")
    rig.recorder.leave(stopped, None)
    rig.recorder.judge.know([], 100)
    rig.recorder.close()
    assert rig.recorder.drain(PATIENCE)
    assert rig.kinds() == ["ok"]
    assert rig.recorder.judge.visits == 1
    assert rig.recorder.judge.take_tally().visits(0) == 1


# A switcher that died.


def test_when_no_more_flips_will_be_known_the_visits_before_are_judged(rig: Rig) -> None:
    """Up to the watermark all is known."""
    rig.recorder.open(0)
    rig.visit(80, 90, "a")
    rig.visit(91, 100, "b")
    rig.recorder.judge.know([flip(1, 50, 95)], 50)
    rig.recorder.judge.know([], 100)
    rig.recorder.judge.know_no_more()
    assert rig.kinds() == ["ok", "ok"]


def test_when_no_more_flips_will_be_known_later_visits_are_unjudged(rig: Rig) -> None:
    """But for those that need no flip to be lost or torn; nothing waits for ever."""
    rig.recorder.open(0)
    rig.recorder.judge.know([flip(1, 50, 60)], 100)
    rig.visit(90, 101, "b")
    rig.visit(90, 102, "a")
    rig.visit(90, 103)
    rig.visit(90, 104, "a", "b")
    rig.visit(90, 1 << 50, "b")
    rig.recorder.judge.know_no_more()
    assert rig.kinds() == ["unjudged", "unjudged", "lost", "torn", "unjudged"]
    assert {judgment.answer for _, judgment in rig.reported if judgment.kind == "unjudged"} == {"flips unknown"}
    rig.recorder.close()
    assert rig.recorder.drain(PATIENCE)


def test_a_new_run_knows_flips_again(rig: Rig) -> None:
    """The death of a switcher is of one run."""
    rig.recorder.open(0)
    rig.recorder.judge.know_no_more()
    rig.begin()
    rig.recorder.open(0)
    rig.visit(90, 100, "a")
    rig.recorder.judge.know([], 99)
    assert rig.kinds() == []
    rig.recorder.judge.know([], 100)
    assert rig.kinds() == ["ok"]


# Counting.


def test_a_tally_holds_what_was_counted_since_the_last_one(rig: Rig) -> None:
    """So that reports add up, flip by flip; the number of visits is of the whole run."""
    rig.recorder.open(0)
    rig.now = 40
    slow = rig.recorder.enter()
    rig.visit(55, 70, "a")
    rig.visit(55, 71)
    rig.recorder.judge.know([flip(1, 50, 60)], 80)
    settle()
    first = rig.recorder.judge.take_tally()
    rig.recorder.leave(slow, answer(45, 90))
    rig.recorder.judge.know([], 100)
    settle()
    second = rig.recorder.judge.take_tally()
    assert (first.visits(0), second.visits(0), rig.recorder.judge.take_tally().visits(0)) == (2, 1, 0)
    assert (harm(first), harm(second)) == ({1: [2, 1, 0, 0]}, {1: [1, 1, 0, 0]})
    assert rig.recorder.judge.visits == 3


def test_a_visit_that_is_not_judged_is_not_in_the_tally(rig: Rig) -> None:
    """It is among the visits, though: that is how the owner knows that one is to come."""
    rig.recorder.open(0)
    rig.visit(90, 100, "a")
    settle()
    assert rig.recorder.judge.take_tally().visits(0) == 0
    assert rig.recorder.judge.visits == 1


def test_a_new_run_has_nothing_counted(rig: Rig, visitors: Spawn) -> None:
    """And nobody is let in."""
    rig.recorder.open(0)
    rig.visit(90, 100, "a")
    rig.recorder.judge.know([], 1000)
    settle()
    rig.begin()
    assert rig.recorder.judge.visits == 0
    assert rig.recorder.judge.take_tally().visits(0) == 0
    waiting = visitors(rig.recorder.enter)
    settle()
    assert not waiting.ready()


def test_a_ticket_says_how_long_after_the_one_before_it_came(rig: Rig) -> None:
    """Of any visitor of the node; the first of a phase comes after none, whatever was before."""
    aparts = []
    for phase, times in enumerate([[100, 100, 170], [900, 930]]):
        rig.recorder.open(phase)
        for rig.now in times:
            aparts.append(rig.recorder.enter().apart)
        rig.recorder.close()
    assert aparts == [0, 0, 70, 0, 30]


# Memory.


def flips_and_visits(rig: Rig, number: int) -> None:
    """One flip after another, each with a visit to its release after it."""
    start = rig.now
    for one in range(1, number + 1):
        now = start + 100 * one
        made = flip(one, now, now + 10)
        rig.visit(now + 20, now + 30, made.release)
        rig.now = now + 50
        rig.recorder.judge.know([made], rig.now)
        if one % 50 == 0:
            settle()


def test_flips_are_forgotten_when_no_visit_can_ask_for_them(rig: Rig) -> None:
    """After thousands of flips and visits a few are remembered: memory stays flat however long the run is."""
    rig.recorder.open(0)
    flips_and_visits(rig, 3000)
    assert rig.kinds() == ["ok"] * 3000
    assert rig.remembered() < 100


def test_flips_are_remembered_for_a_visitor_that_is_still_inside(rig: Rig) -> None:
    """It was sent before all of them and may have met any; then they are forgotten."""
    rig.recorder.open(0)
    inside = rig.recorder.enter()
    flips_and_visits(rig, 300)
    assert rig.remembered() == 300
    rig.recorder.leave(inside, answer(1, rig.now))
    rig.recorder.judge.know([], rig.now)
    assert rig.remembered() < 100
    assert rig.reported[-1][1].flip == flip(300, 30_001, 30_011)


def test_flips_are_forgotten_after_a_visitor_that_was_stopped(rig: Rig) -> None:
    """It holds nothing back any more."""
    rig.recorder.open(0)
    inside = rig.recorder.enter()
    flips_and_visits(rig, 300)
    rig.recorder.leave(inside, None)
    flips_and_visits(rig, 1)
    assert rig.remembered() < 100


def test_flips_are_forgotten_where_nobody_visits(rig: Rig) -> None:
    """A worker may have no users: with every: 0 there are millions of flips that it need not know."""
    rig.recorder.open(0)
    for number in range(1, 1001):
        rig.now = 100 * number
        rig.recorder.judge.know([flip(number, rig.now - 20, rig.now - 10)], rig.now)
    assert rig.remembered() < 100


def test_flips_are_forgotten_after_a_run_that_was_given_up(rig: Rig) -> None:
    """Its visits were never judged: the owner went away. The next run does not pay for them."""
    rig.recorder.open(0)
    rig.visit(10, 20, "a")
    rig.begin()
    rig.recorder.open(0)
    flips_and_visits(rig, 300)
    assert rig.remembered() < 100


def test_a_visit_of_the_run_before_is_not_counted_in_this_one(rig: Rig) -> None:
    """A visitor that took too long comes out when a new run has begun: its phase is not one of this run."""
    rig.recorder.open(5)
    late = rig.recorder.enter()
    rig.begin()
    rig.recorder.open(0)
    rig.recorder.leave(late, answer(90, 100, "a", phase=5))
    rig.recorder.judge.know([], 1000)
    assert rig.kinds() == []
    assert rig.recorder.judge.visits == 0
