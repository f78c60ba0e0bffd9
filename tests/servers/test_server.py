"""What a scenario may expect of each server of the lab, and what it leaves behind: nothing."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from locust_cutover.connection import REFUSED
from locust_cutover.servers import SERVERS, NotInstalledError, Server, ServerError
from locust_cutover.servers import server as module
from locust_cutover.servers.embedded import Embedded, EmbeddedPinned
from locust_cutover.servers.nginx import Nginx
from locust_cutover.servers.server import Template, fill
from locust_cutover.site import LINK, MARK, PAGE
from tests.conftest import require
from tests.servers.lab import Family, family_of, flip, get, made, running


def marks(body: bytes) -> list[str]:
    """The releases that its parts came from."""
    return re.findall(MARK, body.decode())


@pytest.fixture(scope="module", params=[Embedded, EmbeddedPinned, Nginx], ids=lambda kind: kind.name)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Each server that shows a flip at once, for the tests that leave it as it was."""
    require(request.param)
    with running(request.param, tmp_path_factory.mktemp(request.param.name)) as server:
        yield server


@pytest.fixture(params=[Embedded, Nginx], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> type[Server]:
    """A server of one process, and one with workers."""
    server: type[Server] = request.param
    require(server)
    return server


@pytest.fixture
def server(kind: type[Server], tmp_path: Path) -> Iterator[Server]:
    """The same, ready to be visited."""
    with running(kind, tmp_path) as server:
        yield server


# Each server.


def test_a_scenario_finds_a_server_by_its_name() -> None:
    """The registry has each under the name that it gives itself."""
    assert {name: kind.name for name, kind in SERVERS.items()} == {name: name for name in SERVERS}
    assert {"embedded", "embedded-pinned", "nginx"} <= set(SERVERS)


def test_a_server_serves_what_the_link_points_to(shared: Server) -> None:
    """The page with its two parts and the file without one, and of another release after a flip."""
    for release in ("a", "b", "a"):
        flip(shared.root, release)
        page, file = get(shared, PAGE), get(shared, f"/{LINK}/static.html")
        assert (page.name, marks(page.body)) == ("200 OK", [release, release])
        assert (file.name, marks(file.body)) == ("200 OK", [release])


def test_what_is_not_there_is_not_found(shared: Server) -> None:
    """Neither a file that no release has, nor anything while there is no link."""
    assert get(shared, f"/{LINK}/missing.html").name == "404 Not Found"
    os.unlink(shared.root / LINK)
    assert get(shared, PAGE).name == "404 Not Found"
    assert get(shared, f"/{LINK}/static.html").name == "404 Not Found"
    flip(shared.root, "a")
    assert get(shared, PAGE).name == "200 OK"


def test_a_server_is_known_by_name_and_version(shared: Server) -> None:
    """The report says what was visited."""
    assert re.match(r"\S+ \d+\.\d+", shared.version())


def test_a_server_listens_on_127_0_0_1_alone(shared: Server) -> None:
    """Nobody else may visit a site of the lab."""
    with family_of(shared) as family:
        listening = {
            (listener.laddr.ip, listener.laddr.port)
            for member in family.members
            for listener in member.net_connections()
            if listener.status == "LISTEN"
        }
    assert listening == {("127.0.0.1", shared.port)}


def test_stop_leaves_no_process_and_no_port(server: Server) -> None:
    """When it returns, all are gone, workers too; a second call does nothing."""
    assert server.alive()
    with family_of(server) as family:
        assert len(family.members) >= 2
        assert not family.has_ended()
        server.stop()
        assert family.has_ended()
    assert not server.alive()
    assert get(server, PAGE).name == REFUSED
    server.stop()


def test_the_log_is_in_the_servers_folder(kind: type[Server], tmp_path: Path) -> None:
    """And so is all else that it has open, whatever its folder is called."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    with running(kind, folder) as server:
        assert server.log == folder / "server.log"
        assert server.log.exists()
        with family_of(server) as family:
            written = {
                file.path for member in family.members for file in member.open_files() if file.mode not in ("r", "")
            }
        assert {str(server.log)} <= written
        assert [path for path in written if not path.startswith(f"{folder}/")] == []


def test_stop_right_after_start_leaves_nothing(kind: type[Server], tmp_path: Path) -> None:
    """A run can be cut short while its server starts."""
    server = made(kind, tmp_path)
    server.start()
    with family_of(server) as family:
        server.stop()
        assert family.has_ended()
        with pytest.raises(ProcessLookupError):  # nor anything that it started in the meantime
            os.killpg(family.members[0].pid, 0)
    assert get(server, PAGE).name == REFUSED


def test_stop_without_start_is_harmless(kind: type[Server], tmp_path: Path) -> None:
    """Clearing up does not know how far the run came."""
    server = made(kind, tmp_path)
    server.stop()
    assert not server.alive()


PARENT = """
import sys
from pathlib import Path
from locust_cutover.servers import SERVERS
from locust_cutover.site import PAGE, build_site

folder = Path(sys.argv[2])
build_site(folder / "site", ["a", "b"])
server = SERVERS[sys.argv[1]](folder, folder / "site")
server.start(remove=folder)
server.wait_until_ready(PAGE)
print(server.port, flush=True)
sys.stdin.read()
"""


def test_a_server_whose_parent_is_killed_goes_with_its_port_and_its_folder(kind: type[Server], tmp_path: Path) -> None:
    """SIGKILL lets nobody clear up; a machine that runs Locust for weeks must not fill with servers."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, kind.name, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        with Family(parent.pid) as family:
            assert len(family.members) >= 3
            parent.kill()
            family.wait_until_ended()
    assert not folder.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_server_that_cannot_have_its_port_says_so(kind: type[Server], tmp_path: Path) -> None:
    """Somebody took it between the choice and the start: the error ends in the server's own words."""
    server = made(kind, tmp_path)
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", server.port))
        server.start()
        with pytest.raises(ServerError) as error:
            server.wait_until_ready(PAGE)
        server.stop()
    assert str(error.value).startswith(f"server {kind.name}: ended while starting\n  ")
    assert "Address already in use" in str(error.value)


def test_a_server_that_dies_in_a_run_is_noticed(server: Server) -> None:
    """Its workers are ended, and the run ends with its last words."""
    with family_of(server) as family:
        family.members[1].kill()
        family.wait_until_ended()
    assert not server.alive()
    assert server.death().startswith(f"server {server.name} ended")
    assert get(server, PAGE).name == REFUSED


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
        assert (marks(get(one, PAGE).body), marks(get(two, PAGE).body)) == (["a", "a"], ["b", "b"])
        two.stop()
        assert get(one, PAGE).ok


def test_a_configuration_keeps_the_servers_own_variables() -> None:
    """Only what begins with @ is filled in, and what has no value is a mistake."""
    assert Template("listen @port; root @{root}x; try $uri ${x}").substitute(port=80, root="/r") == (
        "listen 80; root /rx; try $uri ${x}"
    )
    with pytest.raises(KeyError):
        fill("nginx.conf", {})
