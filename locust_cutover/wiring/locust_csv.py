"""Locust's own CSV files: whether they have the last counts.

Locust rewrites them every second in a greenlet of its own. It does not write them at the end of a run, and a full disk
is only logged.
"""

from __future__ import annotations

import csv
import time
from itertools import islice
from pathlib import Path

import gevent
from locust.stats import CSV_STATS_INTERVAL_SEC

PATIENCE = 5
"""Intervals of Locust's writer to wait for; a count reaches the file with the second interval after it."""

LOOK_EVERY = 0.05

MOST_ROWS = 10_000
"""More rows than there are request names; a device such as /dev/zero never ends."""


def path(prefix: str) -> Path:
    """The file with the counts."""
    return Path(f"{prefix}_stats.csv")


def wait(prefix: str, requests: int) -> bool:
    """Wait until the file counts this many requests; False when it does not in time."""
    deadline = time.monotonic() + PATIENCE * CSV_STATS_INTERVAL_SEC
    while counted(path(prefix)) < requests:
        if time.monotonic() > deadline:
            return False
        gevent.sleep(LOOK_EVERY)
    return True


def counted(path: Path) -> int:
    """How many requests the file counts; -1 when it cannot be read."""
    try:
        if not path.is_file():
            return -1
        with path.open(newline="") as file:
            for row in islice(csv.DictReader(file), MOST_ROWS):
                if row["Name"] == "Aggregated":
                    return int(row["Request Count"])
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        pass  # not written yet, or only half of it
    return -1
