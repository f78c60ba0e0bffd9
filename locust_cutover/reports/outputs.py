"""The files that the command line asks for: looked at before the run, written after it."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locust_cutover.reports import files, html, junit, refusal, summary
from locust_cutover.reports.refusal import Refusal
from locust_cutover.result import Result

OPTIONS = {
    "report": ("FILE.html", "Write the report: one HTML file with charts that needs nothing else"),
    "junit": ("FILE.xml", "Write the verdicts as JUnit XML, a test case for each phase and expectation"),
    "summary": ("FILE.md", "Append a summary in Markdown, for the page of a CI job"),
}
"""Of the command line, beside Locust's --csv: the file each one names, and its help."""


def add_options(parser: argparse.ArgumentParser, **further: Any) -> None:
    """Add them to a command line, which then refuses a file that cannot be written; `further` goes to each."""
    for name, (metavar, text) in OPTIONS.items():
        parser.add_argument(f"--{name}", type=writable, metavar=metavar, help=text, **further)


@dataclass(frozen=True)
class Outputs:
    """Which files are asked for; an empty name asks for none."""

    csv: str = ""
    """A prefix."""
    report: str = ""
    junit: str = ""
    summary: str = ""

    @classmethod
    def of(cls, options: Any) -> Outputs:
        """What parsed options ask for; `csv_prefix` is Locust's."""
        return cls(options.csv_prefix or "", *(getattr(options, name) or "" for name in OPTIONS))

    def clear(self) -> None:
        """Remove what an earlier run left, lest it be taken for this one's; OSError when that fails.

        A summary is added to, so it stays. So does what is no plain file: a device, or a link of somebody else's.
        """
        paths = files.paths(self.csv) if self.csv else []
        for path in [*paths, *(Path(name) for name in (self.report, self.junit) if name)]:
            if path.is_file() and not path.is_symlink():
                try:
                    path.unlink()
                except OSError:
                    # The file may be ours to write and its folder not, as where a container mounts the file.
                    path.write_bytes(b"")

    def write(self, result: Result) -> list[str]:
        """Write them all, each whatever becomes of the others; a line for each that could not be written."""
        forms: dict[str, Callable[[], str]] = {
            "report": lambda: html.render(result),
            "junit": lambda: junit.render(result),
            "summary": lambda: summary.render(result),
        }
        return self._write(lambda prefix: files.write(result, prefix), forms)

    def write_refusal(self, why: Refusal) -> list[str]:
        """Write what can be said of a run that never began; a line for each file that could not be written."""
        forms: dict[str, Callable[[], str]] = {
            "junit": lambda: refusal.as_junit(why),
            "summary": lambda: refusal.as_summary(why),
        }
        *_, verdict = files.paths(self.csv)
        return self._write(lambda _: _write(verdict, refusal.as_json(why), append=False), forms)

    def _write(self, write_files: Callable[[str], object], forms: Mapping[str, Callable[[], str]]) -> list[str]:
        problems = []
        if self.csv:
            try:
                write_files(self.csv)
            except OSError as error:
                problems.append(f"the CSV files cannot be written: {error.filename or self.csv}: {error.strerror}")
        for name, render in forms.items():
            path = getattr(self, name)
            if path:
                try:
                    _write(Path(path), render(), append=name == "summary")
                except OSError as error:
                    problems.append(f"--{name} cannot be written: {path}: {error.strerror}")
        return problems


def prefix(prefix: str) -> str:
    """The type of --csv: the prefix, when Locust's files and ours can be written there."""
    for name in ("stats", "stats_history", "failures", "exceptions", *files.TABLES):
        writable(f"{prefix}_{name}.csv")
    return prefix


def _write(path: Path, text: str, append: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if append else "w", encoding="utf-8", errors=files.LENIENT) as file:
        file.write(text)


@functools.cache  # the web UI parses the command line again for every page
def writable(path: str) -> str:
    """The path, if nobody need run for an hour to hear that it cannot be written; nothing is touched."""
    try:
        if Path(path).is_dir():
            raise argparse.ArgumentTypeError(f"{path}: is a folder")
        # The folder is made when it is not there yet.
        place = next(place for place in (Path(path), *Path(path).absolute().parents) if place.exists())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from None
    if place != Path(path) and not place.is_dir():
        raise argparse.ArgumentTypeError(f"{path}: {place} is not a folder")
    if not os.access(place, os.W_OK):
        raise argparse.ArgumentTypeError(f"{path}: Permission denied")
    return path
