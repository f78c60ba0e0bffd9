"""The messages between the nodes, sent through Locust's runners."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from locust_cutover.judging.answers import counted_as
from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.visit import Visit
from locust_cutover.nodes.messages import Join, Order, pack, unpack
from locust_cutover.nodes.node import PATIENCE, Node
from locust_cutover.nodes.owner import LOCAL, VERSION, Nodes
from locust_cutover.nodes.packed import MessageError
from locust_cutover.nodes.recorder import Recorder
from locust_cutover.wiring import request_event

logger = logging.getLogger("locust.cutover")

MESSAGE = "cutover"
"""The name of our messages among Locust's, and of our part of a worker's report."""


class Transport:
    """Carries orders from the owner of the link to the nodes, and reports back. Without workers both are this process.

    It exists before Locust's runner: a worker that joins late has users and sends reports before `connect`.
    """

    def __init__(self) -> None:
        self.recorder = Recorder(self._tell_locust)
        self.node = Node(self.recorder, self.send_report)
        self.nodes = Nodes(self._send, self._present)
        self._environment: Environment | None = None

    @property
    def patience(self) -> float:
        """Seconds until a node that does not report its visits is given up."""
        return self.node.visit_timeout + 2 * PATIENCE

    def connect(self, environment: Environment) -> None:
        """Use this environment's runner from now on; a worker joins the master's experiment."""
        self._environment, runner = environment, environment.runner
        if isinstance(runner, WorkerRunner):
            self.node.worker_index = runner.worker_index
            runner.register_message(MESSAGE, self._on_order)
            # The owner answers with everything that it said before.
            runner.send_message(MESSAGE, pack(Join(VERSION)))
        elif isinstance(runner, MasterRunner):
            runner.register_message(MESSAGE, self._on_join)

    def leave(self) -> None:
        """Report the last visits of this worker before it ends."""
        self.recorder.close()
        self.recorder.drain(self.node.visit_timeout + PATIENCE)
        self.send_report()

    def send_report(self) -> None:
        """Send this node's report to the owner now; a worker sends Locust's counts with it, of the same moment."""
        runner = self._runner
        if isinstance(runner, WorkerRunner):
            data: dict[str, Any] = {}
            runner.environment.events.report_to_master.fire(client_id=runner.client_id, data=data)
            runner.send_message("stats", data)
        else:
            self.nodes.take(LOCAL, self.node.report())

    def add_report(self, data: dict[str, Any]) -> None:
        """Add our part to a report that a worker sends."""
        data[MESSAGE] = None  # if the next line fails, the master still knows that this worker called `install()`
        data[MESSAGE] = pack(self.node.report())

    def take_report(self, client_id: str, data: dict[str, Any]) -> None:
        """Take our part of a worker's report; a worker without `install()` has none."""
        if MESSAGE not in data:
            self.nodes.stranger(client_id)
            return
        try:
            self.nodes.hear(client_id, data[MESSAGE])
        except Exception as error:  # Locust would only log it, and the counts would be missing
            logger.exception("a report of worker %s", client_id)
            self.nodes.fail(client_id, f"a report of it could not be taken: {error!r}")

    @property
    def _runner(self) -> Any:
        return None if self._environment is None else self._environment.runner

    def _send(self, order: Order, name: str | None) -> None:
        """Send an order to one worker, or to all."""
        runner = self._runner
        if isinstance(runner, MasterRunner):
            runner.send_message(MESSAGE, pack(order), client_id=name)
        else:
            self.node.obey(order)

    def _present(self) -> Iterable[str]:
        """The names of the nodes that are connected now."""
        runner = self._runner
        if not isinstance(runner, MasterRunner):
            return [LOCAL]
        return [client.id for client in runner.clients.values() if client.state != STATE_MISSING]

    def _on_order(self, msg: Any, **_: Any) -> None:
        """The master sent an order to this worker."""
        try:
            self.node.hear(msg.data)
        except Exception as error:
            logger.exception("a message of the master")
            self.node.fail(f"a message of the master could not be obeyed: {error!r}")

    def _on_join(self, msg: Any, **_: Any) -> None:
        """A worker is ready for orders."""
        try:
            self.nodes.join(msg.node_id, unpack(msg.data, Join).version)
        except MessageError as error:
            self.nodes.does_not_fit(msg.node_id, f"it could not join: {error}; install one version on both")

    def _tell_locust(self, visit: Visit, judgment: Judgment) -> None:
        """Fire Locust's event for a judged visit, named after its phase."""
        error = None
        if judgment.kind != "ok":
            # The name of a whole answer does not say what was wrong with it.
            error = judgment.kind if visit.whole and judgment.kind in FAULTS else counted_as(judgment.answer)
        assert self._environment is not None
        try:
            name = self.node.phases[visit.phase]
            request_event.fire(
                self._environment,
                visit.method,
                visit.path,
                name,
                visit.sent,
                visit.received,
                visit.length,
                error,
                context={},
            )
        except Exception as problem:
            # A listener may raise what ends a user. This greenlet is no user: it judges all visits.
            self.node.fail(f"a listener of Locust's request event raised {problem!r}")
