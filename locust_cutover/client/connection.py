"""One keep-alive HTTP connection that sends each request once and names every way to lose it."""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import gevent
import gevent.socket
from geventhttpclient.response import HTTPParseError, HTTPResponse

from locust_cutover.client.answer import Answer
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
)

_OUR_OWN = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}

BLOCK = 65_536


class _Parser(HTTPResponse):
    """geventhttpclient's parser, ending at the first final answer.

    Its HTTPSocketResponse releases the socket at an interim answer (103 Early Hints) and then
    returns a part of the body as the whole, with status 200.
    """

    complete = False

    def _on_message_begin(self) -> None:
        if self.complete:
            raise HTTPParseError("got more bytes than the answer announced")
        super()._on_message_begin()

    def _on_message_complete(self) -> None:
        super()._on_message_complete()
        # An interim answer is followed by the real one on the same connection.
        self.complete = self.get_code() >= 200

    def body(self) -> bytes:
        """The body that has arrived so far."""
        return bytes(self._body_buffer)


@dataclass
class Connection:
    """A connection to the host of a URL, opened when needed and kept as long as the server keeps it.

    It never sends a request twice and never follows a redirect.
    """

    url: str
    timeout: float
    """Seconds for one exchange, including the connection."""
    tls: ssl.SSLContext | None = None
    """For https; None: the system's certificate authorities."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request. The certificate must match Host, too."""
    stopped: gevent.GreenletExit | None = field(default=None, init=False)
    """Set when the user was stopped during an exchange; raise it after the exchange."""
    _socket: gevent.socket.socket | None = field(default=None, init=False)
    # Whole heads of requests, with the secrets in their headers.
    _requests: dict[tuple[str, str, tuple[tuple[str, str], ...], int], bytes] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"host: expected a URL such as http://127.0.0.1:8080, got {self.url!r}")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self._host_header = parts.netloc.rpartition("@")[2]
        named = next((value for name, value in self.headers.items() if name.lower() == "host"), self._host_header)
        self._name = urlsplit(f"//{named}").hostname or self._host
        self._prefix = parts.path.rstrip("/")
        if self._secure and self.tls is None:
            self.tls = ssl.create_default_context()

    def exchange(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send one request and read its answer; a loss is an answer with an error, never an exception.

        A user who is stopped during the exchange still reads the answer, because the server has sent it.
        Then `stopped` is set; the caller counts the answer and raises it.
        Raises ValueError for a request that cannot be written, such as one with a line break.
        """
        request = self._request(path, method, headers, body)
        parser = _Parser(method=method)
        # For a connection that fails: the time of the attempt.
        sent = time.monotonic_ns()
        error: str | None = None
        timer = gevent.Timeout.start_new(self.timeout)
        try:
            sock = self._open()
            sent = time.monotonic_ns()
            sock.sendall(request)
            error = self._read(sock, parser)
        except gevent.Timeout as timeout:
            if timeout is not timer:
                self.close()
                raise
            error = TIMED_OUT
        except HTTPParseError:
            error = BAD
        except OSError as failure:
            error = _name_of(failure)
        except BaseException:
            # The rest of the answer must not be read as the next one.
            self.close()
            raise
        finally:
            timer.close()
        received = time.monotonic_ns()
        if error is not None or parser.should_close():
            self.close()
        return Answer(parser.get_code(), parser.info(), parser.body(), sent, received, error)

    def _read(self, sock: gevent.socket.socket, parser: _Parser) -> str | None:
        while True:
            try:
                return _read(sock, parser)
            except gevent.GreenletExit as stop:
                self.stopped = stop

    def close(self) -> None:
        """Close the connection; the next exchange opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> gevent.socket.socket:
        """The kept connection if the server keeps it, too; otherwise a new one.

        A server may close an idle connection at any time. If it does so before we send, nothing
        is lost: there was no request on it.
        """
        if self._socket is not None:
            if _is_idle(self._socket):
                return self._socket
            self.close()
        sock = gevent.socket.create_connection((self._host, self._port))
        self._socket = sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None and self._secure:
            # Wrapping detaches the plain socket; a separate handshake lets its time-out close this one.
            secure = self.tls.wrap_socket(sock, server_hostname=self._name, do_handshake_on_connect=False)
            self._socket = sock = secure
            secure.do_handshake()
        return sock

    def _request(self, path: str, method: str, headers: Mapping[str, str] | None, body: bytes) -> bytes:
        key = (method, path, tuple(headers.items()) if headers else (), len(body))
        head = self._requests.get(key)
        if head is None:
            if len(self._requests) > 1000:  # random paths must not fill the memory
                self._requests.clear()
            head = self._requests[key] = self._head(path, method, headers or {}, len(body))
        return head + body

    def _head(self, path: str, method: str, headers: Mapping[str, str], length: int) -> bytes:
        if not path.startswith("/"):
            raise ValueError(f"path: expected one that starts with /, got {path!r}")
        fields = {"host": ("Host", self._host_header)}
        # Marks cannot be read from a compressed answer.
        fields["accept-encoding"] = ("Accept-Encoding", "identity")
        fields["user-agent"] = ("User-Agent", "locust-cutover")
        if length or method in ("POST", "PUT", "PATCH"):
            fields["content-length"] = ("Content-Length", str(length))
        for name, value in [*self.headers.items(), *headers.items()]:
            fields[name.lower()] = (name, value)
        request_line = f"{method} {self._prefix}{path} HTTP/1.1"
        if not request_line.isascii() or not request_line.isprintable() or request_line.count(" ") != 2:
            raise ValueError(f"expected method and path in ASCII without spaces, got {method} {path!r}; quote the path")
        lines = [request_line]
        for name, value in fields.values():
            line = f"{name}: {value}"
            if any(character in line for character in "\r\n\0"):
                raise ValueError(f"header {name!r}: expected one line, got a line break")
            lines.append(line)
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _is_idle(sock: gevent.socket.socket) -> bool:
    """Whether a kept connection is still open and has no unexpected bytes."""
    sock.settimeout(0.0)
    try:
        # TLS reads its own records here (tickets, the closing alert).
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        sock.settimeout(None)
        return True
    except OSError:
        return False
    return False


def _read(sock: gevent.socket.socket, parser: _Parser) -> str | None:
    """Read until the answer is complete; the name of the error when the connection ends first.

    After an interruption, call it again to go on.
    """
    while not parser.complete:
        data = sock.recv(BLOCK)
        if not data:
            if not parser.message_begun:
                return CLOSED
            try:
                parser.feed(b"")  # ends an answer that announced no length
            except HTTPParseError:
                return TRUNCATED
            return None if parser.complete else TRUNCATED
        parser.feed(data)
        if not parser.complete:
            # recv does not switch greenlets while there is more to read: a flood would stop the timer.
            gevent.sleep(0)
    return None


def _name_of(failure: OSError) -> str:
    if isinstance(failure, ConnectionRefusedError):
        return REFUSED
    if isinstance(failure, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return CLOSED
    if isinstance(failure, ssl.SSLError):
        return TLS_FAILED
    if isinstance(failure, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return RESET
    if isinstance(failure, TimeoutError):
        return TIMED_OUT
    if failure.errno in _OUR_OWN:
        return NOT_SENT
    return UNREACHABLE
