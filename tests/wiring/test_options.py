"""A command line that cannot be run is refused by its parser, with one line that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from locust.argument_parser import LocustArgumentParser, get_parser

from locust_cutover.scenario import read as scenarios
from locust_cutover.servers.nginx import Nginx
from locust_cutover.wiring import options
from tests.whole_runs.runs import write

ATOMIC = "phases: [{strategy: atomic, every: 2ms, flips: 5}]\n"


@pytest.fixture
def parser() -> LocustArgumentParser:
    """Locust's, with our options."""
    parser = get_parser(default_config_files=[])
    options.add(parser)
    return parser


def refused(parser: LocustArgumentParser, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Why a command line is refused."""
    with pytest.raises(SystemExit) as left:
        parser.parse_args(list(arguments))
    assert left.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].partition(": error: ")[2]


def test_a_scenario_is_a_name_or_a_path(parser: LocustArgumentParser, tmp_path: Path) -> None:
    """Without one it is the default."""
    path = write(tmp_path, ATOMIC)
    assert parser.parse_args([]).scenario == scenarios.DEFAULT
    assert parser.parse_args(["--scenario", "atomic"]).scenario == "atomic"
    assert parser.parse_args(["--scenario", path]).scenario == path


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("no-such-scenario", "unknown scenario 'no-such-scenario'"),
        ("atomi", "did you mean atomic?"),
        ("missing/file.yaml", "missing/file.yaml: No such file or directory"),
    ],
)
def test_a_scenario_that_is_not_there_is_refused(
    parser: LocustArgumentParser, capsys: pytest.CaptureFixture[str], scenario: str, said: str
) -> None:
    """With its name."""
    assert said in refused(parser, capsys, "--scenario", scenario)


def test_a_mistake_in_a_scenario_is_refused_with_file_line_and_key(
    parser: LocustArgumentParser, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Where it is and what could be meant."""
    path = write(tmp_path, "phases:\n  - strategy: atomic\n    evry: 20ms\n    flips: 5\n")
    said = refused(parser, capsys, "--scenario", path)
    assert said == f"argument --scenario: {path}:3: phases[0]: unknown key 'evry'; did you mean every?"


def test_a_server_that_is_not_installed_is_refused_with_its_package(
    parser: LocustArgumentParser, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to do about it."""
    monkeypatch.setattr(Nginx, "program", "no-such-nginx")
    path = write(tmp_path, f"site: {{server: nginx}}\n{ATOMIC}")
    said = refused(parser, capsys, "--scenario", path)
    assert "no-such-nginx is not installed; on Debian and Ubuntu: apt-get install nginx" in said


@pytest.mark.parametrize("option", ["--csv", "--history", "--report", "--junit", "--summary"])
def test_a_file_that_cannot_be_written_is_refused(
    parser: LocustArgumentParser, capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str
) -> None:
    """Nobody need run for an hour to hear that. Locust would show a traceback for its CSV files."""
    file = Path(write(tmp_path, ATOMIC))
    said = refused(parser, capsys, option, str(file / "run"))
    assert said.startswith(f"argument {option}: {file}/run")
    assert said.endswith(f": expected a folder, got a file: {file}")


def test_a_scenario_is_checked_once(parser: LocustArgumentParser, tmp_path: Path) -> None:
    """The web UI parses the command line again for every page, and must go on when a scenario has become wrong."""
    path = write(tmp_path, ATOMIC)
    parser.parse_args(["--scenario", path])
    write(tmp_path, "phases: 5\n")
    assert parser.parse_args(["--scenario", path]).scenario == path
