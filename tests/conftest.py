"""What the tests of several modules share."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import pytest

from locust_cutover.servers import NotInstalledError, Server


def require(server: type[Server]) -> None:
    """Skip the test where the server is not installed; in CI that is a failure."""
    try:
        server.check()
    except NotInstalledError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Gives ports that nobody listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    return find
