"""What a scenario may expect of each server of the lab, and what it leaves behind: nothing."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest

from locust_cutover.servers import server as module
from locust_cutover.servers.apache import PHP
from locust_cutover.servers.embedded import Embedded
from locust_cutover.servers.php_fpm import PHP_FPM
from locust_cutover.servers.program import Program
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
        return ["sh", "-c", "for word in 1 2 3 4 5 6; do echo $word; done; printf '\\377\\n' >&2; exit 1"]


def test_a_server_that_ends_while_starting_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    """Five lines, whatever is in them."""
    server = made(Talkative, tmp_path)
    server.start()
    with pytest.raises(ServerError) as error:
        server.wait_until_ready(PAGE)
    server.stop()
    said = "server talkative: ended while starting\n  3\n  4\n  5\n  6\n  \N{REPLACEMENT CHARACTER}"
    assert str(error.value) == said


def test_a_server_without_the_page_is_an_error_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs, but not as it must: the error names the page and what came instead."""
    with running(Embedded, tmp_path) as server:
        monkeypatch.setattr(module, "READY_WITHIN", 0.1)
        with pytest.raises(ServerError) as error:
            server.wait_until_ready(f"/{LINK}/missing.html")
        assert str(error.value).startswith("server embedded: /current/missing.html gives 404 Not Found")


# What must be installed.


class Missing(Embedded):
    """Lacks a program or more."""

    name = "missing"
    program = "no-such-server"
    package = "no-such-package"

    def command(self) -> list[str]:
        """A program nobody has."""
        return [self.executable()]


FPM = Program(PHP_FPM.name, PHP_FPM.package, pattern="no-such-php-fpm*")

MODULE = Program(PHP.name, PHP.package, pattern=PHP.pattern, folder="/no/such/folder")


@pytest.mark.parametrize(
    ("program", "needs", "said"),
    [
        ("no-such-server", (), "no-such-server is not installed; {}no-such-package"),
        ("no-such-server", (FPM,), "no-such-server and php-fpm are not installed; {}no-such-package php-fpm"),
        ("", (MODULE,), "mod_php is not installed; {}libapache2-mod-php"),
    ],
)
def test_all_that_is_not_installed_is_named_at_once_and_nothing_is_started(
    program: str, needs: tuple[Program, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look at the error, one command."""
    monkeypatch.setattr(Missing, "program", program)
    monkeypatch.setattr(Missing, "needs", needs)
    with pytest.raises(NotInstalledError) as error:
        Missing.check()
    install = "on Debian and Ubuntu: apt-get install "
    assert str(error.value) == f"server missing: {said.format(install)} (or: make servers)"
    server = made(Missing, tmp_path)
    if program:
        with pytest.raises(NotInstalledError, match="no-such-server is not installed"):
            server.start()
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


def test_a_program_is_found_by_its_version_and_the_newest_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian has php-fpm8.2 and no php-fpm. What cannot be run is none; a module need not be, nor lead PATH to it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    module = Program("mod_php", "libapache2-mod-php", pattern="libphp*.so", folder=str(tmp_path))
    assert module.path() is None
    for name, mode in (("php-fpm8.1", 0o755), ("php-fpm8.3", 0o755), ("php-fpm8.9", 0o644)):
        (tmp_path / name).touch(mode)
    for name in ("libphp8.2.so", "libphp8.1.so"):
        (tmp_path / name).touch(0o644)
    (tmp_path / "php-fpm9.0").mkdir()
    assert PHP_FPM.path() == str(tmp_path / "php-fpm8.3")
    assert module.path() == str(tmp_path / "libphp8.2.so")


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
