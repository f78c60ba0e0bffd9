"""The listeners: what Locust's events call."""

from __future__ import annotations

import functools
import signal
import sys
from typing import Any

import gevent
import locust
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from locust_cutover.judging.verdict import ExitCode
from locust_cutover.scenario import read as scenarios
from locust_cutover.wiring import options
from locust_cutover.wiring.process_end import ProcessEnd
from locust_cutover.wiring.runs import Runs
from locust_cutover.wiring.transport import Transport
from locust_cutover.wiring.visitor import Visitor
from locust_cutover.wiring.web_ui import Pages


class Hooks:
    """Connects one Locust process with the experiment: as the owner of the link, as a worker, or as both in one."""

    def __init__(self) -> None:
        self.transport = Transport()
        self._process_end = ProcessEnd()
        self._runs: Runs | None = None
        """None on a worker, and before `init`."""
        self._interrupted = False

    def listen(self) -> None:
        """Add the listeners to Locust's events, and handle every end of the process."""
        self._process_end.watch()
        events = locust.events
        events.init_command_line_parser.add_listener(options.add)
        events.init.add_listener(self.on_init)
        events.test_start.add_listener(self.on_test_start)
        events.spawning_complete.add_listener(self.on_spawning_complete)
        events.test_stopping.add_listener(self.on_test_stopping)
        events.quitting.add_listener(self.on_quitting)
        events.report_to_master.add_listener(self.on_report_to_master)
        events.worker_report.add_listener(self.on_worker_report)

    def on_init(self, environment: Environment, runner: Any, web_ui: Any, **_: Any) -> None:
        """Get ready in this process."""
        timeouts = [getattr(user, "timeout", 0.0) for user in environment.user_classes]
        self.transport.node.visit_timeout = max(timeouts, default=0.0)
        self.transport.connect(environment)
        if isinstance(runner, WorkerRunner):
            # Locust would end a worker with 1 for any failed request.
            environment.process_exit_code = ExitCode.HELD
            self._process_end.of_worker()
        else:
            self._own(environment, web_ui)
        # Python raises KeyboardInterrupt in any greenlet, which would end in the middle of a visit or of clearing up.
        # From gevent's signal watcher it reaches only the main greenlet.
        given: Any = environment.parsed_options
        forked = isinstance(runner, WorkerRunner) and given.processes and "--worker" not in sys.argv
        gevent.signal_handler(signal.SIGINT, self.on_interrupt_of_forked_worker if forked else _interrupt)

    def _own(self, environment: Environment, web_ui: Any) -> None:
        """Get ready as the owner of the link; the scenario's load counts where the command line gives none."""
        given: Any = environment.parsed_options
        runs = self._runs = Runs(environment, self.transport, self._process_end)
        self._process_end.crashed = runs.crash
        if isinstance(environment.runner, MasterRunner) and given.processes:
            self._process_end.wait_for_workers()
        load = scenarios.load(given.scenario).load
        given.num_users = given.num_users or load.users
        given.spawn_rate = given.spawn_rate or load.spawn_rate
        if web_ui is not None:
            Pages(web_ui, runs).register(given.web_base_path or "")

    def on_interrupt_of_forked_worker(self) -> None:
        """Leave the first Ctrl-C to the master, which gets it too and ends its workers when all is counted."""
        if self._interrupted:
            _interrupt()
        self._interrupted = True
        gevent.spawn_later(self.transport.patience, _interrupt)  # in case the master is gone

    def on_test_start(self, **_: Any) -> None:
        """Begin a run. A worker that joins late gets this event before `init`."""
        if self._runs is not None:
            self._runs.begin()

    def on_spawning_complete(self, user_count: int, **_: Any) -> None:
        """Begin the first phase."""
        if self._runs is not None:
            self._runs.users_are_there(user_count)

    def on_test_stopping(self, **_: Any) -> None:
        """End a run that -t or the stop button cuts short, while its users can still finish their visits."""
        if self._runs is not None:
            self._runs.cut()
        self.transport.recorder.close()

    def on_quitting(self, environment: Environment, **_: Any) -> None:
        """End a run that Ctrl-C or SIGTERM cuts short."""
        if isinstance(environment.runner, WorkerRunner):
            self.transport.leave()
        elif self._runs is not None:
            self._runs.cut()

    def on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        """Add our part to this worker's report."""
        self.transport.add_report(data)

    def on_worker_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        """Take our part of a worker's report."""
        self.transport.take_report(client_id, data)


_hooks = Hooks()


@functools.cache
def install() -> None:
    """Wire the experiment into Locust. Call it in a locustfile, at module level; a second call does nothing."""
    # From now on visits wait for a phase: a worker that joins late has users before `init`.
    Visitor.recorder = _hooks.transport.recorder
    _hooks.listen()


def _interrupt() -> None:
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
