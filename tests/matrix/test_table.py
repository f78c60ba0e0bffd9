"""The table as texts."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from matrix.cell import not_measured
from matrix.table import as_csv, as_markdown, from_csv
from tests.matrix.cells import cell, result


def row(**values: Any) -> list[str]:
    """The cells of the one row of a Markdown table."""
    text = as_markdown([result(**values)], {})
    line = next(line for line in text.splitlines() if line.startswith("| `"))
    return [part.strip() for part in line.strip("|").split(" | ")]


def test_each_server_has_a_table_with_its_version() -> None:
    """In the order of the cells."""
    text = as_markdown([result(server="nginx"), result(server="caddy"), result("atomic", "caddy")], {})
    assert text.index("### nginx") < text.index("nginx 1.0") < text.index("### caddy") < text.index("caddy 1.0")
    assert text.count("| `atomic` |") == 1


def test_what_it_was_made_on_stands_below() -> None:
    """Kernel, file system, tools."""
    text = as_markdown([result()], {"kernel": "Linux 6.1", "file system": "ext4"})
    assert "| kernel | Linux 6.1 |\n| file system | ext4 |" in text


def test_a_clean_row_gives_the_bound_of_the_outage() -> None:
    """Nothing lost is never said without how little it could be."""
    assert row() == ["`forced`", "0", "0", "0", "< 0.3 µs", "held"]


@pytest.mark.parametrize(
    ("values", "column", "said"),
    [
        ({"lost": 250}, 1, "125"),
        ({"lost": 3}, 1, "1.5"),
        ({"rare_lost": 1}, 1, "seldom"),
        ({"torn": 1000}, 2, "5.0 %"),
        ({"torn": 1}, 2, "< 0.1 %"),
        ({"rare_torn": 1}, 2, "seldom"),
        ({"stale": 5, "rare_stale": 5, "longest_stale_s": 0.96}, 3, "1.0 s"),
        ({"stale": 5, "rare_stale": 5, "longest_stale_s": 0.0042}, 3, "4.2 ms"),
        ({"stale": 5, "rare_stale": 5, "longest_stale_s": 2.99}, 3, "3 s and on"),
        ({"stale": 5, "rare_stale": 5, "longest_stale_s": 2.4, "rare_torn": 9}, 3, "2.4 s, then torn"),
        ({"stale": 5}, 3, "moments"),
        ({"outage_us_upper95": 99.7}, 4, "< 100 µs"),
        ({"lost": 9, "outage_us": 52.4}, 4, "52 µs"),
        ({"lost": 9, "outage_us": 5.24}, 4, "5.2 µs"),
    ],
)
def test_a_number_is_said_as_precisely_as_it_is_known(values: dict[str, Any], column: int, said: str) -> None:
    """And an age only as far as was looked."""
    assert row(**values)[column] == said


def test_a_cell_with_nothing_to_show_says_why() -> None:
    """Instead of numbers that mean nothing."""
    failed = row(verdict="inconclusive", failed_flips=2000, trouble="2000 of 2000 flips did not take")
    assert failed == ["`forced`", "", "", "", "", "inconclusive: 2000 of 2000 flips did not take"]
    text = as_markdown([not_measured(cell(), "a | b\nc")], {})
    assert "| not measured: a \\| b c |" in text


def test_the_csv_has_every_number_of_every_cell() -> None:
    """One row each; it can be read back, and the faults stand in one column."""
    text = as_csv([result(lost=3, answers={"torn": 2, "404 Not Found": 3}), result("atomic", "caddy, 2")])
    rows = from_csv(text)
    assert rows == list(csv.DictReader(io.StringIO(text)))
    assert [(row["way"], row["server"]) for row in rows] == [("forced", "nginx"), ("atomic", "caddy, 2")]
    assert (rows[0]["lost"], rows[0]["lost_per_1000_flips"], rows[0]["worst"]) == ("3", "1.5", "lost")
    assert rows[0]["answers"] == "404 Not Found: 3; torn: 2"
