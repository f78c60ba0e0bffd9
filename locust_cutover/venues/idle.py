"""The companion of a phase in which nothing flips: it only takes the phase's time."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from gevent.event import Event as Moment

from locust_cutover.judging.timeline import STILL
from locust_cutover.venues.companion import Done, SwitcherError
from locust_cutover.venues.stream import Event

BEAT = 1.0
"""Seconds between two heartbeats."""


class Idle:
    """Is over after so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._cut = Moment()
        self._cut_short = False
        self._waiting: gevent.Greenlet[..., None] | None = None
        self.ready = Moment()
        self.over = Moment()
        self.ended = Moment()

    def start(self, hear: Callable[[Event], None]) -> None:
        """Begin the time."""
        self.ready.set()
        self._waiting = gevent.spawn(self._wait, hear)

    def extend(self) -> None:
        """Nothing: it has ended as soon as it is over."""

    def stop(self) -> None:
        """End the time; harmless when it has ended."""
        self._cut.set()
        if self._waiting is not None:
            self._waiting.join()

    def check(self) -> Done:
        """Whether all the time has passed."""
        if self._waiting is not None and self._waiting.exception is not None:
            raise SwitcherError(f"a heartbeat could not be taken: {self._waiting.exception!r}")
        return Done(as_planned=not self._cut_short)

    def _wait(self, hear: Callable[[Event], None]) -> None:
        until = time.monotonic() + self._seconds
        try:
            while (left := until - time.monotonic()) > 0:
                hear({"event": "heartbeat", "watermark": STILL})  # again: a node may have joined
                if self._cut.wait(min(left, BEAT)):
                    self._cut_short = True
                    break
        finally:
            self.over.set()
            self.ended.set()
