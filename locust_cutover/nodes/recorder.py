"""The recorder of one node: lets visitors in while a phase is open, judges their visits late and once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import gevent
from gevent.event import Event

from locust_cutover.client.access import Access
from locust_cutover.client.marks import Marks
from locust_cutover.judging.judge import Judgment, judge
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import STILL, Flip, Timeline
from locust_cutover.judging.visit import Visit

SLICE = 20
"""Visits judged in one go. A longer burst would keep the visitors from taking their times."""

NO_MARKS = Marks("(?!)", 0)
"""Of a recorder without a run: nothing is a mark."""


class Ticket(NamedTuple):
    """A visitor's leave to visit."""

    run: int
    """A visit of an earlier run, which was given up, is not taken."""
    number: int
    phase: int
    apart: int
    """How long after the ticket before it this one was given, in nanoseconds; 0 for the first of a phase."""


class Recorder:
    """One node's part of the experiment. `report` is called once for each visit, after it was judged."""

    def __init__(self, report: Callable[[Visit, Judgment], None]) -> None:
        self._report = report
        self._worker: gevent.Greenlet[[], None] | None = None
        self._wake = Event()
        self._judged = Event()
        self._phase: int | None = None
        self._opened = Event()
        self._run = 0
        self._tickets = 0
        self._latest = 0
        self._empty = Event()
        self.keep: Callable[[Visit], None] | None = None
        """Called with each visit too, to write it down."""
        self.failed: Callable[[BaseException | None], None] = lambda error: None
        """Called when the judging ends by an error."""
        self.access = Access()
        """What the visitors need besides a URL."""
        self.begin("/", NO_MARKS, [])

    # The conductor's side.

    def begin(self, page: str, marks: Marks, releases: Iterable[str]) -> None:
        """Start a new run: nothing counted, nobody let in. `releases` are those that can be flipped to, if known."""
        self.close()
        self.page = page
        self._run += 1
        self._inside = 0
        self._empty.set()
        # When each visitor was let in whose visit is not judged yet; the first is the earliest.
        self._unjudged: dict[int, int] = {}
        self.marks = marks
        self.visits = 0
        self._timeline = Timeline(releases)
        self._tally = Tally()
        self._pending: deque[tuple[int, Visit]] = deque()
        self._watermark = 0
        self._known_until: int | None = None

    def open(self, phase: int) -> None:
        """Let the visitors in; their visits belong to this phase."""
        self._watermark = 0
        self._latest = 0
        self._phase = phase
        self._opened.set()
        if self._worker is None:
            self._worker = gevent.spawn(self._judge_pending)
            self._worker.link_exception(self._fail)

    def start(self, release: str) -> None:
        """What the link points to before the first flip."""
        self._timeline.start(release)

    def know(self, flips: Iterable[Flip], watermark: int) -> None:
        """Every flip invoked until the watermark is known: visits received by then can be judged."""
        for flip in flips:
            self._timeline.add(flip)
        self._watermark = max(self._watermark, watermark)
        self._wake.set()

    def know_no_more(self) -> None:
        """The switcher died: later flips, if any, will never be known. What can be judged without them is."""
        self._known_until = self._watermark
        self.know([], STILL)

    def close(self) -> None:
        """Let nobody in any more."""
        self._phase = None
        self._opened.clear()

    def drain(self, timeout: float) -> bool:
        """Wait until every visit is answered and judged; False when nobody judges, or not within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        if not self._empty.wait(timeout):
            return False
        while self._pending:
            self._judged.clear()
            self._wake.set()
            if self._worker is None or not self._judged.wait(max(deadline - time.monotonic(), 0)):
                return False
        return True

    def take_tally(self) -> Tally:
        """What was counted since the last call."""
        tally, self._tally = self._tally, Tally()
        return tally

    # The visitors' side.

    def enter(self) -> Ticket:
        """Wait until a phase is open. To be followed by `leave`."""
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

    def leave(self, ticket: Ticket, visit: Visit | None) -> None:
        """Take the visit, to be judged when the watermark has passed its end; None: the visitor was stopped."""
        if ticket.run != self._run:
            return
        self._inside -= 1
        if visit is None:
            del self._unjudged[ticket.number]
        else:
            self.visits += 1
            self._pending.append((ticket.number, visit))
        if not self._inside:
            self._empty.set()

    # In between.

    def _horizon(self) -> int:
        """No visit sent before this time is left to be judged."""
        return next(iter(self._unjudged.values()), None) or time.monotonic_ns()

    def _fail(self, worker: gevent.Greenlet[[], None]) -> None:
        """The judging has ended by an error: tell it, and let the next phase begin anew."""
        self._worker = None
        self._judged.set()
        self.failed(worker.exception)

    def _judge_pending(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._can_judge():
                for _ in range(SLICE):
                    self._judge_next()
                    if not self._can_judge():
                        break
                self._timeline.forget(self._horizon())
                gevent.sleep(0)
            self._timeline.forget(self._horizon())  # where nobody visits, too
            if not self._pending:
                self._judged.set()

    def _can_judge(self) -> bool:
        return bool(self._pending) and self._pending[0][1].received <= self._watermark

    def _judge_next(self) -> None:
        number, visit = self._pending.popleft()
        judgment = judge(visit, self._timeline, self._known_until)
        del self._unjudged[number]
        self._tally.add(visit, judgment)
        if self.keep is not None:
            self.keep(visit)
        self._report(visit, judgment)
