"""The names of the lab's servers, as a scenario says them; without a server being imported."""

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
