"""The embedded server: gevent's pywsgi in a process of its own, nothing to install."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import ClassVar

from locust_cutover.servers.server import Server


class Embedded(Server):
    """Opens each part of the page through the link when its turn comes."""

    name = "embedded"
    options: ClassVar[list[str]] = []

    def command(self) -> list[str]:
        """The pages module with its options."""
        pages = [sys.executable, "-m", "locust_cutover.servers.pages"]
        return [*pages, "--root", str(self.root), "--port", str(self.port), *self.options]

    def version(self) -> str:
        """pywsgi's version is gevent's."""
        return f"gevent.pywsgi {version('gevent')}"


class EmbeddedPinned(Embedded):
    """Resolves the link once per request and reads both parts of that release."""

    name = "embedded-pinned"
    options: ClassVar[list[str]] = ["--pinned"]
