"""Servers that a test starts by itself, with a configuration of its own, as a user's server would be there already."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from locust_cutover.servers.nginx import Nginx
from locust_cutover.servers.nginx_php import NginxPhp
from locust_cutover.servers.php_fpm import PHP_FPM
from tests.conftest import require

PATIENCE = 30.0

NGINX = """
daemon off;
{user}
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    types {{ text/html html; }}
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    {http}
    {block}
}}
"""

SLOW = "limit_rate 10k; sendfile_max_chunk 512;"
"""A page of 1.5 KB takes over 50 ms: each visitor is always in a visit, so that even a flip of a millisecond is met."""

SERVER = """server {{
        listen 127.0.0.1:{port}{tls};
        root {root};
        index index.html;
        {server}
    }}"""

FPM = """
[global]
error_log = {folder}/fpm.log
[www]
listen = {folder}/fpm.sock
pm = static
pm.max_children = 2
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def nginx(
    folder: Path, root: Path, *, server: str = "", tls: bool = False, block: str = "", http: str = ""
) -> Iterator[int]:
    """An nginx of the test's own that serves `root`; its port.

    `server`: what else its server block holds; `block`: all of it, written for port 8080; `http`: what goes before it.
    """
    require(Nginx)
    port = free_port()
    server = server.replace("@folder", str(folder))
    block = block.replace(":8080", f":{port}") or SERVER.format(
        port=port, root=root, server=server, tls=" ssl" if tls else ""
    )
    folder.mkdir(exist_ok=True)
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(NGINX.format(folder=folder, user=user, block=block, http=http))
    with running([Nginx.executable(), "-p", str(folder), "-c", str(config)], port, folder / "error.log"):
        yield port


@contextlib.contextmanager
def php_fpm(folder: Path) -> Iterator[Path]:
    """A php-fpm of the test's own; its socket."""
    require(NginxPhp)
    folder.mkdir(exist_ok=True)
    config = folder / "php-fpm.conf"
    config.write_text(FPM.format(folder=folder))
    root = ["--allow-to-run-as-root"] if os.geteuid() == 0 else []
    command = [NginxPhp.find(PHP_FPM), "--nodaemonize", *root, "--fpm-config", str(config)]
    with running(command, folder / "fpm.sock", folder / "fpm.log"):
        yield folder / "fpm.sock"


@contextlib.contextmanager
def running(
    command: list[str], address: int | Path, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A program that runs until the end, once it listens."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _listens(address):
            assert process.poll() is None, log.read_text() if log.exists() else command
            assert time.monotonic() < deadline, command
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _listens(address: int | Path) -> bool:
    family = socket.AF_INET if isinstance(address, int) else socket.AF_UNIX
    with socket.socket(family) as probe:
        return probe.connect_ex(("127.0.0.1", address) if isinstance(address, int) else str(address)) == 0


def certificate(folder: Path, name: str) -> tuple[str, Path]:
    """A certificate for `name` by an authority that nobody knows: what an nginx is told, and the authority's file."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    mine = authority.issue_cert(name)
    folder.mkdir(exist_ok=True)
    mine.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    assert ssl.create_default_context(cafile=folder / "ca.pem")
    return f"ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;", folder / "ca.pem"
