"""Marks: the texts in an answer that name the releases its parts came from."""

from __future__ import annotations

import re

from locust_cutover.client.answer import Answer


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
