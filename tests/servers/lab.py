"""Servers that run while a block does, and the processes that must not outlive them."""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from locust_cutover.client.answer import Answer
from locust_cutover.client.connection import Connection
from locust_cutover.servers.server import Server
from locust_cutover.servers.site import LINK, MARK, PAGE, build_site

PATIENCE = 20.0
"""Seconds after which something that should have ended fails its test."""

STATIC = f"/{LINK}/static.html"
"""A file that is served as it is."""

FRAMEWORK = f"/{LINK}/framework.php"
"""The page that finds its part as frameworks do, by the folder it is in itself."""

NOT_FOUND = "404 Not Found"

FAILED = "500 Internal Server Error"


def on(*kinds: type[Server]) -> pytest.MarkDecorator:
    """Run the test on these servers only."""
    return pytest.mark.parametrize("kind", kinds, indirect=True, ids=lambda kind: kind.name)


class Family(contextlib.ExitStack):
    """A process and all below it. Their ends are read from pidfds: no zombie and no reused number deceives."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        head = psutil.Process(pid)
        self.members = [head, *head.children(recursive=True)]
        self._pidfds: list[int] = []
        for member in self.members:
            with contextlib.suppress(ProcessLookupError):  # ended in between
                self._pidfds.append(os.pidfd_open(member.pid))
                self.callback(os.close, self._pidfds[-1])

    def has_ended(self) -> bool:
        """Whether none of them runs any more."""
        ended, _, _ = select.select(self._pidfds, [], [], 0)
        return len(ended) == len(self._pidfds)

    def wait_until_ended(self) -> None:
        """Wait for the end of all."""
        deadline = time.monotonic() + PATIENCE
        for pidfd in self._pidfds:
            ended, _, _ = select.select([pidfd], [], [], max(0.0, deadline - time.monotonic()))
            assert ended, f"still running: {[member for member in self.members if member.is_running()]}"


def family_of(server: Server) -> Family:
    """The processes of a server that was started."""
    assert server._leash is not None
    return Family(server._leash.pid)


def session_of(leader: int) -> list[psutil.Process]:
    """What runs in the session of a process that led it."""
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
    return members


def made(kind: type[Server], folder: Path) -> Server:
    """A server of that kind with a site in the folder; not started."""
    folder.mkdir(exist_ok=True)
    build_site(folder / "site", ["a", "b"])
    return kind(folder, folder / "site")


@contextlib.contextmanager
def running(kind: type[Server], folder: Path) -> Iterator[Server]:
    """The same, started and ready; stopped at the end."""
    server = made(kind, folder)
    try:
        server.start()
        server.wait_until_ready(PAGE)
        yield server
    finally:
        server.stop()


def restart(server: Server) -> None:
    """Stop it, and start it again."""
    server.stop()
    server.start()
    server.wait_until_ready(PAGE)


def get(server: Server, path: str) -> Answer:
    """One answer, over a connection of its own."""
    connection = Connection(server.url, PATIENCE)
    try:
        return connection.exchange(path)
    finally:
        connection.close()


def told(answer: Answer) -> list[str]:
    """The releases that the parts of a page come from; the name of an answer that is not 200 OK."""
    return re.findall(MARK, answer.body.decode()) if answer.name == "200 OK" else [answer.name]


def seen(server: Server, path: str) -> list[str]:
    """What a new visitor is told there."""
    return told(get(server, path))


def flip(root: Path, release: str) -> None:
    """Point the link at another release, atomically."""
    os.symlink(release, root / "spare")
    os.rename(root / "spare", root / LINK)


def until(happens: Callable[[], bool]) -> None:
    """Look again until it has happened; each look takes the time of a request."""
    deadline = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
