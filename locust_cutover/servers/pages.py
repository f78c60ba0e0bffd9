"""The program of the embedded server: serves files and two-part pages through the link.

A page is a file with server-side includes. The page is opened first, then each part in turn:
a missing page is a 404, a missing part of a page a 500.
"""

from __future__ import annotations

import argparse
import re
import socket
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from gevent.pywsgi import WSGIServer

INCLUDE = re.compile(rb'<!--#include virtual="([^"]*)" -->')

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class PartMissingError(Exception):
    """A part of a page is missing, after the page was read."""


class SitePages:
    """A WSGI application with the files below `root`; `pinned`: it resolves the link once per request."""

    def __init__(self, root: Path, link: str, pinned: bool) -> None:
        self.root = root
        self.link = link
        self.pinned = pinned

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        try:
            status, body = "200 OK", self.answer(environ["PATH_INFO"])
        except OSError:
            status, body = "404 Not Found", b"404 Not Found\n"
        except PartMissingError as error:
            status, body = "500 Internal Server Error", f"500 Internal Server Error: {error}\n".encode()
        start_response(status, [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
        # pywsgi would also send the body in an answer to HEAD.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def answer(self, path: str) -> bytes:
        """The body for a decoded URL path; OSError when there is no such file, PartMissingError for its parts."""
        release = self.root / self.link
        if self.pinned:
            release = release.resolve(strict=True)
        page = self._file(release, path + "index.html" if path.endswith("/") else path).read_bytes()

        def part(directive: re.Match[bytes]) -> bytes:
            url = unquote(directive[1].decode())
            try:
                return self._file(release, url).read_bytes()
            except OSError as error:
                raise PartMissingError(f"{url}: {error.strerror}") from error

        return INCLUDE.sub(part, page)

    def _file(self, release: Path, url: str) -> Path:
        """The file of a decoded URL path below /LINK/."""
        parts = PurePosixPath(url).parts
        if len(parts) < 3 or parts[:2] != ("/", self.link) or ".." in parts or "\0" in url:
            raise FileNotFoundError(url)
        return release.joinpath(*parts[2:])


class PageServer(WSGIServer):
    """pywsgi without Nagle's delay: it writes headers and body separately."""

    def handle(self, client_socket: socket.socket, address: Any) -> None:
        """Serve one connection."""
        client_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle(client_socket, address)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="pages")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--link", default="current")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pinned", action="store_true")
    options = parser.parse_args()
    pages = SitePages(options.root, options.link, options.pinned)
    PageServer(("127.0.0.1", options.port), pages, log=None).serve_forever()


if __name__ == "__main__":
    main()
