"""The play of one phase: from the first visitor that is let in to the last one that is judged."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence

import gevent
from gevent.event import Event as Moment

from locust_cutover.history import BlindLine, CloseLine, OpenLine, Operation, StartLine
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.verdict import PhaseFacts, State, shown
from locust_cutover.nodes.owner import Nodes
from locust_cutover.venues.companion import Companion, SwitcherError
from locust_cutover.venues.stream import Event, StreamReader
from locust_cutover.venues.venue import Venue

logger = logging.getLogger("locust.cutover")

TICK = 1.0
"""Seconds between two looks at a phase that runs."""

MOST = 5
"""A control that has not shown its faults goes on until it is this many times as long as it should be."""


class Play:
    """The phase of the `stream`, played once.

    `facts` are filled in while it lasts. `write` adds an operation to the history. `cut` ends the phase; it is set when
    no other phase may follow.
    """

    def __init__(
        self,
        stream: StreamReader,
        facts: PhaseFacts,
        venue: Venue,
        companion: Companion,
        nodes: Nodes,
        write: Callable[[Operation], None],
        cut: Moment,
    ) -> None:
        self.index = stream.index
        self.phase = stream.phase
        self.facts = facts
        self.over = False
        self._stream = stream
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

    @property
    def planned(self) -> int | None:
        """How many flips there will be; None where only the time tells."""
        return None if self.phase.flips is None else self.phase.flips * (1 + self.facts.extended)

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None for a phase without an end of its own."""
        if self.planned is not None:
            return min(self.facts.flips / self.planned, 1.0)
        if self.phase.duration is not None:
            return min(self.seconds * 1e9 / (self.phase.duration * (1 + self.facts.extended)), 1.0)
        return None

    def play(self, patience: float, tick: Callable[[], None]) -> None:
        """Play it; wait at most `patience` seconds for a node's counts, and call `tick` now and then and at the end.

        1. Let the visitors in, then start the switcher: they see the site before its first flip. Where somebody
           else flips, start the switcher first: what is flipped before it watches is not seen.
        2. Wait for the end of the switcher, or for whatever else ends the phase.
        3. After the last flip, give it its interval like every other. A control that has not shown its faults by then
           goes on, for as long again: back to 2.
        4. Where the link is put back, let no visitor overlap that: close, and wait until all have left. When the run
           is cut, do not wait: the switcher must start no other flip. Where somebody else flips, watch until all
           visits are judged.
        5. Let nobody in, and collect the counts of all nodes.
        """
        phase, facts, companion = self.phase, self.facts, self._companion
        # 1.
        if phase.watched:
            companion.start(self._hear)
            companion.ready.wait()
        self._opened = time.monotonic()
        self._write(OpenLine(self.index, time.monotonic_ns()))
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
        self._write(CloseLine(self.index, time.monotonic_ns()))
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
            self.facts.late = done.late
            short = not self.phase.endless if self._cut.is_set() else not done.as_planned
            if short and not self.facts.trouble:
                self.facts.state = State.CUT_SHORT
        if blind:
            self._nodes.know_no_more()
            self._write(BlindLine(self._stream.watermark))
        else:
            self._nodes.know_all()

    def _wait(self, ends: Sequence[Moment], tick: Callable[[], None], seconds: float = math.inf) -> None:
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

    def _hear(self, event: Event) -> None:
        """Tell the nodes and the history what the switcher says."""
        facts, news = self.facts, self._stream.read(event)
        if news.start:
            self._nodes.start(news.start)
            self._write(StartLine(news.start))
        if news.watching:
            self._watching = f"watching {news.watching}; it points to release {news.start}"
        for flip in news.flips:
            self._write(flip)
            if flip.number:
                facts.flips += 1
                facts.failed += not flip.ok
                facts.failure = facts.failure if flip.ok else flip.outcome
        if news.said:
            facts.said = [*news.said]
        if self.phase.watched and news.flips:
            self._tell(news.flips[-1])
        self._nodes.know([*news.flips], news.watermark)

    def _tell(self, flip: Flip) -> None:
        """Say that somebody else has flipped, when they do not do it all the time."""
        if time.monotonic() - self._told > TICK:
            self._told = time.monotonic()
            what = f"to release {flip.release}" if flip.ok else flip.outcome
            logger.info("flip %d: %s, seen within %.1f ms", flip.number, what, (flip.completed - flip.invoked) / 1e6)
