"""What only one server of the lab does, or only those with PHP."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest

from locust_cutover.servers.apache import NOBODY, Apache, ApachePhp, ApachePhpUncached
from locust_cutover.servers.caddy import Caddy, CaddyPhp
from locust_cutover.servers.embedded import Embedded, EmbeddedPinned
from locust_cutover.servers.lighttpd import Lighttpd
from locust_cutover.servers.nginx import Nginx
from locust_cutover.servers.nginx_php import NginxPhp
from locust_cutover.servers.server import Server, ServerError
from locust_cutover.servers.site import LINK, PAGE
from tests.servers.lab import FAILED, NOT_FOUND, STATIC, family_of, flip, get, made, on, running, seen, until


@on(Nginx, Apache, ApachePhp)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root")
def test_root_serves_a_folder_that_is_roots_alone(server: Server) -> None:
    """A temporary folder is: the workers of nginx would be another user, who may not enter it.

    Apache does not serve as root: it is nobody, who may enter every folder and has no other right of root's.
    """
    server.folder.chmod(0o700)
    assert seen(server, PAGE) == ["a", "a"]
    assert seen(server, STATIC) == ["a"]
    if isinstance(server, Apache):
        with family_of(server) as family:
            apaches = [member for member in family.members if member.name() == "apache2"]
            assert {apache.uids().effective for apache in apaches} == {int(NOBODY)}
            states = [Path(f"/proc/{apache.pid}/status").read_text() for apache in apaches]
        rights = {int(re.findall(r"^CapEff:\t(.*)$", state, re.MULTILINE)[0], 16) for state in states}
        assert rights == {1 << 1}, "CAP_DAC_OVERRIDE and nothing else"


@on(NginxPhp, ApachePhp)
def test_a_fatal_error_is_500_whatever_php_ini_says(
    kind: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where errors are shown, or the first part is sent before the second is made, it has status 200."""
    (tmp_path / "php.ini").write_text("display_errors = On\noutput_buffering = Off\n")
    monkeypatch.setenv("PHPRC", str(tmp_path))
    with running(kind, tmp_path) as server:
        os.unlink(server.root / "a" / "part.php")
        until(lambda: seen(server, PAGE) == [FAILED])  # opcache looks again after two seconds


@on(NginxPhp, CaddyPhp)
def test_a_folder_that_is_too_deep_for_a_socket_is_an_error(kind: type[Server], tmp_path: Path) -> None:
    """Before anything is started: php-fpm would cut the path off and listen there."""
    server = made(kind, tmp_path / ("x" * 100))
    with pytest.raises(ServerError, match=r"no socket can have a path of over 107 bytes: .*/php-fpm.sock$"):
        server.start()
    assert not server.alive()


@on(Nginx)
def test_nginx_in_sbin_is_found_without_a_path_to_it(
    kind: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian keeps servers where an ordinary user does not look."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kind.executable() == "/usr/sbin/nginx"


@on(Nginx)
def test_the_configuration_is_in_the_folder_and_filled_in(kind: type[Server], tmp_path: Path) -> None:
    """It can be read, and nginx run with it by hand, after --keep-site."""
    server = made(kind, tmp_path)
    command = server.command()
    config = tmp_path / "nginx.conf"
    assert command[-2:] == ["-c", str(config)]
    assert f"listen 127.0.0.1:{server.port};" in config.read_text()
    assert "@" not in config.read_text()
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    folders = {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"site", *folders}


REPORT = """<?php
$opcache = opcache_get_status();
echo json_encode([$opcache && $opcache['opcache_enabled'], realpath_cache_size() > 0]);
"""


@on(ApachePhp, ApachePhpUncached)
def test_php_says_whether_it_has_its_caches(server: Server) -> None:
    """As installed: both opcache and the realpath cache."""
    (server.root / "a" / "report.php").write_text(REPORT)
    expected = b"[true,true]" if type(server) is ApachePhp else b"[false,false]"
    assert get(server, f"/{LINK}/report.php").body == expected


@on(Caddy)
def test_nothing_of_caddy_is_left_in_the_users_home_and_nobody_can_change_its_configuration(
    kind: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it would keep certificates and more; its admin endpoint would be a second port, the same for each Caddy."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home))
    with running(kind, tmp_path / "folder") as server:
        assert get(server, PAGE).ok
        assert "admin endpoint disabled" in server.log.read_text()
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(("said", "version"), [("2.6.2", "2.6.2"), ("v2.7.6 h1:w0NymbG2m9PcvKWsrXO6", "2.7.6")])
def test_versions_of_other_builds_of_caddy_are_understood(
    said: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's says the bare number."""
    program = tmp_path / "caddy"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert Caddy(tmp_path, tmp_path).version() == f"Caddy {version}"


@on(Lighttpd)
def test_a_file_of_lighttpd_is_stale_for_a_moment(server: Server) -> None:
    """With status 200; after the second it is new."""
    releases = itertools.cycle("ba")

    def stale() -> bool:
        release = next(releases)
        before = seen(server, STATIC)
        flip(server.root, release)
        return seen(server, STATIC) == before != [release]

    until(stale)
    until(lambda: seen(server, STATIC) == [os.readlink(server.root / LINK)])


@on(Lighttpd)
def test_a_page_that_is_gone_within_the_second_is_500(server: Server) -> None:
    """The stat cache says that it is there, mod_ssi finds that it is not; after the second it is 404."""

    def within_the_second() -> bool:
        flip(server.root, "a")
        until(lambda: seen(server, PAGE) == ["a", "a"])
        os.unlink(server.root / LINK)
        return seen(server, PAGE) == [FAILED]

    until(within_the_second)
    until(lambda: seen(server, PAGE) == [NOT_FOUND])


@on(Embedded, EmbeddedPinned)
def test_the_embedded_server_is_told_whether_to_pin_and_does_not_log_visits(server: Server) -> None:
    """From outside the difference shows only when a flip falls between two parts; a log would fill the disk."""
    assert ("--pinned" in server.command()) == (type(server) is EmbeddedPinned)
    os.unlink(server.root / "a" / "part.html")
    assert seen(server, PAGE) == [FAILED]
    assert server.log.read_text() == ""
