"""Apache: pages by server-side includes or by its own PHP, whose caches know only the release they met first."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from locust_cutover.client.connection import Connection
from locust_cutover.servers.apache import NOBODY, PHP, Apache, ApachePhp, ApachePhpUncached
from locust_cutover.servers.program import Program
from locust_cutover.servers.server import NotInstalledError, Server
from locust_cutover.servers.site import LINK, MARK, PAGE
from tests.conftest import require
from tests.servers.lab import FRAMEWORK, STATIC, family_of, flip, get, running, until


@pytest.fixture(autouse=True)
def installed() -> None:
    """There is no other way to test it."""
    require(Apache)
    require(ApachePhp)


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """The server that the test names, with releases that opcache takes at once."""
    kind: type[Server] = request.param
    with running(kind, tmp_path) as server:
        yield server


@pytest.fixture
def connection(server: Server) -> Iterator[Connection]:
    """A connection is kept by one process of Apache: each has a realpath cache of its own."""
    connection = Connection(server.url, 20)
    yield connection
    connection.close()


def seen(connection: Connection, path: str) -> list[str]:
    """The releases that the parts of the page came from."""
    answer = connection.exchange(path)
    assert answer.name == "200 OK"
    return re.findall(MARK, answer.body.decode())


def only(kind: type[Server]) -> pytest.MarkDecorator:
    """For this server."""
    return pytest.mark.parametrize("server", [kind], indirect=True)


@only(Apache)
def test_a_missing_part_is_apaches_own_text_in_a_page_with_status_200(server: Server) -> None:
    """No status counter sees it: the page has a mark too few."""
    os.unlink(server.root / "a" / "part.html")
    answer = get(server, PAGE)
    assert answer.name == "200 OK"
    assert re.findall(MARK, answer.body.decode()) == ["a"]
    assert b"an error occurred while processing this directive" in answer.body


@only(Apache)
def test_without_php_a_flip_is_seen_with_the_next_request(server: Server, connection: Connection) -> None:
    """Apache keeps nothing of a file."""
    for release in "abab":
        flip(server.root, release)
        assert seen(connection, PAGE) == [release, release]
        assert seen(connection, STATIC) == [release]


@only(ApachePhp)
@pytest.mark.parametrize("path", [PAGE, FRAMEWORK])
def test_php_is_stale_after_an_atomic_flip(server: Server, connection: Connection, path: str) -> None:
    """With status 200: it still has for that path the release that it met there first. Apache's own file is new."""
    assert seen(connection, path) == ["a", "a"]
    flip(server.root, "b")
    assert seen(connection, path) == ["a", "a"]
    assert seen(connection, STATIC) == ["b"]


@only(ApachePhpUncached)
@pytest.mark.parametrize("path", [PAGE, FRAMEWORK])
def test_php_without_its_caches_is_new_with_the_next_request(server: Server, connection: Connection, path: str) -> None:
    """Time after time: each request looks at the link."""
    for release in "abababab":
        flip(server.root, release)
        assert seen(connection, path) == [release, release]


REPORT = """<?php
$opcache = opcache_get_status();
echo json_encode([$opcache && $opcache['opcache_enabled'], realpath_cache_size() > 0]);
"""


@pytest.mark.parametrize(("server", "caches"), [(ApachePhp, True), (ApachePhpUncached, False)], indirect=["server"])
def test_php_says_whether_it_has_its_caches(server: Server, caches: bool) -> None:
    """As installed: both opcache and the realpath cache."""
    (server.root / "a" / "report.php").write_text(REPORT)
    expected = b"[true,true]" if caches else b"[false,false]"
    assert get(server, f"/{LINK}/report.php").body == expected


@pytest.mark.parametrize("server", [ApachePhp, ApachePhpUncached], indirect=True)
@pytest.mark.parametrize("path", [PAGE, FRAMEWORK])
def test_a_missing_part_is_500_without_a_word_about_it(server: Server, path: str) -> None:
    """Not 200 with PHP's words in the page; they are in the log."""
    os.unlink(server.root / "a" / "part.php")
    until(lambda: get(server, path).name == "500 Internal Server Error")  # opcache looks again after two seconds
    answer = get(server, path)
    assert b"part.php" not in answer.body
    assert "part.php" in server.log.read_text()


def test_a_fatal_error_is_500_whatever_php_ini_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where errors are shown, or the first part is sent before the second is made, it has status 200."""
    (tmp_path / "php.ini").write_text("display_errors = On\noutput_buffering = Off\n")
    monkeypatch.setenv("PHPRC", str(tmp_path))
    with running(ApachePhp, tmp_path) as server:
        os.unlink(server.root / "a" / "part.php")
        until(lambda: get(server, PAGE).name == "500 Internal Server Error")  # opcache looks again after two seconds


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root")
@pytest.mark.parametrize("server", [Apache, ApachePhp], indirect=True)
def test_root_serves_a_folder_that_is_roots_alone(server: Server) -> None:
    """Apache does not serve as root: it is nobody, who may enter every folder and has no other right of root's."""
    server.folder.chmod(0o700)
    assert get(server, PAGE).name == "200 OK"
    with family_of(server) as family:
        apaches = [member for member in family.members if member.name() == "apache2"]
        assert {apache.uids().effective for apache in apaches} == {int(NOBODY)}
        rights = {re.findall(r"^CapEff:\t(.*)$", status(apache.pid), re.MULTILINE)[0] for apache in apaches}
    assert {int(right, 16) for right in rights} == {1 << 1}, "CAP_DAC_OVERRIDE and nothing else"


def status(pid: int) -> str:
    """What Linux says of a process."""
    return Path(f"/proc/{pid}/status").read_text()


@only(ApachePhp)
def test_the_version_is_that_of_both(server: Server) -> None:
    """Either may be to blame."""
    assert re.fullmatch(r"Apache \d+\.\d+\.\d+, PHP \d+\.\d+\.\d+", server.version())


def test_the_module_is_found_in_its_folder_by_its_version(tmp_path: Path) -> None:
    """It is no program: nobody runs it, and PATH does not lead to it."""
    module = Program("mod_php", "libapache2-mod-php", pattern="libphp*.so", folder=str(tmp_path))
    assert module.path() is None
    (tmp_path / "libphp8.2.so").write_text("")
    (tmp_path / "libphp8.1.so").write_text("")
    assert module.path() == str(tmp_path / "libphp8.2.so")


def test_a_module_that_is_not_installed_is_named_with_its_package() -> None:
    """Apache itself may be there."""

    class Bare(ApachePhp):
        """On a machine without PHP."""

        name = "bare"
        needs = (Program(PHP.name, PHP.package, pattern=PHP.pattern, folder="/no/such/folder"),)

    with pytest.raises(NotInstalledError) as error:
        Bare.check()
    assert str(error.value) == (
        "server bare: mod_php is not installed; "
        "on Debian and Ubuntu: apt-get install libapache2-mod-php (or: make servers)"
    )
