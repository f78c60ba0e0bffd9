"""The embedded server's program with a fault planted: python -m tests.whole_runs.planted.pages FAULT --count FILE …."""

from __future__ import annotations

import os
import re
import sys
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gevent
from gevent.pywsgi import WSGIHandler

from locust_cutover.servers import pages

AGE = 0.3
"""Seconds by which the stale server's reading of the link is old."""

EVERY = 100
"""Which requests the other faults hit."""


class Counting(pages.SitePages):
    """Appends a byte to a file for every request that it answers; no fault."""

    count: int
    requests = 0

    def __call__(self, environ: dict[str, Any], start_response: pages.StartResponse) -> Iterable[bytes]:
        """Answer and count."""
        body = super().__call__(environ, start_response)
        os.write(self.count, b".")
        return body

    def answer(self, path: str) -> bytes:
        """Every so often the faulty answer."""
        type(self).requests += 1
        body = super().answer(path)
        return self.spoil(body) if self.requests % EVERY == 0 else body

    def spoil(self, body: bytes) -> bytes:
        """What the fault does to a page."""
        return body


class Torn(Counting):
    """The second part is of the other release."""

    def spoil(self, body: bytes) -> bytes:
        """Change the last mark."""
        mark = re.findall(rb"from (.)!", body)[0]
        other = b"b" if mark == b"a" else b"a"
        first, _, second = body.rpartition(b"from ")
        return first + b"from " + other + second[1:]


class Mixed(Torn):
    """One after another: two releases in a page, a part that is missing, a release that nobody has."""

    spoiled = 0

    def spoil(self, body: bytes) -> bytes:
        """The next fault, with status 200."""
        self.spoiled += 1
        if self.spoiled % 3 == 0:
            return re.sub(rb"from .!", b"from ghost!", body)
        return super().spoil(body) if self.spoiled % 3 == 1 else body[: body.index(b"<p>The second part")]


class Stale(Counting):
    """Serves what the link pointed to a while ago, as a cache does."""

    def __init__(self, root: Path, link: str, pinned: bool) -> None:
        super().__init__(root, link, pinned)
        self.readings: deque[tuple[float, Path]] = deque()

    def watch(self) -> None:
        """Read the link all the time."""
        while True:
            self.readings.append((time.monotonic(), (self.root / self.link).resolve()))
            while len(self.readings) > 1 and self.readings[1][0] < time.monotonic() - AGE:
                self.readings.popleft()
            gevent.sleep(0.005)

    def answer(self, path: str) -> bytes:
        """The page of the oldest reading."""
        release = self.readings[0][1]
        return (
            (release / "index.html")
            .read_bytes()
            .replace(b'<!--#include virtual="/current/part.html" -->', (release / "part.html").read_bytes())
        )


class Closing(WSGIHandler):
    """Closes the connection instead of answering every so often, flips or not."""

    requests = 0

    def handle_one_response(self) -> None:
        """Answer, or do not."""
        type(self).requests += 1
        if self.requests % EVERY == 0:
            self.close_connection = True
            return
        super().handle_one_response()


FAULTS: dict[str, type[Counting]] = {
    "none": Counting,
    "torn": Torn,
    "stale": Stale,
    "mixed": Mixed,
}


def main() -> None:
    """Serve until killed: FAULT COUNT ROOT PORT."""
    fault, count, root, port = sys.argv[1:]
    # Pinned: a correct server, but for the fault.
    site = FAULTS[fault](Path(root), "current", pinned=True)
    site.count = os.open(count, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    if isinstance(site, Stale):
        gevent.spawn(site.watch)
        gevent.sleep(0)
    handler = Closing if fault == "mixed" else WSGIHandler
    pages.PageServer(("127.0.0.1", int(port)), site, log=None, handler_class=handler).serve_forever()


if __name__ == "__main__":
    main()
