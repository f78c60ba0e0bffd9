"""The history of a run as JSON lines, one operation a line: written while it runs, read again by check.

The operations: `run` (what was run, first line of the owner's file), `node` (first line of a worker's
file), `start` (what the link pointed to), `open` and `close` of a phase, `flip`, `visit`, `blind` (the later
flips are not known), `over` with the facts of all phases, and `end` with the number of visits in the file, so
that a file that was cut off is noticed. Times are CLOCK_MONOTONIC nanoseconds.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.visit import Visit

Operation = dict[str, Any]


class HistoryError(ValueError):
    """A history that cannot be read; the text names file and line."""


class History:
    """Writes operations to `path`, compressed when its name ends in .gz.

    A full disk ends the history, not the run: `error` then says so.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.error = ""
        self._file = io.TextIOWrapper(_open_binary(path), encoding="utf-8")
        self._visits = 0

    def say(self, op: str, **facts: Any) -> None:
        """Write one operation."""
        if self.error or self._file.closed:
            return  # the disk is full, or a visit came after the end
        try:
            self._file.write(json.dumps({"op": op, **facts}, separators=(",", ":")) + "\n")
        except OSError as error:
            self.error = f"{self.path}: {error.strerror}"

    def visit(self, visit: Visit) -> None:
        """Write a visit."""
        self._visits += 1
        self.say("visit", **visit._asdict())

    def close(self) -> None:
        """Write the end; harmless a second time."""
        if self._file.closed:
            return
        self.say("end", visits=self._visits)
        try:
            self._file.close()
        except OSError as error:
            self.error = self.error or f"{self.path}: {error.strerror}"


def worker_path(path: Path, worker: int) -> Path:
    """Where a worker writes its part: run.jsonl.gz becomes run-worker0.jsonl.gz."""
    name, dot, endings = path.name.partition(".")
    return path.with_name(f"{name}-worker{worker}{dot}{endings}")


def _open_binary(path: Path) -> BinaryIO | gzip.GzipFile:
    if path.suffix == ".gz":
        # A high level costs more time than the visit itself.
        return gzip.open(path, "wb", compresslevel=1)
    return path.open("wb")


def read(path: Path) -> Iterator[Operation]:
    """The operations of a file, in order; HistoryError for a line that is none, or when the end is missing."""
    last: Operation = {}
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    last = json.loads(line)
                    _ = last["op"]
                except (ValueError, KeyError, TypeError):
                    raise HistoryError(f"{path}:{number}: not an operation") from None
                yield last
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise HistoryError(f"{path}:{number + 1}: {getattr(error, 'strerror', None) or error}") from None
    if last.get("op") != "end":
        raise HistoryError(f"{path}:{number + 1}: the file was cut off: its end is missing")


def read_visit(operation: Operation) -> Visit:
    """The visit of a `visit` operation."""
    values = {key: value for key, value in operation.items() if key != "op"}
    return Visit(**{**values, "marks": tuple(values["marks"])})


def read_flip(operation: Operation) -> Flip:
    """The flip of a `flip` operation."""
    return Flip(**{key: value for key, value in operation.items() if key != "op"})
