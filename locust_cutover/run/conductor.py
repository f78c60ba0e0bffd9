"""The conductor: runs the phases one after another, on the one node that owns the link."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import gevent
from gevent.event import Event as Moment

from locust_cutover.history import History, Operation, OverLine, RunFacts, RunLine
from locust_cutover.judging.verdict import ExitCode, PhaseFacts, State
from locust_cutover.nodes.owner import Nodes
from locust_cutover.result import Result, assemble, machine, versions
from locust_cutover.run.play import Play
from locust_cutover.run.stage import Stage
from locust_cutover.scenario.model import Phase, Scenario
from locust_cutover.servers.server import NotInstalledError, ServerError
from locust_cutover.venues.stream import StreamReader
from locust_cutover.venues.venue import SetUpError
from switcher.schedule import draw_seed

logger = logging.getLogger("locust.cutover")


@dataclass(frozen=True)
class Progress:
    """How far a phase is."""

    phase: Phase
    number: int
    """From 1."""
    phases: int
    share: float | None
    """0 to 1; None for a phase without an end of its own."""
    flips: int
    planned: int | None
    """How many flips there will be; None where only the time tells."""
    visits: int
    lost: int
    over: bool


class Conductor:
    """One run. `start` returns when visitors may come.

    When the run is over, `finished` is called once with the result. If not even that can be made, `failed` is called
    with the reason instead. So nobody waits for ever for a run that has begun.

    Everything that the run starts and makes is ended and removed by its own greenlet, however it ends.
    """

    def __init__(
        self,
        scenario: Scenario,
        nodes: Nodes,
        *,
        host: str | None = None,
        users: int = 0,
        patience: float = 20.0,
        keep_site: bool = False,
        history: Callable[[], History] | None = None,
        commands: Path | None = None,
        progress: Callable[[Progress], None] = lambda progress: None,
        finished: Callable[[Result], None] = lambda result: None,
        failed: Callable[[str], None] = lambda reason: None,
    ) -> None:
        seed = draw_seed() if scenario.seed is None else scenario.seed
        began, started = time.monotonic_ns(), datetime.now().astimezone()
        self.result: Result | None = None
        self._run = RunFacts(scenario, "", users, seed, "", began, started, versions(), machine())
        self._stage = Stage(scenario, host, patience, keep_site, commands)
        self._nodes = nodes
        self._patience = patience
        self._open_history = history
        self._history: History | None = None
        self._progress = progress
        self._finished = finished
        self._failed = failed
        self._facts = [PhaseFacts(state=State.NOT_RUN) for _ in scenario.phases]
        self._playing: Play | None = None
        self._watermark = 0
        self._problems: list[str] = []
        self._refused: SetUpError | None = None
        self._ready = Moment()
        self._users_are_there = Moment()
        self._cut = Moment()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    @property
    def url(self) -> str:
        """Where the visitors go; empty before the site is set up."""
        return self._run.url

    def start(self) -> None:
        """Set the site up and visit it once; SetUpError when that fails."""
        self._greenlet = gevent.spawn(self._live)
        self._ready.wait()
        if self._refused:
            self._greenlet.join()
            raise self._refused

    def users_are_there(self, users: int) -> None:
        """The users that were asked for are spawned; the phases begin."""
        self._run = replace(self._run, users=max(self._run.users, users))
        self._users_are_there.set()

    def fail(self, problem: str) -> None:
        """End the run where it is, since something went wrong outside its phases."""
        self._problems.append(problem)
        self._end()

    def cut(self) -> None:
        """End the run where it is, and wait until everything is ended and reported."""
        self._end()
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent():
            self._greenlet.join()

    def so_far(self) -> Result | None:
        """What is known by now: while the run lasts, phases that are not over are inconclusive or violated.

        None before the site is set up; the result once the run is over.
        """
        if self.result is not None or self._refused or not self._ready.is_set():
            return self.result
        facts = [replace(facts) for facts in self._facts]
        # There is no verdict before it is written.
        if facts[-1].whole:
            facts[-1].state = State.RUNNING
        for index, phase in enumerate(facts):
            if self._playing is not None and index == self._playing.index:
                phase.seconds = self._playing.seconds
                if phase.whole:
                    phase.state = State.RUNNING
            elif phase.state is State.NOT_RUN and not self._cut.is_set():
                phase.state = State.WAITING
        return self._judge(facts)

    def _live(self) -> None:
        """The life of a run.

        1. Set the site up, visit it once, and tell the nodes and the history that a run begins.
        2. Wait for the users.
        3. Play the phases, one after another, until the run is cut.
        4. Stop and remove what was started and made, however the run went.
        5. Report the result. A run that never began has none: the nodes still have the counts of the run before.
        """
        try:
            # 1.
            self._begin()
            self._ready.set()
            # 2.
            self._users_are_there.wait()
            # 3.
            for index in range(len(self._facts)):
                if not self._cut.is_set():
                    self._play(index)
        except Exception as error:
            if self._ready.is_set():
                # Once it has begun there is a result, whose phases say that they were not run.
                self._note("the run could not go on", error)
            else:
                self._refused = _refusal(error)
        finally:
            # 4.
            self._clear_up()
            # 5.
            self._report()
            self._ready.set()  # neither `start` nor `cut` is kept waiting, whatever went wrong

    def _begin(self) -> None:
        marks = self._stage.set_up()
        venue, scenario = self._stage.venue, self._run.scenario
        self._run = replace(self._run, server=venue.version, url=self._stage.url)
        if self._open_history is not None:
            # Not sooner: it takes the place of the history of an earlier run.
            self._history = self._open_history()
        releases = [venue.release(name) for name in scenario.site.releases]
        self._nodes.begin(scenario, marks, self._history.path if self._history else None, venue.access, releases)
        self._write(RunLine(self._nodes.run, releases, self._run))
        logger.info("scenario %s: %s serves %s", scenario.name, venue.name, self._stage.page)

    def _play(self, index: int) -> None:
        """One phase, whatever happens: users who wait for a run that has gone would wait for ever."""
        phase, venue = self._run.scenario.phases[index], self._stage.venue
        facts = self._facts[index] = PhaseFacts()
        stream = StreamReader(index, phase, venue.release, self._watermark)
        try:
            companion = self._stage.companion(phase, (self._run.seed or 0) + index)
            self._playing = play = Play(stream, facts, venue, companion, self._nodes, self._write, self._cut)
            play.play(self._patience, lambda: self._show(play))
            self._watermark = stream.watermark
        except Exception as error:
            logger.exception("phase %s", phase.name)
            facts.trouble = f"the phase could not be played: {error}"
            self._cut.set()
            self._nodes.know_no_more()
            self._nodes.close(index)
        finally:
            self._playing = None

    def _clear_up(self) -> None:
        try:
            self._stage.clear_up()
        except Exception as error:
            self._note("the site could not be cleared up", error)

    def _report(self) -> None:
        try:
            if self._refused is None:
                self._finished(self._settle())
            elif self._history is not None:
                self._history.close()
        except Exception as error:
            logger.exception("the result could not be put together")
            self._failed(f"the result could not be put together: {error!r}")

    def _settle(self) -> Result:
        """The result with all that is wrong: the verdict is final before any report is written."""
        result = self._judge(self._facts)
        visits = self._nodes.tally.answers.total()
        self._write(OverLine(result.ended, visits, self._facts, self._problems))
        self._problems += self._nodes.end(self._patience)
        if self._history is not None:
            self._history.close()
            if self._history.error:
                self._problems.append(f"the history is not complete: {self._history.error}")
        return result.with_problems(self._problems)

    def _judge(self, facts: Sequence[PhaseFacts]) -> Result:
        return assemble(self._run, facts, self._nodes.tally, self._nodes.flips, datetime.now().astimezone())

    def _show(self, play: Play) -> None:
        tally, index = self._nodes.tally, play.index
        self._progress(
            Progress(
                phase=play.phase,
                number=index + 1,
                phases=len(self._facts),
                share=play.share,
                flips=play.facts.flips,
                planned=play.planned,
                visits=tally.visits(index),
                lost=tally.visits(index, "lost"),
                over=play.over,
            )
        )

    def _end(self) -> None:
        self._cut.set()
        self._users_are_there.set()

    def _write(self, operation: Operation) -> None:
        if self._history is not None:
            self._history.say(operation)

    def _note(self, what: str, error: Exception) -> None:
        """An error of our own."""
        logger.exception(what)
        self._problems.append(f"{what}: {error!r}")


def _refusal(error: Exception) -> SetUpError:
    """Why the run could not begin."""
    if isinstance(error, SetUpError):
        return error
    if isinstance(error, NotInstalledError):
        return SetUpError(str(error), ExitCode.WRONG)
    if isinstance(error, ServerError | OSError):
        return SetUpError(f"the site cannot be set up: {error}", ExitCode.INCONCLUSIVE)
    logger.error("the run could not begin", exc_info=error)
    return SetUpError(f"the run could not begin: {error}", ExitCode.INCONCLUSIVE)
