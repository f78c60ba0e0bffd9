"""The flipping itself: one strategy, one place, flips as the schedule says, each read back and reported."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from switcher.flip import OK, Facts, Row
from switcher.place import Place
from switcher.processors import Processors
from switcher.schedule import Schedule
from switcher.stop import Stop
from switcher.strategies import Strategy
from switcher.stream import BATCH, Stream

LATE = 1_000_000
"""A flip is late when it starts more than this many nanoseconds after it was due: longer than waking up takes."""


def switch(
    place: Place,
    strategy: Strategy,
    schedule: Schedule,
    stream: Stream,
    stop: Stop,
    facts: Facts,
    processors: Processors | None = None,
) -> None:
    """Flip until the schedule ends or a stop is requested; adds to `facts` and continues its numbers.

    1. Wait until the flip is due. Keep the watermark moving meanwhile.
    2. Move to a random one of the `processors`, if there are any. Check that the link is still a link, take the time,
       flip, take the time, read the link back.
    3. Give the flip to the stream. A late flip is made at once and keeps its due time.
    """
    clock = time.monotonic_ns
    spare = place.spare()
    made = 0
    looked = clock()

    names = list(place.targets)
    release = _next(place, names, names[-1]) if names else ""

    while True:
        now = clock()
        due = schedule.due(made, now)
        if due is None:
            break
        # 1.
        if due > now:
            _wait(due, stream, stop)
        elif now - looked > BATCH:
            # There was no wait, which would have noticed a request to stop.
            stop.look()
            looked = now
        if stop.reason is not None:
            break
        # 2.
        target = place.targets.get(release, "")
        outcome = OK
        said: Sequence[str] = ()
        before = held = None
        processor = processors.move() if processors is not None else None
        invoked = clock()
        try:
            # A file that somebody has put there must not be deleted.
            before = place.points_to()
            place.prepare(target, spare)
            invoked = clock()
            strategy(place.path, target, spare)
            completed = clock()
            place.settle(spare)
            held, outcome = _read_back(place, release, target, before)
        except OSError as error:
            completed = clock()
            outcome = error.strerror or str(error)
            said = getattr(error, "said", ())
            with contextlib.suppress(OSError):
                held = place.release()
        if not names:
            # The release was not known before: it is the one that the link holds now.
            release = held or (place.name(before) if before else "")
        # 3.
        made += 1
        facts.flips += 1
        if outcome != OK:
            facts.failed += 1
            # Somebody may have taken the spare name. Without another one the next flip fails as well, and says why.
            with contextlib.suppress(OSError):
                spare = place.spare()
        if schedule.every and invoked - due > LATE:
            facts.late += 1
        due = due if schedule.every else None
        stream.add(Row(facts.flips, release, due, invoked, completed, held, outcome, processor))
        if said:
            stream.say("said", flip=facts.flips, lines=said)
        if names:
            release = _next(place, names, release) if outcome != OK else names[(names.index(release) + 1) % len(names)]

    if schedule.end is not None and (schedule.flips is None or made < schedule.flips):
        _wait(schedule.end, stream, stop)
    stream.rest()
    facts.reason = stop.reason or "schedule"


def _read_back(place: Place, release: str, target: str, before: str | None) -> tuple[str | None, str]:
    """The release that the place holds after a flip, and the outcome: OK if it is the one that was wanted."""
    text = place.points_to()
    if text is None:
        return None, f"the {place.kind} is missing"
    if text == target:  # as nearly every flip leaves it
        return release, OK if place.is_whole() else f"release {release} is not there any more"
    held = place.name(text)
    if not place.is_whole():
        return held, f"{place.holds} {text}{place.broken}"
    if not place.targets:
        return held, OK if text != before else f"the link still points to {text}"
    return held, OK if held == release else f"{place.holds} {text}"


def _next(place: Place, names: list[str], last: str) -> str:
    """The release after the one in place, so that the flip changes something; after `last` if there is none."""
    current = None
    with contextlib.suppress(OSError):  # the next flip says what is wrong
        current = place.release() if place.is_whole() else None
    return names[(names.index(current if current in names else last) + 1) % len(names)]


def stand_by(stream: Stream, stop: Stop, *, again: bool) -> bool:
    """Keep the watermark moving, without flips, until a stop is requested or, with `again`, another schedule.

    Returns whether another schedule was requested.
    """
    while stop.reason is None:
        if again and stop.lines:
            stop.lines -= 1
            return True
        stream.rest()
        stop.wait(time.monotonic_ns() + BATCH)
    return False


def _wait(until: int, stream: Stream, stop: Stop) -> None:
    while stop.reason is None and (now := time.monotonic_ns()) < until:
        stream.rest()
        stop.wait(min(until, now + BATCH))
