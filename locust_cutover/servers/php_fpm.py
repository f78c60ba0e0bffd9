"""php-fpm: runs PHP for servers that cannot run it themselves."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from locust_cutover.servers.program import Program
from locust_cutover.servers.server import Server, ServerError, fill

PHP_FPM = Program("php-fpm", "php-fpm", pattern="php-fpm*")

LONGEST = 107
"""The longest path of a socket on Linux, in bytes."""


class PhpFpm(Server):
    """A server that passes .php files to php-fpm over a socket in its folder."""

    needs = (PHP_FPM,)

    @property
    def socket(self) -> Path:
        """The socket of php-fpm."""
        return self.folder / "php-fpm.sock"

    def companions(self) -> list[list[str]]:
        """Write php-fpm.conf; run php-fpm in the foreground."""
        if len(os.fsencode(self.socket)) > LONGEST:
            # php-fpm would truncate the path and listen somewhere else.
            raise ServerError(f"server {self.name}: no socket can have a path of over {LONGEST} bytes: {self.socket}")
        config = self.folder / "php-fpm.conf"
        config.write_text(fill("php-fpm.conf", {"folder": self.folder, "socket": self.socket}))
        # Only root can enter root's folder, and php-fpm runs as root only with this option.
        root = ["--allow-to-run-as-root"] if os.geteuid() == 0 else []
        return [[self.find(PHP_FPM), "--nodaemonize", *root, "--fpm-config", str(config)]]

    def php_version(self) -> str:
        """From php-fpm -v: its first two words, such as "PHP 8.2.1"."""
        said = subprocess.run([self.find(PHP_FPM), "-v"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return " ".join(said.split()[:2])
