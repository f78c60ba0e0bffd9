"""nginx with php-fpm: the path that nginx passes to PHP decides whether PHP sees a flip."""

from __future__ import annotations

from typing import ClassVar

from locust_cutover.servers.nginx import Nginx
from locust_cutover.servers.php_fpm import PhpFpm
from locust_cutover.servers.site import LINK


class NginxPhp(PhpFpm, Nginx):
    """nginx that passes the path through the link, as most configurations do.

    PHP's caches keep the old release for minutes. They expire at different times, so pages can be torn.
    """

    name = "nginx-php"
    template = "nginx-php.conf"
    document_root: ClassVar[str] = "$document_root"

    def values(self) -> dict[str, object]:
        """The link, the socket of php-fpm and the variable with the path."""
        return {"link": LINK, "socket": self.socket, "document_root": self.document_root}

    def version(self) -> str:
        """Both versions."""
        return f"{super().version()}, {self.php_version()}"


class NginxPhpRealpath(NginxPhp):
    """nginx that resolves the link at each request: to PHP's caches a new release is a new file."""

    name = "nginx-php-realpath"
    document_root = "$realpath_root"
