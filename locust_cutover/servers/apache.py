"""Apache: static files, and the page by server-side includes or by mod_php, with and without PHP's caches."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from locust_cutover.servers.program import Program
from locust_cutover.servers.server import Server, fill

MODULES = "/usr/lib/apache2/modules"
"""The folder on Debian."""

PHP = Program("mod_php", "libapache2-mod-php", pattern="libphp*.so", folder=MODULES)

SETPRIV = Program("setpriv", "util-linux")

NOBODY = "65534"


class Apache(Server):
    """Debian's Apache with its event MPM, run by root or by an ordinary user."""

    name = "apache"
    program = "apache2"
    package = "apache2"
    needs: ClassVar[Sequence[Program]] = (SETPRIV,)
    template: ClassVar[str] = "apache.conf"

    def command(self) -> list[str]:
        """Write apache.conf; run Apache in the foreground with all its files in our folder."""
        config = self.folder / "apache.conf"
        values = {"folder": self.folder, "root": self.root, "port": self.port, "modules": MODULES}
        config.write_text(fill(self.template, {**values, **self.values()}))
        command = [self.executable(), "-D", "FOREGROUND", "-f", str(config)]
        return [*self._nobody(), *command] if os.geteuid() == 0 else command

    def values(self) -> dict[str, object]:
        """Further values of the template."""
        return {}

    def version(self) -> str:
        """From apache2 -v: "Server version: Apache/2.4.71 (Debian)"."""
        said = subprocess.run([self.executable(), "-v"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return said.split()[2].replace("/", " ")

    def _nobody(self) -> list[str]:
        """Run as nobody with root's right to read our folder, because Apache refuses to serve as root."""
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        # A change of user would clear the parent-death signal of the leash.
        return [self.find(SETPRIV), *user, *rights, "--pdeathsig=TERM"]


class ApachePhp(Apache):
    """Apache with mod_php and PHP's default caches."""

    name = "apache-php"
    needs: ClassVar[Sequence[Program]] = (SETPRIV, PHP)
    template = "apache-php.conf"
    caches: ClassVar[str] = ""

    def values(self) -> dict[str, object]:
        """The path of the module, and the settings of the caches."""
        return {"php": self.find(PHP), "caches": self.caches}

    def version(self) -> str:
        """Both versions. PHP's is read from the header in the module, so no other PHP must be installed."""
        said = re.search(rb"X-Powered-By: PHP/([\d.]+)", Path(self.find(PHP)).read_bytes())
        return f"{super().version()}, PHP {said[1].decode() if said else '?'}"


class ApachePhpUncached(ApachePhp):
    """Apache with opcache and realpath cache off, so each request reads the link."""

    name = "apache-php-uncached"
    caches = "php_admin_flag opcache.enable off\nphp_admin_value realpath_cache_size 0"
