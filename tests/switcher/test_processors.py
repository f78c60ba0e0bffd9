"""A random processor before each flip."""

from __future__ import annotations

import errno
import os
from random import Random

import pytest

from switcher.processors import Processors
from switcher.schedule import moments


class Machine:
    """In place of the system calls: what may be used, and where the process was moved to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *usable: int) -> None:
        self.moves: list[int] = []
        self.refuses = False
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(usable))
        monkeypatch.setattr(os, "sched_setaffinity", self._move)

    def _move(self, pid: int, processors: set[int]) -> None:
        if self.refuses:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        self.moves += processors


def test_all_processors_that_may_be_used_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """About equally often."""
    Machine(monkeypatch, 1, 4, 7)
    processors = Processors(7)
    moves = [processors.move() for _ in range(300)]
    assert set(moves) == {1, 4, 7}
    assert all(moves.count(processor) > 60 for processor in (1, 4, 7))


def test_where_it_is_already_it_makes_no_system_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--every 0` a call that changes nothing would cost flips."""
    machine = Machine(monkeypatch, 0, 1)
    processors = Processors(7)
    moves = [processors.move() for _ in range(100)]
    changes = [move for move, before in zip(moves, [None, *moves[:-1]], strict=True) if move != before]
    assert machine.moves == changes
    assert len(changes) < 80


def test_a_stretch_of_flips_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stretch is drawn as one flip is without: a move would cost many flips."""
    Machine(monkeypatch, *range(8))
    single, long = Processors(7), Processors(7, stretch=16)
    draws = [single.move() for _ in range(50)]
    assert [long.move() for _ in range(50 * 16)] == [draw for draw in draws for _ in range(16)]


def test_the_same_seed_gives_the_same_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """And another one others."""
    Machine(monkeypatch, *range(8))
    first, second, other = Processors(7), Processors(7), Processors(8)
    moves = [[processors.move() for _ in range(50)] for processors in (first, second, other)]
    assert moves[0] == moves[1] != moves[2]


def test_the_times_of_flips_do_not_depend_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run can be made again on a machine with more processors."""
    Machine(monkeypatch, *range(8))
    processors, random = Processors(7), Random(7)
    mixed = moments(1000, 1.0, random)
    alone = moments(1000, 1.0, Random(7))
    for _ in range(50):
        processors.move()
        assert next(mixed) == next(alone)


def test_where_the_system_does_not_let_it_move_it_stays_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """No flip fails for that, and none says that it was on a processor."""
    machine = Machine(monkeypatch, 0, 1)
    machine.refuses = True
    for stretch in (1, 16):
        processors = Processors(7, stretch)
        assert [processors.move() for _ in range(20)] == [None] * 20
    assert machine.moves == []
