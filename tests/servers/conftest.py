"""Every server of the lab, one after another, or those that a test names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.server import Server
from tests.conftest import require
from tests.servers.lab import running


@pytest.fixture(scope="module", params=SERVERS.values(), ids=list(SERVERS))
def kind(request: pytest.FixtureRequest) -> type[Server]:
    """A server that is installed here: each in turn, or those of `on`."""
    server: type[Server] = request.param
    require(server)
    return server


@pytest.fixture
def server(kind: type[Server], tmp_path: Path) -> Iterator[Server]:
    """It runs, for a test of its own."""
    with running(kind, tmp_path) as server:
        yield server
