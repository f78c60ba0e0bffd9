"""The visitors of a cell: those of locustfiles/current.py, but nobody waits for Locust's CSV files at the end."""

import locust.stats

from locustfiles.current import CurrentVisitor

__all__ = ["CurrentVisitor"]

# At the end of a run one of these intervals is waited for, 429 times in the whole table.
locust.stats.CSV_STATS_INTERVAL_SEC = 0.1  # type: ignore[assignment] # seconds to sleep, which may be a float
