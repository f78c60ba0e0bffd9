"""Whole runs: how they are started, visited and added up."""

from __future__ import annotations

import json
import socket
import time
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from tests.adding_up import files_add_up
from tests.locust_process import PATIENCE, LocustProcess

LONG = """
load: {users: 5, spawn_rate: 50}
phases:
  - strategy: forced
    every: 2ms
    duration: 10m
    expect: {lost: some, torn: any}
  - strategy: atomic
    every: 2ms
    duration: 10m
"""


def write(folder: Path, text: str) -> str:
    """A scenario file with this text."""
    path = folder / "scenario.yaml"
    path.write_text(text)
    return str(path)


def headless(folder: Path, scenario: str, *arguments: str) -> LocustProcess:
    """A headless Locust on a scenario with its reports in the folder."""
    prefix = folder / "report" / "run"
    return LocustProcess(folder, "--headless", "--scenario", scenario, "--csv", str(prefix), *arguments)


def check_sums(locust: LocustProcess) -> None:
    """Our counts and Locust's own add up to the same, phase by phase; and our files among themselves."""
    files_add_up(locust.prefix)
    ours = Counter[str]()
    faults = Counter[str]()
    for row in locust.rows("answers"):
        ours[row["phase"]] += int(row["count"])
        if row["kind"] != "ok":
            faults[row["phase"]] += int(row["count"])
    for row in locust.rows("stats"):
        if row["Name"] != "Aggregated":
            assert int(row["Request Count"]) == ours[row["Name"]]
            assert int(row["Failure Count"]) == faults[row["Name"]]
    assert sum(int(row["Request Count"]) for row in locust.rows("stats") if row["Name"] == "Aggregated") == ours.total()


class WebUI:
    """Locust's web UI by its HTTP interface."""

    def __init__(self, locust: LocustProcess) -> None:
        line = locust.wait_for("Starting web interface at")
        self.url = line.split("Starting web interface at ")[1].split(",")[0]
        address = urllib.parse.urlsplit(self.url)
        # Locust says so before it listens, and says nothing after.
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection((address.hostname, address.port)).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline

    def post(self, path: str, **form: str) -> dict[str, Any]:
        """The JSON answer to a form."""
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(self.url + path, data=data, timeout=PATIENCE) as answer:
            result: dict[str, Any] = json.load(answer)
            return result

    def get(self, path: str) -> str:
        """The text of a page."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            text: str = answer.read().decode()
            return text
