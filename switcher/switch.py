"""The flipping itself: one strategy, one place, flips as the schedule says, each read back and reported."""

from __future__ import annotations

import contextlib
import time

from switcher.place import Place
from switcher.schedule import Schedule
from switcher.stop import Stop
from switcher.strategies import Strategy
from switcher.stream import BATCH, Stream

OK = "ok"

LATE = 1_000_000
"""A flip is late when it begins this many nanoseconds after it was due: more than waking up takes."""


def switch(place: Place, strategy: Strategy, schedule: Schedule, stream: Stream, stop: Stop) -> dict[str, object]:
    """Flip until the schedule ends or a stop is asked for; returns the facts for the `done` event.

    1. Wait until the flip is due, and keep the watermark moving meanwhile.
    2. See that it still is ours, take the time, flip, take the time, read the link back.
    3. Hand the flip to the stream. One that is late is made at once and keeps its due time.
    """
    clock = time.monotonic_ns
    spare = place.spare()
    flips = failed = late = 0
    looked = clock()

    names = list(place.targets)
    release = _next(place, names, names[-1])

    while True:
        now = clock()
        due = schedule.due(flips, now)
        if due is None:
            break
        # 1.
        if due > now:
            _wait(due, stream, stop)
        elif now - looked > BATCH:
            # No wait in which a request to stop would be noticed.
            stop.look()
            looked = now
        if stop.reason is not None:
            break
        # 2.
        target = place.targets[release]
        outcome = OK
        invoked = clock()
        try:
            # A file that somebody has put there is not ours to delete.
            place.points_to()
            place.prepare(target, spare)
            invoked = clock()
            strategy(place.path, target, spare)
            completed = clock()
            place.settle(spare)
            held = place.points_to()
            if held != target:
                outcome = "the link is missing" if held is None else f"{place.holds} {held}"
            elif not place.is_whole():
                outcome = f"release {release} is not there any more"
        except OSError as error:
            completed = clock()
            outcome = error.strerror or str(error)
        # 3.
        flips += 1
        if outcome != OK:
            failed += 1
            # Somebody may have taken the spare name. Without another one the next flip fails, too, and says why.
            with contextlib.suppress(OSError):
                spare = place.spare()
        if schedule.every and invoked - due > LATE:
            late += 1
        stream.add((flips, release, due if schedule.every else None, invoked, completed, outcome))
        release = _next(place, names, release) if outcome != OK else names[(names.index(release) + 1) % len(names)]

    if schedule.end is not None and (schedule.flips is None or flips < schedule.flips):
        _wait(schedule.end, stream, stop)
    stream.rest()
    return {"reason": stop.reason or "schedule", "flips": flips, "failed": failed, "late": late}


def _next(place: Place, names: list[str], last: str) -> str:
    """The release after the one that is there, so that the flip changes something; after `last` where none is."""
    current = None
    with contextlib.suppress(OSError):  # the next flip says what is wrong
        current = place.release() if place.is_whole() else None
    return names[(names.index(current if current in names else last) + 1) % len(names)]


def _wait(until: int, stream: Stream, stop: Stop) -> None:
    while stop.reason is None and (now := time.monotonic_ns()) < until:
        stream.rest()
        stop.wait(min(until, now + BATCH))
