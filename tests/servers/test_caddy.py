"""Caddy: pages by its templates, or by php-fpm behind php_fastcgi."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from locust_cutover.judging.answers import TRUNCATED
from locust_cutover.servers.caddy import Caddy, CaddyPhp
from locust_cutover.servers.server import Server
from locust_cutover.servers.site import PAGE
from tests.conftest import require
from tests.servers.lab import FRAMEWORK, STATIC, flip, get, running, seen, until


@pytest.fixture(autouse=True)
def installed() -> None:
    """There is no other way to test it."""
    require(Caddy)
    require(CaddyPhp)


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[Server]:
    """Caddy with its templates."""
    with running(Caddy, tmp_path) as server:
        yield server


@pytest.fixture
def php(tmp_path: Path) -> Iterator[Server]:
    """Caddy with PHP, and releases that opcache takes at once."""
    with running(CaddyPhp, tmp_path) as server:
        yield server


def test_a_flip_is_seen_with_the_next_request(caddy: Server) -> None:
    """Caddy keeps nothing of a file."""
    for release in "abab":
        flip(caddy.root, release)
        assert seen(caddy, PAGE) == [release, release]
        assert seen(caddy, STATIC) == [release]


def test_a_page_whose_part_is_missing_is_lost(caddy: Server) -> None:
    """The template fails: 500, and Caddy 2.6 announces the length of a page that it does not send."""
    os.unlink(caddy.root / "a" / "part.html")
    answer = get(caddy, PAGE)
    assert answer.status == 500
    assert answer.name in (TRUNCATED, "500 Internal Server Error")


def test_nothing_is_left_in_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There Caddy would keep its configuration, certificates and more."""
    home, folder = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home))
    with running(Caddy, folder) as server:
        assert get(server, PAGE).ok
    assert list(home.iterdir()) == []


def test_nobody_can_change_its_configuration(caddy: Server) -> None:
    """Its admin endpoint would be a second port, the same for each Caddy on the machine."""
    assert "admin endpoint disabled" in caddy.log.read_text()


@pytest.mark.parametrize("path", [PAGE, FRAMEWORK])
def test_php_is_stale_after_an_atomic_flip(php: Server, path: str) -> None:
    """With status 200: the path goes through the link, and PHP has the release that it met there first."""
    for _ in range(10):
        assert seen(php, path) == ["a", "a"]
    flip(php.root, "b")
    assert ["a", "a"] in [seen(php, path) for _ in range(10)]
    assert get(php, path).name == "200 OK"
    assert seen(php, STATIC) == ["b"]


@pytest.mark.parametrize("path", [PAGE, FRAMEWORK])
def test_a_missing_part_is_500_without_a_word_about_it(php: Server, path: str) -> None:
    """Not 200 with PHP's words in the page."""
    os.unlink(php.root / "a" / "part.php")
    until(lambda: get(php, path).name == "500 Internal Server Error")  # opcache looks again after two seconds
    answer = get(php, path)
    assert b"part.php" not in answer.body


def test_the_version_is_that_of_all(caddy: Server, tmp_path: Path) -> None:
    """Either may be to blame."""
    assert re.fullmatch(r"Caddy \d+\.\d+\.\d+\S*", caddy.version())
    assert re.fullmatch(r"Caddy \d+\.\d+\.\d+\S*, PHP \d+\.\d+\.\d+.*", CaddyPhp(tmp_path, tmp_path).version())


@pytest.mark.parametrize(("said", "version"), [("2.6.2", "2.6.2"), ("v2.7.6 h1:w0NymbG2m9PcvKWsrXO6", "2.7.6")])
def test_versions_of_other_builds_are_understood(
    said: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's says the bare number."""
    program = tmp_path / "caddy"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert Caddy(tmp_path, tmp_path).version() == f"Caddy {version}"
