"""A history that is judged again gives the verdict of its run, or one line that says why it cannot."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import math
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from locust_cutover.check import check, main
from locust_cutover.history import HistoryError
from locust_cutover.judging.fliptable import Convergence, FlipTable
from locust_cutover.judging.verdict import RESTLESS, UNPROBED

Operation = dict[str, Any]

RUN: Operation = {
    "op": "run",
    "run": "r1",
    "scenario": {
        "name": "small",
        "path": "scenarios/small.yaml",
        "description": "Small enough to be judged by hand.",
        "site": {"server": "embedded", "releases": ["a", "b"], "path": "/current/"},
        "load": {"users": 2, "spawn_rate": 2},
        "phases": [
            {
                "name": "forced",
                "strategy": "forced",
                "every": 1000,
                "duration": None,
                "flips": 2,
                "expect": {"lost": "some", "torn": "none", "stale": "none"},
            },
            {
                "name": "atomic",
                "strategy": "atomic",
                "every": 0,
                "duration": None,
                "flips": 2,
                "expect": {"lost": "none", "torn": "any", "stale": "none"},
            },
        ],
    },
    "releases": ["a", "b"],
    "server": "gevent.pywsgi 25.4",
    "users": 2,
    "url": "http://127.0.0.1:8080",
    "began": 500,
    "started": "2026-01-02T03:04:05+00:00",
}

FLIPS: list[Operation] = [
    {"op": "flip", "phase": 0, "number": 1, "release": "b", "invoked": 2000, "completed": 2010, "outcome": "ok"},
    {"op": "flip", "phase": 0, "number": 2, "release": "a", "invoked": 3000, "completed": 3010, "outcome": "ok"},
    {"op": "flip", "phase": 1, "number": 1, "release": "b", "invoked": 6000, "completed": 6010, "outcome": "ok"},
    {"op": "flip", "phase": 1, "number": 2, "release": "a", "invoked": 7000, "completed": 7010, "outcome": "ok"},
]


def visit(phase: int, sent: int, *marks: str, answer: str = "200 OK") -> Operation:
    """A visit of 20 ns; one without marks is lost with this answer."""
    facts = {"phase": phase, "method": "GET", "path": "/current/", "sent": sent, "received": sent + 20}
    return {"op": "visit", **facts, "answer": answer, "whole": bool(marks), "marks": marks, "due": 1, "length": 9}


GOOD = [visit(0, 1500, "a"), visit(0, 2500, "b"), visit(0, 3500, "a"), visit(1, 6400, "b"), visit(1, 6005, "a")]
"""Ok, the last one since it was sent before the flip was completed."""

LOST = visit(0, 1990, answer="404 Not Found")
"""At the first flip of phase 0, where a loss is due."""

STALE = visit(1, 7100, "b")
"""90 ns after the second flip of phase 1."""

TORN = visit(1, 6500, "a", "b")


def facts(**changes: Any) -> Operation:
    """The facts of a phase with two flips."""
    return {"seconds": 4e-06, "flips": 2, "failed": 0, "late": 0, "trouble": "", **changes}


def over(visits: int, phases: list[Operation] | None = None) -> Operation:
    """The end of the run."""
    phases = [facts(), facts()] if phases is None else phases
    return {"op": "over", "ended": "2026-01-02T03:04:15+00:00", "visits": visits, "phases": phases}


def owner(*visits: Operation, elsewhere: int = 0, phases: list[Operation] | None = None) -> list[Operation]:
    """The operations of the node that owns the link; `elsewhere` is the number of visits in workers' files."""
    return [
        RUN,
        {"op": "open", "phase": 0, "time": 1000},
        {"op": "start", "release": "a"},
        *FLIPS[:2],
        *visits,
        {"op": "close", "phase": 0, "time": 5000},
        {"op": "open", "phase": 1, "time": 5000},
        *FLIPS[2:],
        {"op": "close", "phase": 1, "time": 9000},
        over(len(visits) + elsewhere, phases),
    ]


def worker(number: int, *visits: Operation, run: str = "r1") -> list[Operation]:
    """The operations of a worker."""
    return [{"op": "node", "run": run, "worker": number}, *visits]


def write(path: Path, operations: list[Operation]) -> Path:
    """A history of these and its end, plain or compressed as its name says."""
    visits = sum(operation["op"] == "visit" for operation in operations)
    lines = [json.dumps(operation) for operation in [*operations, {"op": "end", "visits": visits}]]
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


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
    tmp_path: Path, command: Command, name: str, visits: list[Operation], code: int, verdict: str
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
    operations.insert(-1, {"op": "blind", "after": 7900})
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
    tmp_path: Path, harm: Operation, row: tuple[int, ...]
) -> None:
    """Whatever harm they did, with the visits that came to none; those that only met visits are not."""
    visits = [visit(1, 5992, "a"), harm, visit(1, 6005, "b"), visit(1, 6995, "a")]
    assert rows(check([write(tmp_path / "run.jsonl", owner(*visits))]).flips[1]) == [(1, 3, *row)]


def test_the_flips_may_stand_behind_the_visits_they_explain(tmp_path: Path) -> None:
    """Visits are judged when all flips are known: in a file they come as they were written."""
    operations = owner(*GOOD, LOST)
    visits = [operation for operation in operations if operation["op"] == "visit"]
    others = [operation for operation in operations if operation["op"] != "visit"]
    shuffled = [*others[:3], *visits, *others[3:]]
    assert check([write(tmp_path / "run.jsonl", shuffled)]).exit_code == 0


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
    """A history is often read elsewhere; one of an older version does not say it, nor does anybody then."""
    report, verdict = tmp_path / "report.html", tmp_path / "out_verdict.json"
    ran = {
        "versions": {"python": "3.99", "locust": "77.1"},
        "machine": {"system": "Plan 9", "kernel": "4", "arch": "mips", "cpus": 3},
    }
    files = ["--report", report, "--csv", tmp_path / "out"]
    command(write(tmp_path / "run.jsonl", [{**RUN, **ran, "seed": 4711}, *owner(*GOOD, LOST)[1:]]), *files)
    text = report.read_text(encoding="utf-8")
    assert "python 3.99, locust 77.1" in text
    assert "Plan 9 4, mips, 3 processors" in text
    found = json.loads(verdict.read_text())
    assert {key: found[key] for key in ran} == ran
    assert found["seed"] == 4711

    command(write(tmp_path / "run.jsonl", owner(*GOOD, LOST)), *files)
    assert "<dt>started</dt>" in report.read_text(encoding="utf-8")
    assert "<dt>machine</dt>" not in report.read_text(encoding="utf-8")
    assert "<dt>versions</dt>" not in report.read_text(encoding="utf-8")
    found = json.loads(verdict.read_text())
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
    assert command.refuses(run, first) == "5 of 7 visits are here; give the workers' files, too"
    assert command.refuses(run) == "0 of 7 visits are here; give the workers' files, too"


def test_a_workers_file_that_is_given_twice_is_noticed(tmp_path: Path, command: Command) -> None:
    """Its visits would count twice."""
    run = write(tmp_path / "run.jsonl", owner(elsewhere=5))
    first = write(tmp_path / "run-worker0.jsonl", worker(0, *GOOD))
    assert "10 of 5 visits" in command.refuses(run, first, first)


def test_two_owners_files_are_refused(tmp_path: Path, command: Command) -> None:
    """The same one twice, too."""
    run = write(tmp_path / "run.jsonl", owner(*GOOD))
    assert "2 operations 'run'" in command.refuses(run, run)
    assert "2 operations 'run'" in command.refuses(run, write(tmp_path / "other.jsonl", owner(*GOOD)))


def test_workers_files_alone_are_refused(tmp_path: Path, command: Command) -> None:
    """They do not hold the flips."""
    assert command.refuses(write(tmp_path / "run-worker0.jsonl", worker(0, *GOOD))).startswith("0 operations 'run'")


def test_files_of_different_runs_are_refused(tmp_path: Path, command: Command) -> None:
    """Even where the number of visits would fit."""
    run = write(tmp_path / "run.jsonl", owner(elsewhere=5))
    other = write(tmp_path / "run-worker0.jsonl", worker(0, *GOOD, run="r2"))
    assert command.refuses(run, other) == "the files are of different runs"


# What is no history.


def test_a_run_that_did_not_end_is_refused(tmp_path: Path, command: Command) -> None:
    """Its file was closed, but the facts of its phases are not there."""
    assert "0 operations 'over'" in command.refuses(write(tmp_path / "run.jsonl", owner(*GOOD)[:-1]))


def test_a_file_that_was_cut_off_is_refused_by_name_and_line(tmp_path: Path, command: Command) -> None:
    """As a killed process leaves it."""
    path = write(tmp_path / "run.jsonl", owner(*GOOD))
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:9]))
    assert command.refuses(path) == f"{path}:10: the file was cut off: its end is missing"


def test_a_file_that_is_missing_is_refused_by_name(tmp_path: Path, command: Command) -> None:
    """In the words of the system."""
    assert command.refuses(tmp_path / "run.jsonl").endswith("run.jsonl:1: No such file or directory")


def without(key: str) -> Callable[[Operation], Operation]:
    """Takes a key out of an operation."""
    return lambda operation: {name: value for name, value in operation.items() if name != key}


def having(key: str, value: Any) -> Callable[[Operation], Operation]:
    """Puts another value into an operation."""
    return lambda operation: {**operation, key: value}


@pytest.mark.parametrize(
    ("op", "change"),
    [
        ("run", without("scenario")),
        ("run", without("began")),
        ("run", without("releases")),
        ("run", having("scenario", {"name": "small"})),
        ("run", having("scenario", "small")),
        ("run", having("scenario", {**RUN["scenario"], "phases": [{"name": "forced"}]})),
        ("run", having("scenario", {**RUN["scenario"], "load": {"people": 1}})),
        ("run", having("started", "yesterday")),
        ("run", having("machine", "mine")),
        ("run", having("scenario", {**RUN["scenario"], "phases": [1, 2]})),
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
        ("over", having("phases", [facts()])),
        ("over", having("phases", [facts(trouble=1.5), facts()])),
        ("over", having("phases", [facts(said=1.5), facts()])),
        ("over", having("phases", [facts(), {"colour": "red"}])),
    ],
)
def test_a_history_of_another_version_is_refused(
    tmp_path: Path, command: Command, op: str, change: Callable[[Operation], Operation]
) -> None:
    """Keys that are missing, or that nobody knows: one line, and no traceback."""
    operations = [change(operation) if operation["op"] == op else operation for operation in owner(*GOOD, LOST)]
    assert command.refuses(write(tmp_path / "run.jsonl", operations)).startswith("not a history of this version: ")


def test_a_line_of_nothing_but_brackets_is_refused(tmp_path: Path, command: Command) -> None:
    """Python has no room for them; exit code 1 would say that the run was violated."""
    path = tmp_path / "run.jsonl"
    path.write_text("[" * 200_000 + "]" * 200_000)
    assert command.refuses(path).startswith("not a history of this version: ")


@pytest.mark.parametrize(("visits", "exit_code"), [([*GOOD, LOST], 3), ([*GOOD, LOST, STALE], 1)])
def test_a_standard_output_that_cannot_be_written_is_a_problem(
    tmp_path: Path, visits: list[Operation], exit_code: int
) -> None:
    """As any other file: a run that held is inconclusive, since nobody has read so."""
    path = write(tmp_path / "run.jsonl", owner(*visits))
    command = [sys.executable, "-m", "locust_cutover.check", str(path)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (exit_code, "check: standard output: No space left on device\n")


def test_a_worker_of_another_version_is_refused(tmp_path: Path, command: Command) -> None:
    """Whose run is not said; nor may the owner's be left out."""
    run = write(tmp_path / "run.jsonl", owner())
    nameless = write(tmp_path / "nameless.jsonl", [without("run")(RUN), *owner()[1:]])
    assert "'run'" in command.refuses(run, write(tmp_path / "run-worker0.jsonl", [{"op": "node"}]))
    assert "'run'" in command.refuses(nameless, write(tmp_path / "run-worker1.jsonl", worker(1)))


def test_operations_that_say_nothing_to_the_judge_are_passed_over(tmp_path: Path) -> None:
    """A later version may say more."""
    operations = owner(*GOOD, LOST)
    operations.insert(2, {"op": "weather", "rain": True})
    assert check([write(tmp_path / "run.jsonl", operations)]).exit_code == 0


@pytest.mark.parametrize(
    ("visits", "verdict", "exit_code"), [([*GOOD, LOST], "inconclusive", 3), ([*GOOD, LOST, STALE], "violated", 1)]
)
def test_a_report_that_cannot_be_written_is_a_problem_of_the_verdict(
    tmp_path: Path, command: Command, visits: list[Operation], verdict: str, exit_code: int
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
    assert f"{path} is not a folder" in capsys.readouterr().err


def test_no_file_at_all_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With the usage."""
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "usage: python -m locust_cutover.check" in capsys.readouterr().err


def test_the_function_says_why_by_an_error(tmp_path: Path) -> None:
    """For those who call it from Python."""
    with pytest.raises(HistoryError, match="0 of 3 visits"):
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
def test_neither_gevent_nor_locust_is_imported(tmp_path: Path, judges: bool) -> None:
    """A history can be judged again where neither runs."""
    argument = str(write(tmp_path / "run.jsonl", owner(*GOOD, LOST))) if judges else "--help"
    command = [sys.executable, "-X", "importtime", "-m", "locust_cutover.check", argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].split(".")[0].strip() for line in done.stderr.splitlines()}
    assert "locust_cutover" in imported
    assert not imported & {"flask", "gevent", "geventhttpclient", "locust"}
