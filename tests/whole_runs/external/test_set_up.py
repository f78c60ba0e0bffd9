"""A site of the user's own, before the first flip: what is wrong is one sentence, and nothing was touched."""

from __future__ import annotations

import base64
import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from locust_cutover.nodes.owner import Nodes
from locust_cutover.result import Result
from locust_cutover.run.conductor import Conductor
from locust_cutover.scenario import read as scenarios
from locust_cutover.venues.venue import SetUpError
from tests.locust_process import processes
from tests.whole_runs.external.guide import blocks
from tests.whole_runs.external.servers import certificate as make_certificate
from tests.whole_runs.external.servers import nginx
from tests.whole_runs.external.site import MARK, SITE, Shop
from tests.whole_runs.runs import headless, write


def refused(folder: Path, text: str, code: int = 2, host: str | None = None) -> str:
    """Why a run does not begin."""
    path = folder / "scenario.yaml"
    path.write_text(text)
    over: list[Result] = []
    conductor = Conductor(
        scenarios.load(str(path)), Nodes(lambda message, name: None, list), host=host, patience=5, finished=over.append
    )
    with pytest.raises(SetUpError) as error:
        conductor.start()
    assert error.value.exit_code == code
    assert not over
    (said,) = str(error.value).splitlines()
    return said


ATOMIC = "phases: [{strategy: atomic, every: 2ms, flips: 50}]\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            MARK,
            "<!-- version (\\\\S+) -->",
            "site.mark '<!-- version (\\\\S+) -->' matches nothing in http://127.0.0.1:",
        ),
        (MARK, "<p>(\\\\w+) to", "site.mark finds Welcome in http://127.0.0.1:{port}/, which is no release: link "),
        (
            "releases: [releases/1",
            "marks: 2\n  releases: [releases/1",
            "matches 1 times in http://127.0.0.1:{port}/, and site.marks says that a whole page has 2",
        ),
        ("/2]", "/4]", "release releases/4: no such folder below root"),
        ("root: {root}", "root: {root}/nowhere", "root {root}/nowhere: no such folder"),
        (
            "root: {root}",
            "root: {root}\n  link: public",
            "link {root}/public: is missing; there is nothing to put back",
        ),
        ("root: {root}", "root: {root}\n  link: releases", "link {root}/releases: is a real folder, not a symlink"),
        (":{port}/", ":{port}/old", "/old: 404 Not Found before the first flip"),
        (":{port}/", ":1/", "http://127.0.0.1:1/: connection refused before the first flip"),
        ("root: {root}", "root: {root}\n  ca: {root}/none.pem", "site.ca: {root}/none.pem: No such file or directory"),
        (
            "root: {root}",
            "root: {root}\n  ca: {root}/releases/1/index.html",
            "site.ca: {root}/releases/1/index.html: no certificate in PEM is in it",
        ),
        (
            "root: {root}",
            "root: {root}\n  auth: {{user: NO_SUCH_USER, password: NO_SUCH_PASSWORD}}",
            "site.auth: the environment variable NO_SUCH_USER is not set",
        ),
        (
            "root: {root}",
            "root: {root}\n  mark_file: REVISION",
            "site.mark_file: {root}/releases/1/REVISION: no such file",
        ),
    ],
)
def test_a_site_that_is_not_what_the_scenario_says_is_one_line_before_any_flip(
    tmp_path: Path, shop: Shop, port: int, old: str, new: str, said: str
) -> None:
    """Exit code 2, and nothing was touched."""
    assert old in SITE
    text = SITE.replace(old, new).format(port=port, root=shop.root) + ATOMIC
    assert said.format(port=port, root=shop.root) in refused(tmp_path, text)
    assert shop.is_as_it_was()


def test_a_password_in_the_host_of_the_command_line_is_refused(tmp_path: Path, shop: Shop, port: int) -> None:
    """It would stand in every report."""
    text = SITE.format(port=port, root=shop.root) + ATOMIC
    said = refused(tmp_path, text, host=f"http://editor:secret@127.0.0.1:{port}")
    assert said == "a host with a password in it: site.auth names environment variables instead"


def test_a_mark_that_is_not_what_the_releases_file_says_is_told_with_both(
    tmp_path: Path, shop: Shop, port: int
) -> None:
    """As when the page has the short form of a revision."""
    (shop.root / "releases" / "1" / "REVISION").write_text("1a2b3c\n")
    text = SITE.replace("[releases/1, releases/2]", "discover\n  mark_file: REVISION")
    phases = "phases: [{strategy: {command: [sh, deploy]}, every: 0, flips: 1}]\n"
    said = refused(tmp_path, text.format(port=port, root=shop.root) + phases)
    assert said.startswith(f"site.mark finds 1 in http://127.0.0.1:{port}/, which is no release: link {shop.link} ")
    assert said.endswith("points to releases/1, whose REVISION says 1a2b3c; or the server still gives an old release")


def test_a_server_that_gives_an_old_release_is_told_before_any_flip(tmp_path: Path, shop: Shop) -> None:
    """As PHP's realpath cache does for two minutes after a flip: nothing could be judged. Exit code 3."""
    with nginx(tmp_path / "nginx", shop.root / "releases" / "2") as port:
        said = refused(tmp_path, SITE.format(port=port, root=shop.root) + ATOMIC, code=3)
    assert f"is of release 2, but link {shop.link} points to 1: the server, or a cache before it" in said


def test_a_link_that_cannot_be_put_back_is_never_flipped(
    tmp_path: Path, shop: Shop, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by doing it once: in a sticky folder a link can be made, and that of another user not be replaced."""

    def rename(old: str, new: str) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "rename", rename)
    said = refused(tmp_path, SITE.format(port=port, root=shop.root) + ATOMIC)
    assert said == f"link {shop.link}: cannot be put back: Operation not permitted"
    assert shop.is_as_it_was()


SHOP_EXAMPLE = """
        if ($host != shop.example) {{ return 421; }}
        auth_basic shop;
        auth_basic_user_file @folder/users;
        {certificate}
"""

SECRET = "correct horse battery stäple"


class Private(NamedTuple):
    """A site behind TLS, a name and a password."""

    shop: Shop
    port: int
    ca: Path

    def scenario(self) -> str:
        """What reaches it, as docs/your-own-site.md has it."""
        text = next(block for block in blocks("yaml") if "SHOP_PASSWORD" in block)
        text = text.replace("/etc/ssl/shop-ca.pem", str(self.ca)).replace(":8443", f":{self.port}")
        return f'{text}  root: {self.shop.root}\n  releases: [releases/1, releases/2]\n  mark: "{MARK}"\n'


@pytest.fixture
def private(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Private]:
    """An nginx with a certificate for shop.example by an authority that nobody knows."""
    certificate, ca = make_certificate(tmp_path / "nginx", "shop.example")
    (tmp_path / "nginx" / "users").write_text(f"editor:{{PLAIN}}{SECRET}\n")
    monkeypatch.setenv("SHOP_USER", "editor")
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    server = SHOP_EXAMPLE.format(certificate=certificate)
    with nginx(tmp_path / "nginx", shop.link, server=server, tls=True) as port:
        yield Private(shop, port, ca)


@pytest.mark.parametrize("workers", [0, 2])
def test_tls_by_a_private_authority_a_name_and_a_password_and_the_password_is_nowhere(
    tmp_path: Path, private: Private, workers: int
) -> None:
    """Every visit is let in; the password is in no report, no history, no output and no process's arguments."""
    arguments = processes(workers) if workers else []
    text = private.scenario() + "phases: [{strategy: atomic, every: 2ms, flips: 300}]\n"
    reports = ["--history", str(tmp_path / "report" / "history.jsonl"), "--report", str(tmp_path / "report" / "r.html")]
    with headless(tmp_path, write(tmp_path, text), "-u", "4", *reports, *arguments) as locust:
        locust.wait_for("phase atomic")
        shown = b"".join(read_or_none(Path(f"/proc/{pid}/cmdline")) for pid in locust.processes())
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    assert b"locust" in shown
    assert private.shop.is_as_it_was()
    assert [(row["kind"], row["answer"]) for row in locust.rows("answers")] == [("ok", "200 OK")]
    files = [path for path in (tmp_path / "report").rglob("*") if path.is_file()]
    assert len(files) > 6
    pair = base64.b64encode(f"editor:{SECRET}".encode())
    for content in (shown, locust.output.encode(), *(path.read_bytes() for path in files)):
        assert pair not in content
        for part in SECRET.split():
            assert part.encode() not in content


def read_or_none(path: Path) -> bytes:
    """What a file holds; nothing when it has gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: re.sub("  ca: .*\n", "", text), "TLS failed before the first flip; the certificate is to be for"),
        (
            lambda text: text.replace("Host: shop.example", "X-Canary: 'on'"),
            "TLS failed before the first flip; the certificate",
        ),
        (lambda text: re.sub("  auth: .*\n", "", text), "401 Unauthorized before the first flip; site.auth names"),
        (
            lambda text: text.replace("SHOP_PASSWORD", "SHOP_USER"),
            "401 Unauthorized before the first flip; site.auth names",
        ),
    ],
    ids=["no authority", "no name", "no password", "wrong password"],
)
def test_what_the_site_is_not_reached_without_is_said(
    tmp_path: Path, private: Private, change: Callable[[str], str], said: str
) -> None:
    """One line, with where to look."""
    assert said in refused(tmp_path, change(private.scenario()) + ATOMIC)
