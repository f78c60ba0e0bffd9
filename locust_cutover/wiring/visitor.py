"""The Locust user that visits the site: one connection, one request a visit, and no loss hidden."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, ClassVar

from locust import User
from locust.exception import StopTest

from locust_cutover.client.access import Access
from locust_cutover.client.answer import Answer
from locust_cutover.client.connection import Connection
from locust_cutover.judging.visit import Visit
from locust_cutover.nodes.recorder import Recorder
from locust_cutover.wiring import request_event


class Visitor(User):
    """A user whose every visit is exactly one request: never sent again, never redirected.

    Subclass it, and call `self.visit()` in a task. If the locustfile calls `locust_cutover.install()`, a visit waits
    for a phase and is judged against the flips. Otherwise it is an ordinary request whose event fires at once.
    """

    abstract = True

    timeout: float = 10.0
    """Seconds for one visit, including the connection; after that it is lost as "timed out"."""

    tls: ssl.SSLContext | None = None
    """For https; None means the system's certificate authorities."""

    recorder: ClassVar[Recorder | None] = None
    """The experiment's recorder; `install()` sets it."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._kept: Connection | None = None
        if self.recorder is None:
            self._connection()

    def visit(
        self,
        path: str | None = None,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        name: str | None = None,
        marks: int | None = None,
    ) -> Answer:
        """Send one request to the host and return its answer, whatever it is.

        `path` defaults to the scenario's page. `name` is the request's name in Locust's tables without an experiment;
        in an experiment it is the phase's name. `marks` is the number of marks on this page if it differs from the
        scenario's; with 0, marks are not judged. Raises ValueError for a request that cannot be written.
        """
        recorder = self.recorder
        if recorder is None:
            if path is None:
                raise ValueError("visit() needs a path: without install() no scenario names one")
            answer = self._exchange(path, method, headers, body)
            self._fire(answer, method, path, name or path)
        else:
            answer = self._record(recorder, path or recorder.page, method, headers, body, marks)
        if self._kept is not None and self._kept.stopped is not None:
            raise self._kept.stopped
        return answer

    def _record(
        self,
        recorder: Recorder,
        path: str,
        method: str,
        headers: Mapping[str, str] | None,
        body: bytes,
        marks: int | None,
    ) -> Answer:
        """A visit of the experiment."""
        ticket = recorder.enter()
        visit = None
        try:
            answer = self._exchange(path, method, headers, body)
            due = recorder.marks.due if marks is None else marks
            if method == "HEAD":
                due = 0
            visit = Visit(
                ticket.phase,
                method,
                path,
                answer.sent,
                answer.received,
                answer.name,
                answer.ok,
                recorder.marks.read(answer) if due else (),
                due,
                len(answer.body),
                ticket.apart,
            )
        finally:
            recorder.leave(ticket, visit)
        return answer

    def on_stop(self) -> None:
        """Close the connection. Call it from your own on_stop."""
        if self._kept is not None:
            self._kept.close()

    def _exchange(self, path: str, method: str, headers: Mapping[str, str] | None, body: bytes) -> Answer:
        return self._connection().exchange(path, method, headers, body)

    def _connection(self) -> Connection:
        if self._kept is None:
            if not self.host:
                raise StopTest("no host to visit: give one with -H, or as the user class's host")
            access = self.recorder.access if self.recorder is not None else Access()
            try:
                self._kept = Connection(self.host, self.timeout, self.tls or access.tls(), access.fields())
            except ValueError as error:
                raise StopTest(str(error)) from None
        return self._kept

    def _fire(self, answer: Answer, method: str, path: str, name: str) -> None:
        error = None if answer.ok else answer.name
        length, context = len(answer.body), self.context()
        request_event.fire(self.environment, method, path, name, answer.sent, answer.received, length, error, context)
