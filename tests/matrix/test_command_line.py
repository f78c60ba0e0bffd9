"""python -m matrix, as its users run it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from locust_cutover.servers.nginx_php import NginxPhp
from matrix.__main__ import BEGIN, END
from matrix.cell import Cell
from matrix.round import Round
from matrix.run import recall
from matrix.strategies import load_strategy
from matrix.table import as_csv, from_csv
from tests.conftest import require
from tests.locust_process import PATIENCE, ROOT
from tests.matrix.cells import of_rounds, played, result

MATRIX = [sys.executable, "-m", "matrix"]

ONE_CELL = ["--servers", "embedded-pinned", "--strategies", "atomic", "--rounds", "2"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A call of it, to its end."""
    return subprocess.run(
        [*MATRIX, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two rounds of one call are: atomic on the server that pins each request to one release."""
    folder = tmp_path_factory.mktemp("matrix")
    result = run(*ONE_CELL, "--cells", str(folder))
    assert result.returncode == 0, result.stdout
    return folder


def test_a_call_measures_its_cells_and_writes_the_table(folder: Path) -> None:
    """Markdown, CSV and picture, with the numbers of a real run."""
    (row,) = from_csv((folder / "results.csv").read_text())
    assert (row["server"], row["strategy"], row["worst"]) == ("embedded-pinned", "atomic", "clean")
    assert (row["rounds"], row["classes"]) == ("2", "clean; clean")
    assert int(row["flips_min"]) > 100
    assert int(row["visits_min"]) > 100
    assert int(row["flips"]) == int(row["flips_min"]) + int(row["flips_max"])
    assert "| `atomic` | 0 | 0 | 0 | < " in (folder / "results.md").read_text()
    assert "<svg" in (folder / "results.svg").read_text()


def test_a_round_that_is_there_is_not_played_again(folder: Path, tmp_path: Path) -> None:
    """An interrupted call goes on where it was, per cell and round; the words around the table stay."""
    cells = shutil.copytree(folder, tmp_path / "cells")
    page = cells / "results.md"
    page.write_text(page.read_text().replace("# Results", "# Results\n\nMine."))
    first, second = (cells / f"embedded-pinned-atomic-{number}_verdict.json" for number in (1, 2))
    before = first.read_text(), second.read_text()
    second.unlink()
    said = run(*ONE_CELL, "--cells", str(cells))
    assert said.returncode == 0, said.stdout
    assert "1 of 2 rounds were measured earlier" in said.stdout
    assert "[  1/1] round 2: embedded-pinned × atomic" in said.stdout
    assert (first.read_text(), second.read_text() == before[1]) == (before[0], False)
    assert "# Results\n\nMine." in page.read_text()


def test_a_cell_of_another_scenario_is_played_again(folder: Path, tmp_path: Path) -> None:
    """When what a round plays has changed, old numbers would be wrong ones."""
    cell = Cell(load_strategy("atomic"), "embedded-pinned")
    assert isinstance(recall(cell, 1, folder), Round)
    for name in ("embedded-pinned-atomic-1.yaml", "embedded-pinned-atomic-1_verdict.json"):
        (tmp_path / name).write_text((folder / name).read_text())
    changed = json.loads((tmp_path / "embedded-pinned-atomic-1.yaml").read_text())
    changed["load"]["users"] = 3
    (tmp_path / "embedded-pinned-atomic-1.yaml").write_text(json.dumps(changed))
    assert recall(cell, 1, tmp_path) is None


def test_the_rounds_are_spread_over_the_call_and_one_that_fails_does_not_stop_the_others(
    folder: Path, tmp_path: Path
) -> None:
    """Its last words are said, the others are in the table, the exit code is not 0, and the next call tries again."""
    require(NginxPhp)
    deep = tmp_path / ("deep" * 30)  # no socket can have so long a path
    deep.mkdir()
    cells = shutil.copytree(folder, tmp_path / "cells")
    arguments = ["--servers", "nginx-php", "embedded-pinned", *ONE_CELL[2:], "--cells", str(cells)]
    (cells / "embedded-pinned-atomic-1_verdict.json").unlink()
    result = run(*arguments, TMPDIR=str(deep))
    assert result.returncode == 1
    played = [line.partition("] ")[2].rsplit(":", 1) for line in result.stdout.splitlines() if line.startswith("[")]
    assert [(number, place.split()[0]) for number, place in played] == [
        ("round 1", "nginx-php"),
        ("round 1", "embedded-pinned"),
        ("round 2", "nginx-php"),
    ]
    assert "1 of 2 cells: " in result.stdout
    for number in (1, 2):
        assert f"nginx-php × atomic, round {number}: " in result.stdout
    assert "no socket can have a path of over 107 bytes" in result.stdout
    rows = from_csv((cells / "results.csv").read_text())
    assert [row["worst"] for row in rows] == ["not measured", "clean"]
    assert "2 of 4 rounds were measured earlier" in run(*arguments, TMPDIR=str(deep)).stdout


def test_a_claim_that_is_not_so_is_told(folder: Path, tmp_path: Path) -> None:
    """The text beside the table is held to it."""
    (tmp_path / "results.md").write_text(f"<!-- cells: * × atomic: lost > 0 -->\n{BEGIN}\n{END}\n")
    result = run(*ONE_CELL, "--cells", str(folder), "--into", str(tmp_path))
    assert result.returncode == 1
    assert "is wrong: embedded-pinned × atomic: lost is 0, not > 0" in result.stdout


def test_a_page_without_the_place_for_the_table_is_left_alone(folder: Path, tmp_path: Path) -> None:
    """Whoever deleted one of the comments keeps the text."""
    (tmp_path / "results.md").write_text(f"Mine.\n{BEGIN}\nMine as well.\n")
    result = run(*ONE_CELL, "--cells", str(folder), "--into", str(tmp_path))
    assert result.returncode == 2
    assert result.stdout.splitlines()[-1].startswith(f"{tmp_path / 'results.md'}: expected the table between")
    assert os.listdir(tmp_path) == ["results.md"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (as_csv([result(), result("atomic", "embedded-pinned")]), "would lose 1 cells that are not in this table"),
        (
            as_csv([of_rounds(*[played()] * 3, strategy="atomic", server="embedded-pinned")]),
            "has more rounds than this table (2)",
        ),
    ],
)
def test_a_larger_table_is_not_replaced_by_a_part_of_it(folder: Path, tmp_path: Path, text: str, why: str) -> None:
    """The published one, say, by a call with --servers or with --rounds."""
    (tmp_path / "results.csv").write_text(text)
    before = (tmp_path / "results.csv").read_text()
    said = run(*ONE_CELL, "--cells", str(folder), "--into", str(tmp_path))
    assert said.returncode == 2
    assert f"{why}; choose another folder" in said.stdout
    assert (tmp_path / "results.csv").read_text() == before


@pytest.mark.parametrize("text", ["{", "{}", ""])
def test_half_a_file_of_an_earlier_call_is_no_cell(folder: Path, tmp_path: Path, text: str) -> None:
    """A disk was full, or the machine went off."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "embedded-pinned-atomic-1_verdict.json").write_text(text)
    assert recall(Cell(load_strategy("atomic"), "embedded-pinned"), 1, tmp_path) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_cell_in_hand_and_says_how_to_go_on(tmp_path: Path, number: int) -> None:
    """Locust, server and switcher end as well, and nothing is left of their sites."""
    temp = tmp_path / "tmp"
    temp.mkdir()
    arguments = ["--servers", "embedded", "--strategies", "atomic", "--cells", str(tmp_path / "cells")]
    with subprocess.Popen(
        [*MATRIX, *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temp)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        matrix = psutil.Process(process.pid)
        while not list(temp.glob("locust-cutover-*/site/current")):
            assert process.poll() is None
        family = matrix.children(recursive=True)
        assert family
        os.killpg(process.pid, number)
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130, output
    assert "stopped; run the same command to continue" in output
    assert recall(Cell(load_strategy("atomic"), "embedded"), 1, tmp_path / "cells") is None, "half a cell is none"
    assert "Traceback" not in output
    _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    assert alive == []
    assert list(temp.glob("locust-cutover-*")) == []


def test_the_examples_of_the_help_are_taken() -> None:
    """By the parser, at least: each as a whole takes half an hour."""
    text = run("--help").stdout
    lines = [line.strip().split("  ")[0] for line in text.splitlines() if line.startswith("  python -m matrix")]
    assert len(lines) == 3
    for line in lines:
        result = run(*line.split()[3:], "--help")
        assert result.returncode == 0


@pytest.mark.parametrize(
    "arguments", [["--servers", "ngnix"], ["--strategies", "atomc"], ["--rounds", "0"], ["--cels", "x"]]
)
def test_a_wrong_command_line_is_exit_code_2(arguments: list[str]) -> None:
    """Before anything is run."""
    assert run(*arguments).returncode == 2
