"""A random processor before each flip, so that no run depends on the one that the switcher happens to stay on."""

from __future__ import annotations

import os
from random import Random

STRETCH = 16
"""Flips on one processor with `--every 0`: a move takes as long as many flips, most of all on a busy machine."""


class Processors:
    """The processors that this process may use; its flips move among them at random, as `seed` says.

    A switcher that always shares the server's processor flips where nobody can look in between, or is always
    interrupted in the gap. A new processor is drawn for every `stretch` flips. Where the system does not allow a move,
    there are no more moves.
    """

    def __init__(self, seed: int, stretch: int = 1) -> None:
        self._usable = sorted(os.sched_getaffinity(0))
        # A generator of its own: when flips are due does not depend on these draws.
        self._random = Random(f"processors {seed}")
        self._stretch = stretch
        self._left = 0
        self._current: int | None = None

    def move(self) -> int | None:
        """Move to a random one; its number, None when that is not possible."""
        if self._left:
            self._left -= 1
        elif self._usable:
            self._left = self._stretch - 1
            processor = self._random.choice(self._usable)
            if processor != self._current:
                self._current = self._moved_to(processor)
        return self._current

    def _moved_to(self, processor: int) -> int | None:
        try:
            os.sched_setaffinity(0, {processor})
        except OSError:
            self._usable = []
            return None
        return processor
