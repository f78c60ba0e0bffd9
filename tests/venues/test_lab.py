"""The lab builds a site, starts its server, and tells when the server is not what it should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locust_cutover.scenario.model import Command, Phase, Site
from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.server import Server, ServerError
from locust_cutover.servers.site import MARK, MARKS, PAGE
from locust_cutover.venues.lab import Lab
from locust_cutover.venues.switcher_process import SwitcherProcess
from locust_cutover.venues.venue import SetUpError
from tests.venues.pages import page


class FakeServer(Server):
    """A server without a process; what is done to it is in `log`."""

    said: list[str] = []  # noqa: RUF012 # the test's
    lives = True

    def command(self) -> list[str]:
        """Never run."""
        return []

    def version(self) -> str:
        """Of no program."""
        return "fake 1.0"

    def start(self, remove: Path | None = None) -> None:
        """Note whether the folder goes with it."""
        self.said.append(f"start, remove {remove and remove.name}")

    def wait_until_ready(self, path: str) -> None:
        """Note it."""
        self.said.append(f"wait for {path}")

    def alive(self) -> bool:
        """As the test says."""
        return self.lives

    def death(self) -> str:
        """Its last words."""
        return "fake died"

    def stop(self) -> None:
        """Note it."""
        self.said.append("stop")


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeServer]]:
    """The server is among those that a scenario can name."""
    monkeypatch.setattr(FakeServer, "said", [])
    monkeypatch.setitem(SERVERS, "fake", FakeServer)
    yield FakeServer


def lab(folder: Path, *phases: Phase, keep: bool = False, path: str = PAGE) -> Lab:
    """A lab that is set up."""
    lab = Lab(Site("fake", ("a", "b"), path), keep)
    lab.set_up(folder, phases)
    return lab


def phase(strategy: str, **changes: Any) -> Phase:
    """A phase of one flip."""
    return Phase("p", strategy, 0, None, 1, {}, **changes)


@pytest.mark.parametrize("keep", [False, True])
def test_a_lab_builds_its_site_and_waits_for_its_server(tmp_path: Path, keep: bool) -> None:
    """The folder goes with the server, even if Locust is killed, unless it is kept."""
    venue = lab(tmp_path, phase("atomic"), keep=keep)
    assert (tmp_path / "site" / "current" / "index.html").is_file()
    assert FakeServer.said == [f"start, remove {None if keep else tmp_path.name}", f"wait for {PAGE}"]
    assert (venue.name, venue.version, venue.release("a")) == ("fake", "fake 1.0", "a")
    assert venue.url.startswith("http://127.0.0.1:")
    venue.clear_up()
    assert FakeServer.said[-1] == "stop"


def test_a_lab_that_was_never_set_up_has_nothing_to_clear() -> None:
    """And no trouble."""
    venue = Lab(Site("fake", ("a", "b")), keep_site=False)
    venue.clear_up()
    assert venue.trouble() == ""


def test_a_server_that_died_is_the_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its last words."""
    venue = lab(tmp_path)
    assert venue.trouble() == ""
    monkeypatch.setattr(FakeServer, "lives", False)
    assert venue.trouble() == "fake died"


def test_the_page_has_all_its_marks_or_the_server_is_wrong(tmp_path: Path) -> None:
    """Of another page of the site, those that it has."""
    venue = lab(tmp_path)
    text = (tmp_path / "site" / "current" / "part.html").read_text()
    with pytest.raises(ServerError, match=f"http://x has 1 marks instead of {MARKS}"):
        venue.examine(page(text), "http://x")
    marks = venue.examine(page(text * MARKS), "http://x")
    assert (marks.pattern, marks.due) == (MARK, MARKS)
    (tmp_path / "other").mkdir()
    other = lab(tmp_path / "other", path="/current/part.html")
    assert other.examine(page(text), "http://x").due == 1


def test_a_command_that_is_not_there_is_told_before_the_server_starts(tmp_path: Path) -> None:
    """Of any phase."""
    with pytest.raises(SetUpError, match="phase p: command: expected a program, got 'lnn'"):
        lab(tmp_path, phase("atomic"), phase("command", command=Command(("lnn",))))
    assert FakeServer.said == []


@pytest.mark.parametrize(("strategy", "link"), [("atomic", True), ("in-place", False)])
def test_current_is_what_the_phase_flips(tmp_path: Path, strategy: str, link: bool) -> None:
    """A link, or a real folder."""
    venue = lab(tmp_path)
    assert isinstance(venue.companion(phase(strategy), tmp_path, 7), SwitcherProcess)
    assert (tmp_path / "site" / "current").is_symlink() == link
