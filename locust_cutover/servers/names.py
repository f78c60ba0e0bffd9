"""The names of the lab's servers, for scenarios; importing them imports no server."""

from __future__ import annotations

NAMES = (
    "embedded",
    "embedded-pinned",
    "nginx",
    "nginx-php",
    "nginx-php-realpath",
    "apache",
    "apache-php",
    "apache-php-uncached",
    "caddy",
    "caddy-php",
    "lighttpd",
)
