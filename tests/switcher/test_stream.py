"""The event stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from switcher.flip import Row
from switcher.stream import BATCH, Stream, StreamClosedError
from tests.switcher.clock import START, Clock
from tests.switcher.process import Event, batch, events_of, files


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the stream."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic_ns", clock)
    return clock


class Recorded:
    """A stream into a file, and the events that are in the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("wb")
        self.stream = Stream(self.file.fileno())

    def events(self) -> list[Event]:
        """The events so far."""
        return events_of(self.path.read_text())


@pytest.fixture
def recorded(tmp_path: Path, clock: Clock) -> Iterator[Recorded]:
    """A stream that has said that it is ready."""
    recorded = Recorded(tmp_path / "stream.jsonl")
    recorded.stream.say("ready")
    yield recorded
    recorded.file.close()


def flip(number: int, clock: Clock) -> Row:
    """A flip that was made just now."""
    return Row(number, "ab"[number % 2], None, clock(), clock(), "ab"[number % 2], "ok", 0)


def test_a_line_is_an_event_with_its_facts_and_the_watermark(recorded: Recorded, clock: Clock) -> None:
    """One JSON object, written at once, the watermark the time of that. A file name may be any bytes."""
    for text in ("schedule", "/srv/\udcff\n☃"):
        recorded.stream.say("done", reason=text, flips=0)
        assert recorded.events()[-1] == {"event": "done", "reason": text, "flips": 0, "watermark": clock.now}


def test_flips_come_in_batches(recorded: Recorded, clock: Clock) -> None:
    """A flip waits until the last line is a batch's time old; then all go on one line, in their order."""
    flips = [flip(1, clock), flip(2, clock)]
    for early in flips:
        recorded.stream.add(early)
    assert len(recorded.events()) == 1
    clock.now = START + BATCH
    flips.append(flip(3, clock))
    recorded.stream.add(flips[-1])
    assert recorded.events()[1:] == [{"event": "flips", "flips": [list(f) for f in flips], "watermark": clock.now}]


def test_before_an_event_and_before_a_wait_the_flips_are_written(recorded: Recorded, clock: Clock) -> None:
    """Whoever reads `done` has read every flip; and nobody knows when the next line comes after a wait."""
    recorded.stream.add(flip(1, clock))
    recorded.stream.rest()
    recorded.stream.rest()
    recorded.stream.add(flip(2, clock))
    recorded.stream.say("done")
    assert [event["event"] for event in recorded.events()] == ["ready", "flips", "flips", "done"]


def test_a_heartbeat_moves_the_watermark(recorded: Recorded, clock: Clock) -> None:
    """When nothing is flipped the reader still learns that nothing was; not more often than a batch's time."""
    recorded.stream.rest()
    assert len(recorded.events()) == 1
    clock.now += BATCH
    recorded.stream.rest()
    recorded.stream.rest()
    (heartbeat,) = recorded.events()[1:]
    assert heartbeat["event"] == "heartbeat"
    assert heartbeat["watermark"] > START + BATCH


def test_the_watermark_grows_with_every_line_and_no_later_flip_was_invoked_before_it(
    recorded: Recorded, clock: Clock
) -> None:
    """The property that the judge relies on, over a long mix of all that can be written."""
    for number in range(1, 200):
        recorded.stream.add(flip(number, clock))
        clock.now += BATCH // (1 + number % 7)
        if number % 5 == 0:
            recorded.stream.rest()
        if number % 11 == 0:
            recorded.stream.say("note")
    recorded.stream.say("done")

    watermark = 0
    numbers = []
    for event in recorded.events():
        assert event["watermark"] > watermark
        for number, _, _, invoked, completed, *_ in batch(event):
            numbers.append(number)
            assert watermark < invoked < completed < event["watermark"]
        watermark = event["watermark"]
    assert numbers == list(range(1, 200))


def test_a_reader_that_has_gone_ends_the_stream() -> None:
    """Flips that nobody hears of are of no use."""
    with files(os.pipe()) as (read, write):
        read.close()
        with pytest.raises(StreamClosedError, match="Broken pipe"):
            Stream(write.fileno()).say("ready")


def test_a_full_disk_ends_the_stream() -> None:
    """A stream with a hole in it would be a wrong one."""
    with open("/dev/full", "wb") as full, pytest.raises(StreamClosedError, match="No space left on device"):
        Stream(full.fileno()).say("ready")


def test_a_pipe_that_is_full_is_waited_for_also_when_it_does_not_block(tmp_path: Path) -> None:
    """Another program may have made a terminal that we share non-blocking; a line that does not fit arrives whole."""
    text = "x" * 1_000_000
    copy = tmp_path / "copy"
    with (
        files(os.pipe()) as (read, write),
        copy.open("wb") as out,
        subprocess.Popen(["cat"], stdin=read, stdout=out),
    ):
        os.set_blocking(write.fileno(), False)
        Stream(write.fileno()).say("long", text=text)
        write.close()
    assert json.loads(copy.read_text())["text"] == text


def test_a_short_write_loses_nothing(monkeypatch: pytest.MonkeyPatch, recorded: Recorded) -> None:
    """write(2) may take a part; the rest follows."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    recorded.stream.say("done", reason="schedule")
    assert recorded.events()[-1]["reason"] == "schedule"


def test_the_clock_is_the_one_that_all_processes_of_the_host_share(tmp_path: Path) -> None:
    """A watermark lies between two looks at CLOCK_MONOTONIC in another process."""
    code = "import sys; from switcher.stream import Stream; Stream(1).say('ready')"
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    line = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    assert before < json.loads(line)["watermark"] < time.clock_gettime_ns(time.CLOCK_MONOTONIC)
