"""All nodes with visitors, as the owner of the link sees them: tells them what to do, adds up what they report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from uuid import uuid4

import gevent
from gevent.event import Event

from locust_cutover.client.access import Access
from locust_cutover.client.marks import Marks
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.latecomer import needs
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import STILL, Flip
from locust_cutover.nodes.host import childrens_clock
from locust_cutover.nodes.messages import (
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
    check_report,
    run_of,
    unpack,
)
from locust_cutover.nodes.packed import MessageError
from locust_cutover.scenario.model import Scenario

logger = logging.getLogger("locust.cutover")

NO_ACCESS = Access()

VERSION = metadata.version("locust-cutover")

STRANGER = "it has not joined the experiment, so nobody judges its visits; call install() in its locustfile"

SOON = 0.05
"""Seconds until a node that is behind is asked again; as often the switcher says that nothing was flipped."""

LOCAL = "local"
"""The name of the one node of a run without workers."""


@dataclass
class _Seen:
    """What one node has reported in this run."""

    visits: int = 0
    """Visits that it says it made."""
    counted: int = 0
    """Visits in the tallies that came."""
    drained: int = -1
    """The last phase of which all its visits are counted."""
    trouble: str = ""
    """Why its visits do not count in full, as it says itself."""
    history: str | None = None
    """At the end of the run: why its part of the history is not complete, empty when it is. None: not said yet."""
    reports: int = 0
    """How many came."""


class Nodes:
    """`send` broadcasts a message, or sends it to one node; `present` names the nodes that are there now."""

    def __init__(self, send: Callable[[Order, str | None], None], present: Callable[[], Iterable[str]]) -> None:
        self._send = send
        self._present = present
        self._reported = Event()
        self._begin: Begin | None = None
        self._start: Start | None = None
        self._open: Open | None = None
        self._closed = -1
        self._flips: list[Flip] = []
        """The flips so far, as far as a node that joins late needs them, and some newer ones."""
        self._kept = 0
        self._seen: dict[str, _Seen] = {}
        self._misfits: dict[str, str] = {}
        """Workers that do not fit this owner, in any run, and why."""
        self._troubled: dict[str, list[str]] = {}
        """What this owner found wrong with a node in this run."""
        self._rejected: set[str] = set()
        """Nodes with a report in this run that made no sense."""
        self._heard: set[str] = set()
        """Nodes that have sent a report of this pack, of whatever run."""
        self.run = ""
        self.tally = Tally()
        self.flips: list[FlipTable] = []

    def begin(
        self,
        scenario: Scenario,
        marks: Marks,
        history: Path | None,
        access: Access = NO_ACCESS,
        releases: Sequence[str] | None = None,
    ) -> None:
        """Start a new run with nothing counted.

        `history` is where workers write their visits; `releases` are those that can be flipped to, as marks call them,
        where that is not by the names of the scenario.
        """
        self.run = uuid4().hex
        self.tally = Tally()
        self.flips = [FlipTable(index, phase.sparse) for index, phase in enumerate(scenario.phases)]
        self._flips = []
        self._kept = 0
        self._closed = -1
        present = list(self._present())
        self._troubled = {name: [self._misfits[name]] for name in present if name in self._misfits}
        self._seen = {name: _Seen() for name in present if self._misfits.get(name) != STRANGER}
        self._rejected = set()
        self._start = self._open = None
        self._begin = Begin(
            run=self.run,
            clock=childrens_clock(),
            phases=tuple(phase.name for phase in scenario.phases),
            releases=tuple(scenario.site.releases if releases is None else releases),
            page=scenario.site.path,
            mark=marks.pattern,
            marks=marks.due,
            head=marks.head,
            access=access,
            history=str(history or ""),
        )
        self._send(self._begin, None)

    def join(self, name: str, version: str = VERSION) -> None:
        """A node that came later, with its version of this pack: tell it what the others know and it needs."""
        if version != VERSION:
            reason = f"it runs locust-cutover {version}, the master runs {VERSION}; install one version on both"
            self.does_not_fit(name, reason)
        if self._begin is None:
            return
        # It has made no visit of a phase that is closed already.
        self._seen.setdefault(name, _Seen(drained=self._closed))
        self._send(CatchUp(self._begin, self._start, Know(tuple(needs(self._flips)), 0), self._open), name)

    def stranger(self, name: str) -> None:
        """A worker has sent a report without our part in it: nobody judges the visits of its users."""
        if name not in self._misfits:
            self.does_not_fit(name, STRANGER)
        self._seen.pop(name, None)
        self._reported.set()

    def fail(self, name: str, reason: str) -> None:
        """A report or a message of this node could not be taken."""
        troubles = self._troubled.setdefault(name, [])
        if reason not in troubles:
            troubles.append(reason)

    def start(self, release: str) -> None:
        """What the link points to before the first flip; only the first call of a run counts."""
        if self._start is None:
            self._start = Start(release)
            self._send(self._start, None)

    def open(self, phase: int) -> None:
        """Let the visitors in, on nodes that join later too."""
        self._open = Open(phase)
        self._send(self._open, None)

    def know(self, flips: list[Flip], watermark: int) -> None:
        """Every flip invoked until the watermark is known; these are the new ones."""
        for flip in flips:
            self.flips[flip.phase].add(flip)
        self._flips += flips
        if len(self._flips) > 2 * self._kept + 100:
            self._flips = needs(self._flips)
            self._kept = len(self._flips)
        self._send(Know(tuple(flips), watermark), None)

    def know_all(self) -> None:
        """Nothing flips any more."""
        self._send(Know((), STILL), None)

    def know_no_more(self) -> None:
        """The switcher died."""
        self._send(KnowNoMore(), None)

    def ask(self) -> None:
        """Ask all nodes for a report, between those that they send by themselves."""
        self._send(Ask(), None)

    def close(self, phase: int) -> None:
        """Let nobody in any more."""
        self._open = None
        self._closed = phase
        self._send(Close(phase), None)

    def end(self, timeout: float = 0.0) -> list[str]:
        """The run is over. A sentence for each worker whose part of the history is not complete."""
        history, self._begin = self._begin is not None and self._begin.history, None
        self._send(End(), None)
        if not history:
            return []
        self._wait(self._silent, timeout)
        return [
            f"the history of {_called(name)} is not complete: {seen.history or 'it did not say whether it is'}"
            for name, seen in sorted(self._seen.items())
            if seen.history != ""
        ]

    def hear(self, name: str, packed: object) -> None:
        """One node's report as it arrived. One that makes no sense is not counted, and the run does not hold."""
        self._heard.add(name)
        run = run_of(packed)
        if run is not None and run != self.run:
            return
        seen = self._seen.get(name, _Seen())
        try:
            report = unpack(packed, Report)
            check_report(report, self.flips, seen.counted, seen.visits)
        except MessageError as error:
            self._reject(name, error)
        else:
            self.take(name, report)

    def take(self, name: str, report: Report) -> None:
        """Add up one node's report; one of another run is ignored."""
        self._heard.add(name)
        if report.run != self.run:
            return
        seen = self._seen.setdefault(name, _Seen())
        self.tally.merge(report.tally)
        for table in self.flips:
            table.take(report.tally)
        seen.reports += 1
        seen.visits = report.visits
        seen.counted += report.tally.answers.total()
        seen.drained = max(seen.drained, report.drained)
        seen.trouble = report.trouble
        seen.history = report.history
        self._reported.set()

    def catch_up(self, timeout: float) -> None:
        """Wait until all nodes have counted the visits that they have made by now, while visitors go on."""
        deadline = time.monotonic() + timeout
        before = {name: seen.reports for name, seen in self._seen.items()}
        made: dict[str, int] = {}
        while (left := deadline - time.monotonic()) > 0:
            self.ask()
            for name in before:
                if self._seen[name].reports > before[name]:
                    made.setdefault(name, self._seen[name].visits)
            late = {name for name in before if name not in made or self._seen[name].counted < made[name]}
            behind = late - self._rejected
            if not behind & set(self._present()):
                return
            gevent.sleep(min(left, SOON))  # they judge meanwhile

    def collect(self, phase: int, timeout: float) -> list[str]:
        """Wait until every node has counted all its visits of the phase; a sentence for each that has not."""
        self._wait(lambda: self._missing(phase), timeout)
        missing = self._missing(phase)
        present = set(self._present())
        for name, seen in self._seen.items():
            if seen.trouble:
                self.fail(name, seen.trouble)
        return [
            *(f"{_called(name)}: {trouble}" for name in sorted(self._troubled) for trouble in self._troubled[name]),
            *(
                f"{_called(name)} {'did not report all its visits' if name in present else 'died'}"
                for name in sorted(missing)
            ),
        ]

    def does_not_fit(self, name: str, reason: str) -> None:
        """A worker cannot be a node of this owner, in this run and in later ones."""
        logger.error("%s: %s", _called(name), reason)
        self._misfits[name] = reason
        self.fail(name, reason)

    def _reject(self, name: str, error: MessageError) -> None:
        """Not all that its visitors saw can be counted. Of many errors the first one is told."""
        if name not in self._rejected:
            self._rejected.add(name)
            reason = f"its report was rejected: {error}"
            logger.error("%s: %s", _called(name), reason)
            self.fail(name, reason)
        if seen := self._seen.get(name):
            # It may have been the report that is waited for.
            seen.drained = max(seen.drained, self._closed)
            if self._begin is None:
                seen.history = seen.history or "its report was rejected"
        self._reported.set()

    def _wait(self, missing: Callable[[], set[str]], timeout: float) -> None:
        """Wait until no node that is present is missing any more."""
        deadline = time.monotonic() + timeout
        while missing() & set(self._present()) and (left := deadline - time.monotonic()) > 0:
            self._reported.clear()
            # A node that dies says nothing: look again soon whether it is still there.
            self._reported.wait(min(left, 0.5))

    def _missing(self, phase: int) -> set[str]:
        """Nodes whose visits are not all counted; also one that has users and of which nothing was heard yet."""
        known = {*self._seen, *self._misfits, *self._heard}
        return {
            name
            for name, seen in self._seen.items()
            if seen.drained != phase or (seen.counted != seen.visits and name not in self._rejected)
        } | (set(self._present()) - known)

    def _silent(self) -> set[str]:
        return {name for name, seen in self._seen.items() if seen.history is None}


def _called(name: str) -> str:
    return "this process" if name == LOCAL else f"worker {name}"
