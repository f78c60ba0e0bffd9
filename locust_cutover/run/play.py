"""The play of one phase: from the first visitor that is let in to the last one that is judged."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event

from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.verdict import PhaseFacts, State, shown
from locust_cutover.nodes.owner import Nodes
from locust_cutover.scenario.model import Phase
from locust_cutover.venues.companion import Companion, Facts, SwitcherError
from locust_cutover.venues.venue import Venue
from switcher.flip import OK

logger = logging.getLogger("locust.cutover")

TICK = 1.0
"""Seconds between two looks at a phase that runs."""

MOST = 5
"""A control that has not shown its faults goes on until it is this many times as long as it should be."""


class Play:
    """One phase, played once. `facts` are filled in while it lasts; `cut` ends it, and is set when no other may follow.

    `write` adds an operation to the history. `watermark` is that of the phase before: until then all flips are known.
    """

    def __init__(
        self,
        index: int,
        phase: Phase,
        facts: PhaseFacts,
        venue: Venue,
        companion: Companion,
        nodes: Nodes,
        write: Callable[..., None],
        cut: Event,
        watermark: int,
    ) -> None:
        self.index = index
        self.phase = phase
        self.facts = facts
        self.watermark = watermark
        self.over = False
        self._venue = venue
        self._companion = companion
        self._nodes = nodes
        self._write = write
        self._cut = cut
        self._opened = time.monotonic()
        self._told = -math.inf
        self._watching = ""
        """Announces the watch, until it has been logged."""

    @property
    def seconds(self) -> float:
        """How long visitors have been let in."""
        return self.facts.seconds or time.monotonic() - self._opened

    def play(self, patience: float, tick: Callable[[], None]) -> None:
        """Play it; wait at most `patience` seconds for a node's counts, and call `tick` now and then and at the end.

        1. Let the visitors in, then start the switcher: they see the site before its first flip. Where somebody
           else flips it is the other way round: what they do before it watches nobody knows.
        2. Wait for the end of the switcher, or for whatever else ends the phase.
        3. After the last flip, see what it has left behind: give it its interval like every other. A control that
           has not shown its faults by then goes on, for as long again: back to 2.
        4. Where the link is put back, let nobody meet that: let nobody in, and wait until all have left. When the run
           is cut, do not wait: the switcher is to begin no other flip. Where somebody else flips, watch until all
           their visits are judged.
        5. Let nobody in, and collect the counts of all nodes.
        """
        phase, facts, companion = self.phase, self.facts, self._companion
        # 1.
        if phase.watched:
            companion.start(self._hear)
            companion.ready.wait()
        self._opened = time.monotonic()
        self._write("open", phase=self.index, time=time.monotonic_ns())
        self._nodes.open(self.index)
        if not phase.watched:
            companion.start(self._hear)
        while True:
            # 2.
            self._wait([companion.over], tick)
            # 3.
            if not phase.unflipped and not phase.endless and not facts.trouble:
                self._wait([], tick, phase.aftermath / 1e9)
            if not self._goes_on(patience):
                break
            facts.extended += 1
            logger.info("phase %s: the control has not shown its faults yet; it goes on", phase.name)
            companion.extend()
        # 4.
        missing = []
        if (self._venue.restores or phase.watched) and not companion.ended.is_set():
            self._nodes.close(self.index)
            facts.seconds = self.seconds
            if phase.watched or not self._cut.is_set():
                missing = self._nodes.collect(self.index, patience)
        # 5.
        companion.stop()
        self._check(blind=bool(missing) and phase.watched)
        self._nodes.close(self.index)
        facts.seconds = self.seconds
        missing = self._nodes.collect(self.index, patience)
        if missing:
            facts.trouble = "; ".join([*filter(None, [facts.trouble]), *missing])
        self._write("close", phase=self.index, time=time.monotonic_ns())
        self.over = True
        tick()

    def _goes_on(self, patience: float) -> bool:
        """Whether a control has not shown each of its faults yet, and more flips could."""
        if not self.phase.control or self.facts.extended == MOST - 1:
            return False
        if not self._shown():
            self._nodes.catch_up(patience)  # the counts are late
        # Failed flips and other troubles would leave it inconclusive whatever it showed.
        hopeless = self.facts.trouble or self.facts.failed or self._cut.is_set() or self._companion.ended.is_set()
        return not hopeless and not self._shown()

    def _shown(self) -> bool:
        nodes = self._nodes
        return shown(self.phase, self.index, nodes.tally, nodes.flips[self.index])

    def _check(self, blind: bool) -> None:
        """What the switcher's end says of the phase; `blind`: somebody may have flipped after its last look."""
        try:
            done = self._companion.check()
        except SwitcherError as error:
            self.facts.trouble = self.facts.trouble or str(error)
            self._cut.set()
            blind = True
        else:
            self.facts.late = done["late"]
            short = not self.phase.endless if self._cut.is_set() else done["reason"] != "schedule"
            if short and not self.facts.trouble:
                self.facts.state = State.CUT_SHORT
        if blind:
            self._nodes.know_no_more()
            self._write("blind", after=self.watermark)
        else:
            self._nodes.know_all()

    def _wait(self, ends: Sequence[Event], tick: Callable[[], None], seconds: float = math.inf) -> None:
        """Wait for one of the events, for a cut or for the time; a server that died is a cut."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if gevent.wait([*ends, self._cut], timeout=min(TICK, left), count=1):
                return
            if trouble := self._venue.trouble():
                self.facts.trouble = trouble
                self._cut.set()
                return
            self._nodes.ask()
            if self._watching and self._nodes.tally.visits(self.index):
                # Not sooner: whoever waits for this line deploys under load.
                logger.info(self._watching)
                self._watching = ""
            tick()

    def _hear(self, event: Facts) -> None:
        """Tell the nodes what the switcher says."""
        facts = self.facts
        flips: list[Flip] = []
        match event["event"]:
            case "ready":
                release = self._venue.release(_plain(event["release"]))
                self._nodes.start(release)
                self._write("start", release=release)
                if self.phase.watched:
                    link, by = _plain(event["link"]), event["by"]
                    self._watching = f"watching {link} by {by}; it points to release {release}"
            case "flips":
                flips = [self._flip(*flip) for flip in event["flips"]]
                self._tell(flips[-1])
                facts.flips += len(flips)
                failed = [flip.outcome for flip in flips if not flip.ok]
                facts.failed += len(failed)
                facts.failure = failed[-1] if failed else facts.failure
            case "said":
                facts.said = [_plain(line) for line in event["lines"]]
        if event.get("repaired"):
            # The link was missing and is there again, or it was put back: to the visitors that is like a flip.
            release = self._venue.release(_plain(event["release"]))
            flips.append(Flip(self.index, 0, release, self.watermark, event["watermark"]))
        for flip in flips:
            self._write("flip", **flip._asdict())
        self.watermark = event["watermark"]
        self._nodes.know(flips, self.watermark)

    def _flip(
        self,
        number: int,
        release: str,
        _: int | None,
        invoked: int,
        completed: int,
        held: str | None,
        outcome: str,
        cpu: int | None,
    ) -> Flip:
        """A flip of the stream with the names that the marks have."""
        ok = outcome == OK
        return Flip(
            self.index,
            number,
            self._venue.release(_plain(release)),
            invoked,
            completed,
            outcome if ok else _plain(outcome),
            self._venue.release(_plain(held)) if held and not ok else "",
            self.phase.opaque,
            cpu,
        )

    def _tell(self, flip: Flip) -> None:
        """Say that somebody else has flipped, when they do not do it all the time."""
        if self.phase.watched and time.monotonic() - self._told > TICK:
            self._told = time.monotonic()
            what = f"to release {flip.release}" if flip.ok else flip.outcome
            logger.info("flip %d: %s, seen within %.1f ms", flip.number, what, (flip.completed - flip.invoked) / 1e6)


def _plain(text: str) -> str:
    """A text that can travel between nodes: the bytes of a path need not be UTF-8."""
    return text.encode(errors="backslashreplace").decode()
