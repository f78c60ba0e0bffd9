"""The answer to one request, or how it was lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from locust_cutover.judging.answers import status_name

if TYPE_CHECKING:
    from geventhttpclient.header import Headers


@dataclass
class Answer:
    """The answer to one request; `sent` and `received` in CLOCK_MONOTONIC nanoseconds.

    `sent` was read just before the first byte was sent, `received` just after the last was read.
    `error` is None for a whole answer; otherwise a name of judging/answers.py, and status, headers and
    body are what had arrived by then (status 0: no status line).
    """

    status: int
    headers: Headers
    body: bytes
    sent: int
    received: int
    error: str | None = None

    @property
    def name(self) -> str:
        """One of a small fixed set of names: "200 OK", "404 Not Found", "connection closed"."""
        return self.error or status_name(self.status)

    @property
    def ok(self) -> bool:
        """Whether it is a whole answer with status 2xx."""
        return self.error is None and 200 <= self.status < 300
