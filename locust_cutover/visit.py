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
    apart: int = 0
    """How long after the visit before it on its node it began, in nanoseconds; 0 for the first of a phase."""


class Marks:
    """Reads the marks of an answer: group 1 of a regular expression, whose ^ and $ match at every line.

    With `head` they are looked for in its header lines, too, before the body.
    """

    def __init__(self, pattern: str, due: int, *, head: bool = False) -> None:
        self.pattern = pattern
        self.due = due
        self.head = head
        self._find = re.compile(pattern.encode(), re.MULTILINE).finditer
        self._names: dict[bytes, str] = {}

    def read(self, answer: Answer) -> tuple[str, ...]:
        """The marks of a whole answer in their order; none of any other."""
        if not answer.ok:
            return ()
        text = _head(answer) + answer.body if self.head else answer.body
        # A group that takes no part in a match is no mark.
        return tuple(self._name(mark[1]) for mark in self._find(text) if mark[1] is not None)

    def _name(self, mark: bytes) -> str:
        name = self._names.get(mark)
        if name is None:
            name = mark.decode(errors="replace")
            if len(self._names) < 1000:  # a mark that is never the same twice must not fill the memory
                self._names[mark] = name
        return name


def _head(answer: Answer) -> bytes:
    """The header lines as they came, and the empty line."""
    return ("".join(f"{name}: {value}\n" for name, value in answer.headers.items()) + "\n").encode("latin-1")
