"""Requests to stop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from io import FileIO

import pytest

from switcher.stop import SIGNALS, Stop
from tests.switcher.process import files

MINUTE = 60_000_000_000


def wait_until_asked(stop: Stop) -> None:
    """Wait, and see that it was a request that ended it: the time would have been a minute."""
    until = time.monotonic_ns() + MINUTE
    stop.wait(until)
    assert time.monotonic_ns() < until


pytestmark = pytest.mark.usefixtures("restored")

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


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_remembered_and_interrupts_nothing(number: signal.Signals) -> None:
    """No exception, so the flip in hand is finished; the reason is the name of the first, and nothing is waited for."""
    stop = Stop()
    signal.raise_signal(number)
    signal.raise_signal(signal.SIGINT)
    assert stop.reason == number.name
    wait_until_asked(stop)


def test_a_signal_ends_a_wait(in_a_moment: InAMoment) -> None:
    """The wait does not go on after the handler of the signal, as system calls do in Python."""
    stop = Stop()
    in_a_moment(lambda: signal.raise_signal(signal.SIGTERM))
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


def test_the_lines_of_the_parent_are_counted_and_only_the_end_is_a_request(pipe: Pipe) -> None:
    """However the lines come; a part of one is none yet. A look notices the end without waiting."""
    stop = Stop(attached=pipe[0].fileno())
    for text, lines in ((b"\n", 1), (b"one\ntwo\nthr", 3), (b"ee\n", 4), (b"hello\n" * 100, 104)):
        pipe[1].write(text)
        stop.look()
        assert (stop.reason, stop.lines) == (None, lines)
    pipe[1].close()
    stop.look()
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
    for number in SIGNALS:
        signal.raise_signal(number)
    assert stop.reason is None


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGHUP, None), (signal.SIGINT, "SIGINT")])
def test_of_signals_that_were_ignored_before_only_the_wish_of_nohup_stands(
    number: signal.Signals, reason: str | None
) -> None:
    """With nohup it outlives its terminal. A shell ignores SIGINT for commands in the background: that is heard."""
    signal.signal(number, signal.SIG_IGN)
    stop = Stop()
    signal.raise_signal(number)
    assert stop.reason == reason
