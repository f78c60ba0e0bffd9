"""Locust's CSV files are waited for until they have the last counts, and no longer than a full disk deserves."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest

from locust_cutover.wiring import locust_csv
from locust_cutover.wiring.locust_csv import counted, path, wait

HEAD = "Type,Name,Request Count\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"{HEAD}GET,forced,3\n,Aggregated,3\n", 3),
        (f"{HEAD}GET,forced,3\n,Aggre", -1),
        (f"{HEAD},Aggregated\n", -1),
        ("", -1),
        (None, -1),
    ],
)
def test_the_count_is_that_of_the_last_row(tmp_path: Path, text: str | None, count: int) -> None:
    """A file that is missing or half written counts nothing."""
    file = tmp_path / "run_stats.csv"
    if text is not None:
        file.write_text(text)
    assert counted(file) == count


def test_the_writer_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in a greenlet of its own."""
    prefix = str(tmp_path / "run")
    monkeypatch.setattr(gevent, "sleep", lambda _: path(prefix).write_text(f"{HEAD},Aggregated,3\n"))
    assert wait(prefix, 3)


def test_a_writer_that_has_failed_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locust only logs that."""
    monkeypatch.setattr(locust_csv, "PATIENCE", 0)
    assert not wait(str(tmp_path / "run"), 3)
