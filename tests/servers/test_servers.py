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
from dataclasses import dataclass
from pathlib import Path

import pytest

from locust_cutover.client.connection import Connection
from locust_cutover.judging.answers import REFUSED, TRUNCATED
from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.server import Server, ServerError, Template
from locust_cutover.servers.site import LINK, PAGE
from tests.servers.lab import (
    FAILED,
    FRAMEWORK,
    NOT_FOUND,
    PATIENCE,
    STATIC,
    Family,
    family_of,
    flip,
    get,
    made,
    on,
    restart,
    running,
    seen,
    session_of,
    told,
    until,
)

NOBODY = 65534
"""An ordinary user of every Linux."""

FORBIDDEN = "403 Forbidden"

N = r"\d+\.\d+\.\d+"
"""The number of a version."""


@dataclass(frozen=True)
class Shows:
    """What a visitor gets from one server."""

    version: str
    """What the report calls it, as a pattern; of a server and its PHP, since either may be to blame."""
    part_missing: tuple[str, ...] = (FAILED,)
    """The page without its second part, or what comes instead: the one or the other."""
    words: bytes = b""
    """How the page without its second part ends, as a pattern, where its status is 200: no status counter sees that."""
    index_missing: str = NOT_FOUND
    """A release without a page."""
    php: bool = False
    """Whether PHP makes the page; then there is a second one, as frameworks make it."""
    at_once: bool = True
    """Whether an atomic flip is seen with the next request; else PHP keeps the release that it met first at that path,
    with status 200, for minutes. Its caches are those of its processes: a restart clears them."""
    file_at_once: bool = True
    """The same of a file; lighttpd trusts for a second what its stat cache knows of it."""

    @property
    def pages(self) -> tuple[str, ...]:
        """The pages in two parts."""
        return (PAGE, FRAMEWORK) if self.php else (PAGE,)


TABLE = {
    "embedded": Shows(r"gevent\.pywsgi \d+\.\d+.*"),
    "embedded-pinned": Shows(r"gevent\.pywsgi \d+\.\d+.*"),
    "nginx": Shows(f"nginx {N}.*", ("a",), b"404 Not Found", FORBIDDEN),
    "nginx-php": Shows(f"nginx {N}.*, PHP {N}.*", index_missing=FORBIDDEN, php=True, at_once=False),
    "nginx-php-realpath": Shows(f"nginx {N}.*, PHP {N}.*", index_missing=FORBIDDEN, php=True),
    "apache": Shows(f"Apache {N}", ("a",), b"an error occurred while processing this directive"),
    "apache-php": Shows(f"Apache {N}, PHP {N}", php=True, at_once=False),
    "apache-php-uncached": Shows(f"Apache {N}, PHP {N}", php=True),
    # Caddy 2.6 announces the length of a page that it does not send.
    "caddy": Shows(rf"Caddy {N}\S*", (FAILED, TRUNCATED)),
    "caddy-php": Shows(rf"Caddy {N}\S*, PHP {N}.*", php=True, at_once=False),
    "lighttpd": Shows(f"lighttpd {N}.*", ("a",), rb"<p>Hello World from a!</p>\n\n\Z", FORBIDDEN, file_at_once=False),
}

CONFIGURED = on(*(kind for kind in SERVERS.values() if kind.program))
"""Those that do not come with the project."""


@pytest.fixture
def shows(kind: type[Server]) -> Shows:
    """The row of the table."""
    return TABLE[kind.name]


@pytest.fixture(scope="module")
def shared(kind: type[Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Each server, for the tests that leave it as it was. Its folder is not called as most are."""
    with running(kind, tmp_path_factory.mktemp(kind.name) / "a folder") as server:
        yield server


# What a visitor gets.


def test_the_page_has_two_marks_and_the_file_has_one(shared: Server) -> None:
    """The same on every server, whatever it makes the page with; and no page stands in for a missing file."""
    assert (seen(shared, PAGE), seen(shared, STATIC)) == (["a", "a"], ["a"])
    assert seen(shared, f"/{LINK}/missing.html") == [NOT_FOUND]


def test_an_atomic_flip_is_seen_at_once_or_after_what_the_server_remembers(server: Server, shows: Shows) -> None:
    """Over a kept connection: that is one process of Apache, and each has a realpath cache of its own."""
    connection = Connection(server.url, PATIENCE)

    def visits(path: str, times: int) -> list[list[str]]:
        return [told(connection.exchange(path)) for _ in range(times)]

    before = "a"
    for release in "babababa" if shows.at_once else "ba":
        for page in shows.pages if not shows.at_once else ():
            assert visits(page, 10) == [[before, before]] * 10
        flip(server.root, release)
        if shows.file_at_once:
            assert visits(STATIC, 1) == [[release]]
        if not shows.at_once:
            for page in shows.pages:
                assert [before, before] in visits(page, 10)
            connection.close()
            restart(server)
            connection = Connection(server.url, PATIENCE)
        for page in shows.pages:
            assert visits(page, 5) == [[release, release]] * 5
        before = release
    connection.close()
    until(lambda: seen(server, STATIC) == [before])


def test_without_the_link_there_is_no_page(shared: Server, shows: Shows) -> None:
    """What unlink + symlink shows between the two; lighttpd only after the second that it remembers."""
    os.unlink(shared.root / LINK)
    if not shows.file_at_once:
        until(lambda: seen(shared, PAGE) == seen(shared, STATIC) == [NOT_FOUND])
    assert seen(shared, PAGE) == seen(shared, STATIC) == [NOT_FOUND]
    flip(shared.root, "a")
    assert seen(shared, PAGE) == ["a", "a"]


def test_a_release_that_is_not_whole_gives_what_the_table_says(server: Server, shows: Shows) -> None:
    """A missing part is 500, or a mark too few in a page with status 200. PHP's words are in the log and not in it."""
    suffix = "php" if shows.php else "html"
    os.unlink(server.root / "a" / f"part.{suffix}")
    for page in shows.pages:
        if shows.php:
            until(lambda page=page: seen(server, page) == [FAILED])  # type: ignore[misc] # opcache looks after 2 s
        answer = get(server, page)
        assert told(answer) in [[said] for said in shows.part_missing]
        assert answer.status == (200 if "a" in shows.part_missing else 500)
        assert re.search(shows.words, answer.body)
        if shows.php:
            assert b"part.php" not in answer.body
            # Caddy drops what PHP says.
            assert server.name == "caddy-php" or any(
                "part.php" in log.read_text() for log in server.folder.glob("*.log")
            )
    for index in (server.root / "a").glob("index*"):
        index.unlink()
    if not shows.file_at_once:
        until(lambda: seen(server, PAGE) == [shows.index_missing])
    assert seen(server, PAGE) == [shows.index_missing]


def test_a_server_is_known_by_name_and_version(kind: type[Server], shows: Shows, tmp_path: Path) -> None:
    """The report says what was visited."""
    assert kind.name in SERVERS
    assert re.fullmatch(shows.version, kind(tmp_path, tmp_path).version())


# What it leaves behind.


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
    assert seen(server, PAGE) == [REFUSED]
    server.stop()
    assert [path for path in server.folder.rglob("*") if path.is_socket()] == []


def test_stop_before_or_right_after_start_leaves_nothing(kind: type[Server], tmp_path: Path) -> None:
    """A run can be cut short while its server starts, and clearing up does not know how far the run came."""
    server = made(kind, tmp_path)
    server.stop()
    assert not server.alive()
    server.start()
    with family_of(server) as family:
        server.stop()
        assert family.has_ended()
        # Nor anything that it started in the meantime.
        assert session_of(family.members[0].pid) == []
    assert seen(server, PAGE) == [REFUSED]


PARENT = """
import sys
from pathlib import Path
from locust_cutover.servers.registry import SERVERS
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


def test_whichever_process_is_killed_takes_all_others_along(server: Server) -> None:
    """The leash, by whoever kills all that is called python; or a program: half a server is none. The run is told."""
    for number in range(2 + len(server.companions())):
        if number:
            restart(server)
        with family_of(server) as family:
            heads = [family.members[0], *family.members[0].children()]
            assert len(heads) == 2 + len(server.companions())
            heads[number].kill()
            family.wait_until_ended()  # workers as well: some hear no SIGTERM once their master is gone
        assert not server.alive()
        assert server.death().startswith(f"server {server.name} ended")
        assert seen(server, PAGE) == [REFUSED]


# What it says when it cannot start, and what it needs.


def why_it_ended(server: Server) -> str:
    """The error of a server that ends while it starts."""
    server.start()
    with pytest.raises(ServerError) as error:
        server.wait_until_ready(PAGE)
    server.stop()
    assert str(error.value).startswith(f"server {server.name}: ended while starting\n  ")
    return str(error.value)


def test_a_server_that_cannot_have_its_port_says_so(kind: type[Server], tmp_path: Path) -> None:
    """Somebody took it between the choice and the start."""
    server = made(kind, tmp_path)
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", server.port))
        assert "address already in use" in why_it_ended(server).lower()


@CONFIGURED
def test_a_configuration_that_is_wrong_is_an_error_with_the_servers_own_words(
    kind: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They name the file: a template can be changed without guessing."""

    def broken(template: Template, values: dict[str, object]) -> str:
        return string.Template.substitute(template, values) + "\nbroken {\n"

    monkeypatch.setattr(Template, "substitute", broken)
    assert str(tmp_path) in why_it_ended(made(kind, tmp_path))


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder that belongs to NOBODY. Not tmp_path: that is below a folder which only its owner may enter."""
    folder = Path(tempfile.mkdtemp(prefix="locust-cutover-test-"))
    os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


@CONFIGURED
@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs all the other tests already")
def test_an_ordinary_user_needs_nothing_of_roots(
    kind: type[Server], nobodys_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No port, folder, file or user that only root has; nginx, which would complain of that, does not."""
    server = made(kind, nobodys_folder)
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
        assert (seen(server, PAGE), seen(server, STATIC)) == (["a", "a"], ["a"])
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
    if kind.name == "nginx":
        assert (nobodys_folder / "complaints").read_text() == ""
