"""A Locust process as a user starts it, whose output can be waited for and whose traces can be looked for."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent

PATIENCE = 90.0
"""Seconds for anything a test waits for; only a failing test takes that long."""


def until(happened: Callable[[], object]) -> None:
    """Wait for what nothing tells of: look again and again, no longer than our patience."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen within {PATIENCE:g} s"
        time.sleep(0.005)


def processes(workers: int) -> list[str]:
    """Arguments for so many workers beside the master, on a port of their own: Locust's may be in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return ["--processes", str(workers), "--master-bind-port", port, "--master-port", port]


class LocustProcess:
    """`locust ARGUMENTS` in the repository; all it starts carries a mark, all it makes goes to `folder`.

    `inside` is the beginning of a command line that runs the rest of it somewhere else.
    """

    def __init__(self, folder: Path, *arguments: str, cwd: Path = ROOT, inside: Sequence[str] = ()) -> None:
        self.temp = folder / "tmp"
        self.temp.mkdir(exist_ok=True)
        self.prefix = folder / "report" / "run"
        self.lines: list[str] = []
        self._mark = uuid.uuid4().hex
        self._news = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            [*inside, sys.executable, "-m", "locust", *arguments],
            cwd=cwd,
            env={**os.environ, "CUTOVER_TEST": self._mark, "TMPDIR": str(self.temp)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(PATIENCE)

    def wait_for(self, text: str) -> str:
        """The first line with `text` in it, as soon as it is there."""
        deadline = time.monotonic() + PATIENCE
        seen = 0
        with self._news:
            while True:
                for line in self.lines[seen:]:
                    if text in line:
                        return line
                seen = len(self.lines)
                left = deadline - time.monotonic()
                assert left > 0 and not self._ended, f"never said {text!r}:\n{self.output}"
                self._news.wait(left)

    def signal(self, number: int) -> None:
        """Send a signal to the Locust process alone."""
        self.process.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Send a signal as a terminal does, to the whole process group."""
        os.killpg(self.process.pid, number)

    def wait(self) -> int:
        """Wait for its end; its exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    @property
    def output(self) -> str:
        """All it printed."""
        return "\n".join(self.lines)

    def processes(self) -> list[int]:
        """Every process that it or its children started and that still runs."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark.encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def leaves_nothing(self) -> bool:
        """Whether every process has ended and every folder is gone, soon after Locust itself has."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if not self.processes() and not list(self.temp.glob("locust-cutover-*")):
                return True
            threading.Event().wait(0.02)
        return False

    def rows(self, report: str) -> list[dict[str, str]]:
        """The rows of PREFIX_report.csv."""
        with Path(f"{self.prefix}_{report}.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def verdict(self) -> dict[str, Any]:
        """PREFIX_verdict.json."""
        verdict: dict[str, Any] = json.loads(Path(f"{self.prefix}_verdict.json").read_text())
        return verdict

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
