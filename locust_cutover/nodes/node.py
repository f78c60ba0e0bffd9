"""A node's end of the experiment: obeys the owner's messages, and reports what its visitors saw."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import gevent

from locust_cutover.client.access import Access, AccessError
from locust_cutover.client.marks import Marks
from locust_cutover.history import History, NodeLine, worker_path
from locust_cutover.nodes.host import this_clock
from locust_cutover.nodes.messages import (
    SENTENCE,
    Ask,
    Begin,
    CatchUp,
    Close,
    End,
    Know,
    KnowNoMore,
    Open,
    Order,
    Report,
    Start,
    check_order,
    run_of,
    unpack,
)
from locust_cutover.nodes.packed import MessageError
from locust_cutover.nodes.recorder import NO_MARKS, Recorder

logger = logging.getLogger("locust.cutover")

ELSEWHERE = "it is on another host or in another time namespace, so its clock is not the switcher's"

OVERTIME = 5.0
"""Seconds beyond a visit's own time-out until its node gives up waiting for it."""


class Node:
    """The node of one process with visitors. `send` asks for a report to be sent to the owner now."""

    def __init__(self, recorder: Recorder, send: Callable[[], None]) -> None:
        self._recorder = recorder
        self._send = send
        self._run = ""
        self._drained = -1
        self._history: History | None = None
        self._unwritten = ""
        """Why the history is not complete."""
        self._incomplete: str | None = None
        """The same once the run is over."""
        self._trouble = ""
        recorder.judge.failed = lambda error: self.fail(f"a visit could not be judged: {error!r}")
        self.phases: list[str] = []
        """The names of the run's phases."""
        self.visit_timeout = 10.0
        """The longest time-out of this node's visitors, in seconds."""
        self.clock = ""
        """In tests, the name of another clock."""
        self.worker_index: int | None = None
        """Which worker this is; None on the node that owns the link."""

    def hear(self, packed: object) -> None:
        """Carry out one message of the owner as it arrived; let nobody in after one that makes no sense."""
        try:
            order = unpack(packed, Order)
            if not self._run and not isinstance(order, Begin | CatchUp):
                return  # a run that has begun before this node was there; the owner repeats all that it needs
            if not self._trouble:
                check_order(order, len(self.phases))
        except MessageError as error:
            self._misunderstand(packed, error)
        else:
            self.obey(order)

    def obey(self, order: Order) -> None:
        """Carry out one message of the owner."""
        match order:
            case Begin():
                self._begin(order)
            case CatchUp(begin):
                if begin.run != self._run:  # else it has heard all that
                    for part in (begin, order.start, order.know, order.open):
                        if part is not None:
                            self.obey(part)
            case Start(release):
                self._recorder.judge.start(release)
            case Open(phase):
                if not self._trouble:
                    self._recorder.open(phase)
            case Know(flips, watermark):
                # The one place where times of the owner's clock come in: it is this node's clock, too,
                # or there are no visitors here.
                self._recorder.judge.know(flips, watermark)
            case KnowNoMore():
                self._recorder.judge.know_no_more()
            case Close(phase):
                self._recorder.close()
                gevent.spawn(self._drain, phase).link_exception(self._not_drained)
            case Ask():
                self._send()
            case End():
                self._end()

    def report(self) -> Report:
        """What was counted since the last report, and all visits of the run so far."""
        return Report(
            run=self._run,
            tally=self._recorder.judge.take_tally(),
            visits=self._recorder.judge.visits,
            drained=self._drained,
            trouble=self._trouble[:SENTENCE],
            history=None if self._incomplete is None else self._incomplete[:SENTENCE],
        )

    def fail(self, reason: str) -> None:
        """What this node counts is not all, and why; the owner hears it at once."""
        if not self._trouble:
            logger.error("this process: %s", reason)
            self._trouble = reason
            gevent.spawn(self._send)

    def _misunderstand(self, packed: object, error: MessageError) -> None:
        """Let nobody in any more, and say why; a run that cannot be begun begins without visitors."""
        run = run_of(packed)
        if run is not None and run != self._run:
            self._run, self._drained, self.phases, self._trouble = run, -1, [], ""
            self._unwritten, self._incomplete = "", None
            self._recorder.begin("/", NO_MARKS, [])
            self._history = self._recorder.keep = None
        self._recorder.close()
        self.fail(f"it does not understand the owner, so there are no visitors on it: {error}")

    def _begin(self, begin: Begin) -> None:
        self._run = begin.run
        self._drained = -1
        self._unwritten, self._incomplete = "", None
        self.phases = list(begin.phases)
        self._trouble = self._trouble_with(begin.clock, begin.access)
        if self._trouble:
            logger.error("no visitors here: %s", self._trouble)
        self._recorder.access = begin.access
        self._recorder.begin(begin.page, Marks(begin.mark, begin.marks, head=begin.head), begin.releases)
        if self.worker_index is None:
            return
        self._history = self._recorder.keep = None
        if begin.history:
            try:
                self._history = History(worker_path(Path(begin.history), self.worker_index))
            except OSError as error:
                self._unwritten = f"{error.filename}: {error.strerror}"
                logger.error("no history of this worker's visits: %s", self._unwritten)
            else:
                self._history.say(NodeLine(self._run, self.worker_index))
                self._recorder.keep = self._history.visit

    def _end(self) -> None:
        """Write the end of the history, and tell the owner whether all of it could be written."""
        if self._history is not None:
            self._history.close()
            self._unwritten = self._history.error
        self._incomplete = self._unwritten
        self._send()

    def _trouble_with(self, switchers_clock: str, access: Access) -> str:
        """Why there can be no visitors here; empty when there can."""
        if (self.clock or this_clock()) != switchers_clock:
            # Its times cannot be compared with those of the flips: it would call a stale answer ok.
            return ELSEWHERE
        try:
            access.fields()
            access.tls()
        except AccessError as error:
            # Its visitors would only be refused, and a refused visit is a lost one.
            return str(error)
        return ""

    def _not_drained(self, drain: gevent.Greenlet[..., None]) -> None:
        self.fail(f"its visits could not be reported: {drain.exception!r}")

    def _drain(self, phase: int) -> None:
        run = self._run
        drained = self._recorder.drain(self.visit_timeout + OVERTIME)
        if run != self._run:
            return  # the owner did not wait
        if drained:
            self._drained = phase
        self._send()
