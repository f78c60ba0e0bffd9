"""How this process ends: exit code 1 means violated and nothing else, and its last line says what came out."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from locust_cutover.reports import words

HELD, VIOLATED, WRONG, INCONCLUSIVE = 0, 1, 2, 3

INTERRUPTED = "interrupted"

_exit, _show = sys.exit, sys.excepthook


PATIENCE = 5.0
"""Seconds to wait for a worker that does not end."""


class Ending:
    """The exit code and the last line of a Locust process.

    Locust, and Python itself, end with 1 for many things: a user class that is not known, a worker that does not
    come, an exception that nobody caught. A CI job would take that for a deploy that loses requests.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        """What the process will end with; None before Locust has begun: then the command line or the locustfile is
        wrong."""
        self.text = ""
        """What to print at the very end."""
        self.crashed: Callable[[str], None] = lambda reason: None
        """Called when the process ends by an error, with the reason; decides on the exit code and the text."""
        self._silent = False
        self._workers: set[int] = set()

    def watch(self) -> None:
        """From now on see to every end of this process."""
        atexit.register(self._say)
        sys.exit = self._leave  # type: ignore[assignment] # Locust has no event for its own ways out
        sys.excepthook = self._catch

    def of_worker(self) -> None:
        """The verdict is the master's: this process ends with 0, and without a last line."""
        self.code = HELD
        self._silent = True

    def of_master(self) -> None:
        """Wait at the end for the workers that Locust has forked: they are the children that this process has by now.

        Locust does so only with those that have ended already, and the others would have the last line.
        """
        self._workers = _children()

    def decide(self, code: int, text: str) -> None:
        """What the process will end with, as far as is known now."""
        self.code, self.text = code, text

    def _say(self) -> None:
        # After Locust's tables, and after Locust has told its workers to end: it has registered that later.
        if self._silent:
            return
        deadline = time.monotonic() + PATIENCE
        while self._workers and time.monotonic() < deadline:
            self._workers = set(filter(_runs, self._workers))
            time.sleep(0.01)
        if self.text:
            print(self.text, flush=True)

    def _leave(self, status: object = None) -> None:
        """`sys.exit`, which does not end with 1 for anything but a violated run."""
        if status is not None and not isinstance(status, int):
            print(status, file=sys.stderr)
            status = VIOLATED
        if status == VIOLATED and self.code != VIOLATED:
            status = self._crash("Locust has ended by itself; the lines above say why")
        _exit(status)

    def _catch(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        """What Python does with an exception that nobody caught, but with another exit code."""
        if issubclass(kind, KeyboardInterrupt):
            _exit(self._crash(INTERRUPTED, INCONCLUSIVE))
        _show(kind, error, traceback)
        _exit(self._crash(f"Locust has failed: {type(error).__name__}: {error}"))

    def _crash(self, reason: str, code: int = WRONG) -> int:
        if self.code is None:
            self.decide(code, words.no_verdict(code, reason))
        else:
            self.crashed(reason)
        return INCONCLUSIVE if self.code is None else self.code


def _children() -> set[int]:
    """The children of this process."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            # After the name, which is in brackets and may be anything: the state and the parent, see proc(5).
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(path.parent.name))
    return found


def _runs(child: int) -> bool:
    """Whether a child of this process has not ended yet."""
    try:
        return os.waitpid(child, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False  # Locust has waited for it
