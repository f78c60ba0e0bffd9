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
from locust_cutover.servers.embedded import Embedded, EmbeddedPinned
from locust_cutover.servers.pages import Server, Site
from locust_cutover.servers.site import LINK, MARK, PAGE, build_site
from tests.servers.lab import flip, get, running


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


def marks(body: bytes) -> list[str]:
    """The releases that its parts came from."""
    return re.findall(MARK, body.decode())


BOTH = pytest.mark.parametrize("pinned", [False, True], ids=["embedded", "pinned"])


@BOTH
def test_the_page_carries_two_marks_of_the_current_release(root: Path, pinned: bool) -> None:
    """The second stands where the include was."""
    site = Site(root, LINK, pinned)
    status, body = ask(site, PAGE)
    assert (status, marks(body)) == ("200 OK", ["a", "a"])
    assert b"Hello World from a!" in body
    assert b"#include" not in body
    flip(root, "b")
    assert marks(ask(site, PAGE)[1]) == ["b", "b"]


@BOTH
def test_a_static_file_carries_one_mark(root: Path, pinned: bool) -> None:
    """It is served as it is."""
    assert ask(Site(root, LINK, pinned), f"/{LINK}/static.html") == ("200 OK", b"<p>Hello World from a!</p>\n")


@BOTH
def test_a_missing_page_is_404(root: Path, pinned: bool) -> None:
    """Because the release does not have it, or because there is no link, or one that dangles."""
    site = Site(root, LINK, pinned)
    assert ask(site, f"/{LINK}/missing.html")[0] == "404 Not Found"
    os.unlink(root / "a" / "index.html")
    assert ask(site, PAGE)[0] == "404 Not Found"
    os.unlink(root / LINK)
    assert ask(site, PAGE)[0] == "404 Not Found"
    os.symlink("nowhere", root / LINK)
    assert ask(site, PAGE)[0] == "404 Not Found"


@BOTH
def test_a_part_that_is_missing_after_its_page_was_read_is_500(root: Path, pinned: bool) -> None:
    """As a template engine that includes a file: the page is begun and cannot be finished."""
    os.unlink(root / "a" / "part.html")
    assert ask(Site(root, LINK, pinned), PAGE) == (
        "500 Internal Server Error",
        b"500 Internal Server Error: /current/part.html: No such file or directory\n",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/{LINK}",
        "/a/static.html",
        f"//{LINK}/static.html",
        f"/{LINK}/../a/static.html",
        f"/{LINK}/sub/../static.html",
        f"/{LINK}/%2e%2e/a/static.html",
        f"/{LINK}//etc/passwd",
        f"/{LINK}/static.html\0",
        f"/{LINK}/\0",
        f"/{LINK}/static.html/",
        f"/{LINK}/{'x' * 5000}",
        "*",
    ],
)
@BOTH
def test_nothing_but_the_files_of_the_current_release_is_served(root: Path, pinned: bool, path: str) -> None:
    """Whatever the path tries, the answer is 404."""
    assert ask(Site(root, LINK, pinned), path)[0] == "404 Not Found"


def test_a_flip_between_the_parts_tears_the_page(root: Path) -> None:
    """Each part is of the release that was current at its turn; the status is 200."""
    site = Interrupted(root, pinned=False, happens=lambda: flip(root, "b"))
    status, body = ask(site, PAGE)
    assert (status, marks(body)) == ("200 OK", ["a", "b"])


def test_a_pinned_page_is_not_torn_by_a_flip_between_its_parts(root: Path) -> None:
    """The link is resolved once per request, and anew for the next."""
    site = Interrupted(root, pinned=True, happens=lambda: flip(root, "b"))
    status, body = ask(site, PAGE)
    assert (status, marks(body)) == ("200 OK", ["a", "a"])
    assert marks(ask(site, PAGE)[1]) == ["b", "b"]


def test_a_link_that_goes_between_the_parts_loses_the_page(root: Path) -> None:
    """The answer is 500: what unlink + symlink does to a page that is being made."""
    site = Interrupted(root, pinned=False, happens=lambda: os.unlink(root / LINK))
    assert ask(site, PAGE)[0] == "500 Internal Server Error"


def test_a_pinned_page_does_without_the_link_once_it_is_begun(root: Path) -> None:
    """Only a request that comes while there is none is lost."""
    site = Interrupted(root, pinned=True, happens=lambda: os.unlink(root / LINK))
    status, body = ask(site, PAGE)
    assert (status, marks(body)) == ("200 OK", ["a", "a"])
    assert ask(site, PAGE)[0] == "404 Not Found"


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
    names = [
        connection.exchange(PAGE).name,
        connection.exchange(PAGE, "HEAD").name,
        connection.exchange(PAGE, "POST", body=b"hello").name,
        connection.exchange(f"/{LINK}/missing.html").name,
        connection.exchange(f"/{LINK}/missing.html", "HEAD").name,
        connection.exchange(f"/{LINK}/%2500").name,
        connection.exchange(f"/{LINK}/static.html?x=1").name,
    ]
    assert names == ["200 OK"] * 3 + ["404 Not Found"] * 3 + ["200 OK"]
    assert len(handled) == 1


@pytest.mark.parametrize("kind", [Embedded, EmbeddedPinned])
def test_the_program_is_told_whether_to_pin(kind: type[Embedded], tmp_path: Path) -> None:
    """From outside the difference shows only when a flip falls between the two parts of a page."""
    server = kind(tmp_path, tmp_path / "site")
    assert ("--pinned" in server.command()) == (kind is EmbeddedPinned)


def test_the_program_serves_until_it_is_stopped(tmp_path: Path) -> None:
    """In a process of its own; a visit is not written into the log, or it would fill the disk."""
    with running(Embedded, tmp_path) as server:
        assert marks(get(server, PAGE).body) == ["a", "a"]
        os.unlink(server.root / "a" / "part.html")
        assert get(server, PAGE).name == "500 Internal Server Error"
        assert server.log.read_text() == ""
