"""The timeline: the flips so far, and what the link could have pointed to at any moment that still matters."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

ALWAYS = -1
"""Before every time there is."""

STILL = 1 << 62
"""Past every time there is."""


class Flip(NamedTuple):
    """One change of the link; times in CLOCK_MONOTONIC nanoseconds. Number 0 of a phase is a repair, not a flip."""

    phase: int
    number: int
    release: str
    invoked: int
    completed: int
    outcome: str = "ok"
    """"ok", or why the flip failed."""
    held: str = ""
    """The release that the link pointed to after a failed flip; empty without a link."""
    opaque: bool = False
    """Whether the link may have pointed anywhere during its cutover: a command's, or somebody else's."""
    cpu: int | None = None
    """The processor that it began on; None where it was not ours to choose."""

    @property
    def ok(self) -> bool:
        """Whether the link pointed to the release afterwards."""
        return self.outcome == "ok"


class Sighting(NamedTuple):
    """What the timeline says about a release that was seen."""

    admissible: bool
    """Whether the link could have pointed to it at some moment of the visit."""
    known: bool
    """Whether there is such a release and it was flipped to by then; if not, a clock or a mark is wrong."""
    age: int = 0
    """How long it had been replaced when the visit was sent, in nanoseconds."""
    replaced_by: Flip | None = None
    """The flip that replaced it."""


_ADMISSIBLE = Sighting(admissible=True, known=True)  # nearly every visit's

_UNKNOWN = Sighting(admissible=False, known=False)


class _Possible:
    """When one release, or any of them, was possibly current: closed intervals [since, until], in order of both."""

    def __init__(self) -> None:
        self.since: list[int] = []
        self.until: list[int] = []
        self.ended_by: list[Flip | None] = []

    def begin(self, since: int) -> None:
        self.since.append(since)
        self.until.append(STILL)
        self.ended_by.append(None)

    def end(self, flip: Flip) -> None:
        """End every interval that is still open: more than one only where failed opaque flips follow one another."""
        index = len(self.until)
        while index and self.until[index - 1] == STILL:
            index -= 1
            self.until[index] = flip.completed
            self.ended_by[index] = flip

    def last_begun(self, time: int) -> int:
        """The index of the last interval that began by `time`; -1 when none did.

        Intervals are in order of their ends, too: when this one ended too early, so did all before it.
        """
        return bisect_right(self.since, time) - 1

    def forget(self, horizon: int) -> None:
        stale = self.last_begun(horizon)
        if stale > 0:
            del self.since[:stale], self.until[:stale], self.ended_by[:stale]


class Timeline:
    """With flips F₁…Fₙ, Fᵢ = [invokedᵢ, completedᵢ] writing rᵢ: rᵢ was possibly current during [invokedᵢ, completedⱼ].

    Fⱼ is the next good flip after Fᵢ. A failed flip leaves its old release, its new one and the one that the link
    held afterwards possible until the next good one, and its cutover lasts as long: the link may be anything
    meanwhile.
    During the cutover of an opaque flip every release is possible.
    The intervals are closed, since a moment that two of them share belongs to both.
    Every question is answered in logarithmic time.

    `releases` are those that can be flipped to; without names they are found one by one, and any mark may be one.
    """

    def __init__(self, releases: Iterable[str]) -> None:
        self._possible = {release: _Possible() for release in releases}
        self._closed = bool(self._possible)
        self._any = _Possible()
        """The cutovers of the opaque flips."""
        self._open: set[str] = set()
        self._flips: list[Flip] = []
        self._invoked: list[int] = []
        self._ends: list[int] = []
        """When the cutover of each flip ended, for a failed one: the completion of the next good flip."""
        self._failed_since: int | None = None

    def start(self, release: str) -> None:
        """What the link points to before the first flip. Said again, it changes nothing."""
        if not self._open:
            self._begin(release, ALWAYS)

    def add(self, flip: Flip) -> None:
        """Add the next flip."""
        if flip.opaque:
            self._any.begin(flip.invoked)
        if flip.ok:
            for release in self._open:
                self._possible[release].end(flip)
            self._open.clear()
            self._any.end(flip)
            if self._failed_since is not None:
                for index in range(self._failed_since, len(self._ends)):
                    self._ends[index] = flip.completed
                self._failed_since = None
        self._begin(flip.release, flip.invoked)
        if flip.held:
            self._begin(flip.held, flip.invoked)
        if not flip.ok and self._failed_since is None:
            self._failed_since = len(self._flips)
        self._flips.append(flip)
        self._invoked.append(flip.invoked)
        self._ends.append(flip.completed if flip.ok else STILL)

    def sighting(self, release: str, sent: int, received: int) -> Sighting:
        """What it means that a visit [sent, received] saw `release`."""
        possible = self._possible.get(release)
        index = -1 if possible is None else possible.last_begun(received)
        if possible is not None and index >= 0 and possible.until[index] >= sent:
            return _ADMISSIBLE
        if possible is None and self._closed:
            return _UNKNOWN
        opaque = self._any.last_begun(received)
        # A release that nobody named is one from its first flip on: later flips must not change what is said now.
        known = index >= 0 or self._closed
        if opaque >= 0 and self._any.until[opaque] >= sent:
            return Sighting(admissible=True, known=known)
        if possible is None or not known or (index < 0 and opaque < 0):
            return _UNKNOWN
        # It was possible last in its own time, or while an opaque flip may have passed through it.
        last, index = (
            (self._any, opaque)
            if opaque >= 0 and (index < 0 or self._any.until[opaque] > possible.until[index])
            else (possible, index)
        )
        return Sighting(admissible=False, known=True, age=sent - last.until[index], replaced_by=last.ended_by[index])

    def flip_during(self, sent: int, received: int) -> Flip | None:
        """The last flip whose cutover shares a moment with [sent, received]; None when no cutover does."""
        index = bisect_right(self._invoked, received) - 1
        # Cutovers end in the order they begin: when the last one ended too early, so did all before it.
        if index < 0 or self._ends[index] < sent:
            return None
        return self._flips[index]

    def flip_before(self, received: int) -> Flip | None:
        """The last flip that was invoked by then."""
        index = bisect_right(self._invoked, received) - 1
        return self._flips[index] if index >= 0 else None

    def met_during(self, phase: int, sent: int, received: int) -> tuple[int, int] | None:
        """First and last number of the phase's flips whose cutovers share a moment with [sent, received]."""
        first = bisect_left(self._ends, sent)
        last = bisect_right(self._invoked, received) - 1
        # At the edges there may be flips of the phase before, and repairs, which have no number.
        while first <= last and not self._counts(first, phase):
            first += 1
        while first <= last and not self._counts(last, phase):
            last -= 1
        return (self._flips[first].number, self._flips[last].number) if first <= last else None

    def forget(self, horizon: int) -> None:
        """Drop what no visit that was sent at `horizon` or later can ask for.

        Of each release the last interval stays, however old: a cache may serve the release for ever. So does the
        last flip: a calm visit comes after it.
        """
        for possible in (*self._possible.values(), self._any):
            possible.forget(horizon)
        old = 0
        while old + 1 < len(self._ends) and self._ends[old] < horizon and self._invoked[old + 1] < horizon:
            old += 1
        if old:
            del self._flips[:old], self._invoked[:old], self._ends[:old]
            if self._failed_since is not None:
                self._failed_since -= old

    def __len__(self) -> int:
        """How many flips are remembered."""
        return len(self._flips)

    def _begin(self, release: str, since: int) -> None:
        if release in self._open:
            return  # a failed flip to what may be there already
        # A release that nobody named can be where the link points to at the start.
        self._possible.setdefault(release, _Possible()).begin(since)
        self._open.add(release)

    def _counts(self, index: int, phase: int) -> bool:
        flip = self._flips[index]
        return flip.phase == phase and flip.number > 0
