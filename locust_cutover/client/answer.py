"""The answer to one request, whatever it is, under a name of a small fixed set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from locust_cutover.judging.answers import status_name

if TYPE_CHECKING:
    from geventhttpclient.header import Headers


@dataclass
class Answer:
    """What came of one request; `sent` and `received` in CLOCK_MONOTONIC nanoseconds.

    `sent` was taken just before the first byte was sent, `received` just after the last was read.
    `error` is None for a whole answer; else one of the names above, and status, headers and body
    are what had come by then (status 0: not even a status line).
    """

    status: int
    headers: Headers
    body: bytes
    sent: int
    received: int
    error: str | None = None

    @property
    def name(self) -> str:
        """The answer in words of a small fixed set: "200 OK", "404 Not Found", "connection closed"."""
        return self.error or status_name(self.status)

    @property
    def ok(self) -> bool:
        """Whether a whole answer with a status of 2xx came."""
        return self.error is None and 200 <= self.status < 300
