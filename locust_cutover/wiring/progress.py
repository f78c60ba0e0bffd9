"""The progress of a phase, for the people who wait for it."""

from __future__ import annotations

import logging
import math
import sys
import time

from locust_cutover.reports import words
from locust_cutover.run.conductor import Progress

logger = logging.getLogger("locust.cutover")

LOG_EVERY = 10.0
"""Seconds between two progress lines in a log; a terminal gets each."""


class ProgressLine:
    """Shows progress: one line that changes on a terminal, or a line from time to time in a log."""

    def __init__(self) -> None:
        self._logged = -math.inf

    def show(self, progress: Progress) -> None:
        """Show how far the phase is; its last line is always shown."""
        line = words.progress(
            progress.phase.name,
            f"{progress.number} of {progress.phases}",
            share=progress.share,
            flips=progress.flips,
            planned=progress.planned,
            visits=progress.visits,
            lost=progress.lost,
        )
        if sys.stderr is not None and sys.stderr.isatty():
            print(f"\r{line:<78}", end="\n" if progress.over else "", file=sys.stderr, flush=True)
        elif progress.over or time.monotonic() - self._logged > LOG_EVERY:
            self._logged = time.monotonic()
            logger.info(line)
