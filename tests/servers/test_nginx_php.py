"""nginx with php-fpm: stale after an atomic flip by the path through the link, new by the path of the release."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from locust_cutover.judging.answers import REFUSED
from locust_cutover.servers.nginx_php import NginxPhp, NginxPhpRealpath
from locust_cutover.servers.php_fpm import PHP_FPM
from locust_cutover.servers.program import Program
from locust_cutover.servers.server import NotInstalledError, Server, ServerError
from locust_cutover.servers.site import LINK, PAGE
from tests.conftest import require
from tests.servers.lab import FRAMEWORK, STATIC, family_of, flip, get, made, running, seen, until


@pytest.fixture(autouse=True)
def installed() -> None:
    """There is no other way to test it."""
    require(NginxPhp)


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """The server that the test names, with releases that opcache takes at once."""
    kind: type[Server] = getattr(request, "param", NginxPhp)
    with running(kind, tmp_path) as server:
        yield server


BOTH = pytest.mark.parametrize("server", [NginxPhp, NginxPhpRealpath], indirect=True)


@pytest.mark.parametrize("path", [PAGE, FRAMEWORK])
def test_the_path_through_the_link_is_stale_after_an_atomic_flip(server: Server, path: str) -> None:
    """With status 200: PHP still has for that path the release that it met there first."""
    for _ in range(10):
        assert seen(server, path) == ["a", "a"]
    flip(server.root, "b")
    assert ["a", "a"] in [seen(server, path) for _ in range(10)]
    assert get(server, path).name == "200 OK"


@pytest.mark.parametrize("server", [NginxPhpRealpath], indirect=True)
@pytest.mark.parametrize("path", [PAGE, FRAMEWORK])
def test_the_path_of_the_release_is_new_with_the_next_request(server: Server, path: str) -> None:
    """Time after time, with PHP's caches as they are."""
    for release in "abababab":
        flip(server.root, release)
        assert [seen(server, path) for _ in range(5)] == [[release, release]] * 5


def test_a_file_is_nginxs_own_and_new_at_once(server: Server) -> None:
    """PHP has no part in it: assets of the new release beside a page of the old."""
    assert seen(server, STATIC) == ["a"]
    flip(server.root, "b")
    assert seen(server, STATIC) == ["b"]


@BOTH
def test_a_restart_of_php_shows_the_new_release(server: Server) -> None:
    """Its caches are those of its processes."""
    assert seen(server, PAGE) == ["a", "a"]
    flip(server.root, "b")
    server.stop()
    server.start()
    server.wait_until_ready(PAGE)
    assert (seen(server, PAGE), seen(server, FRAMEWORK)) == (["b", "b"], ["b", "b"])


@BOTH
@pytest.mark.parametrize("path", [PAGE, FRAMEWORK])
def test_a_missing_part_is_500_without_a_word_about_it(server: Server, path: str) -> None:
    """Not 200 with PHP's words in the page."""
    os.unlink(server.root / "a" / "part.php")
    until(lambda: get(server, path).name == "500 Internal Server Error")  # opcache looks again after two seconds
    answer = get(server, path)
    assert b"part.php" not in answer.body
    assert "part.php" in (server.folder / "nginx-error.log").read_text()


def test_a_fatal_error_is_500_whatever_php_ini_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where errors are shown, or the first part is sent before the second is made, it has status 200."""
    (tmp_path / "php.ini").write_text("display_errors = On\noutput_buffering = Off\n")
    monkeypatch.setenv("PHPRC", str(tmp_path))
    with running(NginxPhp, tmp_path) as server:
        os.unlink(server.root / "a" / "part.php")
        until(lambda: get(server, PAGE).name == "500 Internal Server Error")  # opcache looks again after two seconds


def test_without_the_link_nginx_does_not_ask_php(server: Server) -> None:
    """It looks for the index itself: 404, and 403 when the release is there without an index."""
    os.unlink(server.root / LINK)
    assert get(server, PAGE).name == "404 Not Found"
    flip(server.root, "a")
    os.unlink(server.root / "a" / "index.php")
    assert get(server, PAGE).name == "403 Forbidden"


@pytest.mark.parametrize("program", ["nginx", "php-fpm"])
def test_half_a_server_is_none(server: Server, program: str) -> None:
    """Whichever ends, the other is ended, and the run is told."""
    with family_of(server) as family:
        masters = [member for member in family.members[0].children() if member.name().startswith(program)]
        assert len(masters) == 1
        masters[0].kill()
        family.wait_until_ended()
    assert not server.alive()
    assert get(server, PAGE).name == REFUSED


def test_the_version_is_that_of_both(server: Server) -> None:
    """Either may be to blame."""
    assert re.fullmatch(r"nginx \d+\.\d+\.\d+.*, PHP \d+\.\d+\.\d+.*", server.version())


def test_a_folder_that_is_too_deep_for_a_socket_is_an_error(tmp_path: Path) -> None:
    """Before anything is started: php-fpm would cut the path off and listen there."""
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    server = made(NginxPhp, deep)
    with pytest.raises(ServerError, match=r"no socket can have a path of over 107 bytes: .*/php-fpm.sock$"):
        server.start()
    assert not server.alive()


def executable(path: Path) -> Path:
    """A program that does nothing."""
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_php_fpm_is_found_by_its_version_and_the_newest_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian has php-fpm8.2 and no php-fpm; what cannot be run is none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    executable(tmp_path / "php-fpm8.1")
    newest = executable(tmp_path / "php-fpm8.3")
    (tmp_path / "php-fpm8.9").write_text("")
    (tmp_path / "php-fpm9.0").mkdir()
    assert PHP_FPM.path() == str(newest)


def test_all_that_is_not_installed_is_named_at_once() -> None:
    """One look at the error, one command."""

    class Bare(NginxPhp):
        """On a machine that has neither."""

        name = "bare"
        program = "no-such-nginx"
        package = "nginx"
        needs = (Program("php-fpm", "php-fpm", pattern="no-such-php-fpm*"),)

    with pytest.raises(NotInstalledError) as error:
        Bare.check()
    assert str(error.value) == (
        "server bare: no-such-nginx and php-fpm are not installed; "
        "on Debian and Ubuntu: apt-get install nginx php-fpm (or: make servers)"
    )
