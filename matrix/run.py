"""Plays one round of a cell in a Locust process of its own, and keeps its files so that it is not played again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.server import NotInstalledError
from matrix.cell import Cell
from matrix.round import Round, measured, not_measured

LONGEST = 120.0
"""Seconds after which a round is stopped."""

ROOT = Path(__file__).parent.parent


def recall(cell: Cell, number: int, folder: Path) -> Round | None:
    """The result of this round in an earlier call with the same scenario; None if it is missing or incomplete."""
    scenario, verdict = _path(cell, number, folder, ".yaml"), _path(cell, number, folder, "_verdict.json")
    if not scenario.is_file() or not verdict.is_file() or scenario.read_text() != _text(cell):
        return None
    try:
        found = measured(json.loads(verdict.read_text()))
    except (ValueError, KeyError):
        return None  # only half of it was written
    return None if found.worst == "not measured" else found


def play(cell: Cell, number: int, folder: Path) -> Round:
    """Play the round; its scenario, its log and its CSV files go to `folder`."""
    try:
        SERVERS[cell.server].check()
    except NotInstalledError as error:
        return not_measured(str(error))
    folder.mkdir(parents=True, exist_ok=True)
    scenario, verdict = _path(cell, number, folder, ".yaml"), _path(cell, number, folder, "_verdict.json")
    log = _path(cell, number, folder, ".log")
    verdict.unlink(missing_ok=True)
    scenario.write_text(_text(cell))
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "matrix" / "visitors.py"), "--headless"]
    command += ["--scenario", str(scenario), "--csv", str(_path(cell, number, folder, ""))]
    with log.open("wb") as output:
        # A process group of its own, so that Ctrl-C reaches only us; we then end it and wait.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT, start_new_session=True
        )
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            return not_measured(f"did not end within {LONGEST:.0f} s")
        finally:
            _end(process)
    if not verdict.is_file():
        return not_measured(_reason(log.read_text(errors="replace"), process.returncode))
    return measured(json.loads(verdict.read_text()))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it as Ctrl-C would, so that it clears up; does nothing if it has ended."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _reason(log: str, exit_code: int) -> str:
    """The last error that Locust logged, or its last line."""
    lines = [line for line in log.splitlines() if line.strip()]
    errors = [line.partition("/ERROR/")[2].partition(": ")[2] for line in lines if "/ERROR/" in line]
    return [f"ended with exit code {exit_code}", *lines[-1:], *errors][-1]


def _text(cell: Cell) -> str:
    # JSON is YAML with only one way to write each thing.
    return json.dumps(cell.scenario(), indent=2) + "\n"


def _path(cell: Cell, number: int, folder: Path, ending: str) -> Path:
    return folder / f"{cell.name}-{number}{ending}"
