"""All nodes with visitors, as the owner of the link sees them: tells them what to do, adds up what they report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import gevent
from gevent.event import Event

from locust_cutover.access import Access
from locust_cutover.host import this_host
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import STILL, Flip
from locust_cutover.node import Message
from locust_cutover.scenario import Scenario
from locust_cutover.visit import Marks

NO_ACCESS = Access()

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
    """Why it has no visitors."""
    reports: int = 0
    """How many came."""


class Nodes:
    """`send` broadcasts a message, or sends it to one node; `present` names the nodes that are there now."""

    def __init__(self, send: Callable[[Message, str | None], None], present: Callable[[], Iterable[str]]) -> None:
        self._send = send
        self._present = present
        self._reported = Event()
        self._begin: Message = {}
        self._start: Message = {}
        self._open: Message = {}
        self._closed = -1
        self._latest: dict[str, Flip] = {}
        self._seen: dict[str, _Seen] = {}
        self.run = ""
        self.tally = Tally()
        self.flips: list[FlipTable] = []

    def begin(self, scenario: Scenario, marks: Marks, history: Path | None, access: Access = NO_ACCESS) -> None:
        """Start a new run with nothing counted; `history` is where workers write their visits, too."""
        sparse = [index for index, phase in enumerate(scenario.phases) if phase.sparse]
        self.run = uuid4().hex
        self.tally = Tally()
        self.flips = [FlipTable(index, index in sparse) for index in range(len(scenario.phases))]
        self._latest = {}
        self._closed = -1
        self._seen = {name: _Seen() for name in self._present()}
        self._start = self._open = {}
        self._begin = {
            "do": "begin",
            "run": self.run,
            "host": this_host(),
            "phases": [phase.name for phase in scenario.phases],
            "releases": list(scenario.site.releases),
            "sparse": sparse,
            "page": scenario.site.path,
            "mark": marks.pattern,
            "marks": marks.due,
            "head": marks.head,
            "access": asdict(access),
            "history": str(history or ""),
        }
        self._send(self._begin, None)

    def join(self, name: str) -> None:
        """A node that came later: tell it what the others know and it needs.

        That is of each release the last flip: its visits are all sent later than these.
        """
        if not self._begin:
            return
        # It has made no visit of a phase that is closed already.
        self._seen.setdefault(name, _Seen(drained=self._closed))
        flips = sorted(self._latest.values(), key=lambda flip: flip.invoked)
        known = {"do": "know", "flips": flips, "watermark": 0}
        # In one message: a flip that is broadcast between two would be told twice.
        self._send({"do": "join", "messages": [*filter(None, [self._begin, self._start, known, self._open])]}, name)

    def start(self, release: str) -> None:
        """What the link points to before the first flip; only the first call of a run counts."""
        if not self._start:
            self._start = {"do": "start", "release": release}
            self._send(self._start, None)

    def open(self, phase: int) -> None:
        """Let the visitors in, on nodes that join later too."""
        self._open = {"do": "open", "phase": phase}
        self._send(self._open, None)

    def know(self, flips: list[Flip], watermark: int) -> None:
        """Every flip invoked until the watermark is known; these are the new ones."""
        for flip in flips:
            self._latest[flip.release] = flip
            self.flips[flip.phase].add(flip)
        self._send({"do": "know", "flips": flips, "watermark": watermark}, None)

    def know_all(self) -> None:
        """Nothing flips any more."""
        self._send({"do": "know", "flips": [], "watermark": STILL}, None)

    def know_no_more(self) -> None:
        """The switcher died."""
        self._send({"do": "know no more"}, None)

    def ask(self) -> None:
        """Ask all nodes for a report, between those that they send by themselves."""
        self._send({"do": "report"}, None)

    def close(self, phase: int) -> None:
        """Let nobody in any more."""
        self._open = {}
        self._closed = phase
        self._send({"do": "close", "phase": phase}, None)

    def end(self) -> None:
        """The run is over."""
        self._begin = {}
        self._send({"do": "end"}, None)

    def take(self, name: str, report: Message) -> None:
        """Add up one node's report; one of another run is ignored."""
        if report["run"] != self.run:
            return
        seen = self._seen.setdefault(name, _Seen())
        tally = Tally.from_message(report["tally"])
        self.tally.merge(tally)
        for flip, counts in tally.flips.values():
            self.flips[flip.phase].count(flip, counts)
        seen.reports += 1
        seen.visits = report["visits"]
        seen.counted += tally.answers.total()
        seen.drained = max(seen.drained, report["drained"])
        seen.trouble = report["trouble"]
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
            behind = {name for name in before if name not in made or self._seen[name].counted < made[name]}
            if not behind & set(self._present()):
                return
            gevent.sleep(min(left, SOON))  # they judge meanwhile

    def collect(self, phase: int, timeout: float) -> list[str]:
        """Wait until every node has counted all its visits of the phase; a sentence for each that has not."""
        deadline = time.monotonic() + timeout
        while (missing := self._missing(phase)) & set(self._present()) and (left := deadline - time.monotonic()) > 0:
            self._reported.clear()
            # A node that dies says nothing: look again soon whether it is still there.
            self._reported.wait(min(left, 0.5))
        present = set(self._present())
        troubled = [f"{_called(name)}: {seen.trouble}" for name, seen in sorted(self._seen.items()) if seen.trouble]
        return troubled + [
            f"{_called(name)} {'did not report all its visits' if name in present else 'died'}"
            for name in sorted(missing)
        ]

    def _missing(self, phase: int) -> set[str]:
        return {name for name, seen in self._seen.items() if seen.drained != phase or seen.counted != seen.visits}


def _called(name: str) -> str:
    return "this process" if name == LOCAL else f"worker {name}"
