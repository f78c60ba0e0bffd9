"""The files that the command line asks for: looked at before the run, written after it."""

from __future__ import annotations

import argparse
import contextlib
import functools
import logging
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from locust_cutover.reports import files, html, junit, refusal, summary
from locust_cutover.reports.refusal import Refusal
from locust_cutover.result import Result

logger = logging.getLogger("locust.cutover")

T = TypeVar("T")

UNFINISHED = "the files of this run are incomplete"

OPTIONS = {
    "report": ("FILE.html", "Write the report: one self-contained HTML file with charts"),
    "junit": ("FILE.xml", "Write the verdicts as JUnit XML, one test case for each phase and expectation"),
    "summary": ("FILE.md", "Append a summary in Markdown, for the page of a CI job"),
}
"""Our options beside Locust's --csv: the file each one names, and its help."""


def add_options(parser: argparse.ArgumentParser, **further: Any) -> None:
    """Add our options to a command line, which then rejects files that cannot be written; `further` goes to each."""
    for name, (metavar, text) in OPTIONS.items():
        parser.add_argument(f"--{name}", type=writable, metavar=metavar, help=text, **further)


@dataclass(frozen=True)
class Outputs:
    """The files that one run writes; an empty name stands for no file."""

    csv: str = ""
    """A prefix."""
    report: str = ""
    junit: str = ""
    summary: str = ""
    _starts: dict[str, int] = field(init=False, default_factory=dict, compare=False, repr=False)
    """Where our text begins in a file that we append to."""

    @classmethod
    def of(cls, options: Any) -> Outputs:
        """The files that parsed options name; `csv_prefix` is Locust's."""
        return cls(options.csv_prefix or "", **{name: getattr(options, name) or "" for name in OPTIONS})

    def clear(self) -> None:
        """Remove the files of an earlier run, so that nobody takes them for this one's; OSError when that fails.

        A summary stays, since we append to it. So does anything but a plain file: a device or a link.
        """
        paths = files.paths(self.csv) if self.csv else []
        for path in [*paths, *(Path(name) for name in (self.report, self.junit) if name)]:
            if path.is_file() and not path.is_symlink():
                try:
                    path.unlink()
                except OSError:
                    # The file may be writable and its folder not, for example if a container mounts the file.
                    path.write_bytes(b"")

    def write(self, result: Result) -> Result:
        """Write all files; returns the result that they tell, with a problem for each file that cannot be written.

        1. Write every file as if the files were incomplete. This reserves the room and shows what cannot be written,
           before anybody reads a verdict. An interruption leaves no *held* behind.
        2. Write the real files. If one cannot be written even now, write all others again, and say so in them.
           A device or a pipe takes a text only once, so it comes first here and is left out of step 1.
        """
        wanted: list[_File[Result]] = []
        if self.csv:
            *tables, verdict = files.paths(self.csv)
            wanted = [
                _File("csv", path, functools.partial(files.table, name))
                for name, path in zip(files.TABLES, tables, strict=True)
            ]
            wanted.append(_File("csv", verdict, files.verdict))
        forms = {"report": html.render, "junit": junit.render, "summary": summary.render}
        wanted += self._named(forms)
        wanted.sort(key=lambda file: file.plain)
        problems: list[str] = []
        # 1.
        draft = result.with_problems([UNFINISHED])
        wanted = [file for file in wanted if not (file.plain and _failed(file, draft, problems))]
        # 2.
        while True:
            settled = result.with_problems(problems)
            wanted = [file for file in wanted if not _failed(file, settled, problems)]
            if settled.problems == result.with_problems(problems).problems:
                return settled

    def write_refusal(self, why: Refusal) -> list[str]:
        """Write the files of a run without a result; returns a line for each file that could not be written."""
        with contextlib.suppress(OSError):  # then it cannot be written either
            self.clear()
        wanted: list[_File[Refusal]] = []
        if self.csv:
            *_, verdict = files.paths(self.csv)
            wanted.append(_File("csv", verdict, refusal.as_json))
        forms = {"report": refusal.as_html, "junit": refusal.as_junit, "summary": refusal.as_summary}
        wanted += self._named(forms)
        problems: list[str] = []
        for file in wanted:
            _failed(file, why, problems)
        return problems

    def _named(self, forms: Mapping[str, Callable[[T], str]]) -> list[_File[T]]:
        """The files that have an option of their own, each with its form."""
        found = []
        for name, form in forms.items():
            if path := getattr(self, name):
                start = self._starts.setdefault(path, _size(Path(path))) if name == "summary" else 0
                found.append(_File(name, Path(path), form, start))
        return found


class _File(Generic[T]):
    """One file; it can be written several times, and holds the last text."""

    def __init__(self, option: str, path: Path, render: Callable[[T], str], start: int = 0) -> None:
        self._option = option
        self._path = path
        self._render = render
        self.plain = True
        """Whether it can be written more than once."""
        self._start = start
        with contextlib.suppress(OSError):
            mode = path.stat().st_mode
            self.plain = stat.S_ISREG(mode) or stat.S_ISDIR(mode)

    def write(self, told: T) -> str:
        """Write it; returns what went wrong, empty if nothing did."""
        try:
            text = self._render(told).encode("utf-8", errors=files.LENIENT)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._overwrite(text)
        except OSError as error:
            problem = f"--{self._option} cannot be written: {self._path}: {error.strerror}"
        except Exception as error:
            logger.exception("--%s", self._option)
            problem = f"--{self._option} cannot be made: {self._path}: {error!r}"
        else:
            return ""
        with contextlib.suppress(OSError):
            self._overwrite(b"")  # half a text is worth nothing, and the text before is no longer true
        return problem

    def _overwrite(self, text: bytes) -> None:
        # Without O_TRUNC, so that nobody else can take the room that the file has already.
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if not self.plain else 0)
        with os.fdopen(os.open(self._path, flags, 0o666), "wb", buffering=0) as file:
            if self.plain:
                file.seek(self._start)
            left = memoryview(text)
            while left:
                left = left[file.write(left) :]
            if self.plain:
                file.truncate()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _failed(file: _File[T], told: T, problems: list[str]) -> bool:
    """Write the file; if that fails, add the reason to the problems."""
    problem = file.write(told)
    if problem:
        problems.append(problem)
    return bool(problem)


def prefix(prefix: str) -> str:
    """The type of --csv: the prefix, if Locust's files and ours can be written there."""
    for name in ("stats", "stats_history", "failures", "exceptions", *files.TABLES):
        writable(f"{prefix}_{name}.csv")
    return prefix


@functools.cache  # the web UI parses the command line again for every page
def writable(path: str) -> str:
    """The path, if it can be written: better to learn that now than after the run. Nothing is touched."""
    try:
        if Path(path).is_dir():
            raise argparse.ArgumentTypeError(f"{path}: expected a file, got a folder")
        # A missing folder is made later.
        place = next(place for place in (Path(path), *Path(path).absolute().parents) if place.exists())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from None
    if place != Path(path) and not place.is_dir():
        raise argparse.ArgumentTypeError(f"{path}: expected a folder, got a file: {place}")
    if not os.access(place, os.W_OK):
        raise argparse.ArgumentTypeError(f"{path}: Permission denied")
    return path
