"""nginx: static files, and the page by server-side includes."""

from __future__ import annotations

import os
import subprocess
from typing import ClassVar

from locust_cutover.servers.server import Server, fill


class Nginx(Server):
    """Debian's nginx, run by root or by an ordinary user."""

    name = "nginx"
    program = "nginx"
    package = "nginx"
    template: ClassVar[str] = "nginx.conf"

    def command(self) -> list[str]:
        """Write nginx.conf; run nginx in the foreground with all its files in our folder."""
        config = self.folder / "nginx.conf"
        # Started by root, nginx would read the site as another user, who cannot enter our folder.
        user = "user root;" if os.geteuid() == 0 else ""
        values = {"folder": self.folder, "root": self.root, "port": self.port, "user": user}
        config.write_text(fill(self.template, {**values, **self.values()}))
        return [self.executable(), "-p", str(self.folder), "-c", str(config)]

    def values(self) -> dict[str, object]:
        """Further values of the template."""
        return {}

    def version(self) -> str:
        """From nginx -v: "nginx version: nginx/1.22.1"."""
        said = subprocess.run([self.executable(), "-v"], stderr=subprocess.PIPE, text=True, check=True).stderr
        return said.strip().removeprefix("nginx version: ").replace("/", " ")
