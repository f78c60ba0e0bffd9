"""One request is sent once, and whatever comes of it has a plain name."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping

import gevent
import gevent.socket
import locust  # patches ssl with gevent, as in every run
import pytest
import trustme
from gevent.event import Event

from locust_cutover.client.connection import Connection, _name_of
from locust_cutover.judging.answers import (
    BAD,
    CLOSED,
    NOT_SENT,
    REFUSED,
    RESET,
    TIMED_OUT,
    TLS_FAILED,
    TRUNCATED,
    UNREACHABLE,
    status_name,
)
from tests.wire import Peer, Talk, Wire, always, once

assert locust

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextlib.contextmanager
def visiting(talk: Talk, host: str = "127.0.0.1", timeout: float = 10.0) -> Iterator[tuple[Wire, Connection]]:
    """A server, and a connection to it that is closed at the end."""
    with Wire(talk, host) as wire:
        connection = Connection(wire.url, timeout)
        try:
            yield wire, connection
        finally:
            connection.close()


class Authority:
    """A certificate authority of our own, and both sides' contexts."""

    def __init__(self) -> None:
        authority = trustme.CA()
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "::1").configure_cert(self.server)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)


@pytest.fixture(scope="module")
def authority() -> Authority:
    """One for all tests: keys take long to make."""
    return Authority()


def wait_for_news(connection: Connection) -> None:
    """Wait until the server's next word, or its end, has arrived at a kept connection."""
    assert connection._socket is not None
    gevent.socket.wait_read(connection._socket.fileno(), timeout=10)


# A whole answer.


def test_an_answer_has_status_headers_and_body() -> None:
    """And no error."""
    with visiting(always(b"HTTP/1.1 201 Made\r\nX-Release: a\r\nContent-Length: 5\r\n\r\nhello")) as (_, connection):
        answer = connection.exchange("/current/")
        assert (answer.status, answer.body, answer.error) == (201, b"hello", None)
        assert answer.headers["x-release"] == "a"
        assert answer.ok


def test_the_request_is_what_a_server_of_one_site_needs() -> None:
    """The host with its port, no compression (a mark could not be read in it), no body."""
    with visiting(always(HELLO)) as (wire, connection):
        connection.exchange("/current/?x=1")
        request = wire.requests[0]
        assert request.line == "GET /current/?x=1 HTTP/1.1"
        assert request.header("Host") == [f"127.0.0.1:{wire.port}"]
        assert request.header("Accept-Encoding") == ["identity"]
        assert request.header("Content-Length") == []
        assert request.body == b""


def test_the_connection_is_kept() -> None:
    """Visit after visit goes over the same one, whatever the path."""
    with visiting(always(HELLO)) as (wire, connection):
        assert [connection.exchange(path).name for path in ("/a", "/b", "/a")] == ["200 OK"] * 3
        assert [request.line for request in wire.requests] == [f"GET /{path} HTTP/1.1" for path in "aba"]
        assert wire.connections == 1


def test_an_answer_is_named_by_the_standards_phrase() -> None:
    """A server's own phrase would make the set of names endless."""
    with visiting(always(b"HTTP/1.1 404 Id 8147\r\nContent-Length: 0\r\n\r\n")) as (_, connection):
        answer = connection.exchange("/")
        assert answer.name == "404 Not Found"
        assert answer.error is None
        assert not answer.ok
    assert status_name(299) == "299"


def test_a_redirect_is_not_followed() -> None:
    """It is an answer like any other."""
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with visiting(always(redirect)) as (wire, connection):
        answer = connection.exchange("/")
        assert answer.name == "302 Found"
        assert not answer.ok
        assert len(wire.requests) == 1


@pytest.mark.parametrize("size", [0, 1, 10_000_000])
def test_a_body_is_read_whole(size: int) -> None:
    """However many packets it comes in."""
    body = os.urandom(size)
    with visiting(always(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + body)) as (wire, connection):
        for _ in range(2):
            answer = connection.exchange("/")
            assert answer.ok
            assert answer.body == body
        assert wire.connections == 1


def test_a_chunked_body_is_put_together() -> None:
    """Without the sizes, extensions and trailers; the connection is kept."""
    packets = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"5;a=b\r\nhel",
        b"lo\r\n6\r\n world\r\n",
        b"0\r\nX-Trailer: y\r\n\r\n",
    )
    with visiting(always(*packets)) as (wire, connection):
        for _ in range(2):
            answer = connection.exchange("/")
            assert (answer.name, answer.body) == ("200 OK", b"hello world")
        assert wire.connections == 1


def test_connection_close_is_obeyed() -> None:
    """The answer is whole, and the next visit opens a new connection."""
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    with visiting(always(closing)) as (wire, connection):
        assert [connection.exchange("/").name for _ in range(2)] == ["200 OK"] * 2
        assert wire.connections == 2


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_the_end_of_the_connection_ends_a_body_without_a_length(version: bytes) -> None:
    """Such an answer is whole; each needs a connection of its own."""
    with visiting(once(b"HTTP/" + version + b" 200 OK\r\n\r\n", b"hel", b"lo")) as (wire, connection):
        for _ in range(2):
            answer = connection.exchange("/")
            assert (answer.name, answer.body) == ("200 OK", b"hello")
        assert wire.connections == 2


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("GET", b"204 No Content\r\n"),
        ("GET", b"304 Not Modified\r\nContent-Length: 5\r\n"),
        ("HEAD", b"200 OK\r\nContent-Length: 5\r\n"),
        ("HEAD", b"200 OK\r\nTransfer-Encoding: chunked\r\n"),
    ],
)
def test_an_answer_that_never_has_a_body_ends_with_its_head(method: str, head: bytes) -> None:
    """Whatever length it announces; waiting for more would end in a time-out."""
    with visiting(always(b"HTTP/1.1 " + head + b"\r\n")) as (wire, connection):
        for _ in range(2):
            answer = connection.exchange("/", method)
            assert (answer.status, answer.body, answer.error) == (int(head[:3]), b"", None)
        assert wire.connections == 1


def test_a_body_that_head_did_not_ask_for_ends_the_connection() -> None:
    """Some servers send it. The answer counts, but what follows it is not read as the next one."""
    with visiting(always(HELLO)) as (wire, connection):
        assert [connection.exchange("/", "HEAD").name for _ in range(2)] == ["200 OK"] * 2
        assert wire.connections == 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "packets",
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n",),
        (b"HTTP/1.1 103 Early ", b"Hints\r\nLink: </style.css>\r\n\r", b"\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["100", "103", "103 in pieces", "100 and 103"],
)
def test_an_interim_answer_is_not_the_answer(method: str, packets: tuple[bytes, ...]) -> None:
    """The real one follows on the same connection, here in several packets, and only its headers count."""
    body = b"hello" if method == "GET" else b""
    final = [b"HTTP/1.1 200 ", b"OK\r\nContent-Le", b"ngth: 5\r\n\r\n" + body[:2], *([body[2:]] if body else [])]
    with visiting(always(*packets, *final)) as (wire, connection):
        for _ in range(2):
            answer = connection.exchange("/", method)
            assert (answer.name, answer.body) == ("200 OK", body)
            assert dict(answer.headers.items()) == {"Content-Length": "5"}
        assert wire.connections == 1


def test_an_interim_answer_in_one_packet_with_the_real_one_is_not_the_answer() -> None:
    """The parser goes on behind it."""
    with visiting(always(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + HELLO)) as (_, connection):
        answer = connection.exchange("/")
        assert (answer.name, answer.body) == ("200 OK", b"hello")
        assert "Link" not in answer.headers


def test_bytes_that_are_no_text_are_allowed_in_a_header() -> None:
    """Old servers write Latin-1 there; that loses no visit."""
    with visiting(always(b"HTTP/1.1 200 \xff\r\nX: \xff\xe9\r\nContent-Length: 5\r\n\r\nhello")) as (_, connection):
        assert connection.exchange("/").name == "200 OK"


def test_a_server_on_ipv6_is_visited() -> None:
    """The host stands in brackets in the URL and in the Host header."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no ::1")
    with visiting(always(HELLO), "::1") as (wire, connection):
        assert connection.exchange("/").name == "200 OK"
        assert wire.requests[0].header("Host") == [f"[::1]:{wire.port}"]


# What is sent.


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_is_sent_with_its_length(method: str) -> None:
    """Requests with other bodies follow on the same connection."""
    with visiting(always(HELLO)) as (wire, connection):
        for body in (b"one", b"three", os.urandom(300_000), b"three"):
            assert connection.exchange("/", method, body=body).ok
            assert wire.requests[-1].body == body
            assert wire.requests[-1].header("Content-Length") == [str(len(body))]
        assert wire.connections == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_method_that_means_a_body_announces_an_empty_one(method: str) -> None:
    """Some servers answer 411 to a POST without a length."""
    with visiting(always(HELLO)) as (wire, connection):
        connection.exchange("/", method)
        assert wire.requests[0].header("Content-Length") == ["0"]


def test_a_header_of_ones_own_replaces_ours() -> None:
    """Whatever its case, and each stands there once."""
    own = {"host": "example.org", "ACCEPT-ENCODING": "br", "Content-length": "5", "X-Visitor": "7"}
    with visiting(always(HELLO)) as (wire, connection):
        connection.exchange("/", "POST", own, b"hello")
        request = wire.requests[0]
        assert {name: request.header(name) for name in own} == {name: [value] for name, value in own.items()}
        connection.exchange("/", "POST", None, b"hello")
        assert wire.requests[1].header("Host") == [f"127.0.0.1:{wire.port}"], "only for that one request"


def test_what_was_sent_is_not_shown() -> None:
    """Headers of a connection or of a request hold the password; a repr comes into logs and tracebacks."""
    secret = {"Authorization": "Basic c2VjcmV0"}
    with visiting(always(HELLO)) as (wire, connection):
        assert connection.exchange("/", headers=secret).ok
        assert wire.requests[0].header("Authorization") == ["Basic c2VjcmV0"]
        assert "c2VjcmV0" not in repr(connection)
    assert "c2VjcmV0" not in repr(Connection("http://shop.example", 1, headers=secret))


def test_the_path_of_the_host_goes_before_the_path_of_the_visit() -> None:
    """A site can be below a folder; a name and a password in the URL are not sent as the host."""
    with Wire(always(HELLO)) as wire:
        connection = Connection(f"http://user:secret@127.0.0.1:{wire.port}/below/", 10)
        connection.exchange("/current/")
        connection.close()
        assert wire.requests[0].line == "GET /below/current/ HTTP/1.1"
        assert wire.requests[0].header("Host") == [f"127.0.0.1:{wire.port}"]


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("current/", "GET", {}),
        ("/a b", "GET", {}),
        ("/a\tb", "GET", {}),
        ("/é", "GET", {}),
        ("/\0", "GET", {}),
        ("/ HTTP/1.1\r\nX: y\r\n\r\n", "GET", {}),
        ("/\r\nX:y", "GET", {}),
        ("/\nX:y", "GET", {}),
        ("/", "GET / HTTP/1.1\r\n", {}),
        ("/", "GET /other", {}),
        ("/", "GET", {"X": "y\r\nZ: 1"}),
        ("/", "GET", {"X": "y\nZ: 1"}),
        ("/", "GET", {"X": "y\rZ: 1"}),
        ("/", "GET", {"X": "y\0"}),
        ("/", "GET", {"X: y\r\nZ": "1"}),
        ("/", "GET", {"X": "…"}),
    ],
)
def test_a_request_that_cannot_be_written_is_refused(path: str, method: str, headers: Mapping[str, str]) -> None:
    """Nobody can smuggle a header or a second request in; nothing is sent."""
    with visiting(always(HELLO)) as (wire, connection):
        with pytest.raises(ValueError):
            connection.exchange(path, method, headers)
        assert connection.exchange("/").ok
        assert [request.line for request in wire.requests] == ["GET / HTTP/1.1"]


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:80", "//127.0.0.1", "ftp://127.0.0.1", "http://", "http://x:port", "http://x:99999", "http://[::1"],
)
def test_a_host_that_is_no_url_is_refused(url: str) -> None:
    """At once, not at the first visit."""
    with pytest.raises(ValueError):
        Connection(url, 10)


# The times.


def test_the_times_enclose_the_exchange_as_the_server_saw_it() -> None:
    """Sent before the server has the first byte, received after it sends the last; they share the clock."""
    last: list[int] = []

    def talk(peer: Peer) -> None:
        while True:
            peer.read()
            last.append(peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"hel", b"lo"))

    with visiting(talk) as (wire, connection):
        for visit in range(3):
            before = time.monotonic_ns()
            answer = connection.exchange("/")
            after = time.monotonic_ns()
            assert before <= answer.sent <= wire.requests[visit].came
            assert last[visit] <= answer.received <= after


def test_connecting_is_over_when_a_visit_is_sent(authority: Authority) -> None:
    """A slow handshake is not a part of the interval, or a flip during it would excuse a stale answer."""
    shaken: list[int] = []

    def talk(peer: Peer) -> None:
        gevent.sleep(0.05)
        shaken.append(time.monotonic_ns())
        peer.sock = authority.server.wrap_socket(peer.sock, server_side=True)
        peer.read()
        peer.send(HELLO)
        peer.wait_until_gone()

    with Wire(talk) as wire:
        connection = Connection(f"https://127.0.0.1:{wire.port}", 10, authority.client)
        answer = connection.exchange("/")
        connection.close()
        assert answer.ok
        assert shaken[0] <= answer.sent <= wire.requests[0].came


def test_a_visit_that_found_no_server_is_timed_from_the_attempt_to_connect() -> None:
    """No byte was sent; the loss is tied to the flips during the attempt, so that is its time."""
    before = time.monotonic_ns()
    answer = Connection(f"http://127.0.0.1:{closed_port()}", timeout=10).exchange("/")
    assert before <= answer.sent < answer.received <= time.monotonic_ns()
    assert answer.error == REFUSED


# Losses.


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def close(peer: Peer) -> None:
    """Close as soon as the request is read."""
    peer.read()


def reset(peer: Peer) -> None:
    """Reset as soon as the request is read."""
    peer.read()
    peer.reset()


def reset_in_the_middle(peer: Peer) -> None:
    """Begin an answer, then reset."""
    peer.read()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"he")
    gevent.sleep(0.05)  # else the reset could overtake what was sent
    peer.reset()


def hang(peer: Peer) -> None:
    """Read the request and say nothing."""
    peer.read()
    peer.wait_until_gone()


def hang_in_the_middle(peer: Peer) -> None:
    """Begin an answer and say no more."""
    peer.read()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    peer.wait_until_gone()


def trickle(peer: Peer) -> None:
    """Send a byte now and then, for ever: each comes long before any time-out of a single read."""
    peer.read()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        gevent.sleep(0.01)
        peer.send(b"x")


LOSSES: list[tuple[str, Talk, int, bytes]] = [
    (CLOSED, close, 0, b""),
    (RESET, reset, 0, b""),
    (RESET, reset_in_the_middle, 200, b"he"),
    (TRUNCATED, once(b"HTTP/1.1 200 OK\r\nContent-Le"), 200, b""),
    (TRUNCATED, once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), 200, b""),
    (TRUNCATED, once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"), 200, b"hell"),
    (TRUNCATED, once(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhell"), 200, b"hell"),
    (TRUNCATED, once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), 200, b"hel"),
    (TRUNCATED, once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), 200, b"hello"),
    (TRUNCATED, once(b"HTTP/1.1 103 Early Hints\r\n\r\n"), 103, b""),
    (BAD, once(b"<html>hello</html>\r\n\r\n"), 0, b""),
    (BAD, once(b"SSH-2.0-OpenSSH_9.2\r\n"), 0, b""),
    (BAD, once(b"HTTP/2 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 0, b""),
    (BAD, once(b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello"), 200, b""),
    (BAD, once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 200, b""),
    (BAD, once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello"), 200, b""),
    (BAD, once(HELLO + b"and more"), 200, b"hello"),
    (BAD, once(HELLO + HELLO), 200, b"hello"),
    (BAD, once(b"HTTP/1.1 204 No Content\r\n\r\nhello"), 204, b""),
    (BAD, once(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello, and more"), 200, b"hello"),
    (TIMED_OUT, hang, 0, b""),
    (TIMED_OUT, hang_in_the_middle, 200, b"he"),
]


@pytest.mark.parametrize(("name", "talk", "status", "body"), LOSSES)
def test_a_loss_has_a_plain_name_and_is_one_request(name: str, talk: Talk, status: int, body: bytes) -> None:
    """The answer holds what had come, and our end is closed; the next visit gets an answer of its own, not the rest."""
    talks = iter([talk, always(HELLO)])
    with visiting(lambda peer: next(talks)(peer), timeout=0.2 if name == TIMED_OUT else 10.0) as (wire, connection):
        answer = connection.exchange("/lost")
        assert (answer.error, answer.name, answer.ok) == (name, name, False)
        assert (answer.status, answer.body) == (status, body)
        assert answer.sent <= wire.requests[0].came <= answer.received
        wire.wait_until_quiet()
        assert (len(wire.requests), wire.connections) == (1, 1)
        connection.timeout = 10
        answer = connection.exchange("/new")
        assert (answer.name, answer.body) == ("200 OK", b"hello")
        assert [request.line for request in wire.requests] == ["GET /lost HTTP/1.1", "GET /new HTTP/1.1"]


def test_a_port_without_a_server_refuses_the_connection() -> None:
    """As during a restart without a socket handed over."""
    answer = Connection(f"http://127.0.0.1:{closed_port()}", 10).exchange("/")
    assert (answer.name, answer.status, answer.ok) == (REFUSED, 0, False)


def test_a_trickle_is_ended_by_the_time_for_the_whole_exchange() -> None:
    """A time-out of each read would never come; the server would hold the visitor for ever."""
    with visiting(trickle, timeout=0.3) as (wire, connection):
        answer = connection.exchange("/")
        assert answer.name == TIMED_OUT
        assert answer.status == 200
        assert 0 < len(answer.body) < 1_000_000
        wire.wait_until_quiet()


FLOOD = """
    import socket, time
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        visitor, _ = server.accept()
        visitor.recv(65536)
        end = time.monotonic() + 10
        try:
            while time.monotonic() < end:
                visitor.sendall(b"HTTP/1.1 103 Early Hints\\r\\n\\r\\n" * 2000)
        except OSError:
            print("cut", flush=True)
"""
"""Sends faster than we can read, in a process of its own: a greenlet would have to let us go on. It ends
by itself so that a visitor that does not end fails the test instead of hanging it."""


def test_a_flood_is_ended_too() -> None:
    """A socket that always has more to read must not keep the timer, or other visitors, from running."""
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(FLOOD)], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            connection = Connection(f"http://127.0.0.1:{int(server.stdout.readline())}", 0.3)
            ticks = 0

            def tick() -> None:
                nonlocal ticks
                while True:
                    gevent.sleep(0)
                    ticks += 1

            other = gevent.spawn(tick)
            answer = connection.exchange("/")
            other.kill()
            assert answer.name == TIMED_OUT
            assert ticks > 1
            assert server.stdout.readline() == b"cut\n"
        finally:
            server.kill()


def test_a_time_out_of_somebody_else_is_not_a_loss() -> None:
    """It goes through; half an answer does not stay behind for the next visit."""
    talks = iter([hang_in_the_middle, always(HELLO)])
    with visiting(lambda peer: next(talks)(peer)) as (wire, connection):
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.1):
            connection.exchange("/")
        assert connection.exchange("/").body == b"hello"
        assert wire.connections == 2


def test_a_visitor_that_is_stopped_still_reads_the_answer_that_is_on_its_way() -> None:
    """The server has had the request and answers it; both ends count one visit, then the user ends."""
    begun, go_on = Event(), Event()

    def pause(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
        begun.set()
        assert go_on.wait(10)
        peer.send(b"llo")
        peer.read()
        peer.send(HELLO)

    with visiting(pause) as (wire, connection):
        visit = gevent.spawn(connection.exchange, "/")
        assert begun.wait(10)
        visit.kill(block=False)
        visit.kill(block=False)
        go_on.set()
        assert visit.get(timeout=10).body == b"hello"
        assert isinstance(connection.stopped, gevent.GreenletExit)
        assert connection.exchange("/").ok
        assert wire.connections == 1


def test_no_server_is_blamed_when_no_file_descriptor_is_left() -> None:
    """The request never left this machine: its name says so."""
    with visiting(always(HELLO)) as (wire, connection):
        connection.exchange("/")  # whatever a first visit opens for good is open now
        connection.close()
        wire.wait_until_quiet()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            answer = connection.exchange("/")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (answer.name, len(wire.requests)) == (NOT_SENT, 1)
        assert connection.exchange("/").ok


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (OSError(errno.EHOSTUNREACH, ""), UNREACHABLE),
        (OSError(errno.ENETUNREACH, ""), UNREACHABLE),
        (socket.gaierror(socket.EAI_NONAME, ""), UNREACHABLE),
        (TimeoutError(errno.ETIMEDOUT, ""), TIMED_OUT),
        (BrokenPipeError(errno.EPIPE, ""), RESET),
        (OSError(errno.EADDRNOTAVAIL, ""), NOT_SENT),
    ],
)
def test_what_a_test_cannot_bring_about_has_a_name_too(failure: OSError, name: str) -> None:
    """No network between here and 127.0.0.1 can fail in these ways."""
    assert _name_of(failure) == name


# A kept connection that the server closed.


def answer_then_close(peer: Peer) -> None:
    """Answer as if the connection were kept, and close it: a keep-alive time-out that has passed."""
    peer.read()
    peer.send(HELLO)


def test_a_kept_connection_that_the_server_closed_is_no_loss() -> None:
    """No request was on it: a new one is opened, and each request is sent exactly once."""
    with visiting(answer_then_close) as (wire, connection):
        assert connection.exchange("/1").ok
        wait_for_news(connection)
        assert connection.exchange("/2").ok
        assert [request.line for request in wire.requests] == ["GET /1 HTTP/1.1", "GET /2 HTTP/1.1"]
        assert wire.connections == 2


def test_a_kept_connection_that_the_server_reset_is_no_loss() -> None:
    """Like a clean end: nothing was under way."""

    def talk(peer: Peer) -> None:
        peer.read()
        peer.send(HELLO)
        gevent.sleep(0.05)  # else the reset could overtake the answer
        peer.reset()

    with visiting(talk) as (wire, connection):
        assert connection.exchange("/1").ok
        wait_for_news(connection)
        assert connection.exchange("/2").ok
        assert (len(wire.requests), wire.connections) == (2, 2)


def test_what_nobody_asked_for_is_not_taken_for_the_next_answer() -> None:
    """A server says 408 and closes when a connection was idle for long; that is no answer to a visit."""
    goodbye = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    talks = iter([once(HELLO, goodbye), always(HELLO)])
    with visiting(lambda peer: next(talks)(peer)) as (wire, connection):
        assert connection.exchange("/1").ok
        wait_for_news(connection)
        assert connection.exchange("/2").name == "200 OK"
        assert (len(wire.requests), wire.connections) == (2, 2)


def test_a_kept_connection_that_closes_under_a_request_is_a_loss() -> None:
    """The request was on it. A browser would send it again; we are here to count it."""

    def talk(peer: Peer) -> None:
        peer.read()
        peer.send(HELLO)
        peer.read()

    with visiting(talk) as (wire, connection):
        assert connection.exchange("/1").ok
        assert connection.exchange("/2").name == CLOSED
        wire.wait_until_quiet()
        assert (len(wire.requests), wire.connections) == (2, 1)


# TLS.


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_https_is_spoken_with_an_authority_of_ones_own(authority: Authority, host: str) -> None:
    """The connection is kept: the server's tickets after the handshake are not taken for unasked words."""
    try:
        wire = Wire(always(HELLO), host, authority.server)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with wire:
        connection = Connection(wire.url, 10, authority.client)
        assert [connection.exchange("/").name for _ in range(3)] == ["200 OK"] * 3
        connection.close()
        assert (len(wire.requests), wire.connections) == (3, 1)


def test_a_large_body_comes_whole_over_tls(authority: Authority) -> None:
    """In records of its own size."""
    body = os.urandom(3_000_000)
    with Wire(always(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + body), tls=authority.server) as wire:
        connection = Connection(wire.url, 10, authority.client)
        assert connection.exchange("/").body == body
        connection.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(authority: Authority) -> None:
    """The system's authorities do not know ours; no request is sent."""
    with Wire(always(HELLO), tls=authority.server) as wire:
        assert Connection(wire.url, 10).exchange("/").name == TLS_FAILED
        wire.wait_until_quiet()
        assert wire.requests == []


def test_a_certificate_of_another_host_is_refused(authority: Authority) -> None:
    """It is for the addresses, not for the name."""
    with Wire(always(HELLO), tls=authority.server) as wire:
        assert Connection(f"https://localhost:{wire.port}", 10, authority.client).exchange("/").name == TLS_FAILED
        wire.wait_until_quiet()
        assert wire.requests == []


def test_https_to_a_server_that_speaks_http_is_refused(authority: Authority) -> None:
    """The handshake gets no handshake."""

    def talk(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        peer.wait_until_gone()

    with Wire(talk) as wire:
        url = f"https://127.0.0.1:{wire.port}"
        assert Connection(url, 10, authority.client).exchange("/").name == TLS_FAILED
        wire.wait_until_quiet()


def test_a_handshake_that_hangs_is_timed_out_and_its_socket_closed(authority: Authority) -> None:
    """Left to the garbage collector, each such visit would hold a connection of the server for a while."""
    with Wire(Peer.wait_until_gone) as wire:
        connection = Connection(f"https://127.0.0.1:{wire.port}", 0.2, authority.client)
        assert connection.exchange("/").name == TIMED_OUT
        wire.wait_until_quiet()


@pytest.mark.parametrize(
    ("name", "talk"),
    [
        (CLOSED, close),
        (TRUNCATED, once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")),
        (BAD, once(HELLO + b"and more")),
        (TIMED_OUT, hang),
    ],
)
def test_losses_over_tls_have_the_same_names(authority: Authority, name: str, talk: Talk) -> None:
    """Whether the server says goodbye in TLS or just closes."""
    with Wire(talk, tls=authority.server) as wire:
        connection = Connection(wire.url, 0.5 if name == TIMED_OUT else 10.0, authority.client)
        assert connection.exchange("/").name == name
        wire.wait_until_quiet()
        assert (len(wire.requests), wire.connections) == (1, 1)


def test_a_kept_tls_connection_that_the_server_closed_is_no_loss(authority: Authority) -> None:
    """As without TLS."""
    with Wire(answer_then_close, tls=authority.server) as wire:
        connection = Connection(wire.url, 10, authority.client)
        assert connection.exchange("/1").ok
        wire.wait_until_quiet()
        assert connection.exchange("/2").ok
        connection.close()
        assert (len(wire.requests), wire.connections) == (2, 2)
