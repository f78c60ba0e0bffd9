"""A real headless Chromium for tests: pages, and whatever went wrong in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import ConsoleMessage, Page, Request, Response, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""What the program is called: Debian, others."""

ARGUMENTS = (
    # Nothing but this host can be reached, whatever a page or the browser itself would like to fetch.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
    "--no-proxy-server",
    # Pictures look the same on every machine.
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
)

LOCAL = ("127.0.0.1", "[::1]", "::1")

PATIENCE = 60.0
"""Seconds for anything a page is waited for; only a failing test takes that long."""

expect.set_options(timeout=PATIENCE * 1000)

CANCELLED = "net::ERR_ABORTED"
"""A request that the page itself gave up, as it does when it is left, or that became a download."""


def find() -> str | None:
    """The Chromium that is installed here."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """Pages of one Chromium, each with cookies and storage of its own.

    `problems` has a line for each error on a console, uncaught exception, failed request, answer of
    400 or more, and request that would leave this host.
    """

    def __init__(self, chromium: Chromium) -> None:
        self.problems: list[str] = []
        self._chromium = chromium

    def new_page(self, **options: Any) -> Page:
        """A blank page; options are those of a Playwright context, such as `color_scheme` and `viewport`."""
        page = self._chromium.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("request", self._watch)
        page.on("requestfailed", self._miss)
        page.on("response", self._receive)
        return page

    def close_pages(self) -> None:
        """Close all pages, and what they stored."""
        for context in list(self._chromium.contexts):
            context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "assert"):
            self.problems.append(f"console: {message.text}")

    def _watch(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("file", "data", "blob", "about") and url.hostname not in LOCAL:
            self.problems.append(f"leaves this host: {request.url}")

    def _miss(self, request: Request) -> None:
        if request.failure != CANCELLED:
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _receive(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"answered {response.status}: {response.request.method} {response.url}")


@contextmanager
def launched(program: str, folder: Path) -> Iterator[Browser]:
    """A running Chromium that keeps all its files below `folder` and ends with the block."""
    own = {"HOME": str(folder), "TMPDIR": str(folder)}
    with mock.patch.dict(os.environ, own), sync_playwright() as playwright:
        # Chromium does not start as root with its sandbox; the pages are our own.
        chromium = playwright.chromium.launch(
            executable_path=program, args=ARGUMENTS, chromium_sandbox=False, downloads_path=folder
        )
        try:
            yield Browser(chromium)
        finally:
            chromium.close()
