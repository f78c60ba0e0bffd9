"""The conductor: runs the phases one after another, on the one node that owns the link."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import gevent
from gevent.event import Event

from locust_cutover.client.answer import Answer
from locust_cutover.client.connection import Connection
from locust_cutover.client.marks import Marks
from locust_cutover.history import History
from locust_cutover.judging.answers import TLS_FAILED
from locust_cutover.judging.verdict import PhaseFacts, State, judge_phase
from locust_cutover.nodes.owner import Nodes
from locust_cutover.result import Result, machine, processors, versions
from locust_cutover.run.play import Play
from locust_cutover.scenario.model import Phase, Scenario, describe
from locust_cutover.servers.server import NotInstalledError, ServerError
from locust_cutover.venues.companion import Companion
from locust_cutover.venues.lab import Lab
from locust_cutover.venues.own_site import OwnSite, WatchedSite
from locust_cutover.venues.venue import SetUpError, Venue
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
        self.scenario = scenario
        self.url = ""
        self.result: Result | None = None
        self._nodes = nodes
        self._host = host
        self._users = users
        self._patience = patience
        self._keep_site = keep_site
        self._open_history = history
        self._history: History | None = None
        self._commands = commands
        self._progress = progress
        self._finished = finished
        self._failed = failed
        self._problems: list[str] = []
        self._facts = [PhaseFacts(state=State.NOT_RUN) for _ in scenario.phases]
        self._ready = Event()
        self._users_are_there = Event()
        self._cut = Event()
        self._failure: SetUpError | None = None
        self._companion: Companion | None = None
        self._venue: Venue | None = None
        self._watermark = 0
        self._seed = draw_seed() if scenario.seed is None else scenario.seed
        self._began = time.monotonic_ns()
        self._started = datetime.now().astimezone()
        self._version: str | None = None
        self._versions = versions()
        self._machine = machine()
        self._processors = processors(self._machine)
        self._playing: Play | None = None
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        """Set the site up and visit it once; SetUpError when that fails."""
        self._greenlet = gevent.spawn(self._run)
        self._ready.wait()
        if self._failure:
            self._greenlet.join()
            raise self._failure

    def users_are_there(self, users: int) -> None:
        """The users that were asked for are spawned; the phases begin."""
        self._users = max(self._users, users)
        self._users_are_there.set()

    def fail(self, problem: str) -> None:
        """End the run where it is, since something went wrong outside its phases."""
        self._problems.append(problem)
        self._cut.set()
        self._users_are_there.set()

    def cut(self) -> None:
        """End the run where it is, and wait until everything is ended and reported."""
        self._cut.set()
        self._users_are_there.set()
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent():
            self._greenlet.join()

    def so_far(self) -> Result | None:
        """What is known by now: while the run lasts, phases that are not over are inconclusive or violated.

        None before the site is set up; the result once the run is over.
        """
        if self.result is not None or self._version is None:
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

    def _run(self) -> None:
        folder: Path | None = None
        try:
            folder = Path(tempfile.mkdtemp(prefix="locust-cutover-"))
            self._venue = self._choose_venue(folder)
            self._version = self._set_up(self._venue, folder)
            self._ready.set()
            self._users_are_there.wait()
            for index in range(len(self.scenario.phases)):
                if not self._cut.is_set():
                    self._play(index, self._venue, folder)
        except SetUpError as error:
            self._failure = error
        except NotInstalledError as error:
            self._failure = SetUpError(str(error), exit_code=2)
        except (ServerError, OSError) as error:
            self._failure = SetUpError(f"the site cannot be set up: {error}", exit_code=3)
        except Exception as error:
            if self._ready.is_set():
                # Once it has begun there is a result, whose phases say that they were not run.
                self._wrong("the run could not go on", error)
            else:
                logger.exception("the run could not begin")
                self._failure = SetUpError(f"the run could not begin: {error}", exit_code=3)
        finally:
            # Whatever goes wrong in one of these, `start` and `cut` are not kept waiting.
            try:
                self._clear_up(folder)
            except Exception as error:
                self._wrong("the site could not be cleared up", error)
            finally:
                self._end()

    def _wrong(self, what: str, error: Exception) -> None:
        """An error of our own."""
        logger.exception(what)
        self._problems.append(f"{what}: {error!r}")

    def _end(self) -> None:
        """Report, or nothing of a run that never began: what the nodes have counted is of the run before."""
        try:
            if self._failure is None:
                self._report_result()
            elif self._history is not None:
                self._history.close()
        except Exception as error:
            logger.exception("the result could not be put together")
            self._failed(f"the result could not be put together: {error!r}")
        finally:
            self._ready.set()

    def _play(self, index: int, venue: Venue, folder: Path) -> None:
        """One phase, whatever happens: users who wait for a run that has gone would wait for ever."""
        phase = self.scenario.phases[index]
        facts = self._facts[index] = PhaseFacts()
        try:
            self._companion = venue.companion(phase, folder, self._seed + index)
            self._playing = play = Play(
                index, phase, facts, venue, self._companion, self._nodes, self._write, self._cut, self._watermark
            )
            play.play(self._patience, lambda: self._report(play))
            self._watermark = play.watermark
        except Exception as error:
            logger.exception("phase %s", phase.name)
            facts.trouble = f"the phase could not be played: {error}"
            self._cut.set()
            self._nodes.know_no_more()
            self._nodes.close(index)
        finally:
            self._playing = None

    def _report_result(self) -> None:
        """Settle what is wrong first: the verdict is final before anything is written."""
        result = self._judge(self._facts)
        visits = self._nodes.tally.answers.total()
        facts = [asdict(facts) for facts in self._facts]
        self._write("over", ended=result.ended.isoformat(), visits=visits, phases=facts, problems=self._problems)
        self._problems += self._nodes.end(self._patience)
        if self._history is not None:
            self._history.close()
            if self._history.error:
                self._problems.append(f"the history is not complete: {self._history.error}")
        self._finished(result.with_problems(self._problems))

    def _choose_venue(self, folder: Path) -> Venue:
        if self.scenario.site.external is None:
            return Lab(self.scenario.site, self._keep_site)
        if self._commands is None:
            self._commands = folder / "commands.log"
        watched = any(phase.watched for phase in self.scenario.phases)
        return (WatchedSite if watched else OwnSite)(self.scenario.site, self._commands)

    def _set_up(self, venue: Venue, folder: Path) -> str:
        venue.set_up(folder, self.scenario.phases)
        self.url = self._host or venue.url
        if "@" in self.url:
            raise SetUpError("a host with a password in it: site.auth names environment variables instead", 2)
        marks = self._try(venue, self.scenario.site.path)
        if self._open_history is not None:
            # Not sooner: it takes the place of the history of an earlier run.
            self._history = self._open_history()
        releases = [venue.release(name) for name in self.scenario.site.releases]
        self._nodes.begin(self.scenario, marks, self._history.path if self._history else None, venue.access, releases)
        self._write(
            "run",
            run=self._nodes.run,
            scenario=describe(self.scenario),
            releases=releases,
            server=venue.version,
            users=self._users,
            seed=self._seed,
            url=self.url,
            began=self._began,
            started=self._started.isoformat(),
            versions=self._versions,
            machine=self._machine,
        )
        page = self.url + self.scenario.site.path
        logger.info("scenario %s: %s serves %s", self.scenario.name, venue.name, page)
        return venue.version

    def _try(self, venue: Venue, path: str) -> Marks:
        """Visit the page once before anything flips; what its marks are."""
        access = venue.access
        try:
            connection = Connection(self.url, self._patience, access.tls(), access.fields())
            answer = connection.exchange(path)
        except ValueError as error:
            raise SetUpError(str(error), exit_code=2) from None
        connection.close()
        page = self.url + path
        if not answer.ok:
            raise SetUpError(f"{page}: {answer.name} before the first flip{_advice(answer)}", exit_code=2)
        return venue.examine(answer, page)

    def _write(self, op: str, **facts: object) -> None:
        if self._history is not None:
            self._history.say(op, **facts)

    def _report(self, play: Play) -> None:
        phase, facts = play.phase, play.facts
        share, planned, times = None, None, 1 + facts.extended
        if phase.flips is not None:
            planned = phase.flips * times
            share = min(facts.flips / planned, 1.0)
        elif phase.duration is not None:
            share = min(play.seconds * 1e9 / (phase.duration * times), 1.0)
        tally = self._nodes.tally
        self._progress(
            Progress(
                phase,
                play.index + 1,
                len(self.scenario.phases),
                share,
                facts.flips,
                planned,
                tally.visits(play.index),
                tally.visits(play.index, "lost"),
                play.over,
            )
        )

    def _clear_up(self, folder: Path | None) -> None:
        """Each step, whatever becomes of the one before."""
        with ExitStack() as steps:
            if folder is not None:
                steps.callback(self._clear_folder, folder)
            if self._venue is not None:
                steps.callback(self._venue.clear_up)
            if self._companion is not None:
                steps.callback(self._companion.stop)

    def _clear_folder(self, folder: Path) -> None:
        said = self._commands is not None and self._commands.exists()
        if said:
            logger.info("what the commands printed is in %s", self._commands)
        if self._keep_site:
            logger.info("the site and the logs are kept in %s", folder)
        elif said and self._commands is not None and self._commands.parent == folder:
            (folder / "switcher.log").unlink(missing_ok=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                logger.warning("could not remove %s", folder)

    def _judge(self, so_far: Sequence[PhaseFacts]) -> Result:
        phases = zip(self.scenario.phases, so_far, strict=True)
        return Result(
            scenario=self.scenario,
            phases=tuple(
                judge_phase(
                    phase,
                    index,
                    facts,
                    self._nodes.tally,
                    self._nodes.flips[index],
                    self.scenario.site.judged,
                    self._processors,
                )
                for index, (phase, facts) in enumerate(phases)
            ),
            flips=tuple(self._nodes.flips),
            server=self._version or "",
            users=self._users,
            seed=self._seed,
            url=self.url,
            began=self._began,
            started=self._started,
            versions=self._versions,
            machine=self._machine,
            ended=datetime.now().astimezone(),
        )


def _advice(answer: Answer) -> str:
    """What to look at when the first visit fails."""
    if answer.error == TLS_FAILED:
        return "; the certificate is to be for this host, or its Host header, and its authority in site.ca or known"
    if answer.error is None and 300 <= answer.status < 400:
        return f"; it leads to {answer.headers.get('location', 'nowhere')}, and visitors follow no redirect"
    if answer.error is None and answer.status == 401:
        return "; site.auth names the environment variables with user and password"
    return ""
