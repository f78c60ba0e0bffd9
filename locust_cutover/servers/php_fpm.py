"""php-fpm: runs PHP beside the servers that cannot do so themselves."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from locust_cutover.servers.program import Program
from locust_cutover.servers.server import Server, ServerError, fill

PHP_FPM = Program("php-fpm", "php-fpm", pattern="php-fpm*")

LONGEST = 107
"""Bytes that Linux allows for the path of a socket."""


class PhpFpm(Server):
    """A server that hands what ends in .php to php-fpm, over a socket in its folder."""

    needs = (PHP_FPM,)

    @property
    def socket(self) -> Path:
        """Where php-fpm listens."""
        return self.folder / "php-fpm.sock"

    def companions(self) -> list[list[str]]:
        """Write php-fpm.conf; php-fpm in the foreground."""
        if len(os.fsencode(self.socket)) > LONGEST:
            # php-fpm would cut the path off and listen somewhere else.
            raise ServerError(f"server {self.name}: no socket can have a path of over {LONGEST} bytes: {self.socket}")
        config = self.folder / "php-fpm.conf"
        config.write_text(fill("php-fpm.conf", {"folder": self.folder, "socket": self.socket}))
        # Another user than root could not enter root's folder; php-fpm wants to be told so.
        root = ["--allow-to-run-as-root"] if os.geteuid() == 0 else []
        return [[self.find(PHP_FPM), "--nodaemonize", *root, "--fpm-config", str(config)]]

    def php_version(self) -> str:
        """The first two words of php-fpm -v: PHP and its version."""
        said = subprocess.run([self.find(PHP_FPM), "-v"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return " ".join(said.split()[:2])
