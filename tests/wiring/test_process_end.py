"""Whatever ends the process, exit code 1 means violated, and the last line says what came out."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from locust_cutover.judging.verdict import ExitCode
from locust_cutover.wiring import process_end
from locust_cutover.wiring.process_end import ProcessEnd


class Left(Exception):  # noqa: N818
    """The process would end here, with this status."""


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> ProcessEnd:
    """The end of a process that goes on."""

    def leave(status: object) -> None:
        raise Left(status)

    monkeypatch.setattr(process_end, "_exit", leave)
    monkeypatch.setattr(process_end, "_show", lambda *_: None)
    return ProcessEnd()


def status(leave: Any, *given: object) -> object:
    """What the process would end with."""
    with pytest.raises(Left) as left:
        leave(*given)
    return left.value.args[0]


@pytest.mark.parametrize(
    ("decided", "asked", "ends"),
    [
        (None, 0, 0),  # --help
        (None, 2, 2),  # argparse
        (None, 1, ExitCode.WRONG),
        (None, "no such user", ExitCode.WRONG),
        (ExitCode.HELD, 0, 0),
        (ExitCode.HELD, None, None),
        (ExitCode.HELD, 1, ExitCode.INCONCLUSIVE),
        (ExitCode.VIOLATED, 1, ExitCode.VIOLATED),
        (ExitCode.INCONCLUSIVE, 3, 3),
        (ExitCode.INCONCLUSIVE, 1, ExitCode.INCONCLUSIVE),
    ],
)
def test_locust_can_end_with_1_only_when_the_run_was_violated(
    end: ProcessEnd, decided: int | None, asked: object, ends: object
) -> None:
    """Before the start it is 2: the command line or the locustfile is wrong. After it, 3."""
    if decided is not None:
        end.decide(decided, "")
    assert status(end._leave, asked) == ends


@pytest.mark.parametrize(
    ("error", "started", "ends", "reason"),
    [
        (RuntimeError("planted"), False, ExitCode.WRONG, "Locust has failed: RuntimeError: planted"),
        (RuntimeError("planted"), True, ExitCode.INCONCLUSIVE, "Locust has failed: RuntimeError: planted"),
        (KeyboardInterrupt(), False, ExitCode.INCONCLUSIVE, "interrupted"),
        (KeyboardInterrupt(), True, ExitCode.INCONCLUSIVE, "interrupted"),
    ],
)
def test_an_uncaught_exception_ends_with_its_reason(
    end: ProcessEnd, capsys: pytest.CaptureFixture[str], error: BaseException, started: bool, ends: int, reason: str
) -> None:
    """Once Locust has started, the run decides what to make of it."""
    end.crashed = lambda reason: end.decide(ExitCode.INCONCLUSIVE, f"the run: {reason}")
    if started:
        end.decide(ExitCode.HELD, "")
    assert status(end._catch, type(error), error, None) == ends
    end._say()
    expected = f"the run: {reason}" if started else f"verdict: none (exit code {ends}): {reason}"
    assert capsys.readouterr().out == f"{expected}\n"


def test_a_worker_ends_with_0_and_says_nothing(end: ProcessEnd, capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict is the master's; a worker that fails ends with 3."""
    end.of_worker()
    assert end.code == ExitCode.HELD
    assert status(end._leave, 1) == ExitCode.INCONCLUSIVE
    end._say()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("stuck", "looks"), [(False, 3), (True, 500)])
def test_a_master_speaks_after_the_workers_that_it_forked(
    end: ProcessEnd, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stuck: bool, looks: int
) -> None:
    """It waits for each of them, but not for ever."""
    answers = iter([(0, 0), (17, 0)])
    now, looked = [0.0], [0]

    def waitpid(pid: int, options: int) -> tuple[int, int]:
        looked[0] += 1
        assert capsys.readouterr().out == ""
        if stuck:
            return (0, 0)
        if (answer := next(answers, None)) is None:
            raise ChildProcessError
        return answer

    monkeypatch.setattr(os, "waitpid", waitpid)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    end.decide(ExitCode.HELD, "verdict: held")
    end.wait_for_workers()
    end._say()
    assert looked[0] == pytest.approx(looks, abs=1)
    assert capsys.readouterr().out == "verdict: held\n"
