"""The embedded server opens each part of a page when its turn comes; the pinned one is of one release throughout."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gevent.pywsgi import WSGIHandler

from locust_cutover.client.connection import Connection
from locust_cutover.servers.pages import Server, Site
from locust_cutover.servers.site import LINK, MARK, PAGE, build_site
from tests.servers.lab import FAILED, NOT_FOUND, STATIC, flip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A site of the releases a and b."""
    build_site(tmp_path / "site", ["a", "b"])
    return tmp_path / "site"


class Interrupted(Site):
    """Something happens to the site between the page and its part."""

    def __init__(self, root: Path, pinned: bool, happens: Callable[[], None]) -> None:
        super().__init__(root, LINK, pinned)
        self.happens = happens

    def _file(self, release: Path, url: str) -> Path:
        if url.endswith("part.html"):
            self.happens()
        return super()._file(release, url)


def ask(site: Site, path: str, method: str = "GET") -> tuple[str, bytes]:
    """Status and body of one WSGI call."""
    said: list[str] = []
    length: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        said.append(status)
        length.append(dict(headers)["Content-Length"])

    body = b"".join(site({"PATH_INFO": path, "REQUEST_METHOD": method}, start_response))
    if method != "HEAD":
        assert length == [str(len(body))]
    return said[0], body


def shown(site: Site, path: str = PAGE) -> list[str]:
    """The releases that its parts came from; the status of what is no page."""
    status, body = ask(site, path)
    return re.findall(MARK, body.decode()) if status == "200 OK" else [status]


BOTH = pytest.mark.parametrize("pinned", [False, True], ids=["embedded", "pinned"])


@BOTH
def test_what_is_not_there_is_404_and_500_in_the_middle_of_a_page(root: Path, pinned: bool) -> None:
    """As a template engine that includes a file: the page is begun and cannot be finished."""
    site = Site(root, LINK, pinned)
    assert ask(site, STATIC) == ("200 OK", b"<p>Hello World from a!</p>\n")
    os.unlink(root / "a" / "part.html")
    assert ask(site, PAGE) == (FAILED, b"500 Internal Server Error: /current/part.html: No such file or directory\n")
    os.unlink(root / "a" / "index.html")
    assert shown(site) == [NOT_FOUND]
    os.unlink(root / LINK)
    assert shown(site) == [NOT_FOUND]
    os.symlink("nowhere", root / LINK)
    assert shown(site) == [NOT_FOUND]


@pytest.mark.parametrize(
    "path",
    f"/ /{LINK} /a/static.html //{LINK}/static.html /{LINK}/../a/static.html /{LINK}/sub/../static.html "
    f"/{LINK}/%2e%2e/a/static.html /{LINK}//etc/passwd /{LINK}/static.html\0 /{LINK}/\0 /{LINK}/static.html/ "
    f"/{LINK}/{'x' * 5000} *".split(),
)
@BOTH
def test_nothing_but_the_files_of_the_current_release_is_served(root: Path, pinned: bool, path: str) -> None:
    """Whatever the path tries, the answer is 404."""
    assert shown(Site(root, LINK, pinned), path) == [NOT_FOUND]


@pytest.mark.parametrize(
    ("happens", "pinned", "page", "afterwards"),
    [
        (lambda root: flip(root, "b"), False, ["a", "b"], ["b", "b"]),
        (lambda root: flip(root, "b"), True, ["a", "a"], ["b", "b"]),
        (lambda root: os.unlink(root / LINK), False, [FAILED], [NOT_FOUND]),
        (lambda root: os.unlink(root / LINK), True, ["a", "a"], [NOT_FOUND]),
    ],
    ids=["a flip tears", "a flip when pinned", "no link", "no link when pinned"],
)
def test_what_happens_between_the_parts_matters_unless_the_page_is_pinned(
    root: Path, happens: Callable[[Path], None], pinned: bool, page: list[str], afterwards: list[str]
) -> None:
    """Each part is of the release that is current at its turn; or the link is resolved once, anew per request."""
    site = Site(root, LINK, pinned)
    assert shown(Interrupted(root, pinned, lambda: happens(root))) == page
    assert shown(site) == afterwards


def test_an_include_may_be_percent_encoded(root: Path) -> None:
    """It is a URL, not a file name."""
    (root / "a" / "two words.html").write_text("both")
    (root / "a" / "index.html").write_text('<!--#include virtual="/current/two%20words.html" -->')
    assert ask(Site(root, LINK, False), PAGE) == ("200 OK", b"both")


@pytest.fixture
def sockets(root: Path) -> Iterator[tuple[Connection, list[socket.socket]]]:
    """A connection to the pages server in this process, and the sockets that the server handled."""
    handled: list[socket.socket] = []

    class Handler(WSGIHandler):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            handled.append(sock)
            super().__init__(sock, *args, **kwargs)

    server = Server(("127.0.0.1", 0), Site(root, LINK, False), log=None, handler_class=Handler)
    server.start()
    connection = Connection(f"http://127.0.0.1:{server.server_port}", 10)
    yield connection, handled
    connection.close()
    server.stop()


def test_an_answer_does_not_wait_for_more_to_send(sockets: tuple[Connection, list[socket.socket]]) -> None:
    """pywsgi writes headers and body apart: without TCP_NODELAY each kept connection stalls for 44 ms."""
    connection, handled = sockets
    assert connection.exchange(PAGE).ok
    assert [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for sock in handled] == [1]


def test_connections_are_kept(sockets: tuple[Connection, list[socket.socket]]) -> None:
    """Over 404 and 500, GET, HEAD and POST."""
    connection, handled = sockets
    missing = f"/{LINK}/missing.html"
    requests = [(PAGE, "GET"), (PAGE, "HEAD"), (missing, "GET"), (missing, "HEAD"), (f"/{LINK}/%2500", "GET")]
    names = [connection.exchange(path, method).name for path, method in requests]
    assert names == ["200 OK"] * 2 + [NOT_FOUND] * 3
    assert connection.exchange(PAGE, "POST", body=b"hello").ok
    assert connection.exchange(f"{STATIC}?x=1").ok
    assert len(handled) == 1
