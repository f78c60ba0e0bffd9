"""A clock for tests that are about time."""

from __future__ import annotations

START = 1_000_000_000_000


class Clock:
    """In place of time.monotonic_ns: the test moves it, and each look at it takes a nanosecond."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        """The time."""
        self.now += 1
        return self.now
