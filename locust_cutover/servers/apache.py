"""Apache: static files and the page by server-side includes, or by its own PHP, with and without its caches."""

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
"""Where Debian keeps them."""

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
        """Write apache.conf; Apache in the foreground, all its files in our folder."""
        config = self.folder / "apache.conf"
        values = {"folder": self.folder, "root": self.root, "port": self.port, "modules": MODULES}
        config.write_text(fill(self.template, {**values, **self.values()}))
        command = [self.executable(), "-D", "FOREGROUND", "-f", str(config)]
        return [*self._nobody(), *command] if os.geteuid() == 0 else command

    def values(self) -> dict[str, object]:
        """What else the template wants."""
        return {}

    def version(self) -> str:
        """What apache2 -v says: "Server version: Apache/2.4.71 (Debian)"."""
        said = subprocess.run([self.executable(), "-v"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return said.split()[2].replace("/", " ")

    def _nobody(self) -> list[str]:
        """Apache refuses to serve as root, and nobody may not enter our folder: be nobody with that right of root."""
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        # Becoming another user would cut it off the leash.
        return [self.find(SETPRIV), *user, *rights, "--pdeathsig=TERM"]


class ApachePhp(Apache):
    """With mod_php, and PHP's caches as they are installed."""

    name = "apache-php"
    needs: ClassVar[Sequence[Program]] = (SETPRIV, PHP)
    template = "apache-php.conf"
    caches: ClassVar[str] = ""

    def values(self) -> dict[str, object]:
        """The module, and what makes the difference."""
        return {"php": self.find(PHP), "caches": self.caches}

    def version(self) -> str:
        """Of both. PHP's is that of the header which the module can send: no other PHP need be installed."""
        said = re.search(rb"X-Powered-By: PHP/([\d.]+)", Path(self.find(PHP)).read_bytes())
        return f"{super().version()}, PHP {said[1].decode() if said else '?'}"


class ApachePhpUncached(ApachePhp):
    """With opcache and the realpath cache off: each request looks at the link."""

    name = "apache-php-uncached"
    caches = "php_admin_flag opcache.enable off\nphp_admin_value realpath_cache_size 0"
