"""The registry of the lab's servers."""

from __future__ import annotations

from locust_cutover.servers.apache import Apache, ApachePhp, ApachePhpUncached
from locust_cutover.servers.caddy import Caddy, CaddyPhp
from locust_cutover.servers.embedded import Embedded, EmbeddedPinned
from locust_cutover.servers.lighttpd import Lighttpd
from locust_cutover.servers.nginx import Nginx
from locust_cutover.servers.nginx_php import NginxPhp, NginxPhpRealpath
from locust_cutover.servers.server import Server

SERVERS: dict[str, type[Server]] = {
    server.name: server
    for server in (
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
    )
}
"""The servers by name, in the order of names.NAMES."""
