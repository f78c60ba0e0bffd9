"""The runs of the process that owns the link: how each begins, and how far it is."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, MasterRunner

from locust_cutover.history import History
from locust_cutover.judging.verdict import ExitCode
from locust_cutover.result import Result
from locust_cutover.run.conductor import Conductor
from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.document import DocumentError
from locust_cutover.venues.venue import SetUpError
from locust_cutover.wiring import options
from locust_cutover.wiring.ending import Ending
from locust_cutover.wiring.hosts import Hosts
from locust_cutover.wiring.process_end import INTERRUPTED, ProcessEnd
from locust_cutover.wiring.progress import ProgressLine
from locust_cutover.wiring.transport import Transport

logger = logging.getLogger("locust.cutover")


class Runs:
    """Begins runs one after another, each with a conductor of its own, and tells the web UI about the current one."""

    def __init__(self, environment: Environment, transport: Transport, process_end: ProcessEnd) -> None:
        self.decided = Event()
        """Set as soon as a start has led to a run, or to the trouble why there is none."""
        self._environment = environment
        self._transport = transport
        self._hosts = Hosts(environment)
        self._ending = Ending(environment, process_end, self._hosts)
        self._progress = ProgressLine()
        self._conductor: Conductor | None = None
        self._setting_up = False

    @property
    def trouble(self) -> str:
        """Why there is no run or no result; empty otherwise."""
        return self._ending.trouble

    def begin(self) -> None:
        """Set the site up before the first user is spawned; without a run, end Locust's start."""
        self._setting_up = True
        self._conductor = None
        host = self._hosts.chosen()
        try:
            self._ending.begin()
            self._conductor = self._new_conductor(host)
            self._conductor.start()
        except DocumentError as error:
            self._ending.give_up(str(error), ExitCode.WRONG)
        except SetUpError as error:
            self._ending.give_up(str(error), error.exit_code)
        except OSError as error:
            message = f"{error.filename}: the file of an earlier run is in the way: {error.strerror}"
            self._ending.give_up(message, ExitCode.WRONG)
        except gevent.GreenletExit:  # stopped meanwhile
            self.cut()
            raise
        except Exception as error:  # Locust would log it, and go on with users and without a run
            logger.exception("the run could not begin")
            self._ending.give_up(f"the run could not begin: {error}", ExitCode.INCONCLUSIVE)
        else:
            # This greenlet of Locust spawns the users; if it fails, they never come.
            spawning = gevent.getcurrent()
            if isinstance(spawning, gevent.Greenlet):
                spawning.link_exception(self._on_spawning_failed)
            self._hosts.visit(self._conductor.url)
        finally:
            self._setting_up = False
            self.decided.set()
        if self.trouble and self._environment.web_ui is not None:
            raise gevent.GreenletExit  # before Locust spawns users for whom there is no run

    def users_are_there(self, users: int) -> None:
        """All users are spawned."""
        if self._conductor is not None:
            self._conductor.users_are_there(users)

    def cut(self) -> None:
        """End the run where it is, and wait until it is reported."""
        if self._conductor is not None:
            self._conductor.cut()

    def crash(self, reason: str) -> None:
        """The process fails, or Locust ends it: end the run, and let its files say why."""
        if self._ending.result is not None:
            self._ending.doubt(reason)
        elif self.trouble:
            pass  # it has been told
        elif self._conductor is not None and reason != INTERRUPTED:
            self._conductor.fail(reason)
            self._conductor.cut()
        else:
            self._ending.give_up(reason, ExitCode.INCONCLUSIVE, began=self._conductor is not None)

    def so_far(self) -> Result | None:
        """What is known of the run; None without one."""
        if self._conductor is None or self.trouble:
            return None
        return self._ending.result or self._conductor.so_far()

    def refusal(self, scenario: str) -> str:
        """Why a run of this scenario cannot be started now; empty when it can."""
        runner, current = self._environment.runner, self._options.scenario
        if self._setting_up:
            return "a run is being set up"
        if runner is not None and runner.state in (STATE_SPAWNING, STATE_RUNNING):
            # Locust would change the number of users only: the run keeps its scenario.
            if scenario and scenario != current:
                return f"{current} is running; stop it before you start {scenario}"
            return ""
        try:
            options.check(scenario or current)
        except argparse.ArgumentTypeError as error:
            logger.error(error)
            return str(error)
        return ""

    @property
    def _options(self) -> Any:
        return self._environment.parsed_options

    def _new_conductor(self, host: str | None) -> Conductor:
        prefix = self._options.csv_prefix
        return Conductor(
            scenarios.load(self._options.scenario),
            self._transport.nodes,
            host=host,
            users=self._options.num_users,
            patience=self._transport.patience,
            keep_site=self._options.keep_site,
            history=self._open_history if self._options.history else None,
            commands=Path(f"{prefix}_commands.log") if prefix else None,
            progress=self._progress.show,
            finished=self._ending.finish,
            failed=self._ending.fail,
        )

    def _open_history(self) -> History:
        """Open the file for all flips, and for the visits of this process; SetUpError when that fails."""
        try:
            history = History(Path(self._options.history))
        except OSError as error:
            raise SetUpError(f"--history {self._options.history}: {error.strerror}", ExitCode.WRONG) from None
        if not isinstance(self._environment.runner, MasterRunner):
            self._transport.recorder.keep = history.visit
        return history

    def _on_spawning_failed(self, spawning: gevent.Greenlet[..., Any]) -> None:
        """End the run: the conductor would wait for the users for ever."""
        if self._conductor is not None:
            self._conductor.fail(f"the users could not be spawned: {spawning.exception!r}")
