"""Caddy: static files, and the page by its templates or by php-fpm."""

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
        """Write the Caddyfile; run Caddy in the foreground with all its files in our folder."""
        config = self.folder / "Caddyfile"
        values = {"root": self.root, "port": self.port}
        config.write_text(fill(self.template, {**values, **self.values()}))
        homes = [f"{name}={self.folder}" for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")]
        return ["env", *homes, self.executable(), "run", "--config", str(config), "--adapter", "caddyfile"]

    def values(self) -> dict[str, object]:
        """Further values of the template."""
        return {}

    def version(self) -> str:
        """From caddy version: "2.6.2" on Debian, "v2.6.2 h1:…" elsewhere."""
        said = subprocess.run([self.executable(), "version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return f"Caddy {re.sub('^v', '', said.split()[0])}"


class CaddyPhp(PhpFpm, Caddy):
    """Caddy with php_fastcgi as in its manual: PHP gets the path through the link."""

    name = "caddy-php"
    template = "caddy-php.conf"

    def values(self) -> dict[str, object]:
        """The socket of php-fpm."""
        return {"socket": self.socket}

    def version(self) -> str:
        """Both versions."""
        return f"{super().version()}, {self.php_version()}"
