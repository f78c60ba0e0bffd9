"""nginx with php-fpm: the path that nginx gives to PHP decides whether a flip is seen."""

from __future__ import annotations

from typing import ClassVar

from locust_cutover.servers.nginx import Nginx
from locust_cutover.servers.php_fpm import PhpFpm
from locust_cutover.servers.site import LINK


class NginxPhp(PhpFpm, Nginx):
    """Gives the path through the link, as most configurations do: PHP keeps the release that it met there first.

    For minutes, and when its caches forget at different times, the page is of two releases.
    """

    name = "nginx-php"
    template = "nginx-php.conf"
    document_root: ClassVar[str] = "$document_root"

    def values(self) -> dict[str, object]:
        """The link, the socket and the variable that makes the difference."""
        return {"link": LINK, "socket": self.socket, "document_root": self.document_root}

    def version(self) -> str:
        """Of both."""
        return f"{super().version()}, {self.php_version()}"


class NginxPhpRealpath(NginxPhp):
    """Resolves the link at each request and gives the path of the release: to PHP's caches a new one is a new file."""

    name = "nginx-php-realpath"
    document_root = "$realpath_root"
