"""The browser of the tests sees what goes wrong in a page, and leaves nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.browser import Browser, launched


class Pages(BaseHTTPRequestHandler):
    """Answers with the page that the test put there, and with 404 for anything else."""

    pages: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        """One page."""
        body = self.pages.get(self.path, "").encode()
        self.send_response(200 if self.path in self.pages else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Keep silent."""


@pytest.fixture
def site() -> Iterator[str]:
    """The URL of a server on this host with `Pages`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Pages.pages = {"/favicon.ico": ""}
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def browser(chromium: str, tmp_path: Path) -> Iterator[Browser]:
    """A Chromium of this test alone, whose problems are no failure."""
    with launched(chromium, tmp_path) as browser:
        yield browser


def test_what_goes_wrong_in_a_page_is_noticed(browser: Browser, site: str) -> None:
    """Each kind of fault, planted; no host but this one can be reached, by name or by address."""
    Pages.pages["/"] = """<!doctype html><title>planted</title>
        <script>console.error('in the console')</script>
        <script>throw new Error('uncaught')</script>
        <img src=missing.png>
        <img src=http://127.0.0.1:9/>
        <img src=https://planted.example/>
        <img src=http://192.0.2.1/>
    """
    browser.new_page().goto(site)
    for problem in (
        "console: in the console",
        "exception: uncaught",
        f"answered 404: GET {site}/missing.png",
        "failed: GET http://127.0.0.1:9/: net::ERR_UNSAFE_PORT",
        "leaves this host: https://planted.example/",
        "failed: GET https://planted.example/: net::ERR_NAME_NOT_RESOLVED",
        "leaves this host: http://192.0.2.1/",
        "failed: GET http://192.0.2.1/: net::ERR_NAME_NOT_RESOLVED",
    ):
        assert problem in browser.problems


def test_a_page_without_faults_has_no_problems(browser: Browser, site: str) -> None:
    """Warnings, a redirect of the page's own and a request that the page cancels are none."""
    Pages.pages["/"] = """<!doctype html><title>first</title><script>
        console.warn('no error');
        fetch('/second').catch(() => 0);
        location = '/second';
    </script>"""
    Pages.pages["/second"] = "<!doctype html><title>second</title>"
    page = browser.new_page()
    page.goto(site)
    page.wait_for_url("**/second")
    assert page.title() == "second"
    assert browser.problems == []


def test_the_browser_ends_and_keeps_to_its_folder(chromium: str, tmp_path: Path) -> None:
    """No process that runs with its home is left, and its profile is gone."""
    home = f"HOME={tmp_path}".encode()

    def running() -> list[str]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if home in (process / "environ").read_bytes().split(b"\0"):
                    found.append(process.name)
            except OSError:
                continue
        return found

    with launched(chromium, tmp_path) as browser:
        browser.new_page().goto("about:blank")
        assert running()
        assert list(tmp_path.glob("playwright*"))
    assert not running()
    assert not list(tmp_path.glob("playwright*"))
