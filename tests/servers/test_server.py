"""What a scenario may expect of each server of the lab, and what it leaves behind: nothing."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest

from locust_cutover.servers import server as module
from locust_cutover.servers.embedded import Embedded
from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.server import NotInstalledError, ServerError, Template, fill
from locust_cutover.servers.site import LINK, PAGE
from tests.conftest import require
from tests.servers.lab import flip, get, made, running, seen


def test_a_scenario_finds_a_server_by_its_name() -> None:
    """The registry has each under the name that it gives itself."""
    assert {name: kind.name for name, kind in SERVERS.items()} == {name: name for name in SERVERS}
    assert {"embedded", "embedded-pinned", "nginx"} <= set(SERVERS)


# Servers that are not what they should be.


class Talkative(Embedded):
    """Says much and ends."""

    name = "talkative"

    def command(self) -> list[str]:
        """A shell, for want of a server."""
        return [
            "sh",
            "-c",
            "for word in one two three four five six; do echo $word; done; printf '\\377\\n' >&2; exit 1",
        ]


class Missing(Embedded):
    """Is not there."""

    name = "missing"
    program = "no-such-server"
    package = "no-such-package"

    def command(self) -> list[str]:
        """A program nobody has."""
        return [self.executable()]


def test_a_server_that_ends_while_starting_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    """Five lines, whatever is in them."""
    server = made(Talkative, tmp_path)
    server.start()
    with pytest.raises(ServerError) as error:
        server.wait_until_ready(PAGE)
    server.stop()
    assert str(error.value) == (
        "server talkative: ended while starting\n  three\n  four\n  five\n  six\n  \N{REPLACEMENT CHARACTER}"
    )


def test_a_server_without_the_page_is_an_error_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs, but not as it must: the error names the page and what came instead."""
    with running(Embedded, tmp_path) as server:
        monkeypatch.setattr(module, "READY_WITHIN", 0.1)
        with pytest.raises(ServerError) as error:
            server.wait_until_ready(f"/{LINK}/missing.html")
        assert str(error.value).startswith("server embedded: /current/missing.html gives 404 Not Found")


def test_a_program_that_is_not_installed_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """Before anything is started."""
    said = (
        "server missing: no-such-server is not installed; "
        "on Debian and Ubuntu: apt-get install no-such-package (or: make servers)"
    )
    with pytest.raises(NotInstalledError) as error:
        Missing.check()
    assert str(error.value) == said
    server = made(Missing, tmp_path)
    with pytest.raises(NotInstalledError) as error:
        server.start()
    assert str(error.value) == said
    assert not server.alive()


def test_a_test_of_a_server_that_is_not_installed_is_skipped_but_not_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """There all servers must be installed: a test that is never run proves nothing."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed"):
        require(Missing)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-server is not installed"):
        require(Missing)
    require(Embedded)


# Ports and configurations.


def test_no_port_that_is_in_use_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none of the ephemeral range, which an outgoing connection could take before the server does."""
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        used = somebody.getsockname()[1]
        offered: list[range] = []

        def sample(ports: range, count: int) -> list[int]:
            offered.append(ports)
            return [used, *random.choices(ports, k=count)]

        monkeypatch.setattr(random, "sample", sample)
        assert Embedded(tmp_path, tmp_path).port != used
        assert offered[0].start >= 1024
        assert offered[0].stop <= 32_768, "where Linux begins to take its own"

        monkeypatch.setattr(random, "sample", lambda ports, count: [used])
        with pytest.raises(ServerError, match=r"^no free port on 127\.0\.0\.1 between 20000 and 32000$"):
            Embedded(tmp_path, tmp_path)


def test_two_servers_have_two_ports_and_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Two experiments can run on one machine."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with running(Embedded, tmp_path / "one") as one, running(Embedded, tmp_path / "two") as two:
        assert one.port != two.port
        flip(two.root, "b")
        assert (seen(one, PAGE), seen(two, PAGE)) == (["a", "a"], ["b", "b"])
        two.stop()
        assert get(one, PAGE).ok


def test_a_configuration_keeps_the_servers_own_variables() -> None:
    """Only what begins with @ is filled in, and what has no value is a mistake."""
    assert Template("listen @port; root @{root}x; try $uri ${x}").substitute(port=80, root="/r") == (
        "listen 80; root /rx; try $uri ${x}"
    )
    with pytest.raises(KeyError):
        fill("nginx.conf", {})
