"""Marks: the texts in an answer that name the releases of its parts."""

from __future__ import annotations

import re

from locust_cutover.client.answer import Answer


class Marks:
    """Reads the marks of an answer: group 1 of a regular expression; ^ and $ match at every line.

    With `head` it searches the header lines, too, before the body.
    """

    def __init__(self, pattern: str, due: int, *, head: bool = False) -> None:
        self.pattern = pattern
        self.due = due
        self.head = head
        self._find = re.compile(pattern.encode(), re.MULTILINE).finditer
        self._names: dict[bytes, str] = {}

    def read(self, answer: Answer) -> tuple[str, ...]:
        """The marks of a whole answer, in order; of any other answer none."""
        if not answer.ok:
            return ()
        text = _head(answer) + answer.body if self.head else answer.body
        # A group that did not take part in the match is no mark.
        return tuple(self._name(mark[1]) for mark in self._find(text) if mark[1] is not None)

    def _name(self, mark: bytes) -> str:
        name = self._names.get(mark)
        if name is None:
            name = mark.decode(errors="replace")
            if len(self._names) < 1000:  # marks that are all different must not fill the memory
                self._names[mark] = name
        return name


def _head(answer: Answer) -> bytes:
    """The header lines as they arrived, and the empty line."""
    return ("".join(f"{name}: {value}\n" for name, value in answer.headers.items()) + "\n").encode("latin-1")
