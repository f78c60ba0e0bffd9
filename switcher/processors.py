"""A random processor before each flip, so that no run depends on the one that the switcher happens to stay on."""

from __future__ import annotations

import os
from random import Random


class Processors:
    """The processors that this process may use; its flips move among them at random, as `seed` says.

    Whoever shares the server's processor all along flips where nobody can look in between, or is always interrupted
    in the gap. Where the system does not let us move, we stay free from then on.
    """

    def __init__(self, seed: int) -> None:
        self._usable = sorted(os.sched_getaffinity(0))
        # A generator of its own: when flips are due does not depend on these draws.
        self._random = Random(f"processors {seed}")
        self._current: int | None = None

    def move(self) -> int | None:
        """Move to a random one; its number, None when that is not possible."""
        if not self._usable:
            return None
        processor = self._random.choice(self._usable)
        if processor != self._current:
            try:
                os.sched_setaffinity(0, {processor})
            except OSError:
                self._usable = []
                return None
            self._current = processor
        return processor
