"""However a run ends: exit code 1 only when it was violated, the reason in every file and in the last line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.locust_process import LocustProcess, processes

RUN = """
load: {users: 4, spawn_rate: 50}
phases:
  - strategy: atomic
    every: 20ms
    flips: 40
    expect: {torn: any}
"""

VIOLATED = """
load: {users: 4, spawn_rate: 50}
phases:
  # Slow enough to be met by visitors on any machine.
  - strategy: {command: [sh, -c, "rm -f {link}; sleep 0.03; ln -s {target} {link}"]}
    every: 60ms
    flips: 20
    expect: {torn: any}
"""

LOCUSTFILE = "tests/whole_runs/broken/locustfile.py"

FILES = ("run.html", "run.xml", "run.md", "run_verdict.json")


def run(folder: Path, *arguments: str, scenario: str = RUN) -> LocustProcess:
    """A headless run with every file that can be asked for."""
    path = folder / "scenario.yaml"
    path.write_text(scenario)
    prefix = folder / "report" / "run"
    endings = {"--report": "html", "--junit": "xml", "--summary": "md"}
    reports = ["--csv", str(prefix), *(f"{option}={prefix}.{ending}" for option, ending in endings.items())]
    return LocustProcess(folder, "-f", LOCUSTFILE, "--headless", "--scenario", str(path), *reports, *arguments)


def said(locust: LocustProcess) -> dict[str, str]:
    """What each file says, without Markdown's backslashes and HTML's references."""
    folder = locust.prefix.parent
    texts = {path.name: path.read_text() for path in folder.iterdir() if path.name in FILES}
    return {name: text.replace("\\", "").replace("&#x27;", "'").replace("&#39;", "'") for name, text in texts.items()}


@pytest.mark.parametrize(
    ("broken", "reason", "workers"),
    [
        ("the verdict of a phase", "planted", 0),
        ("the play of a phase", "planted", 0),
        ("the hearing of the switcher", "planted", 0),
        ("the clearing up", "planted", 0),
        ("the judge", "planted", 2),
        ("the taking of a report", "planted", 2),
        ("the spawning of users", "", 2),
        ("a listener of request", "planted", 2),
        ("a listener of init", "Locust has ended by itself", 0),
        ("a listener of init", "Locust has ended by itself", 2),
        ("a listener of spawning_complete", "Locust has ended by itself", 0),
        ("a listener of spawning_complete", "Locust has ended by itself", 2),
        ("a listener of quit", "Locust has ended by itself", 0),
        ("a listener of quit", "Locust has ended by itself", 2),
    ],
)
def test_whatever_fails_after_the_start_makes_the_run_inconclusive_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, reason: str, workers: int
) -> None:
    """The master ends; no process is left; the reason is in every file that was asked for and in the last line."""
    monkeypatch.setenv("BROKEN", broken)
    with run(tmp_path, *(processes(workers) if workers else [])) as locust:
        assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing()
    assert "(exit code 3): " in locust.lines[-1]
    assert reason in locust.lines[-1]
    texts = said(locust)
    assert set(texts) == set(FILES)
    assert [name for name, text in texts.items() if reason not in text] == []
    verdict = json.loads(texts["run_verdict.json"])
    assert (verdict["verdict"], verdict["exit_code"]) == ("inconclusive", 3)


def test_a_violated_run_stays_so_whatever_fails_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locust calls its listeners when the files are written."""
    monkeypatch.setenv("BROKEN", "a listener of quit")
    with run(tmp_path, scenario=VIOLATED) as locust:
        assert locust.wait() == 1, locust.output
    assert locust.lines[-1].startswith("verdict: violated (exit code 1): ")


@pytest.mark.parametrize(
    ("broken", "arguments", "reason"),
    [
        ("the locustfile", "", "RuntimeError: planted"),
        ("", "NoSuchUser", "Locust has ended by itself"),
        ("", "--logfile {folder}/scenario.yaml/log", "NotADirectoryError|FileExistsError"),
    ],
)
def test_what_is_wrong_before_the_start_is_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, arguments: str, reason: str
) -> None:
    """Locust and Python end with 1 for all of it, which is the code for a deploy that loses requests."""
    monkeypatch.setenv("BROKEN", broken)
    with run(tmp_path, *arguments.format(folder=tmp_path).split()) as locust:
        assert locust.wait() == 2, locust.output
    assert locust.lines[-1].startswith("verdict: none (exit code 2): ")
    assert any(one in locust.lines[-1] for one in reason.split("|"))


def test_a_file_of_locusts_own_that_cannot_be_written_is_a_problem_of_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locust fails after ours are written: they are written again."""
    monkeypatch.setenv("BROKEN", "")
    with run(tmp_path, "--html", f"{tmp_path}/scenario.yaml/x.html") as locust:
        assert locust.wait() == 3, locust.output
    assert "(exit code 3): " in locust.lines[-1]
    assert locust.verdict()["exit_code"] == 3
    assert said(locust)["run.md"].count("###") == 1


def test_a_csv_file_of_locust_that_cannot_be_written_is_a_problem_of_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer fails while the run lasts, and again when Locust closes it: a traceback, and not exit code 1."""
    monkeypatch.setenv("BROKEN", "")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "run_stats.csv").symlink_to("/dev/full")
    with run(tmp_path) as locust:
        assert locust.wait() == 3, locust.output
    reason = f"--csv: Locust could not write {locust.prefix}_stats.csv to its end"
    assert reason in locust.lines[-1]
    assert locust.verdict()["problems"] == [reason]
    assert '"inconclusive: --csv: Locust' in said(locust)["run.xml"]


@pytest.mark.parametrize("late", [False, True])
def test_a_worker_without_install_makes_the_run_inconclusive_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int], late: bool
) -> None:
    """It takes a part of the users, whose visits nobody judges."""
    monkeypatch.setenv("BROKEN", "")
    port = str(free_port())
    strange = tmp_path / "strange.py"
    strange.write_text(
        "from locust import User, constant, task\n"
        "class CurrentVisitor(User):\n"
        "    wait_time = constant(0.1)\n"
        "    @task\n"
        "    def current(self): pass\n"
    )
    worker = ["--worker", "--master-port", port]
    expected = "1" if late else "2"
    scenario = RUN.replace("flips: 40", "duration: 6s")
    master = run(tmp_path, "--master", "--master-bind-port", port, "--expect-workers", expected, scenario=scenario)
    with master as locust, LocustProcess(tmp_path, "-f", LOCUSTFILE, *worker) as known:
        if late:
            locust.wait_for("phase atomic")
        with LocustProcess(tmp_path, "-f", str(strange), *worker):
            assert locust.wait() == 3, locust.output
            assert known.wait() == 0
        assert locust.leaves_nothing()
    assert "it has not joined the experiment, so nobody judges its visits; call install()" in locust.lines[-1]
    (phase,) = locust.verdict()["phases"]
    assert phase["visits"] > 0
