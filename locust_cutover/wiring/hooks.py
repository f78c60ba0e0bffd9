"""The wiring into Locust: its events on one side, the experiment on the other."""

from __future__ import annotations

import argparse
import functools
import logging
import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import locust
from gevent.event import Event
from locust.argument_parser import get_parser
from locust.env import Environment
from locust.runners import STATE_MISSING, STATE_RUNNING, STATE_SPAWNING, MasterRunner, WorkerRunner

from locust_cutover.history import History
from locust_cutover.judging.answers import counted_as
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.visit import Visit
from locust_cutover.nodes.messages import Join, Order, pack, unpack
from locust_cutover.nodes.node import PATIENCE, Node
from locust_cutover.nodes.owner import LOCAL, VERSION, Nodes
from locust_cutover.nodes.packed import MessageError
from locust_cutover.nodes.recorder import Recorder
from locust_cutover.reports import console, words
from locust_cutover.reports.outputs import Outputs
from locust_cutover.reports.refusal import Refusal
from locust_cutover.result import Result
from locust_cutover.run.conductor import Conductor, Progress
from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.document import DocumentError
from locust_cutover.venues.venue import SetUpError
from locust_cutover.wiring import locust_csv, options
from locust_cutover.wiring.ending import HELD, INCONCLUSIVE, INTERRUPTED, WRONG, Ending
from locust_cutover.wiring.visitor import Visitor
from locust_cutover.wiring.web_ui import Pages

logger = logging.getLogger("locust.cutover")

MESSAGE = "cutover"
"""The name of our messages among Locust's, and of our part of a worker's report."""

LOG_EVERY = 10.0
"""Seconds between two progress lines in a log; a terminal gets each."""


class Experiment:
    """The experiment in one Locust process: the owner of the link, a node with visitors, or both."""

    def __init__(self) -> None:
        self.recorder = Recorder(self.fire)
        self.node = Node(self.recorder, self.send_report)
        self.nodes = Nodes(self.send, self.present)
        self.conductor: Conductor | None = None
        self.environment: Environment
        self.own_urls: set[str] = set()
        self.given_host: str | None = None
        """On the command line."""
        self.class_hosts: dict[type[locust.User], str | None] = {}
        """In the locustfile."""
        self.history: History | None = None
        self.result: Result | None = None
        """Of the run that is over, as its files tell it."""
        self.version = VERSION
        """Of this pack, as a worker says it."""
        self.outputs = Outputs()
        self.ending = Ending()
        self.trouble = ""
        """Why there is no run."""
        self.decided = Event()
        """Set when a start has come to a run, or to the trouble that there is none."""
        self.setting_up = False
        self.logged = 0.0
        self.interrupted = False
        self.epoch = time.time() - time.monotonic()
        """What makes a wall-clock time of a CLOCK_MONOTONIC one, in seconds."""

    def listen(self) -> None:
        """Add the listeners to Locust's events, and see to every end of the process."""
        self.ending.crashed = self.on_crash
        self.ending.watch()
        events = locust.events
        events.init_command_line_parser.add_listener(options.add)
        events.init.add_listener(self.on_init)
        events.test_start.add_listener(self.on_test_start)
        events.spawning_complete.add_listener(self.on_spawning_complete)
        events.test_stopping.add_listener(self.on_test_stopping)
        events.quitting.add_listener(self.on_quitting)
        events.report_to_master.add_listener(self.on_report_to_master)
        events.worker_report.add_listener(self.on_worker_report)

    # Before a run.

    def on_init(self, environment: Environment, runner: Any, web_ui: Any, **_: Any) -> None:
        """Get ready in this process; the scenario's load counts where the command line gives none."""
        self.environment = environment
        self.node.visit_timeout = max((getattr(user, "timeout", 0.0) for user in environment.user_classes), default=0.0)
        if isinstance(runner, WorkerRunner):
            self.node.worker_index = runner.worker_index
            runner.register_message(MESSAGE, self.on_message_to_worker)
            # Only now can a message be taken: the owner repeats what was said before.
            runner.send_message(MESSAGE, pack(Join(self.version)))
            # The verdict is the master's; Locust would end a worker with 1 for any failed request.
            environment.process_exit_code = HELD
            self.ending.of_worker()
        else:
            self.outputs = Outputs.of(self.options)
            self.decide(INCONCLUSIVE, words.no_verdict(INCONCLUSIVE, "no run was started"))
            if isinstance(runner, MasterRunner):
                runner.register_message(MESSAGE, self.on_message_to_master)
                if self.options.processes:
                    self.ending.of_master()
            load = scenarios.load(self.options.scenario).load
            self.options.num_users = self.options.num_users or load.users
            self.options.spawn_rate = self.options.spawn_rate or load.spawn_rate
        self.given_host = environment.host
        self.class_hosts = {user: user.host for user in environment.user_classes}
        if web_ui is not None:
            Pages(web_ui, self).register(self.options.web_base_path or "")
        # Python raises KeyboardInterrupt in whichever greenlet happens to run, which then ends in the
        # middle of a visit or of clearing up. From a watcher it reaches the main greenlet alone.
        forked = isinstance(runner, WorkerRunner) and self.options.processes and "--worker" not in sys.argv
        gevent.signal_handler(signal.SIGINT, self.on_interrupt if forked else _interrupt)

    @property
    def options(self) -> Any:
        """Locust's parsed options with ours among them."""
        return self.environment.parsed_options

    def on_interrupt(self) -> None:
        """Leave Ctrl-C to the master, whom it hits as well: it ends the run, counts, and then ends its workers."""
        if self.interrupted:
            _interrupt()
        self.interrupted = True
        gevent.spawn_later(self.node.visit_timeout + 2 * PATIENCE, _interrupt)  # should there be no master any more

    # The owner of the link: a run from start to end.

    def on_test_start(self, environment: Environment, **_: Any) -> None:
        """Set the site up before the first user is spawned."""
        # Not by the runner: a worker that joins late gets this event before `init`.
        if environment.parsed_options is not None and environment.parsed_options.worker:
            return
        self.trouble = ""
        self.result = None
        self.setting_up = True
        # Whatever happens from here on, only a verdict changes this.
        self.decide(INCONCLUSIVE, words.no_verdict(INCONCLUSIVE, "the run did not come to its end"))
        # The web UI's form gives back the URL of the run before; that server is gone.
        host = environment.host if environment.host not in self.own_urls else None
        self.conductor = None
        self.history = None
        try:
            self.outputs = Outputs.of(self.options)
            self.outputs.clear()
            scenario = scenarios.load(self.options.scenario)
            self.conductor = Conductor(
                scenario,
                self.nodes,
                host=host or None,
                users=self.options.num_users,
                patience=self.node.visit_timeout + 2 * PATIENCE,
                keep_site=self.options.keep_site,
                history=self.open_history if self.options.history else None,
                commands=Path(f"{self.options.csv_prefix}_commands.log") if self.options.csv_prefix else None,
                progress=self.show,
                finished=self.on_finished,
                failed=self.on_failed,
            )
            self.conductor.start()
        except DocumentError as error:
            self.give_up(str(error), WRONG)
        except SetUpError as error:
            self.give_up(str(error), error.exit_code)
        except OSError as error:
            self.give_up(f"{error.filename}: the file of an earlier run is in the way: {error.strerror}", WRONG)
        except gevent.GreenletExit:  # stopped meanwhile
            if self.conductor is not None:
                self.conductor.cut()
            raise
        except Exception as error:  # Locust would log it and go on with users and without a run
            logger.exception("the run could not begin")
            self.give_up(f"the run could not begin: {error}", INCONCLUSIVE)
        else:
            # This is Locust's greenlet that spawns the users; if it fails they never come.
            spawning = gevent.getcurrent()
            if isinstance(spawning, gevent.Greenlet):
                spawning.link_exception(self.on_spawning_failed)
            environment.host = self.conductor.url
            if not host:
                self.own_urls.add(self.conductor.url)
        finally:
            self.setting_up = False
            self.decided.set()
        if self.trouble and environment.web_ui is not None:
            # End Locust's start, before it spawns users for whom there is no run.
            raise gevent.GreenletExit

    def open_history(self) -> History:
        """The file for every flip, and for every visit that is made in this process; SetUpError when it cannot be."""
        try:
            self.history = History(Path(self.options.history))
        except OSError as error:
            raise SetUpError(f"--history {self.options.history}: {error.strerror}", WRONG) from None
        if not isinstance(self.environment.runner, MasterRunner):
            self.recorder.keep = self.history.visit
        return self.history

    def on_spawning_complete(self, user_count: int, **_: Any) -> None:
        """All users are there."""
        if self.conductor is not None:
            self.conductor.users_are_there(user_count)

    def on_spawning_failed(self, spawning: gevent.Greenlet[..., Any]) -> None:
        """The conductor would wait for users for ever."""
        if self.conductor is not None:
            self.conductor.fail(f"the users could not be spawned: {spawning.exception!r}")

    def on_finished(self, result: Result) -> None:
        """Report, and end Locust's test unless that is what ended the run."""
        try:
            if self.environment.web_ui is None:
                result = replace(result, arguments=options.without_secrets(sys.argv[1:], get_parser()))
            self.report(result.with_problems(self.missing_counts()))
        except Exception as error:
            logger.exception("the run could not be reported")
            self.give_up(f"the run could not be reported: {error!r}", INCONCLUSIVE, began=True)
        else:
            self.end_test()

    def report(self, result: Result) -> None:
        """Write the files that were asked for, and decide on the exit code and the last words."""
        try:
            console.render(result)
        except Exception as error:  # before the files, which would say something else
            logger.exception("the report on the terminal")
            result = result.with_problems([f"the report on the terminal cannot be made: {error!r}"])
            render = words.last_line
        else:
            render = self.rendered
        self.result = result = self.outputs.write(result)
        if self.conductor is not None:
            self.conductor.result = result
        for problem in result.problems:
            logger.error(problem)
        text = render(result)
        if self.environment.web_ui is not None:
            print(text, flush=True)
            text = words.last_line(result)
        self.decide(result.exit_code, text)

    def rendered(self, result: Result) -> str:
        """The result as text for the terminal."""
        written = not any("--report" in problem for problem in result.problems)
        colour = console.wants_colour(sys.stdout, os.environ)
        return console.render(result, report=self.outputs.report if written else "", colour=colour)

    def missing_counts(self) -> list[str]:
        """Wait until Locust's CSV files have the last counts; what is wrong when they do not get them."""
        prefix, runner = self.options.csv_prefix, self.environment.runner
        assert runner is not None
        if prefix and not locust_csv.wait(prefix, runner.stats.total.num_requests):
            return [f"--csv: Locust could not write {locust_csv.path(prefix)} to its end"]
        return []

    def on_failed(self, reason: str) -> None:
        """A run that had begun has no result."""
        self.give_up(reason, INCONCLUSIVE, began=True)

    def on_crash(self, reason: str) -> None:
        """The process ends by an error, or by Locust's own decision: end the run, and let its files say why."""
        if isinstance(self.environment.runner, WorkerRunner):
            self.decide(INCONCLUSIVE, "")
            return
        conductor = self.conductor
        if self.result is not None:
            if self.result.verdict == "held":
                self.report(self.result.with_problems([reason]))
        elif conductor is not None and not self.trouble and reason != INTERRUPTED:
            conductor.fail(reason)
            conductor.cut()
        elif not self.trouble:
            self.give_up(reason, INCONCLUSIVE, began=conductor is not None)

    def give_up(self, message: str, exit_code: int, began: bool = False) -> None:
        """Say why there is no run or no result, also in the files that were asked for, and end Locust's test."""
        logger.error(message)
        self.trouble = message
        self.decide(exit_code, words.no_verdict(exit_code, message))
        # Out of Locust's form a host that was typed cannot be deleted; let it not come back in a new one.
        self.environment.host = self.given_host
        for user, own_host in self.class_hosts.items():
            user.host = own_host
        try:
            refusal = Refusal(Path(self.options.scenario).stem, message, exit_code, began)
            for problem in self.outputs.write_refusal(refusal):
                logger.error(problem)
        finally:
            self.end_test()

    def decide(self, exit_code: int, text: str) -> None:
        """What Locust will end with, as far as is known now."""
        self.environment.process_exit_code = exit_code
        self.ending.decide(exit_code, text)

    def end_test(self) -> None:
        """Quit a headless Locust; stop the test of one with the web UI, which goes on, or as --autoquit says."""
        runner, web_ui = self.environment.runner, self.environment.web_ui
        assert runner is not None

        def end() -> None:
            if web_ui is None:
                runner.quit()
                return
            runner.stop()
            if self.options.autostart and self.options.autoquit != -1:
                gevent.sleep(self.options.autoquit)
                runner.quit()
                web_ui.stop()

        # In a greenlet of its own: Locust waits for the run to end while it stops.
        gevent.spawn(end)

    def on_test_stopping(self, **_: Any) -> None:
        """End a run that Locust cuts short (-t, the stop button), while its users can still finish their visits."""
        if self.conductor is not None:
            self.conductor.cut()
        self.recorder.close()

    def on_quitting(self, environment: Environment, **_: Any) -> None:
        """End a run that Ctrl-C or SIGTERM cuts short."""
        if isinstance(environment.runner, WorkerRunner):
            self.recorder.close()
            self.recorder.drain(self.node.visit_timeout + PATIENCE)
            self.send_report()
        elif self.conductor is not None:
            self.conductor.cut()

    def show(self, progress: Progress) -> None:
        """One line about a phase that runs."""
        share = "" if progress.share is None else f"{100 * progress.share:.0f} %, "
        flips = f"{progress.flips} of {progress.planned}" if progress.planned else f"{progress.flips}"
        line = (
            f"phase {progress.phase.name} ({progress.number} of {progress.phases}): "
            f"{share}{flips} flips, {progress.visits} visits, {progress.lost} lost"
        )
        if sys.stderr is not None and sys.stderr.isatty():
            end = "\n" if progress.over else ""
            print(f"\r{line:<78}", end=end, file=sys.stderr, flush=True)
        elif progress.over or time.monotonic() - self.logged > LOG_EVERY:
            self.logged = time.monotonic()
            logger.info(line)

    # What the web UI asks.

    def so_far(self) -> Result | None:
        """What is known of the run; None without one."""
        return None if self.conductor is None or self.trouble else self.conductor.so_far()

    def refusal(self, scenario: str) -> str:
        """Why a run of this scenario cannot be started now; empty when it can."""
        runner = self.environment.runner
        if self.setting_up:
            return "a run is being set up"
        if runner is not None and runner.state in (STATE_SPAWNING, STATE_RUNNING):
            # Locust changes the number of users then; the scenario in the form is not the run's.
            if scenario and scenario != self.options.scenario:
                return f"{self.options.scenario} is running; stop it before you start {scenario}"
            return ""
        try:
            options.check(scenario or self.options.scenario)
        except argparse.ArgumentTypeError as error:
            logger.error(error)
            return str(error)
        return ""

    # Between the nodes.

    def send(self, order: Order, name: str | None) -> None:
        """From the owner to one node, or to all."""
        runner = self.environment.runner
        if isinstance(runner, MasterRunner):
            runner.send_message(MESSAGE, pack(order), client_id=name)
        else:
            self.node.obey(order)

    def present(self) -> Iterable[str]:
        """The nodes that are there now."""
        runner = self.environment.runner
        if not isinstance(runner, MasterRunner):
            return [LOCAL]
        return [client.id for client in runner.clients.values() if client.state != STATE_MISSING]

    def on_message_to_worker(self, msg: Any, **_: Any) -> None:
        """The owner says what to do."""
        try:
            self.node.hear(msg.data)
        except Exception as error:
            logger.exception("a message of the master")
            self.node.fail(f"a message of the master could not be obeyed: {error!r}")

    def on_message_to_master(self, msg: Any, **_: Any) -> None:
        """A worker is ready to listen."""
        try:
            self.nodes.join(msg.node_id, unpack(msg.data, Join).version)
        except MessageError as error:
            self.nodes.does_not_fit(msg.node_id, f"it could not join: {error}; install one version on both")

    def send_report(self) -> None:
        """From a node to the owner, now; on a worker with Locust's own counts, so that both are of one moment."""
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner):
            data: dict[str, Any] = {}
            self.environment.events.report_to_master.fire(client_id=runner.client_id, data=data)
            runner.send_message("stats", data)
        else:
            self.nodes.take(LOCAL, self.node.report())

    def on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        """Add our part to a worker's report."""
        data[MESSAGE] = None  # if the next line fails: a worker with `install()` is not one without
        data[MESSAGE] = pack(self.node.report())

    def on_worker_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        """Take our part of a worker's report; a worker without `install()` has none."""
        if MESSAGE not in data:
            self.nodes.stranger(client_id)
            return
        try:
            self.nodes.hear(client_id, data[MESSAGE])
        except Exception as error:  # Locust would log it, and nobody would miss the counts
            logger.exception("a report of worker %s", client_id)
            self.nodes.fail(client_id, f"a report of it could not be taken: {error!r}")

    # The one event of each visit.

    def fire(self, visit: Visit, judgment: Judgment) -> None:
        """Tell Locust of a judged visit, with the times it had."""
        error: str | None
        match judgment.kind:
            case "ok":
                error = None
            case "torn" | "stale":
                error = judgment.kind
            case _:
                error = counted_as(judgment.answer)
        try:
            self.environment.events.request.fire(
                request_type=visit.method,
                name=self.node.phases[visit.phase],
                response_time=(visit.received - visit.sent) / 1e6,
                response_length=visit.length,
                exception=error,
                context={},
                url=visit.path,
                start_time=self.epoch + visit.sent / 1e9,
            )
        except Exception as problem:
            # Locust lets listeners raise what ends a user, and this is no user but the judge of all visits.
            self.node.fail(f"a listener of Locust's request event raised {problem!r}")


_experiment = Experiment()


@functools.cache
def install() -> None:
    """Wire the experiment into Locust; for a locustfile, at module level. A second call does nothing."""
    # From now on visits wait for a phase: a worker that joins late has users before `init`.
    Visitor.recorder = _experiment.recorder
    _experiment.listen()


def _interrupt() -> None:
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
