"""The switcher's events become flips with the phase and the names that the marks have."""

from __future__ import annotations

import pytest

from locust_cutover.judging.timeline import Flip
from locust_cutover.scenario.model import Command, Phase
from locust_cutover.venues.stream import Event, News, StreamReader

EXPECT = {"lost": "none", "torn": "none", "stale": "none"}

ATOMIC = Phase("atomic", "atomic", 0, None, 5, EXPECT)  # type: ignore[arg-type]
COMMAND = Phase("deploy", "command", 0, None, 5, EXPECT, Command(("deploy",)))  # type: ignore[arg-type]
WATCH = Phase("watch", "watch", 0, None, None, EXPECT)  # type: ignore[arg-type]


def news(event: Event, phase: Phase = ATOMIC) -> News:
    """What an event of phase 3 tells; marks are in capital letters."""
    stream = StreamReader(3, phase, str.upper, watermark=40)
    told = stream.read({"watermark": 90, **event})
    assert stream.watermark == told.watermark == 90
    return told


READY: Event = {"event": "ready", "release": "a", "link": "/shop/\udce9", "repaired": False}


@pytest.mark.parametrize(
    ("event", "phase", "expected"),
    [
        ({"event": "heartbeat"}, ATOMIC, News(90)),
        ({"event": "over"}, ATOMIC, News(90)),
        (READY, ATOMIC, News(90, start="A")),
        ({**READY, "by": "polling"}, WATCH, News(90, start="A", watching="/shop/\\udce9 by polling")),
        ({"event": "said", "lines": ["no", "\udce9"], "flip": 1}, ATOMIC, News(90, said=("no", "\\udce9"))),
        ({"event": "done", "release": "a", "repaired": False, "flips": 7, "late": 0}, ATOMIC, News(90)),
        ({"event": "done", "release": "a", "repaired": True}, ATOMIC, News(90, (Flip(3, 0, "A", 40, 90),))),
        ({**READY, "repaired": True}, ATOMIC, News(90, (Flip(3, 0, "A", 40, 90),), start="A")),
    ],
    ids=[
        "heartbeat",
        "over",
        "ready",
        "ready to watch",
        "said",
        "done",
        "put back at the end",
        "repaired at the start",
    ],
)
def test_each_event_has_its_news(event: Event, phase: Phase, expected: News) -> None:
    """A link that was put back is like a flip to the visitors: it has number 0 and takes since the last watermark."""
    assert news(event, phase) == expected


@pytest.mark.parametrize(
    ("row", "phase", "expected"),
    [
        ([1, "b", 50, 60, 70, "b", "ok", 2], ATOMIC, Flip(3, 1, "B", 60, 70, cpu=2)),
        ([1, "b", None, 60, 70, "b", "ok", None], COMMAND, Flip(3, 1, "B", 60, 70, opaque=True)),
        ([1, "b", None, 60, 70, "a", "is \udce9", None], WATCH, Flip(3, 1, "B", 60, 70, "is \\udce9", "A", True)),
        ([1, "b", 50, 60, 70, None, "is gone", 0], ATOMIC, Flip(3, 1, "B", 60, 70, "is gone", cpu=0)),
    ],
    ids=["good", "a command's", "failed", "failed, without a link"],
)
def test_a_flip_has_the_phase_and_the_names_of_the_marks(row: list[object], phase: Phase, expected: Flip) -> None:
    """A failed one says which release the link points to; texts can travel between nodes."""
    assert news({"event": "flips", "flips": [row]}, phase).flips == (expected,)


def test_an_event_that_cannot_be_read_leaves_the_watermark() -> None:
    """What it would have told is not known."""
    stream = StreamReader(0, ATOMIC, str.upper, watermark=40)
    with pytest.raises(TypeError):
        stream.read({"event": "flips", "flips": [[1]], "watermark": 90})
    assert stream.watermark == 40
