"""A phase in which nothing flips ends with its time, and tells meanwhile that nothing was flipped."""

from __future__ import annotations

import gevent
import pytest

from locust_cutover.judging.timeline import STILL
from locust_cutover.venues.companion import Companion, Done, SwitcherError
from locust_cutover.venues.idle import Idle
from locust_cutover.venues.stream import Event


def test_it_is_over_after_its_time() -> None:
    """At once ready, and each heartbeat says that every flip is known: there is none."""
    events: list[Event] = []
    idle: Companion = Idle(0.01)
    idle.start(events.append)
    assert idle.ready.is_set()
    assert idle.over.wait(20)
    idle.extend()
    idle.stop()
    idle.stop()
    assert idle.ended.is_set()
    assert idle.check() == Done(as_planned=True)
    assert events == [{"event": "heartbeat", "watermark": STILL}]


def test_it_can_be_ended_before() -> None:
    """Then its phase is cut short."""
    idle = Idle(1000)
    idle.start(lambda event: None)
    gevent.sleep(0)
    with gevent.Timeout(20):
        idle.stop()
    assert idle.check() == Done(as_planned=False)


def test_a_heartbeat_that_cannot_be_taken_ends_it() -> None:
    """Nobody waits for ever."""

    def fail(event: Event) -> None:
        raise RuntimeError("so it is")

    idle = Idle(1000)
    idle.start(fail)
    assert idle.over.wait(20)
    with pytest.raises(SwitcherError, match="a heartbeat could not be taken: RuntimeError"):
        idle.check()
