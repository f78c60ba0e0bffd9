"""How a run ends: its files, the exit code, the last line, and the end of Locust's test."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
from locust.argument_parser import get_parser
from locust.env import Environment

from locust_cutover.judging.verdict import ExitCode
from locust_cutover.reports import console, words
from locust_cutover.reports.outputs import Outputs
from locust_cutover.reports.refusal import Refusal
from locust_cutover.result import Result
from locust_cutover.wiring import locust_csv
from locust_cutover.wiring.arguments import without_secrets
from locust_cutover.wiring.hosts import Hosts
from locust_cutover.wiring.process_end import ProcessEnd

logger = logging.getLogger("locust.cutover")


class Ending:
    """The ends of the runs of one process, one after another.

    A run ends with a result (`finish`) or without one (`give_up`). If Locust fails afterwards, `doubt` the result.
    """

    def __init__(self, environment: Environment, process_end: ProcessEnd, hosts: Hosts) -> None:
        self.trouble = ""
        """Why there is no run or no result; empty otherwise."""
        self.result: Result | None = None
        """The result of the run that is over, as its files tell it."""
        self._environment = environment
        self._process_end = process_end
        self._hosts = hosts
        self._outputs = Outputs.of(environment.parsed_options)
        self._decide(ExitCode.INCONCLUSIVE, words.no_verdict(ExitCode.INCONCLUSIVE, "no run was started"))

    def begin(self) -> None:
        """Forget the previous run and remove its files; OSError when a file cannot be removed."""
        self.trouble = ""
        self.result = None
        # Whatever happens from here on, only a verdict changes this.
        self._decide(ExitCode.INCONCLUSIVE, words.no_verdict(ExitCode.INCONCLUSIVE, "the run did not come to its end"))
        self._outputs = Outputs.of(self._options)
        self._outputs.clear()

    def finish(self, result: Result) -> None:
        """Report the result and end Locust's test."""
        try:
            if self._environment.web_ui is None:
                result = replace(result, arguments=without_secrets(sys.argv[1:], get_parser()))
            self._report(result.with_problems(self._missing_counts()))
        except Exception as error:
            logger.exception("the run could not be reported")
            self.fail(f"the run could not be reported: {error!r}")
        else:
            self._end_test()

    def fail(self, reason: str) -> None:
        """End a run that had begun and has no result."""
        self.give_up(reason, ExitCode.INCONCLUSIVE, began=True)

    def give_up(self, message: str, exit_code: int, began: bool = False) -> None:
        """Say why there is no run or no result, also in the files that were asked for, and end Locust's test."""
        logger.error(message)
        self.trouble = message
        self._decide(exit_code, words.no_verdict(exit_code, message))
        self._hosts.restore()
        try:
            refusal = Refusal(Path(self._options.scenario).stem, message, exit_code, began)
            for problem in self._outputs.write_refusal(refusal):
                logger.error(problem)
        finally:
            self._end_test()

    def doubt(self, reason: str) -> None:
        """Locust failed after the result was written: a run that held is inconclusive now."""
        if self.result is not None and self.result.verdict == "held":
            self._report(self.result.with_problems([reason]))

    @property
    def _options(self) -> Any:
        return self._environment.parsed_options

    def _decide(self, exit_code: int, text: str) -> None:
        self._environment.process_exit_code = exit_code
        self._process_end.decide(exit_code, text)

    def _report(self, result: Result) -> None:
        """Write the files that were asked for, and decide on the exit code and the last line."""
        try:
            console.render(result)
        except Exception as error:  # try it before the files are written, so that they tell this problem too
            logger.exception("the report on the terminal")
            result = result.with_problems([f"the report on the terminal cannot be made: {error!r}"])
            render = words.last_line
        else:
            render = self._rendered
        self.result = result = self._outputs.write(result)
        for problem in result.problems:
            logger.error(problem)
        text = render(result)
        if self._environment.web_ui is not None:
            print(text, flush=True)
            text = words.last_line(result)
        self._decide(result.exit_code, text)

    def _rendered(self, result: Result) -> str:
        """The report on the terminal."""
        written = not any("--report" in problem for problem in result.problems)
        colour = console.wants_colour(sys.stdout, os.environ)
        return console.render(result, report=self._outputs.report if written else "", colour=colour)

    def _missing_counts(self) -> list[str]:
        """Wait until Locust's CSV files have the last counts; a problem when they do not get them."""
        prefix, runner = self._options.csv_prefix, self._environment.runner
        assert runner is not None
        if prefix and not locust_csv.wait(prefix, runner.stats.total.num_requests):
            return [f"--csv: Locust could not write {locust_csv.path(prefix)} to its end"]
        return []

    def _end_test(self) -> None:
        """Quit a headless Locust. With the web UI, stop the test, and quit only if --autoquit says so."""
        # In a greenlet of its own: Locust waits for the run to end while it stops.
        gevent.spawn(self._stop_locust)

    def _stop_locust(self) -> None:
        runner, web_ui = self._environment.runner, self._environment.web_ui
        assert runner is not None
        if web_ui is None:
            runner.quit()
            return
        runner.stop()
        if self._options.autostart and self._options.autoquit != -1:
            gevent.sleep(self._options.autoquit)
            runner.quit()
            web_ui.stop()
