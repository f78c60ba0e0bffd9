"""lighttpd: what its stat cache knows of a file, it trusts for a second."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from locust_cutover.servers.lighttpd import Lighttpd
from locust_cutover.servers.server import Server
from locust_cutover.servers.site import LINK, PAGE
from tests.conftest import require
from tests.servers.lab import STATIC, flip, get, running, seen, until


@pytest.fixture(autouse=True)
def installed() -> None:
    """There is no other way to test it."""
    require(Lighttpd)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """lighttpd, ready to be visited."""
    with running(Lighttpd, tmp_path) as server:
        yield server


def test_the_page_is_new_with_the_next_request(server: Server) -> None:
    """mod_ssi opens both parts anew."""
    for release in "abababab":
        flip(server.root, release)
        assert seen(server, PAGE) == [release, release]


def test_a_file_is_stale_for_a_moment(server: Server) -> None:
    """With status 200; after the second it is new."""
    releases = itertools.cycle("ba")

    def stale() -> bool:
        release = next(releases)
        before = seen(server, STATIC)
        flip(server.root, release)
        return seen(server, STATIC) == before != [release]

    until(stale)
    until(lambda: seen(server, STATIC) == [os.readlink(server.root / LINK)])


def test_a_missing_part_is_missing_in_a_page_with_status_200(server: Server) -> None:
    """No status counter sees it: the page has a mark too few, and not a word about it."""
    os.unlink(server.root / "a" / "part.html")
    answer = get(server, PAGE)
    assert answer.name == "200 OK"
    assert answer.body.endswith(b"<p>Hello World from a!</p>\n\n")


def test_a_page_that_is_gone_within_the_second_is_500(server: Server) -> None:
    """The stat cache says that it is there, mod_ssi finds that it is not; after the second it is 404."""

    def within_the_second() -> bool:
        flip(server.root, "a")
        until(lambda: get(server, PAGE).name == "200 OK")
        os.unlink(server.root / LINK)
        return get(server, PAGE).name == "500 Internal Server Error"

    until(within_the_second)
    until(lambda: get(server, PAGE).name == "404 Not Found")
