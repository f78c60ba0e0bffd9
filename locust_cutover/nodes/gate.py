"""The gate of one node: lets visitors in while a phase is open, and knows whose visits are not judged yet."""

from __future__ import annotations

import time
from typing import NamedTuple

from gevent.event import Event as Moment


class Ticket(NamedTuple):
    """A visitor's leave to visit."""

    run: int
    """A visit of an earlier run, which was given up, is not taken."""
    number: int
    phase: int
    apart: int
    """How long after the ticket before it this one was given, in nanoseconds; 0 for the first of a phase."""


class Gate:
    """A ticket is given out by `enter`, brought back by `leave`, and done with once its visit is judged."""

    def __init__(self) -> None:
        self._phase: int | None = None
        self._opened = Moment()
        self._empty = Moment()
        self._run = 0
        self._tickets = 0
        self._latest = 0
        self.begin()

    def begin(self) -> None:
        """Start a new run, with nobody inside; the tickets of the run before are not taken back."""
        self.close()
        self._run += 1
        self._inside = 0
        self._empty.set()
        # When each visitor was let in whose visit is not judged yet; the first is the earliest.
        self._unjudged: dict[int, int] = {}

    def open(self, phase: int) -> None:
        """Let the visitors in; their visits belong to this phase."""
        self._latest = 0
        self._phase = phase
        self._opened.set()

    def close(self) -> None:
        """Let nobody in any more."""
        self._phase = None
        self._opened.clear()

    def enter(self) -> Ticket:
        """Wait until a phase is open. Call `leave` afterwards."""
        while self._phase is None:
            self._opened.wait()
        self._tickets += 1
        if not self._inside:
            self._empty.clear()
        self._inside += 1
        now = time.monotonic_ns()
        self._unjudged[self._tickets] = now
        apart, self._latest = (now - self._latest if self._latest else 0), now
        return Ticket(self._run, self._tickets, self._phase, apart)

    def leave(self, ticket: Ticket) -> bool:
        """Let the visitor out; False for one of an earlier run."""
        if ticket.run != self._run:
            return False
        self._inside -= 1
        if not self._inside:
            self._empty.set()
        return True

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait until all visitors have left; False when that takes more than `timeout` seconds."""
        return self._empty.wait(timeout)

    def done(self, ticket: Ticket) -> None:
        """Its visit is judged, or was never made."""
        del self._unjudged[ticket.number]

    def horizon(self) -> int:
        """No visit sent before this time is left to be judged."""
        return next(iter(self._unjudged.values()), None) or time.monotonic_ns()
