"""A site of the user's own: what its page says of its releases, who flips it, and that it is left as it was."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from locust_cutover.scenario.model import Command, External, Phase, Site
from locust_cutover.venues.idle import Idle
from locust_cutover.venues.own_site import OwnSite, WatchedSite
from locust_cutover.venues.switcher_process import SwitcherProcess
from locust_cutover.venues.venue import SetUpError
from tests.venues.pages import page
from tests.whole_runs.external.site import Shop

MARK = r"<!-- release (\S+) -->"

PAGE = "<!-- release {} --><p>Welcome</p>"

TWO = ("releases/1", "releases/2")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The user's site."""
    return Shop(tmp_path / "shop")


def site(shop: Shop, releases: tuple[str, ...] = TWO, **changes: Any) -> Site:
    """The shop as a scenario describes it."""
    external = External(url="http://shop", root=str(shop.root), link="current", mark=MARK)
    return Site("external", releases, "/", replace(external, **changes))


def phase(strategy: str = "atomic", **changes: Any) -> Phase:
    """A phase of a second."""
    return Phase("p", strategy, 0, 1_000_000_000, None, {}, **changes)


def own(shop: Shop, *phases: Phase, releases: tuple[str, ...] = TWO, **changes: Any) -> OwnSite:
    """The shop, set up."""
    venue = OwnSite(site(shop, releases, **changes), shop.root.parent / "log" / "commands.log")
    venue.set_up(shop.root.parent, phases)
    return venue


def test_setting_up_touches_nothing_and_the_log_of_the_run_before_is_gone(shop: Shop) -> None:
    """The link is put back once to see that it can be; nobody sees it."""
    log = shop.root.parent / "log" / "commands.log"
    log.parent.mkdir()
    log.write_text("of the run before")
    venue = own(shop, phase())
    assert not log.exists()
    assert shop.is_as_it_was()
    venue.clear_up()
    assert shop.is_as_it_was()


@pytest.mark.parametrize(
    ("releases", "changes", "said"),
    [
        (("releases/1", "releases/4"), {}, "release releases/4: no such folder below root"),
        (TWO, {"root": "/nowhere"}, "root /nowhere: no such folder"),
        (TWO, {"link": "public"}, "link {root}/public: is missing; there is nothing to put back"),
        (TWO, {"link": "releases"}, "link {root}/releases: is a real folder, not a symlink"),
        (TWO, {"mark_file": "REVISION"}, "site.mark_file: {root}/releases/1/REVISION: no such file"),
    ],
)
def test_a_site_that_cannot_be_flipped_is_one_line(
    shop: Shop, releases: tuple[str, ...], changes: dict[str, Any], said: str
) -> None:
    """Exit code 2, and nothing was touched."""
    with pytest.raises(SetUpError) as error:
        own(shop, releases=releases, **changes)
    assert error.value.exit_code == 2
    assert said.format(root=shop.root) in str(error.value)
    assert shop.is_as_it_was()


def test_a_mistyped_command_is_told_before_any_flip(shop: Shop) -> None:
    """Also of a later phase."""
    with pytest.raises(SetUpError, match="phase p: command: expected a program, got 'capp': not found in PATH"):
        own(shop, phase(), phase("command", command=Command(("capp", "deploy"))))
    assert shop.is_as_it_was()


def test_a_link_that_cannot_be_put_back_is_never_flipped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a sticky folder, where the link of another user cannot be replaced."""

    def rename(old: str, new: str) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as patch, pytest.raises(SetUpError, match="cannot be put back: Operation not permitted"):
        patch.setattr(os, "rename", rename)
        patch.setattr(os, "replace", rename)
        own(shop)
    assert shop.is_as_it_was()


@pytest.mark.parametrize(
    ("text", "changes", "code", "said"),
    [
        ("<p>Welcome</p>", {}, 2, "in http://shop/, found none"),
        (
            PAGE.format(1),
            {"marks": 2},
            2,
            "in http://shop/ (site.marks), found 1",
        ),
        (PAGE.format("x"), {}, 2, "site.mark: expected the mark of a release in http://shop/, found x: link "),
        (PAGE.format(2), {}, 3, "is of release 2, but link {link} points to 1: the server, or a cache before it"),
        (PAGE.format(1), {"mark_file": "R"}, 2, "points to releases/1, whose R says 1a2b"),
        (PAGE.format(1), {"mark_file": "R", "discover": True}, 2, "1a2b; or the server still gives an old release"),
    ],
)
def test_a_page_that_does_not_say_its_release_is_told(
    shop: Shop, text: str, changes: dict[str, Any], code: int, said: str
) -> None:
    """With what was found and what was expected."""
    for number in "12":
        (shop.root / "releases" / number / "R").write_text(f"{number}a2b\n")
    with pytest.raises(SetUpError) as error:
        own(shop, **changes).examine(page(text), "http://shop/")
    assert error.value.exit_code == code
    assert said.format(link=shop.link) in str(error.value)


@pytest.mark.parametrize(
    ("mark", "changes", "names"),
    [("releases/1", {}, TWO), ("1", {}, ("1", "2")), ("1a2b", {"mark_file": "R"}, ("1a2b", "2a2b"))],
    ids=["by path", "by folder", "by file"],
)
def test_marks_call_the_releases_as_the_page_does(
    shop: Shop, mark: str, changes: dict[str, Any], names: tuple[str, ...]
) -> None:
    """By the path, the name of the folder, or what a file of the release says."""
    for number in "12":
        (shop.root / "releases" / number / "R").write_text(f"{number}a2b\n")
    venue = own(shop, **changes)
    assert venue.examine(page(PAGE.format(mark), server="nginx"), "http://shop/").due == 1
    assert tuple(map(venue.release, TWO)) == names
    assert venue.version == "nginx (external)"


def test_without_a_mark_nothing_is_one(shop: Shop) -> None:
    """Only losses are judged."""
    assert own(shop, mark="").examine(page("<p>Welcome</p>"), "http://shop/").due == 0


def test_the_companion_flips_or_watches_or_only_waits(shop: Shop) -> None:
    """As the phase says."""
    assert isinstance(own(shop).companion(phase(), shop.root, 7), SwitcherProcess)
    assert isinstance(own(shop).companion(phase("none"), shop.root, 7), Idle)
    watched = WatchedSite(site(shop), shop.root.parent / "commands.log")
    watched.set_up(shop.root.parent, [phase("watch")])
    assert isinstance(watched.companion(phase("watch"), shop.root, 7), SwitcherProcess)
    assert not watched.restores


def test_a_watched_link_that_is_not_there_is_told(shop: Shop) -> None:
    """Exit code 2."""
    shop.link.unlink()
    watched = WatchedSite(site(shop), shop.root.parent / "commands.log")
    with pytest.raises(SetUpError, match="current: no such link; watching needs a link") as error:
        watched.set_up(shop.root.parent, [phase("watch")])
    assert error.value.exit_code == 2


def test_clearing_up_puts_back_what_a_killed_switcher_left(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Once; and it is told."""
    venue = own(shop)
    shop.link.unlink()
    shop.link.symlink_to("releases/2")
    venue.clear_up()
    venue.clear_up()
    assert shop.is_as_it_was()
    assert [record.message for record in caplog.records] == [f"link {shop.link} was put back on releases/1"]


def test_a_link_that_cannot_be_put_back_any_more_is_told(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Its release has gone."""
    venue = own(shop)
    shop.link.unlink()
    shop.link.symlink_to("releases/2")
    (shop.root / "releases" / "1" / "index.html").unlink()
    (shop.root / "releases" / "1").rmdir()
    venue.clear_up()
    assert "cannot be put back on releases/1" in caplog.text
