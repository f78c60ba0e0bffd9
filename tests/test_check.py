"""A history that is judged again gives the verdict of its run, or one line that says why it cannot."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from locust_cutover.check import check, main
from locust_cutover.history import CUT_OFF, BlindLine, HistoryError
from locust_cutover.judging.fliptable import Convergence, FlipTable
from locust_cutover.judging.verdict import RESTLESS, UNPROBED
from locust_cutover.judging.visit import Visit
from locust_cutover.scenario.model import describe
from tests.small_run import (
    GOOD,
    LOST,
    RUN,
    SCENARIO,
    STALE,
    TORN,
    change,
    facts,
    owner,
    visit,
    worker,
    write,
)


def rows(table: FlipTable) -> list[tuple[int, ...]]:
    """Of each flip in the table: number, visits, lost, torn, stale."""
    return [(row.flip.number, row.visits, *row.faults) for row in table.rows()]


class Command:
    """python -m locust_cutover.check, in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        code = main([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def refuses(self, *arguments: object) -> str:
        """What it says against these: one line, and nothing else."""
        code, out, err = self(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("check: ")
        assert err.count("\n") == 1
        return err.removeprefix("check: ").removesuffix("\n")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """The command with what it prints."""
    return Command(capsys)


# The verdict.


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
@pytest.mark.parametrize(
    ("visits", "code", "verdict"),
    [
        ([*GOOD, LOST], 0, "held"),
        ([*GOOD, LOST, TORN], 0, "held"),
        ([*GOOD, LOST, STALE], 1, "violated"),
        (GOOD, 3, "inconclusive"),
        ([*GOOD, LOST, visit(1, 5600, "c")], 3, "inconclusive"),
        ([LOST], 3, "inconclusive"),
        ([], 3, "inconclusive"),
    ],
    ids=["as expected", "torn may be", "stale", "blind control", "unknown mark", "a phase without visits", "no visits"],
)
def test_a_small_history_gets_the_verdict_that_one_gets_by_hand(
    tmp_path: Path, command: Command, name: str, visits: list[Visit], code: int, verdict: str
) -> None:
    """The exit code is the run's, and the last line of the report says it."""
    found, out, err = command(write(tmp_path / name, owner(*visits)))
    assert (found, err) == (code, "")
    assert out.splitlines()[-1].startswith(f"verdict: {verdict} (exit code {code})")


def test_answers_have_the_names_that_the_run_gave_them(tmp_path: Path) -> None:
    """A history may call them anything; what the run counted as other is other again."""
    odd = [visit(0, 1600 + number, answer=f"answer {number}") for number in range(300)]
    odd += [visit(0, 1990, answer="404 Nicht da"), visit(0, 1990, answer="599")]
    result = check([write(tmp_path / "run.jsonl", owner(*GOOD, *odd))])
    answers = {answer: count for kind, answer, count in result.phases[0].answers if kind == "lost"}
    assert answers == {"other": 300, "404 Not Found": 1, "599": 1}


def test_the_numbers_are_those_that_one_gets_by_hand(tmp_path: Path) -> None:
    """Counts, flips, times of stale visits and the facts of the run."""
    late = visit(0, 2995, "b")  # overlaps flip 2: either release will do
    result = check([write(tmp_path / "run.jsonl", owner(*GOOD, LOST, STALE, late))])
    forced, atomic = result.phases
    assert forced.answers == (("ok", "200 OK", 4), ("lost", "404 Not Found", 1))
    assert atomic.answers == (("ok", "200 OK", 2), ("stale", "200 OK", 1))
    assert (atomic.longest_stale, atomic.convergence) == (90, Convergence(unseen=110))
    assert [phase.met_flips for phase in result.phases] == [2, 1]
    assert rows(result.flips[0]) == [(1, 1, 1, 0, 0), (2, 1, 0, 0, 0)]
    assert rows(result.flips[1]) == [(2, 1, 0, 0, 1)]
    assert [one.harmful_flips for one in forced.expectations] == [1, 0, 0]
    assert forced.outage is not None
    assert forced.outage.us == pytest.approx(1 / 5 * 4 / 2)
    assert (result.server, result.users, result.url) == ("gevent.pywsgi 25.4", 2, "http://127.0.0.1:8080")
    assert (result.scenario.name, result.scenario.description) == ("small", "Small enough to be judged by hand.")
    assert (result.ended - result.started).total_seconds() == 10
    assert result.began == 500


def test_every_visit_overlapped_a_flip_is_said_only_where_that_is_so(tmp_path: Path) -> None:
    """Calm visits before the first flip, or lost ones after it, could not be stale either."""
    for calm in (visit(1, 5600, "a"), visit(1, 6400, answer="timed out")):
        operations = owner(*GOOD[:3], LOST, visit(1, 6005, "a"), calm)
        assert check([write(tmp_path / "run.jsonl", operations)]).phases[1].troubles == (UNPROBED,)
    operations = owner(*GOOD[:3], LOST, visit(1, 6005, "a"))
    assert check([write(tmp_path / "run.jsonl", operations)]).phases[1].troubles == (RESTLESS,)


def test_the_facts_of_the_run_count_too(tmp_path: Path, command: Command) -> None:
    """What was cut short is inconclusive whatever its visits are."""
    phases = [facts(), facts(trouble="cut short")]
    code, out, _ = command(write(tmp_path / "run.jsonl", owner(*GOOD, LOST, phases=phases)))
    assert code == 3
    assert "cut short" in out


def test_after_the_switchers_death_only_what_needs_no_later_flip_is_judged(tmp_path: Path) -> None:
    """As in the run: visits that were received later are unjudged, lost and torn ones stay."""
    early, late = visit(1, 6500, "b"), visit(1, 8000, "a")
    lost, torn = visit(1, 8100, answer="timed out"), visit(1, 8200, "a", "b")
    operations = owner(early, late, lost, torn)
    operations.insert(-1, BlindLine(7900))
    phase = check([write(tmp_path / "run.jsonl", operations)]).phases[1]
    assert phase.background is not None
    assert (phase.background.lost, phase.background.visits) == (0, 1)  # whether the other met a flip is not known
    assert sorted(phase.answers) == [
        ("lost", "timed out", 1),
        ("ok", "200 OK", 1),
        ("torn", "200 OK", 1),
        ("unjudged", "flips unknown", 1),
    ]


@pytest.mark.parametrize(
    ("harm", "row"),
    [
        (visit(1, 5990, answer="404 Not Found"), (1, 0, 0)),
        (visit(1, 5990, "a", "b"), (0, 1, 0)),
        (visit(1, 6100, "a"), (0, 0, 1)),
    ],
    ids=["lost", "torn", "stale"],
)
def test_of_a_phase_as_fast_as_possible_the_harmful_flips_are_in_the_table(
    tmp_path: Path, harm: Visit, row: tuple[int, ...]
) -> None:
    """Whatever harm they did, with the visits that came to none; those that only met visits are not."""
    visits = [visit(1, 5992, "a"), harm, visit(1, 6005, "b"), visit(1, 6995, "a")]
    assert rows(check([write(tmp_path / "run.jsonl", owner(*visits))]).flips[1]) == [(1, 3, *row)]


def test_the_flips_may_stand_behind_the_visits_they_explain(tmp_path: Path) -> None:
    """Visits are judged when all flips are known: in a file they come as they were written."""
    operations = owner(*GOOD, LOST)
    visits = [operation for operation in operations if isinstance(operation, Visit)]
    others = [operation for operation in operations if not isinstance(operation, Visit)]
    assert check([write(tmp_path / "run.jsonl", [*others[:3], *visits, *others[3:]])]).exit_code == 0


def test_the_csv_files_are_written_too(tmp_path: Path, command: Command) -> None:
    """With --csv PREFIX, as at the end of a run; the exit code is the verdict's."""
    code, _, _ = command(write(tmp_path / "run.jsonl", owner(*GOOD, LOST, STALE)), "--csv", tmp_path / "out" / "again")
    assert code == 1
    with (tmp_path / "out" / "again_verdict.csv").open(newline="") as file:
        assert [row["verdict"] for row in csv.DictReader(file)] == ["held", "held", "held", "held", "held", "violated"]
    assert json.loads((tmp_path / "out" / "again_verdict.json").read_text())["exit_code"] == 1


def test_the_report_of_a_run_can_be_made_from_its_history(tmp_path: Path, command: Command) -> None:
    """With all that a run would have drawn, from the visits alone."""
    path = tmp_path / "report.html"
    command(write(tmp_path / "run.jsonl", owner(*GOOD, LOST, STALE)), "--report", path)
    text = path.read_text(encoding="utf-8")
    assert "Time line of forced: " in text
    assert "<h3>flip 1 to b</h3>" in text


def test_what_the_run_ran_on_is_said_and_not_what_it_is_judged_on(tmp_path: Path, command: Command) -> None:
    """A history is often read elsewhere."""
    command(
        write(tmp_path / "run.jsonl", owner(*GOOD, LOST)),
        "--report",
        tmp_path / "report.html",
        "--csv",
        tmp_path / "out",
    )
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "python 3.99, locust 77.1" in text
    assert "Plan 9 4, mips, " in text
    found = json.loads((tmp_path / "out_verdict.json").read_text())
    assert (found["versions"], found["machine"], found["seed"]) == (RUN.versions, RUN.machine, RUN.seed)


OLDER: dict[str, list[str]] = {
    "run": ["seed", "versions", "machine"],
    "flip": ["held", "opaque", "cpu"],
    "visit": ["apart"],
    "over": ["problems"],
}
"""The fields that were added since the first version."""


def test_a_history_of_an_older_version_is_judged_and_its_report_leaves_out_what_it_lacks(
    tmp_path: Path, command: Command
) -> None:
    """Among its lines, in the scenario and in the facts of a phase; the verdict is the same."""
    path = write(tmp_path / "run.jsonl", owner(*GOOD, LOST))
    for op, fields in OLDER.items():
        change(path, op, lambda line, fields=fields: [line.pop(field) for field in fields])  # type: ignore[misc]

    def shorten(line: dict[str, Any]) -> None:
        for field in ("text", "seed"):
            del line["scenario"][field]
        del line["scenario"]["site"]["external"]
        for phase in line["scenario"]["phases"]:
            for field in ("command", "quiet", "jitter", "gap"):
                del phase[field]

    change(path, "run", shorten)
    change(
        path,
        "over",
        lambda line: [fact.pop(key) for fact in line["phases"] for key in ("failure", "said", "extended", "state")],
    )
    code, _, _ = command(path, "--report", tmp_path / "report.html", "--csv", tmp_path / "out")
    assert code == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<dt>started</dt>" in text
    assert "<dt>machine</dt>" not in text
    assert "<dt>versions</dt>" not in text
    found = json.loads((tmp_path / "out_verdict.json").read_text())
    assert (found["versions"], found["machine"], found["seed"]) == ({}, {}, None)


# Several files.


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_the_files_does_not_matter(tmp_path: Path, order: tuple[int, ...]) -> None:
    """The owner's file need not be the first."""
    paths = [
        write(tmp_path / "run.jsonl.gz", owner(elsewhere=7)),
        write(tmp_path / "run-worker0.jsonl.gz", worker(0, *GOOD, LOST)),
        write(tmp_path / "run-worker1.jsonl", worker(1, STALE)),
    ]
    result = check([paths[index] for index in order])
    assert [phase.verdict for phase in result.phases] == ["held", "violated"]
    assert [phase.visits for phase in result.phases] == [4, 3]


def test_a_missing_workers_file_is_noticed(tmp_path: Path, command: Command) -> None:
    """The owner knows how many visits were counted."""
    run = write(tmp_path / "run.jsonl", owner(elsewhere=7))
    first = write(tmp_path / "run-worker0.jsonl", worker(0, *GOOD))
    assert command.refuses(run, first).startswith("expected 7 visits, got 5; ")
    assert command.refuses(run).startswith("expected 7 visits, got 0; ")


def test_a_workers_file_that_is_given_twice_is_noticed(tmp_path: Path, command: Command) -> None:
    """Its visits would count twice."""
    run = write(tmp_path / "run.jsonl", owner(elsewhere=5))
    first = write(tmp_path / "run-worker0.jsonl", worker(0, *GOOD))
    assert command.refuses(run, first, first).startswith("expected 5 visits, got 10; ")


def test_two_owners_files_are_refused(tmp_path: Path, command: Command) -> None:
    """The same one twice, too."""
    run = write(tmp_path / "run.jsonl", owner(*GOOD))
    for other in (run, write(tmp_path / "other.jsonl", owner(*GOOD))):
        assert command.refuses(run, other) == "expected one file of the node that owns the link, got 2"


def test_workers_files_alone_are_refused(tmp_path: Path, command: Command) -> None:
    """They do not hold the flips."""
    path = write(tmp_path / "run-worker0.jsonl", worker(0, *GOOD))
    assert command.refuses(path) == "expected one file of the node that owns the link, got 0"


def test_files_of_different_runs_are_refused(tmp_path: Path, command: Command) -> None:
    """Even where the number of visits would fit."""
    run = write(tmp_path / "run.jsonl", owner(elsewhere=5))
    other = write(tmp_path / "run-worker0.jsonl", worker(0, *GOOD, run="r2"))
    assert command.refuses(run, other) == "expected files of one run, got files of different runs"


# What is no history.


def test_a_run_that_did_not_end_is_refused(tmp_path: Path, command: Command) -> None:
    """Its file was closed, but the facts of its phases are not there."""
    path = write(tmp_path / "run.jsonl", owner(*GOOD)[:-1])
    assert command.refuses(path) == "expected one end of the run (op over), got 0"


def test_a_file_that_was_cut_off_is_refused_by_name_and_line(tmp_path: Path, command: Command) -> None:
    """As a killed process leaves it."""
    path = write(tmp_path / "run.jsonl", owner(*GOOD))
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:9]))
    assert command.refuses(path) == f"{path}:10: {CUT_OFF}"


def without(key: str) -> Callable[[dict[str, Any]], object]:
    """Takes a key out of an operation."""
    return lambda line: line.pop(key)


def having(key: str, value: Any) -> Callable[[dict[str, Any]], object]:
    """Puts another value into an operation."""
    return lambda line: line.update({key: value})


@pytest.mark.parametrize(
    ("op", "alter"),
    [
        ("run", without("scenario")),
        ("run", without("began")),
        ("run", without("releases")),
        ("run", without("run")),
        ("run", having("scenario", {"name": "small"})),
        ("run", having("scenario", "small")),
        ("run", having("scenario", {**describe(SCENARIO), "phases": [{"name": "forced"}]})),
        ("run", having("scenario", {**describe(SCENARIO), "load": {"people": 1}})),
        ("run", having("started", "yesterday")),
        ("run", having("machine", "mine")),
        ("run", having("scenario", {**describe(SCENARIO), "phases": [1, 2]})),
        ("start", without("release")),
        ("flip", without("invoked")),
        ("flip", having("colour", "red")),
        ("flip", having("phase", 2)),
        ("flip", having("phase", "forced")),
        ("flip", having("invoked", 10**30)),
        ("flip", having("cpu", 10**30)),
        ("visit", without("marks")),
        ("visit", without("sent")),
        ("visit", having("colour", "red")),
        ("visit", having("marks", None)),
        ("visit", having("answer", None)),
        ("visit", having("sent", math.nan)),
        ("over", without("phases")),
        ("over", without("visits")),
        ("over", having("phases", [asdict(facts())])),
        ("over", having("phases", [asdict(facts(trouble=1.5)), asdict(facts())])),
        ("over", having("phases", [asdict(facts(said=1.5)), asdict(facts())])),
        ("over", having("phases", [asdict(facts()), {"colour": "red"}])),
    ],
)
def test_a_history_of_another_version_is_refused(
    tmp_path: Path, command: Command, op: str, alter: Callable[[dict[str, Any]], object]
) -> None:
    """Keys that are missing or unknown: one line, and no traceback."""
    path = change(write(tmp_path / "run.jsonl", owner(*GOOD, LOST)), op, alter)
    assert "not a history of this version: " in command.refuses(path)


def test_a_line_of_nothing_but_brackets_is_refused(tmp_path: Path, command: Command) -> None:
    """Python has no room for them; exit code 1 would say that the run was violated."""
    path = tmp_path / "run.jsonl"
    path.write_text("[" * 200_000 + "]" * 200_000)
    assert command.refuses(path).startswith("not a history of this version: ")


@pytest.mark.parametrize(("visits", "exit_code"), [([*GOOD, LOST], 3), ([*GOOD, LOST, STALE], 1)])
def test_a_standard_output_that_cannot_be_written_is_a_problem(
    tmp_path: Path, visits: list[Visit], exit_code: int
) -> None:
    """As any other file: a run that held is inconclusive, since nobody has read so."""
    path = write(tmp_path / "run.jsonl", owner(*visits))
    command = [sys.executable, "-m", "locust_cutover.check", str(path)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (exit_code, "check: standard output: No space left on device\n")


def test_a_worker_of_another_version_is_refused(tmp_path: Path, command: Command) -> None:
    """It does not say whose run it saw."""
    run = write(tmp_path / "run.jsonl", owner())
    nameless = change(write(tmp_path / "run-worker0.jsonl", worker(0)), "node", without("run"))
    assert f"{nameless}:1: not a history of this version: " in command.refuses(run, nameless)


def test_operations_that_say_nothing_to_the_judge_are_passed_over(tmp_path: Path) -> None:
    """A later version may say more."""
    path = write(tmp_path / "run.jsonl", owner(*GOOD, LOST))
    path.write_text('{"op":"weather","rain":true}\n' + path.read_text())
    assert check([path]).exit_code == 0


@pytest.mark.parametrize(
    ("visits", "verdict", "exit_code"), [([*GOOD, LOST], "inconclusive", 3), ([*GOOD, LOST, STALE], "violated", 1)]
)
def test_a_report_that_cannot_be_written_is_a_problem_of_the_verdict(
    tmp_path: Path, command: Command, visits: list[Visit], verdict: str, exit_code: int
) -> None:
    """As at the end of a run: what held is inconclusive, in the other files too; what was violated stays so."""
    path = write(tmp_path / "run.jsonl", owner(*visits))
    problem = "--report cannot be written: /dev/full: No space left on device"
    code, out, err = command(path, "--report", "/dev/full", "--csv", tmp_path / "again")
    assert (code, err) == (exit_code, "")
    assert f"! {problem}" in out
    assert out.splitlines()[-1].startswith(f"verdict: {verdict} (exit code {exit_code})")
    told = json.loads((tmp_path / "again_verdict.json").read_text())
    assert (told["verdict"], told["exit_code"], told["problems"]) == (verdict, exit_code, [problem])


def test_csv_files_below_a_file_are_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command line, before the history is read."""
    path = write(tmp_path / "run.jsonl", owner(*GOOD))
    with pytest.raises(SystemExit) as caught:
        main([str(path), "--csv", str(path / "again")])
    assert caught.value.code == 2
    assert f"expected a folder, got a file: {path}" in capsys.readouterr().err


def test_no_file_at_all_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With the usage."""
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "usage: python -m locust_cutover.check" in capsys.readouterr().err


def test_the_function_says_why_by_an_error(tmp_path: Path) -> None:
    """For those who call it from Python."""
    with pytest.raises(HistoryError, match="expected 3 visits, got 0"):
        check([write(tmp_path / "run.jsonl", owner(elsewhere=3))])


def test_the_command_ends_with_the_exit_code_of_the_verdict(tmp_path: Path) -> None:
    """As a process of its own, as its help says to call it."""
    path = write(tmp_path / "run.jsonl", owner(*GOOD, LOST, STALE))
    command = [sys.executable, "-m", "locust_cutover.check", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "\nverdict: violated (exit code 1): atomic: 1 of 3 visits stale" in done.stdout


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_gets_colours_unless_its_user_wants_none(tmp_path: Path, environment: dict[str, str]) -> None:
    """The verdict of a violated run is red on a real terminal; a file or a pipe gets none, see above."""
    path = write(tmp_path / "run.jsonl", owner(*GOOD, LOST, STALE))
    command = [sys.executable, "-m", "locust_cutover.check", str(path)]
    ours, its = pty.openpty()
    mine = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with open(ours, "rb", buffering=0) as terminal:
        subprocess.run(command, stdout=its, env={**mine, "TERM": "xterm", **environment}, check=False)
        os.set_blocking(ours, False)
        text = terminal.read().decode()
    os.close(its)
    assert ("\033[31mviolated\033[0m (exit code 1)" in text) == (not environment)
    assert "violated" in text


@pytest.mark.parametrize("judges", [False, True])
def test_neither_gevent_nor_locust_nor_yaml_is_imported(tmp_path: Path, judges: bool) -> None:
    """A history can be judged again where neither runs."""
    argument = str(write(tmp_path / "run.jsonl", owner(*GOOD, LOST))) if judges else "--help"
    command = [sys.executable, "-X", "importtime", "-m", "locust_cutover.check", argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].split(".")[0].strip() for line in done.stderr.splitlines()}
    assert "locust_cutover" in imported
    assert not imported & {"flask", "gevent", "geventhttpclient", "locust", "yaml"}
