"""The companion of a phase: what flips beside the visitors, as the play of the phase sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from gevent.event import Event as Moment

from locust_cutover.venues.stream import Event


class SwitcherError(Exception):
    """The switcher did not start, or ended before it was done; the text says why."""


class Done(NamedTuple):
    """What a companion says at its end."""

    as_planned: bool
    """False when it was asked to end before its time or its flips were over."""
    late: int = 0
    """How many flips started late."""


class Companion(Protocol):
    """One for each phase; a play starts, extends, stops and checks it."""

    ready: Moment
    """It knows where the link is, or has ended."""
    over: Moment
    """It flips no more."""
    ended: Moment

    def start(self, hear: Callable[[Event], None]) -> None:
        """Start it. `hear` gets its events, in order."""

    def extend(self) -> None:
        """Let it go on for as long again, after it was over; harmless when it has ended."""

    def stop(self) -> None:
        """Ask it to finish the flip in hand, and wait until it has ended; harmless when it has."""

    def check(self) -> Done:
        """How it ended; SwitcherError when it died, or when one of its events could not be taken."""
