"""Locust's own CSV files beside ours: whether they have the last counts.

Locust rewrites them every second in a greenlet of its own. It writes nothing at the end of a run, and when the disk is
full it only logs that.
"""

from __future__ import annotations

import csv
import time
from itertools import islice
from pathlib import Path

import gevent
from locust.stats import CSV_STATS_INTERVAL_SEC

PATIENCE = 5
"""Intervals of Locust's writer to wait for; what it writes reaches the file with the second turn after it."""

LOOK_EVERY = 0.05

MOST_ROWS = 10_000
"""More than there are request names; a device has no end."""


def path(prefix: str) -> Path:
    """The file with the counts."""
    return Path(f"{prefix}_stats.csv")


def wait(prefix: str, requests: int) -> bool:
    """Wait until the file has counted so many requests; False when it does not within our patience."""
    deadline = time.monotonic() + PATIENCE * CSV_STATS_INTERVAL_SEC
    while counted(path(prefix)) < requests:
        if time.monotonic() > deadline:
            return False
        gevent.sleep(LOOK_EVERY)
    return True


def counted(path: Path) -> int:
    """How many requests the file has counted; -1 where it does not say."""
    try:
        if not path.is_file():
            return -1
        with path.open(newline="") as file:
            for row in islice(csv.DictReader(file), MOST_ROWS):
                if row["Name"] == "Aggregated":
                    return int(row["Request Count"])
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        pass  # not written yet, or half of it
    return -1
