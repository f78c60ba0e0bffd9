"""The embedded server: gevent's pywsgi in its own process, with nothing to install."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import ClassVar

from locust_cutover.servers.server import Server


class Embedded(Server):
    """Opens each part of the page through the link, one after another."""

    name = "embedded"
    options: ClassVar[list[str]] = []

    def command(self) -> list[str]:
        """Run the pages module."""
        pages = [sys.executable, "-m", "locust_cutover.servers.pages"]
        return [*pages, "--root", str(self.root), "--port", str(self.port), *self.options]

    def version(self) -> str:
        """The version of gevent."""
        return f"gevent.pywsgi {version('gevent')}"


class EmbeddedPinned(Embedded):
    """Resolves the link once per request and reads both parts of that release."""

    name = "embedded-pinned"
    options: ClassVar[list[str]] = ["--pinned"]
