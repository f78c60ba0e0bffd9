"""What the tests of several modules share."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator

import pytest

from locust_cutover.servers.server import NotInstalledError, Server
from tests.browser import Browser, find, launched


def require(server: type[Server]) -> None:
    """Skip the test where the server is not installed; in CI that is a failure."""
    try:
        server.check()
    except NotInstalledError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


def require_program(name: str, package: str = "") -> str:
    """The path of a program; the test is skipped where it is not installed, and in CI that is a failure."""
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not installed; on Debian: apt-get install {package or name} (or: make tools)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def in_a_time_namespace() -> list[str]:
    """The beginning of a command line that runs the rest of it with a clock that is a thousand seconds ahead."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a time namespace")
    return [require_program("unshare", "util-linux"), "--time", "--monotonic", "1000"]


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Gives ports that nobody listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    return find


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium; without one the test is skipped, and in CI that is a failure."""
    program = find()
    if program is None:
        reason = "Chromium is not installed; `make browser` does it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return program


@pytest.fixture(scope="module")
def running_chromium(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium for the tests of one file: it takes a second to start."""
    with launched(chromium, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(running_chromium: Browser) -> Iterator[Browser]:
    """A Chromium with no page open; the test fails when anything went wrong in one (`Browser.problems`).

    A page that asks a server by itself is to be closed before the server ends: `close_pages`.
    """
    running_chromium.problems.clear()
    yield running_chromium
    running_chromium.close_pages()
    assert running_chromium.problems == []
