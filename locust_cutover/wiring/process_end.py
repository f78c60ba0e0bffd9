"""How this process ends: exit code 1 means violated and nothing else, and the last line says what came out."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
from collections.abc import Callable
from types import TracebackType

from locust_cutover.judging.verdict import ExitCode
from locust_cutover.reports import words

INTERRUPTED = "interrupted"

PATIENCE = 5.0
"""Seconds to wait for a worker that does not end."""

_exit, _show = sys.exit, sys.excepthook


class ProcessEnd:
    """The exit code and the last line of a Locust process.

    Locust and Python end with 1 for many reasons: an unknown user class, a missing worker, an uncaught exception.
    A CI job would read that as a deploy that loses requests. So this replaces `sys.exit` and `sys.excepthook`:
    Locust has no event for these ends, and at `atexit` it is too late to change the exit code.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        """The exit code as far as is known. None until Locust has started: the command line or locustfile is wrong."""
        self.text = ""
        """What to print last."""
        self.crashed: Callable[[str], None] = lambda _: self.decide(ExitCode.INCONCLUSIVE, "")
        """Called with the reason when the process fails; decides on the exit code and the text."""
        self._silent = False
        self._waits_for_workers = False

    def watch(self) -> None:
        """From now on handle every end of this process."""
        atexit.register(self._say)
        sys.exit = self._leave  # type: ignore[assignment]
        sys.excepthook = self._catch

    def of_worker(self) -> None:
        """End with 0 and without a last line: the master tells the verdict."""
        self.code = ExitCode.HELD
        self._silent = True

    def wait_for_workers(self) -> None:
        """At the end, wait for the workers that Locust forked: otherwise they print after our last line.

        Locust itself waits only for workers that have already ended.
        """
        self._waits_for_workers = True

    def decide(self, code: int, text: str) -> None:
        """Set what the process will end with, as far as is known now."""
        self.code, self.text = code, text

    def _say(self) -> None:
        # This runs after Locust has told its workers to end: Locust registers its own function later, so it runs first.
        if self._silent:
            return
        if self._waits_for_workers:
            _wait_for_children(PATIENCE)
        if self.text:
            print(self.text, flush=True)

    def _leave(self, status: object = None) -> None:
        """`sys.exit`, but with 1 only for a violated run."""
        if status is not None and not isinstance(status, int):
            print(status, file=sys.stderr)
            status = ExitCode.VIOLATED
        if status == ExitCode.VIOLATED and self.code != ExitCode.VIOLATED:
            status = self._crash("Locust has ended by itself; the lines above say why")
        _exit(status)

    def _catch(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        """What Python does with an uncaught exception, but with another exit code."""
        if issubclass(kind, KeyboardInterrupt):
            _exit(self._crash(INTERRUPTED, ExitCode.INCONCLUSIVE))
        _show(kind, error, traceback)
        _exit(self._crash(f"Locust has failed: {type(error).__name__}: {error}"))

    def _crash(self, reason: str, code: int = ExitCode.WRONG) -> int:
        if self.code is None:
            self.decide(code, words.no_verdict(code, reason))
        else:
            self.crashed(reason)
        return ExitCode.INCONCLUSIVE if self.code is None else self.code


def _wait_for_children(seconds: float) -> None:
    """Wait until this process has no child left. It polls, since `os.waitpid` takes no timeout."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
