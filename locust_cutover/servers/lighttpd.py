"""lighttpd: static files, and the page by server-side includes."""

from __future__ import annotations

import subprocess

from locust_cutover.servers.server import Server, fill


class Lighttpd(Server):
    """Debian's lighttpd, run by root or by an ordinary user; its cache holds a file for a second."""

    name = "lighttpd"
    program = "lighttpd"
    package = "lighttpd"

    def command(self) -> list[str]:
        """Write lighttpd.conf; run lighttpd in the foreground."""
        config = self.folder / "lighttpd.conf"
        config.write_text(fill("lighttpd.conf", {"folder": self.folder, "root": self.root, "port": self.port}))
        return [self.executable(), "-D", "-f", str(config)]

    def version(self) -> str:
        """From lighttpd -v: "lighttpd/1.4.69"."""
        said = subprocess.run([self.executable(), "-v"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return said.split()[0].replace("/", " ")
