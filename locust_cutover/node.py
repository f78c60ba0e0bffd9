"""A node's end of the experiment: obeys the owner's messages, and reports what its visitors saw."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent

from locust_cutover.access import Access, AccessError
from locust_cutover.history import History, worker_path
from locust_cutover.host import this_clock
from locust_cutover.judging.timeline import Flip
from locust_cutover.recorder import Recorder
from locust_cutover.visit import Marks

logger = logging.getLogger("locust.cutover")

Message = dict[str, Any]

ELSEWHERE = "it is on another host or in another time namespace, so its clock is not the switcher's"

PATIENCE = 5.0
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
        recorder.failed = lambda error: self.fail(f"a visit could not be judged: {error!r}")
        self.phases: list[str] = []
        """The names of the run's phases."""
        self.visit_timeout = 10.0
        """The longest time-out of this node's visitors, in seconds."""
        self.clock = ""
        """In tests, the name of another clock."""
        self.worker_index: int | None = None
        """Which worker this is; None on the node that owns the link."""

    def obey(self, message: Message) -> None:
        """Carry out one message of the owner."""
        match message["do"]:
            case "begin":
                self._begin(message)
            case "join":
                if message["messages"][0]["run"] != self._run:  # else it has heard all that
                    for part in message["messages"]:
                        self.obey(part)
            case "start":
                self._recorder.start(message["release"])
            case "open":
                if not self._trouble:
                    self._recorder.open(message["phase"])
            case "know":
                # The one place where times of the owner's clock come in: it is this node's clock, too,
                # or there are no visitors here.
                self._recorder.know([Flip(*flip) for flip in message["flips"]], message["watermark"])
            case "know no more":
                self._recorder.know_no_more()
            case "close":
                self._recorder.close()
                gevent.spawn(self._drain, message["phase"]).link_exception(self._not_drained)
            case "report":
                self._send()
            case "end":
                self._end()

    def report(self) -> Message:
        """What was counted since the last report, and all visits of the run so far."""
        return {
            "run": self._run,
            "tally": self._recorder.take_tally().to_message(),
            "visits": self._recorder.visits,
            "drained": self._drained,
            "trouble": self._trouble,
            "history": self._incomplete,
        }

    def fail(self, reason: str) -> None:
        """What this node counts is not all, and why; the owner hears it at once."""
        if not self._trouble:
            logger.error("this process: %s", reason)
            self._trouble = reason
            gevent.spawn(self._send)

    def _begin(self, message: Message) -> None:
        self._run = message["run"]
        self._drained = -1
        self._unwritten, self._incomplete = "", None
        self.phases = message["phases"]
        marks = Marks(message["mark"], message["marks"], head=message["head"])
        access = Access(**message["access"])
        self._trouble = self._trouble_with(message["clock"], access)
        if self._trouble:
            logger.error("no visitors here: %s", self._trouble)
        self._recorder.access = access
        self._recorder.begin(message["page"], marks, message["releases"])
        if self.worker_index is None:
            return
        self._history = self._recorder.keep = None
        if message["history"]:
            try:
                self._history = History(worker_path(Path(message["history"]), self.worker_index))
            except OSError as error:
                self._unwritten = f"{error.filename}: {error.strerror}"
                logger.error("no history of this worker's visits: %s", self._unwritten)
            else:
                self._history.say("node", run=self._run, worker=self.worker_index)
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
        drained = self._recorder.drain(self.visit_timeout + PATIENCE)
        if run != self._run:
            return  # the owner did not wait
        if drained:
            self._drained = phase
        self._send()
