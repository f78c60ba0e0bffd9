"""A fault that is in the registry is in every report: nothing else need know of it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.locust_process import ROOT


@pytest.fixture(scope="module")
def reports() -> dict[str, str]:
    """Every report of a run that showed a made-up fault, by name; made in a process that has it registered."""
    command = [sys.executable, "-m", "tests.reports.made_up"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("report", "parts"),
    [
        ("console", ["[200 spoiled]", "spoiled: 1 at 1 flip; expected: none", "violated"]),
        ("html", ["spoiled: made up for a test", "--spoiled: #123456", "--spoiled: #654321", 'id="spoiled"']),
        ("html", ['class="spoiled"', "1 of 1 visit spoiled (100 %) at 1 flip"]),
        ("markdown", ["1 of 1 visit spoiled (100 %) at 1 flip", "200 spoiled"]),
        ("junit", ['name="spoiled: none"', "1 of 1 visit spoiled (100 %) at 1 flip; none was expected"]),
        ("json", ['"spoiled": {', '"observed": 1', '"kind": "spoiled"']),
        ("web ui", ['"cost": "1 spoiled"', '"expectation": "spoiled: none"', '"kind": "spoiled"']),
        ("answers csv", ["frequent,spoiled,200 OK,1,1.000000"]),
        ("flips csv", ["stale,flip_phase,cpu,spoiled\n", ",0,0,0,frequent,,1\n"]),
        ("verdict csv", ["frequent,spoiled: none,1,violated,"]),
        ("table", ["| stale | spoiled | outage per flip |", "| 2 |"]),
        ("table csv", [",spoiled,spoiled_min,spoiled_max\n", ",2,2,2\n"]),
        ("heatmap", ['fill="#123456"', ">spoiled: made up for a test<", ">spoiled</text>"]),
    ],
)
def test_a_made_up_fault_is_in_every_report(reports: dict[str, str], report: str, parts: list[str]) -> None:
    """With its counts, its verdict, its meaning, its colours and its pattern."""
    assert [part for part in parts if part not in reports[report]] == []
