"""What a run gets from every server of the lab: pages, files and flips, errors in words, and nothing left behind."""

from __future__ import annotations

import os
import re
import shutil
import socket
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from locust_cutover.judging.answers import REFUSED
from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.server import Server, ServerError, Template
from locust_cutover.servers.site import LINK, MARK, PAGE
from tests.conftest import require
from tests.servers.lab import STATIC, Family, family_of, flip, get, made, running, session_of, until

NOBODY = 65534
"""An ordinary user of every Linux."""

UNTIL_A_RESTART = {"nginx-php", "apache-php", "caddy-php"}
"""Their PHP takes a path through the link for the release it met there first, for minutes."""

FOR_A_SECOND = {"lighttpd"}
"""Its stat cache trusts for so long what it knows of a file."""


@pytest.fixture(scope="module", params=list(SERVERS.values()), ids=list(SERVERS))
def kind(request: pytest.FixtureRequest) -> type[Server]:
    """Each server that is installed here."""
    server: type[Server] = request.param
    require(server)
    return server


@pytest.fixture(params=[server for server in SERVERS.values() if server.program], ids=lambda server: server.name)
def installed(request: pytest.FixtureRequest) -> type[Server]:
    """Each that does not come with the project: it has a configuration."""
    server: type[Server] = request.param
    require(server)
    return server


@pytest.fixture(scope="module")
def shared(kind: type[Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Each server, for the tests that leave it as it was. Its folder is not called as most are."""
    folder = tmp_path_factory.mktemp(kind.name) / "a folder"
    folder.mkdir()
    with running(kind, folder) as server:
        yield server


@pytest.fixture
def server(kind: type[Server], tmp_path: Path) -> Iterator[Server]:
    """Each server, for a test of its own."""
    with running(kind, tmp_path) as server:
        yield server


def answer(server: Server, path: str) -> tuple[str, list[str]]:
    """Its name and the releases that its parts come from."""
    answer = get(server, path)
    return answer.name, re.findall(MARK, answer.body.decode())


def shows(server: Server, release: str) -> bool:
    """Whether the page and the file are of that release."""
    return (answer(server, PAGE), answer(server, STATIC)) == (("200 OK", [release, release]), ("200 OK", [release]))


def test_the_page_has_two_marks_and_the_file_has_one(shared: Server) -> None:
    """The same on every server, whatever it makes the page with."""
    assert shows(shared, "a")


def test_a_file_that_is_in_no_release_is_not_found(shared: Server) -> None:
    """No page stands in for it."""
    assert get(shared, f"/{LINK}/missing.html").name == "404 Not Found"


def test_an_atomic_flip_is_seen_at_once_or_after_what_the_server_remembers(server: Server) -> None:
    """At once, but: the PHP servers with their caches after a restart at last, lighttpd's file after a second."""
    assert shows(server, "a")
    for release in ("b", "a"):
        flip(server.root, release)
        if server.name in UNTIL_A_RESTART:
            server.stop()
            server.start()
            server.wait_until_ready(PAGE)
        if server.name in FOR_A_SECOND:
            until(partial(shows, server, release))
        assert shows(server, release)


def test_without_the_link_there_is_no_page(shared: Server) -> None:
    """What unlink + symlink shows between the two; lighttpd only after the second that it remembers."""
    os.unlink(shared.root / LINK)
    if shared.name in FOR_A_SECOND:
        until(lambda: {answer(shared, PAGE)[0], answer(shared, STATIC)[0]} == {"404 Not Found"})
    assert get(shared, PAGE).name == "404 Not Found"
    assert get(shared, STATIC).name == "404 Not Found"
    flip(shared.root, "a")
    assert answer(shared, PAGE) == ("200 OK", ["a", "a"])


def test_a_server_is_known_by_name_and_version(shared: Server) -> None:
    """The report says what was visited."""
    assert re.match(r"\S+ \d+\.\d+", shared.version())


def test_all_that_a_server_has_open_is_in_its_folder_or_is_its_port(shared: Server) -> None:
    """Nobody else can visit it, and what it writes goes when the folder goes."""
    with family_of(shared) as family:
        listening = {
            (listener.laddr.ip, listener.laddr.port)
            for member in family.members
            for listener in member.net_connections("inet")
            if listener.status == "LISTEN"
        }
        sockets = {listener.laddr for member in family.members for listener in member.net_connections("unix")}
        written = {file.path for member in family.members for file in member.open_files() if file.mode not in ("r", "")}
    assert listening == {("127.0.0.1", shared.port)}
    assert shared.log == shared.folder / "server.log"
    assert str(shared.log) in written
    assert [path for path in [*sockets, *written] if path and not str(path).startswith(f"{shared.folder}/")] == []


def test_stop_leaves_nothing_but_files(server: Server) -> None:
    """No process, no port, no socket, as soon as it returns; a second call does nothing."""
    assert server.alive()
    with family_of(server) as family:
        assert len(family.members) >= 2
        assert not family.has_ended()
        server.stop()
        assert family.has_ended()
    assert not server.alive()
    assert get(server, PAGE).name == REFUSED
    server.stop()
    assert [path for path in server.folder.rglob("*") if path.is_socket()] == []


def test_stop_without_start_is_harmless(kind: type[Server], tmp_path: Path) -> None:
    """Clearing up does not know how far the run came."""
    server = made(kind, tmp_path)
    server.stop()
    assert not server.alive()


def test_stop_right_after_start_leaves_nothing(kind: type[Server], tmp_path: Path) -> None:
    """A run can be cut short while its server starts."""
    server = made(kind, tmp_path)
    server.start()
    with family_of(server) as family:
        server.stop()
        assert family.has_ended()
        # Nor anything that it started in the meantime.
        assert session_of(family.members[0].pid) == []
    assert get(server, PAGE).name == REFUSED


PARENT = """
import sys
from pathlib import Path
from locust_cutover.servers import SERVERS
from locust_cutover.servers.site import PAGE, build_site

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


def test_a_server_whose_leash_is_killed_ends_as_well(server: Server) -> None:
    """Whoever kills everything that is called python must not leave a web server behind."""
    with family_of(server) as family:
        family.members[0].kill()
        family.wait_until_ended()
    assert not server.alive()
    assert get(server, PAGE).name == REFUSED


def test_a_server_that_is_killed_takes_its_workers_along(server: Server) -> None:
    """Some hear no SIGTERM once their master is gone. The run is told."""
    with family_of(server) as family:
        leash = family.members[0]
        leash.children()[-1].kill()
        family.wait_until_ended()
    assert not server.alive()
    assert server.death().startswith(f"server {server.name} ended")
    assert get(server, PAGE).name == REFUSED


def test_a_server_that_cannot_have_its_port_says_so(kind: type[Server], tmp_path: Path) -> None:
    """Somebody took it between the choice and the start."""
    server = made(kind, tmp_path)
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", server.port))
        server.start()
        with pytest.raises(ServerError) as error:
            server.wait_until_ready(PAGE)
        server.stop()
    assert str(error.value).startswith(f"server {kind.name}: ended while starting\n  ")
    assert "address already in use" in str(error.value).lower()


def test_a_configuration_that_is_wrong_is_an_error_with_the_servers_own_words(
    installed: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They name the file: a template can be changed without guessing."""

    def broken(template: Template, values: dict[str, object]) -> str:
        return string.Template.substitute(template, values) + "\nbroken {\n"

    monkeypatch.setattr(Template, "substitute", broken)
    server = made(installed, tmp_path)
    server.start()
    with pytest.raises(ServerError) as error:
        server.wait_until_ready(PAGE)
    server.stop()
    assert str(error.value).startswith(f"server {installed.name}: ended while starting\n  ")
    assert str(tmp_path) in str(error.value)


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder that belongs to NOBODY. Not tmp_path: that is below a folder which only its owner may enter."""
    folder = Path(tempfile.mkdtemp(prefix="locust-cutover-test-"))
    os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs all the other tests already")
def test_an_ordinary_user_needs_nothing_of_roots(
    installed: type[Server], nobodys_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No port, folder, file or user that only root has; nginx, which would complain of that, does not."""
    server = made(installed, nobodys_folder)
    # Without a leash: Python may be in a folder of root's. The configuration is the user's, too.
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    commands = [*server.companions(), server.command()]
    monkeypatch.undo()
    for path in nobodys_folder.rglob("*"):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    complaints = (nobodys_folder / "complaints").open("w+")
    programs = [
        subprocess.Popen(
            command,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,  # Apache ends its whole group
        )
        for command in commands
    ]
    server.alive = lambda: all(program.poll() is None for program in programs)  # type: ignore[method-assign]
    try:
        server.wait_until_ready(PAGE)
        assert shows(server, "a")
        for program in reversed(programs):
            with Family(program.pid) as family:
                assert {member.uids().effective for member in family.members} == {NOBODY}
                program.terminate()
                family.wait_until_ended()
    finally:
        for program in programs:
            program.kill()
            program.wait()
        complaints.close()
    if installed.name == "nginx":
        assert (nobodys_folder / "complaints").read_text() == ""
