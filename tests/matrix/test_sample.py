"""python -m matrix.sample: a few cells of today's code against what is claimed of the table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from locust_cutover.servers.registry import SERVERS
from matrix import sample
from matrix.cell import ROUNDS, Cell
from matrix.claims import claims
from matrix.round import Round, not_measured
from matrix.sample import SURE, choose, commit, decide, missing, opinion
from matrix.strategies import Strategy, load_strategies
from matrix.table import as_csv, from_csv
from tests.conftest import require
from tests.locust_process import PATIENCE, ROOT
from tests.matrix.cells import cell, of_rounds, played

CELLS = [Cell(strategy, server) for server in SERVERS for strategy in load_strategies()]


def row(*rounds: Round) -> dict[str, str]:
    """The row of the table with these rounds."""
    (found,) = from_csv(as_csv([of_rounds(*rounds)]))
    return found


def test_a_commit_chooses_its_cells() -> None:
    """Always the same ones, and another commit others; in the end all cells are chosen by one or another."""
    assert choose(CELLS, "c533715", 6) == choose(CELLS[::-1], "c533715", 6)
    assert choose(CELLS, "c533715", 6) != choose(CELLS, "ac57c24", 6)
    chosen = {cell.name for number in range(300) for cell in choose(CELLS, str(number), 6)}
    assert chosen == {cell.name for cell in CELLS}


def test_outside_a_git_checkout_the_choice_is_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an archive that was unpacked somewhere, say, or where there is no git."""
    monkeypatch.setattr(sample, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit() == ""
    monkeypatch.setenv("PATH", "")
    assert commit() == ""


@pytest.mark.parametrize(
    ("condition", "values", "decided"),
    [
        ("lost == 0", {}, True),
        ("lost == 0", {"lost": 1}, False),
        ("rare_lost == 0", {"rare_lost": 1}, False),
        ("stale == 0", {"stale": 1}, False),
        ("lost == 0", {"unseen": ("lost",)}, None),
        ("worst == clean", {}, True),
        ("worst == clean", {"torn": 1}, False),
        ("worst == clean", {"unseen": ("torn",)}, None),
        ("worst == nothing flips", {"failed_flips": 2000, "unseen": ("lost",)}, True),
        ("worst == nothing flips", {"failed_flips": 1999}, False),
        ("verdict == held", {"verdict": "violated"}, False),
        ("verdict == held", {"verdict": "inconclusive"}, None),
        ("worst == lost", {}, None),
        ("lost_max > 0", {}, None),
        ("outage_us > 1", {"outage_us": 0.0}, None),
        ("longest_stale_s > 1", {"longest_stale_s": 0.2}, None),
        ("lost > 5", {}, None),
    ],
)
def test_a_round_contradicts_only_what_cannot_be_chance(condition: str, values: Any, decided: bool | None) -> None:
    """One request is lost where none may be; a time is the machine's, and a fault that was not seen may be there."""
    column, sign, value = condition.split(" ", 2)
    assert decide(column, sign, value, played(**values), row(*[played()] * ROUNDS)) is decided


@pytest.mark.parametrize(
    ("rounds", "flips", "decided"),
    [
        ([20, 25, 30], 2000, False),
        ([19, 25, 30], 2000, None),
        ([20, 25, 30], 1999, None),
        ([200, 250, 300], 200, False),
        ([2000, 0, 2000], 2000, None),
        ([2000, 2000], 2000, None),
    ],
)
def test_that_nothing_was_lost_counts_only_where_the_table_lets_expect_enough(
    rounds: list[int], flips: int, decided: bool | None
) -> None:
    """By the round with the least, and only of a table that has all rounds."""
    assert SURE["lost"][2] == 20
    table = row(*(played(lost=100, lossy_flips=number) for number in rounds))
    assert decide("lost", ">", "0", played(flips=flips), table) is decided
    assert decide("lost", ">", "0", played(flips=flips, lost=1), table) is True


def test_flips_that_failed_let_expect_nothing() -> None:
    """A tool that is broken is no proof that it loses nothing."""
    table = row(*[played(lossy_flips=500)] * ROUNDS)
    assert decide("lost", ">", "0", played(), table) is False
    assert decide("lost", ">", "0", played(failed_flips=2000), table) is None


def test_a_page_that_no_cache_holds_any_more_contradicts_the_table() -> None:
    """Where every round served thousands of old ones."""
    table = row(*[played(rare_stale=9000, stale=9000)] * ROUNDS)
    assert decide("rare_stale", ">", "0", played(), table) is False
    assert decide("rare_stale", ">", "0", played(rare_visits=100), table) is None


def test_an_opinion_tells_what_holds_what_does_not_and_what_is_open() -> None:
    """Of the claims that are about the cell."""
    said = claims(
        "<!-- cells: nginx × forced: torn == 0, lost > 0, worst == clean --> <!-- cells: * × ln: lost == 9 -->"
    )
    found = opinion(cell(), played(torn=3), said, row(played()))
    assert found.upheld == ()
    assert found.refuted == ("torn is 3, not == 0", "worst is torn, not == clean")
    assert found.open == ("lost > 0",)
    assert opinion(cell(), played(lost=1), said[:1], row(played())).upheld == ("torn == 0", "lost > 0")


def test_a_cell_without_a_result_contradicts_the_table() -> None:
    """Which has one: half of it was once not measured, and nobody noticed."""
    assert opinion(cell(), not_measured("cut short"), [], row(played())).refuted == ("has no result: cut short",)


def test_a_strategy_whose_program_is_not_installed_can_decide_nothing() -> None:
    """It is named."""
    tool = Strategy("x", "x", {"command": ["sh", "-c", 'ls "$1" && no-such-tool "$2"', "sh"]}, "10ms")
    assert missing(cell(strategy=tool)) == "no-such-tool"
    assert missing(cell()) == ""


def test_a_round_that_contradicts_a_claim_fails_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says which, and counts the cells that could decide nothing."""
    (tmp_path / "results.md").write_text(
        "<!-- cells: nginx × atomic: lost == 0 --> <!-- cells: caddy × atomic: outage_us > 1 -->"
        "<!-- cells: apache × ln: torn == 0 -->"
    )
    results = [of_rounds(played(), strategy=one.strategy.name, server=one.server) for one in CELLS]
    (tmp_path / "results.csv").write_text(as_csv(results))
    lossy = {"nginx": 1, "caddy": 1, "apache": 0}
    monkeypatch.setattr(sample, "play", lambda cell, number, folder: played(lost=lossy[cell.server]))
    assert sample.main(["--docs", str(tmp_path), "--commit", ""]) == 1
    said = capsys.readouterr().out.splitlines()
    assert sorted(said[:-1]) == [
        "apache × ln -sfn: clean; as claimed: torn == 0",
        "caddy × atomic: lost; not decided: outage_us > 1",
        "nginx × atomic: lost; OTHERWISE: lost is 1, not == 0",
    ]
    assert said[-1] == "3 cells: 1 as claimed, 1 otherwise, 1 undecided"


def test_the_code_of_today_bears_out_what_is_claimed_of_the_table(tmp_path: Path) -> None:
    """In a few cells, others for each commit: the text and the code cannot part for long."""
    for server in SERVERS.values():
        require(server)
    done = subprocess.run(
        [sys.executable, "-m", "matrix.sample", "--cells", str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{sample.NUMBER} cells: " in done.stdout
