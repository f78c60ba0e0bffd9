"""Caddy: static files and the page by its templates, or by php-fpm."""

from __future__ import annotations

import re
import subprocess
from typing import ClassVar

from locust_cutover.servers.php_fpm import PhpFpm
from locust_cutover.servers.server import Server, fill


class Caddy(Server):
    """Debian's Caddy, run by root or by an ordinary user."""

    name = "caddy"
    program = "caddy"
    package = "caddy"
    template: ClassVar[str] = "caddy.conf"

    def command(self) -> list[str]:
        """Write the Caddyfile; Caddy in the foreground, all its files in our folder."""
        config = self.folder / "Caddyfile"
        values = {"root": self.root, "port": self.port}
        config.write_text(fill(self.template, {**values, **self.values()}))
        homes = [f"{name}={self.folder}" for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")]
        return ["env", *homes, self.executable(), "run", "--config", str(config), "--adapter", "caddyfile"]

    def values(self) -> dict[str, object]:
        """What else the template wants."""
        return {}

    def version(self) -> str:
        """What caddy version says: 2.6.2 by Debian, v2.6.2 and a checksum by others."""
        said = subprocess.run([self.executable(), "version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return f"Caddy {re.sub('^v', '', said.split()[0])}"


class CaddyPhp(PhpFpm, Caddy):
    """With php_fastcgi as Caddy's manual gives it: the path goes through the link."""

    name = "caddy-php"
    template = "caddy-php.conf"

    def values(self) -> dict[str, object]:
        """Where php-fpm listens."""
        return {"socket": self.socket}

    def version(self) -> str:
        """Of both."""
        return f"{super().version()}, {self.php_version()}"
