"""The event stream: JSON lines on standard output, flips in batches, and the watermark."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from switcher.flip import Row

BATCH = 50_000_000
"""The longest a flip waits for its line, in nanoseconds."""


class StreamClosedError(Exception):
    """The event stream cannot be written: its reader has gone, or the disk is full."""


@dataclass
class Stream:
    """Writes events to `descriptor`; every line carries the watermark.

    The watermark is a CLOCK_MONOTONIC time: every flip invoked until then is on the stream.
    This is true because the thread that flips writes the lines, between flips. Where somebody else
    flips, `watermark` gives it.
    """

    descriptor: int
    watermark: Callable[[], int] | None = None
    _batch: list[Row] = field(default_factory=list)
    _written: int = 0

    def say(self, event: str, **facts: object) -> None:
        """Write one event, after the flips that came before it."""
        self._flush()
        self._write({"event": event, **facts})

    def add(self, flip: Row) -> None:
        """Add one flip; it is written within a batch's time."""
        self._batch.append(flip)
        if flip.completed - self._written >= BATCH:
            self._flush()

    def rest(self) -> None:
        """Before a wait: write the flips that are left, or a heartbeat when the last line is old."""
        if self._batch:
            self._flush()
        elif time.monotonic_ns() - self._written >= BATCH:
            self._write({"event": "heartbeat"})

    def _flush(self) -> None:
        if self._batch:
            flips: Sequence[Row] = self._batch
            self._batch = []
            self._write({"event": "flips", "flips": flips})

    def _write(self, event: dict[str, object]) -> None:
        self._written = time.monotonic_ns()
        event["watermark"] = self._written if self.watermark is None else self.watermark()
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        while line:
            try:
                line = line[os.write(self.descriptor, line) :]
            except BlockingIOError:
                # A program that shares the terminal may have made it non-blocking.
                select.select([], [self.descriptor], [])
            except OSError as error:
                raise StreamClosedError(error.strerror or str(error)) from error
