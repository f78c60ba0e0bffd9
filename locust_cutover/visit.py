"""A visit: one request with its answer, as the judge sees it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from locust_cutover.connection import Answer

Kind = Literal["ok", "lost", "torn", "stale", "unjudged"]

KINDS: tuple[Kind, ...] = ("ok", "lost", "torn", "stale", "unjudged")


class Visit(NamedTuple):
    """Small enough to be kept by the thousand until it can be judged; times in CLOCK_MONOTONIC nanoseconds."""

    phase: int
    method: str
    path: str
    sent: int
    received: int
    answer: str
    """In words of a small set: "200 OK", "404 Not Found", "connection closed"."""
    whole: bool
    """Whether a whole answer with a status of 2xx came."""
    marks: tuple[str, ...]
    """The releases that the parts of the answer came from, in order."""
    due: int
    """How many marks a whole page carries; 0: marks are not judged."""
    length: int
    """Of the body, in bytes."""


class Marks:
    """Reads the marks of an answer: group 1 of a regular expression."""

    def __init__(self, pattern: str, due: int) -> None:
        self.due = due
        self._find = re.compile(pattern.encode()).finditer
        self._names: dict[bytes, str] = {}

    def read(self, answer: Answer) -> tuple[str, ...]:
        """The marks of a whole answer in their order; none of any other."""
        if not answer.ok:
            return ()
        return tuple(self._name(mark[1]) for mark in self._find(answer.body))

    def _name(self, mark: bytes) -> str:
        name = self._names.get(mark)
        if name is None:
            name = mark.decode(errors="replace")
            if len(self._names) < 1000:  # a mark that is never the same twice must not fill the memory
                self._names[mark] = name
        return name
