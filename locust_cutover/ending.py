"""How this process ends: exit code 1 means violated and nothing else, and its last line says what came out."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from types import TracebackType

from locust_cutover.reports import words

HELD, VIOLATED, WRONG, INCONCLUSIVE = 0, 1, 2, 3

INTERRUPTED = "interrupted"

_exit, _show = sys.exit, sys.excepthook


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

    def watch(self) -> None:
        """From now on see to every end of this process."""
        atexit.register(self._say)
        sys.exit = self._leave  # type: ignore[assignment] # Locust has no event for its own ways out
        sys.excepthook = self._catch

    def of_worker(self) -> None:
        """The verdict is the master's: this process ends with 0, and without a last line."""
        self.code = HELD
        self._silent = True

    def decide(self, code: int, text: str) -> None:
        """What the process will end with, as far as is known now."""
        self.code, self.text = code, text

    def _say(self) -> None:
        # After Locust's tables, and after its workers have ended: Locust's own part of this was registered later.
        if self.text and not self._silent:
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
