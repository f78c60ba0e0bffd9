"""The late judge of one node: judges each visit once, when every flip that could have met it is known."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

import gevent
from gevent.event import Event as Moment

from locust_cutover.judging.judge import Judgment, judge
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import STILL, Flip, Timeline
from locust_cutover.judging.visit import Visit
from locust_cutover.nodes.gate import Gate, Ticket

SLICE = 20
"""Visits judged in one go. A longer burst would keep the visitors from taking their times."""


class LateJudge:
    """Judges the visits of those who came through the `gate`; calls `report` once for each."""

    def __init__(self, gate: Gate, report: Callable[[Visit, Judgment], None]) -> None:
        self._gate = gate
        self._report = report
        self._worker: gevent.Greenlet[[], None] | None = None
        self._wake = Moment()
        self._judged = Moment()
        self.failed: Callable[[BaseException | None], None] = lambda error: None
        """Called when the judging ends by an error."""
        self.begin([])

    def begin(self, releases: Iterable[str]) -> None:
        """Start a new run with nothing counted. `releases` are those that can be flipped to, if known."""
        self.visits = 0
        """All visits of the run so far, judged or not."""
        self._timeline = Timeline(releases)
        self._tally = Tally()
        self._pending: deque[tuple[Ticket, Visit]] = deque()
        self._watermark = 0
        self._known_until: int | None = None

    def open(self) -> None:
        """Start a new phase: from now on, wait for its flips."""
        self._watermark = 0
        if self._worker is None:
            self._worker = gevent.spawn(self._judge_pending)
            self._worker.link_exception(self._fail)

    def stop(self) -> None:
        """Judge nothing any more, until the next phase is opened."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

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
        """The switcher died, so later flips stay unknown. What can be judged without them is judged."""
        self._known_until = self._watermark
        self.know([], STILL)

    def take(self, ticket: Ticket, visit: Visit) -> None:
        """Take a visit, to be judged when the watermark has passed its end."""
        self.visits += 1
        self._pending.append((ticket, visit))

    def drain(self, timeout: float) -> bool:
        """Wait until every visit is judged; False when nobody judges, or not within `timeout` seconds."""
        deadline = time.monotonic() + timeout
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
                self._timeline.forget(self._gate.horizon())
                gevent.sleep(0)
            self._timeline.forget(self._gate.horizon())  # where nobody visits, too
            if not self._pending:
                self._judged.set()

    def _can_judge(self) -> bool:
        return bool(self._pending) and self._pending[0][1].received <= self._watermark

    def _judge_next(self) -> None:
        ticket, visit = self._pending.popleft()
        judgment = judge(visit, self._timeline, self._known_until)
        self._gate.done(ticket)
        self._tally.add(visit, judgment)
        self._report(visit, judgment)
