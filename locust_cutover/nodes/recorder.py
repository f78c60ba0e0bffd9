"""One node's part of the experiment, as its visitors see it: a gate, and behind it the late judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from locust_cutover.client.access import Access
from locust_cutover.client.marks import Marks
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.visit import Visit
from locust_cutover.nodes.gate import Gate, Ticket
from locust_cutover.nodes.late_judge import LateJudge

NO_MARKS = Marks("(?!)", 0)
"""Of a recorder without a run: nothing is a mark."""


class Recorder:
    """What the visitors of a run need. `report` is called once for each visit, after it was judged."""

    def __init__(self, report: Callable[[Visit, Judgment], None]) -> None:
        self._report = report
        self.gate = Gate()
        self.judge = LateJudge(self.gate, self._judged)
        self.keep: Callable[[Visit], None] | None = None
        """Called with each visit too, to write it down."""
        self.page = "/"
        self.marks = NO_MARKS
        self.access = Access()
        """What the visitors need besides a URL."""

    def begin(self, page: str, marks: Marks, releases: Iterable[str]) -> None:
        """Start a new run: nothing counted, nobody let in. `releases` are those that can be flipped to, if known."""
        self.page, self.marks = page, marks
        self.gate.begin()
        self.judge.begin(releases)

    def open(self, phase: int) -> None:
        """Let the visitors in; their visits belong to this phase."""
        self.judge.open()
        self.gate.open(phase)

    def close(self) -> None:
        """Let nobody in any more."""
        self.gate.close()

    def enter(self) -> Ticket:
        """Wait until a phase is open. Call `leave` afterwards."""
        return self.gate.enter()

    def leave(self, ticket: Ticket, visit: Visit | None) -> None:
        """Take the visit; None: the visitor was stopped."""
        if self.gate.leave(ticket):
            if visit is None:
                self.gate.done(ticket)
            else:
                self.judge.take(ticket, visit)

    def drain(self, timeout: float) -> bool:
        """Wait until every visit is answered and judged; False when nobody judges, or not within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        return self.gate.wait_until_empty(timeout) and self.judge.drain(max(deadline - time.monotonic(), 0))

    def _judged(self, visit: Visit, judgment: Judgment) -> None:
        if self.keep is not None:
            self.keep(visit)
        self._report(visit, judgment)
