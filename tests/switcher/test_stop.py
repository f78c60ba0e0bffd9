"""Requests to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import FileIO

import pytest

from switcher.stop import Stop
from tests.switcher.process import files

MINUTE = 60_000_000_000


def wait_until_asked(stop: Stop) -> None:
    """Wait, and see that it was a request that ended it: the time would have been a minute."""
    until = time.monotonic_ns() + MINUTE
    stop.wait(until)
    assert time.monotonic_ns() < until


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The signal handlers of the test run come back afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


InAMoment = Callable[[Callable[[], object]], None]


@pytest.fixture
def in_a_moment() -> Iterator[InAMoment]:
    """Lets something happen while the test waits. An alarm does it: Locust turns threads into greenlets."""
    before = signal.getsignal(signal.SIGALRM)

    def arrange(act: Callable[[], object]) -> None:
        signal.signal(signal.SIGALRM, lambda number, frame: act() and None)
        signal.setitimer(signal.ITIMER_REAL, 0.02)

    yield arrange
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


Pipe = tuple[FileIO, FileIO]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A standard input, and the parent's end of it."""
    with files(os.pipe()) as ends:
        yield ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_remembered_and_interrupts_nothing(number: signal.Signals) -> None:
    """No exception, so the flip in hand is finished; the reason is the signal's name."""
    stop = Stop()
    signal.raise_signal(number)
    assert stop.reason == number.name


def test_the_first_request_is_the_reason() -> None:
    """A second signal changes nothing."""
    stop = Stop()
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    assert stop.reason == "SIGTERM"


def test_a_signal_ends_a_wait(in_a_moment: InAMoment) -> None:
    """The wait does not go on after the handler of the signal, as system calls do in Python."""
    stop = Stop()
    in_a_moment(lambda: signal.raise_signal(signal.SIGTERM))
    wait_until_asked(stop)
    assert stop.reason == "SIGTERM"


def test_a_signal_before_the_wait_is_not_lost() -> None:
    """Nothing is waited for once a stop was asked for."""
    stop = Stop()
    signal.raise_signal(signal.SIGTERM)
    wait_until_asked(stop)
    assert stop.reason == "SIGTERM"


def test_without_a_request_a_wait_lasts_until_its_time() -> None:
    """Never shorter: a flip is not made before it is due."""
    stop = Stop()
    for wait in (0, 1_000, 500_000, 3_000_000):
        until = time.monotonic_ns() + wait
        stop.wait(until)
        assert time.monotonic_ns() >= until
    assert stop.reason is None


def test_other_signals_do_not_end_a_wait() -> None:
    """A handler of somebody else's wakes the wait up; it goes on."""
    stop = Stop()
    before = signal.signal(signal.SIGUSR1, lambda number, frame: None)
    until = time.monotonic_ns() + 3_000_000
    signal.raise_signal(signal.SIGUSR1)
    stop.wait(until)
    signal.signal(signal.SIGUSR1, before)
    assert time.monotonic_ns() >= until
    assert stop.reason is None


def test_the_end_of_standard_input_ends_a_wait_when_attached(pipe: Pipe, in_a_moment: InAMoment) -> None:
    """The parent has gone, or wants us to go."""
    stop = Stop(attached=pipe[0].fileno())
    in_a_moment(pipe[1].close)
    wait_until_asked(stop)
    assert stop.reason == "end of standard input"


def test_what_the_parent_writes_is_no_request(pipe: Pipe) -> None:
    """Only the end counts; what comes before it is read and forgotten."""
    stop = Stop(attached=pipe[0].fileno())
    pipe[1].write(b"hello\n" * 1000)
    stop.look()
    assert stop.reason is None
    assert stop.lines > 0
    pipe[1].close()
    wait_until_asked(stop)
    assert stop.reason == "end of standard input"


def test_the_lines_of_the_parent_are_counted(pipe: Pipe) -> None:
    """Each may be a request of its own, however they come; a part of a line is none yet."""
    stop = Stop(attached=pipe[0].fileno())
    for text, lines in ((b"\n", 1), (b"one\ntwo\nthr", 3), (b"ee\n", 4)):
        pipe[1].write(text)
        stop.look()
        assert stop.lines == lines


def test_a_look_notices_the_end_without_waiting(pipe: Pipe) -> None:
    """For flips so fast that there is no wait between them."""
    stop = Stop(attached=pipe[0].fileno())
    stop.look()
    assert stop.reason is None
    pipe[1].close()
    stop.look()
    assert stop.reason == "end of standard input"


def test_a_standard_input_that_cannot_be_read_is_an_end() -> None:
    """A terminal that has gone gives EIO instead of an end."""
    with files(os.openpty()) as (main, terminal):
        main.close()
        stop = Stop(attached=terminal.fileno())
        wait_until_asked(stop)
    assert stop.reason == "end of standard input"


def test_without_attached_standard_input_is_left_alone(pipe: Pipe) -> None:
    """Neither read nor watched: its end means nothing."""
    pipe[1].write(b"for somebody else")
    pipe[1].close()
    stop = Stop()
    stop.wait(time.monotonic_ns() + 1_000_000)
    assert stop.reason is None
    assert pipe[0].read(100) == b"for somebody else"


def test_a_signal_after_the_end_changes_nothing() -> None:
    """Neither the reason nor the process: the work is done."""
    stop = Stop()
    stop.over()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.raise_signal(number)
    assert stop.reason is None


def test_the_wish_of_nohup_stands() -> None:
    """Started with SIGHUP ignored, the switcher outlives its terminal."""
    code = (
        "import signal; from switcher.stop import Stop\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "stop = Stop(); signal.raise_signal(signal.SIGHUP); print(stop.reason)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"None\n"


def test_sigint_is_heard_in_the_background_of_a_shell() -> None:
    """A shell starts a command in the background with SIGINT ignored; `kill -INT` is a request all the same."""
    code = (
        "import signal; from switcher.stop import Stop\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "stop = Stop(); signal.raise_signal(signal.SIGINT); print(stop.reason)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"SIGINT\n"
