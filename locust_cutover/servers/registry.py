"""Registry of the servers a scenario can name."""

from __future__ import annotations

from locust_cutover.servers.apache import Apache, ApachePhp, ApachePhpUncached
from locust_cutover.servers.caddy import Caddy, CaddyPhp
from locust_cutover.servers.embedded import Embedded, EmbeddedPinned
from locust_cutover.servers.lighttpd import Lighttpd
from locust_cutover.servers.names import NAMES
from locust_cutover.servers.nginx import Nginx
from locust_cutover.servers.nginx_php import NginxPhp, NginxPhpRealpath
from locust_cutover.servers.server import Server

_ALL: list[type[Server]] = [
    Embedded,
    EmbeddedPinned,
    Nginx,
    NginxPhp,
    NginxPhpRealpath,
    Apache,
    ApachePhp,
    ApachePhpUncached,
    Caddy,
    CaddyPhp,
    Lighttpd,
]

# In the order of the names; KeyError where one of either is missing.
SERVERS: dict[str, type[Server]] = {name: {server.name: server for server in _ALL}[name] for name in NAMES}
