"""Requests to stop: a signal or, when attached, the end of standard input; and waits that such a request ends.

A line on standard input is a request as well; its reader decides for what.
"""

from __future__ import annotations

import os
import select
import signal
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Keeps the first request to stop in `reason`, and the number of lines from standard input in `lines`.

    Signals only set a flag, so the present flip is always finished. `attached` is the
    descriptor whose end means that the parent has gone, or None.
    """

    def __init__(self, attached: int | None = None) -> None:
        self.reason: str | None = None
        self.lines = 0
        self._attached = attached
        self._wake_read, wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in SIGNALS:
            # nohup makes us ignore SIGHUP: keep that. A shell makes each background command ignore SIGINT: undo that.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.reason = self.reason or signal.Signals(number).name

    def wait(self, until: int, also: int | None = None) -> None:
        """Sleep until the CLOCK_MONOTONIC time `until`, in nanoseconds, or until a request to stop.

        Data on the descriptor `also` ends the wait as well.
        """
        descriptors = [self._wake_read, *(other for other in (self._attached, also) if other is not None)]
        while self.reason is None:
            left = until - time.monotonic_ns()
            ready, _, _ = select.select(descriptors, [], [], max(left, 0) / 1e9)
            if self._attached in ready and self._attached is not None:
                said = _read(self._attached)
                self.lines += said.count(b"\n")
                if not said:
                    self.reason = self.reason or "end of standard input"
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
            if left <= 0 or also in ready:
                return

    def look(self) -> None:
        """Notice the end of standard input without waiting."""
        self.wait(0)

    def over(self) -> None:
        """Ignore signals from now on.

        Otherwise a second one could kill the process while the interpreter shuts down, with the work done.
        """
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _read(descriptor: int) -> bytes:
    """The data that can be read; an error (EIO of a terminal that has gone) counts as the end."""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
