"""A small real server whose every byte a test decides: what the visitors are tested against."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import NamedTuple, Self

import gevent
import gevent.socket
from gevent.pool import Pool
from gevent.server import StreamServer


class Request(NamedTuple):
    """What came from the client, and when its first byte was there (CLOCK_MONOTONIC, nanoseconds)."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    came: int

    def header(self, name: str) -> list[str]:
        """All values of a header, whatever its case."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class GoneError(Exception):
    """The client has closed its end."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, wire: Wire, sock: gevent.socket.socket) -> None:
        self.sock = sock
        self._wire = wire
        self._rest = b""

    def read(self) -> Request:
        """Wait for one whole request; GoneError when the client has closed instead."""
        came = 0
        while b"\r\n\r\n" not in self._rest:
            self._more()
            came = came or time.monotonic_ns()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = [(name, value) for name, _, value in (field.partition(": ") for field in fields)]
        request = Request(line, headers, b"", came)
        length = int((request.header("content-length") or ["0"])[0])
        while len(self._rest) < length:
            self._more()
        request = request._replace(body=self._rest[:length])
        self._rest = self._rest[length:]
        self._wire.requests.append(request)
        return request

    def _more(self) -> None:
        data = self.sock.recv(65_536)
        if not data:
            raise GoneError
        self._rest += data

    def send(self, *packets: bytes) -> int:
        """Send each packet by itself; the time just before the last one."""
        for packet in packets[:-1]:
            self.sock.sendall(packet)
            gevent.sleep(0.01)  # else the kernel could hand two of them over in one go
        before = time.monotonic_ns()
        self.sock.sendall(packets[-1])
        return before

    def wait_until_gone(self) -> None:
        """Read until the client closes."""
        while self.sock.recv(65_536):
            pass

    def reset(self) -> None:
        """Close with a reset instead of a clean end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Talk = Callable[[Peer], None]
"""What the server does with one connection, from its first byte until it closes."""


def always(*packets: bytes) -> Talk:
    """Give each request of a connection this answer, and keep the connection."""

    def talk(peer: Peer) -> None:
        while True:
            peer.read()
            peer.send(*packets)

    return talk


def once(*packets: bytes) -> Talk:
    """Answer the first request, then close."""

    def talk(peer: Peer) -> None:
        peer.read()
        peer.send(*packets)

    return talk


class Wire:
    """Listens on a free port of `host` while its block runs; `talk` gets each connection."""

    def __init__(self, talk: Talk, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._talk = talk
        self._tls = tls
        self._pool = Pool()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = gevent.socket.socket(family)
        listener.bind((host, 0))
        listener.listen(100)
        self._server = StreamServer(listener, self._handle, spawn=self._pool)
        self.host = f"[{host}]" if ":" in host else host
        self.port: int = listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.stop(timeout=0)

    def wait_until_quiet(self) -> None:
        """Wait until every connection has ended at both ends."""
        assert self._pool.join(timeout=10), "a connection is still open"

    def _handle(self, sock: gevent.socket.socket, address: object) -> None:
        self.connections += 1
        # A client that goes in the middle is what some tests are about.
        with contextlib.suppress(OSError, GoneError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            peer = Peer(self, sock)
            try:
                self._talk(peer)
            finally:
                peer.sock.close()
