"""The table as texts."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from matrix.result import CellResult
from matrix.round import not_measured
from matrix.table import as_csv, as_markdown, from_csv
from tests.matrix.cells import of_rounds, played, result


def row(found: CellResult) -> list[str]:
    """The cells of the one row of a Markdown table."""
    text = as_markdown([found], {})
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
    assert row(result()) == ["`forced`", "0", "0", "0", "< 0.3 µs", "held"]


@pytest.mark.parametrize(
    ("values", "column", "said"),
    [
        ({"lost": 250}, 1, "125"),
        ({"lost": 3}, 1, "1.5"),
        ({"rare_lost": 1}, 1, "seldom"),
        ({"torn": 1000}, 2, "5 %"),
        ({"torn": 1}, 2, "0.005 %"),
        ({"rare_torn": 1}, 2, "seldom"),
        ({"stale": 5, "rare_stale": 5, "longest_stale_s": 0.96}, 3, "960 ms"),
        ({"stale": 5, "rare_stale": 5, "longest_stale_s": 0.0042}, 3, "4.2 ms"),
        ({"stale": 5, "rare_stale": 5, "longest_stale_s": 1.19, "looked_s": 1.2}, 3, "1.2 s and on"),
        ({"stale": 5, "rare_stale": 5, "longest_stale_s": 2.4, "looked_s": 3.0, "rare_torn": 9}, 3, "2.4 s, then torn"),
        ({"stale": 5}, 3, "moments"),
        ({"outage_us_upper95": 99.7}, 4, "< 99.7 µs"),
        ({"outage_us_upper95": None}, 4, ""),
        ({"lost": 9, "outage_us": None}, 4, ""),
        ({"lost": 9, "outage_us": 52.4, "outage_us_upper95": None}, 4, "52.4 µs"),
        ({"lost": 9, "outage_us": 5.24}, 4, "5.2 µs"),
    ],
)
def test_a_number_is_said_as_precisely_as_it_is_known(values: dict[str, Any], column: int, said: str) -> None:
    """And an age only as far as was looked."""
    assert row(result(**values))[column] == said


@pytest.mark.parametrize(
    ("rounds", "column", "said"),
    [
        ([{"lost": 250}, {"lost": 200}, {"lost": 300}], 1, "125 (100 to 150)"),
        ([{"lost": 250}, {"lost": 250}], 1, "125"),
        ([{"lost": 3}, {"lost": 0}], 1, "0.8 (0 to 1.5)"),
        ([{"torn": 2000}, {"torn": 1}], 2, "5 % (0.005 % to 10 %)"),
        (
            [{"lost": 9, "outage_us": 5.2}, {"lost": 9, "outage_us": 9.0}, {"outage_us": 0.0}],
            4,
            "5.2 µs (0 µs to 9 µs)",
        ),
    ],
)
def test_a_number_has_its_spread_beside_it(rounds: list[dict[str, Any]], column: int, said: str) -> None:
    """The least and the greatest of the rounds, where they differ."""
    assert row(of_rounds(*(played(**values) for values in rounds)))[column] == said


def test_a_cell_whose_rounds_differ_says_so() -> None:
    """In the place where others have their verdict."""
    lost = played(lost=1, verdict="violated")
    assert row(of_rounds(lost, played(), lost))[-1] == "violated in 2 of 3: lost in 2 of 3"
    assert row(of_rounds(lost, played(torn=1, verdict="violated")))[-1] == "violated: lost in 1 of 2"


def test_a_cell_with_nothing_to_show_says_why() -> None:
    """Instead of numbers that mean nothing."""
    failed = row(result(verdict="inconclusive", failed_flips=2000, trouble="all 2,000 flips failed"))
    assert failed == ["`forced`", "", "", "", "", "inconclusive: all 2,000 flips failed"]
    text = as_markdown([of_rounds(not_measured("a | b\nc"))], {})
    assert "| not measured: a \\| b c |" in text


def test_a_cell_in_which_a_fault_could_not_have_been_seen_says_why() -> None:
    """Beside its numbers."""
    blind = row(result(verdict="inconclusive", unseen=("lost",), trouble="no flip was met"))
    assert (blind[1], blind[-1]) == ("0", "inconclusive: no flip was met")


def test_the_csv_has_every_number_of_every_cell() -> None:
    """One row each; it can be read back, and the faults stand in one column."""
    rounds = [played(lost=3, answers={"torn": 2, "404 Not Found": 3}), played(torn=5, verdict="violated")]
    text = as_csv([of_rounds(*rounds), result("atomic", "caddy, 2")])
    rows = from_csv(text)
    assert rows == list(csv.DictReader(io.StringIO(text)))
    assert [(row["strategy"], row["server"]) for row in rows] == [("forced", "nginx"), ("atomic", "caddy, 2")]
    assert (rows[0]["lost"], rows[0]["lost_per_1000_flips"], rows[0]["worst"]) == ("3", "0.75", "lost in 1 of 2")
    assert (rows[0]["lost_per_1000_flips_min"], rows[0]["lost_per_1000_flips_max"]) == ("0", "1.5")
    assert (rows[0]["rounds"], rows[0]["classes"], rows[0]["verdicts"]) == ("2", "lost; torn", "held; violated")
    assert rows[0]["answers"] == "404 Not Found: 3; torn: 2"
    assert (rows[1]["lost_min"], rows[1]["lost_max"], rows[1]["classes"]) == ("0", "0", "clean")


def test_the_csv_has_no_number_where_nothing_was_measured() -> None:
    """A 0 would be one."""
    (row,) = from_csv(as_csv([of_rounds(not_measured("no server"))]))
    assert (row["lost"], row["lost_min"], row["worst"], row["trouble"]) == ("", "", "not measured", "no server")
