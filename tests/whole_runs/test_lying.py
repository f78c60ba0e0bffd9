"""A worker that reports what cannot be true is found out by a real master."""

from __future__ import annotations

import re
from pathlib import Path

from tests.locust_process import LocustProcess, processes

SCENARIO = """
load: {users: 4, spawn_rate: 100}
phases:
  - {strategy: atomic, every: 10ms, duration: 1s, expect: {torn: any}}
"""


def test_a_worker_that_lies_makes_the_run_inconclusive_and_is_named(tmp_path: Path) -> None:
    """With what was wrong; the other worker's visits are counted, and the run ends when it should."""
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO)
    options = ["-f", "tests/whole_runs/lying/locustfile.py", "--headless", "--scenario", str(scenario)]
    with LocustProcess(tmp_path, *options, "--csv", str(tmp_path / "report" / "run"), *processes(2)) as locust:
        assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing()
    said = " ".join(line.strip() for line in locust.lines)
    assert re.search(r"! worker \S+: its report was rejected: tally\.answers\[\d+\]\.count: expected a whole", said)
    assert "got -5" in said
    assert "did not report all its visits" not in said
    assert "Traceback" not in said
    (phase,) = locust.verdict()["phases"]
    assert phase["visits"] > 0
    assert {row["kind"] for row in locust.rows("answers")} <= {"ok", "torn"}
