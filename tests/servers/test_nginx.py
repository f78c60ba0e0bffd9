"""nginx, as Debian has it: static files and pages by server-side includes, run by whoever runs Locust."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from locust_cutover.servers.nginx import Nginx
from locust_cutover.servers.site import LINK, MARK, PAGE
from tests.conftest import require
from tests.servers.lab import get, made, running

NOBODY = 65534
"""An ordinary user of every Linux."""


@pytest.fixture(autouse=True)
def installed() -> None:
    """There is no other way to test it."""
    require(Nginx)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nginx]:
    """nginx, ready to be visited."""
    with running(Nginx, tmp_path) as server:
        assert isinstance(server, Nginx)
        yield server


def test_a_missing_part_is_nginxs_own_text_in_a_page_with_status_200(server: Nginx) -> None:
    """No status counter sees it: the page has a mark too few."""
    os.unlink(server.root / "a" / "part.html")
    answer = get(server, PAGE)
    assert answer.name == "200 OK"
    assert re.findall(MARK, answer.body.decode()) == ["a"]
    assert b"404 Not Found" in answer.body


def test_a_release_without_an_index_is_forbidden(server: Nginx) -> None:
    """nginx looks for the folder first and for its index then: a flip in between gives 403, not 404."""
    os.unlink(server.root / "a" / "index.html")
    assert get(server, PAGE).name == "403 Forbidden"


def test_nginx_in_sbin_is_found_without_a_path_to_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Debian keeps servers where an ordinary user does not look."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Nginx.executable() == "/usr/sbin/nginx"


def test_the_configuration_is_in_the_folder_and_filled_in(tmp_path: Path) -> None:
    """It can be read, and nginx run with it by hand, after --keep-site."""
    server = made(Nginx, tmp_path)
    command = server.command()
    config = tmp_path / "nginx.conf"
    assert command[-2:] == ["-c", str(config)]
    assert f"listen 127.0.0.1:{server.port};" in config.read_text()
    assert "@" not in config.read_text()
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    folders = {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"site", *folders}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root")
def test_root_serves_a_folder_that_is_roots_alone(tmp_path: Path) -> None:
    """A temporary folder is: nginx's workers would be another user, who may not enter it."""
    tmp_path.chmod(0o700)
    with running(Nginx, tmp_path) as server:
        assert get(server, PAGE).name == "200 OK"
        assert get(server, f"/{LINK}/static.html").name == "200 OK"
