"""The link on disk and its releases."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from switcher.link import Link, open_link
from switcher.place import SiteError
from tests.switcher.process import Site, fail_at


def opened(site: Site, *releases: str, link: str = "current") -> Link:
    """The link of the site, checked."""
    return open_link(str(site.root), link, releases or ("a", "b"))


def prepare(site: Site) -> None:
    """Folders and symlinks, inside the root and outside of it."""
    for folder in ("www", "deep/www", "a/www", "../outside", "../site-old"):
        (site.root / folder).mkdir(parents=True)
    for name, target in (
        ("alias", "a"),
        ("latest", "current"),
        ("sunk", "deep/www"),
        ("way-out", "../outside"),
        ("../aka", "site"),
    ):
        (site.root / name).symlink_to(target)


@pytest.mark.parametrize(
    ("link", "targets"),
    [
        ("current", {"a": "a", "./b/": "b"}),
        ("www/current", {"a": "../a", "www/../b": "../b"}),
        ("sunk/current", {"a": "../../a", "b": "../../b"}),  # the folder is followed, the link is not
        ("current", {"b": "b", "latest": "a"}),  # what it means now: `current -> latest -> current` would be a loop
    ],
)
def test_the_targets_lead_from_the_link_to_the_releases(site: Site, link: str, targets: dict[str, str]) -> None:
    """They are relative, so whoever mounts or moves the root follows the link all the same."""
    prepare(site)
    found = opened(site, *targets, link=link)
    assert found.targets == targets
    assert found.path == str(site.root / link.replace("sunk", "deep/www"))


def test_a_root_may_be_a_symlink_and_a_release_absolute(site: Site) -> None:
    """Like any other folder."""
    prepare(site)
    link = open_link(str(site.root / "../aka"), "current", ["a", str(site.root / "c")])
    assert (link.path, link.targets) == (str(site.link), {"a": "a", str(site.root / "c"): "c"})


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        *[(link, "not below root") for link in ("", ".", "..", "../current", "/current", "www/../../current")],
        ("way-out/current", "not below root"),
        ("nowhere/current", r"its folder .*/nowhere does not exist"),
        ("x" * 300, os.strerror(errno.ENAMETOOLONG)),
        ("b", "is a real folder, not a symlink; nothing was touched"),
        ("c/index.html", "is a real file, not a symlink; nothing was touched"),
        ("a/current", "link a/current: is inside release a"),  # to flip it would change the release
        ("a/www/current", "link a/www/current: is inside release a"),
    ],
)
def test_a_link_that_is_not_ours_to_make_is_refused(site: Site, link: str, reason: str) -> None:
    """Outside of the root, by its path or by a symlink, nothing is flipped, and nothing real is replaced."""
    prepare(site)
    with pytest.raises(SiteError, match=reason):
        opened(site, link=link)


@pytest.mark.parametrize(
    ("releases", "reason"),
    [
        *[(["a", release], f"release {release}: no such folder below root") for release in ("d", "a/index.html")],
        (["a", "../nowhere"], "release ../nowhere: no such folder below root"),
        *[
            (["a", release], f"release {release}: not below root")  # neither by its path nor by a symlink
            for release in ("..", ".", "", "../outside", "/", "way-out", "../site-old")
        ],
        # A flip between them would change nothing.
        *[(["a", "b", again], f"release {again}: the same release as a") for again in ("a", "./a", "b/../a", "alias")],
        (["b", "current"], "release current: is the link itself"),
        (["a"], "expected at least two, got 1"),
    ],
)
def test_a_release_that_cannot_be_flipped_to_is_refused(site: Site, releases: list[str], reason: str) -> None:
    """It is a folder below the root, and another one than the others, however it is spelt."""
    prepare(site)
    with pytest.raises(SiteError, match=reason):
        opened(site, *releases)


def test_opening_touches_nothing(site: Site) -> None:
    """Not even a missing link is made, and a leftover stays, until the switcher really starts."""
    site.link.unlink()
    (site.root / ".current.switcher").symlink_to("a")
    before = site.entries()
    opened(site)
    assert site.entries() == before


@pytest.mark.parametrize(
    ("target", "release"),
    [("a", "a"), ("./a", "a"), ("../site/a/", "a"), ("alias", "a"), ("c", "c"), ("nowhere", "nowhere"), (None, None)],
)
def test_the_release_of_a_link_is_known_however_its_target_is_spelt(
    site: Site, target: str | None, release: str | None
) -> None:
    """Its bare target when it is none of the releases; None without a link."""
    (site.root / "alias").symlink_to("a")
    site.put(target)
    link = opened(site)
    assert link.points_to() == target
    assert link.release() == release


@pytest.mark.parametrize(("target", "whole"), [("a", True), ("a/index.html", False), ("d", False), ("current", False)])
def test_a_link_is_whole_when_it_leads_to_a_folder(site: Site, target: str, whole: bool) -> None:
    """A dangling link, a link to a file and a loop are not."""
    site.put(target)
    assert opened(site).is_whole() is whole


@pytest.mark.parametrize("target", [None, "d", "current"])
def test_repair_points_a_broken_link_at_the_first_release_that_is_there(site: Site, target: str | None) -> None:
    """Missing, dangling or a loop; a deploy may have deleted a release meanwhile. No temporary link stays behind."""
    link = opened(site, "a", "b", "c")
    (site.root / "a").rename(site.root / "gone")
    site.put(target)
    link.repair()
    assert site.points_to() == "b"
    assert site.entries() == {"gone", "b", "c", "current"}


def test_repair_fails_when_no_release_is_there(site: Site) -> None:
    """One dangling link is not replaced by another."""
    link = opened(site)
    for release in ("a", "b"):
        (site.root / release).rename(site.root / f"gone-{release}")
    with pytest.raises(OSError, match="no release exists any more"):
        link.repair()
    assert site.points_to() == "a"


def test_a_leftover_of_our_own_is_taken_away(site: Site) -> None:
    """A symlink to one of the releases at the spare name, beside the link: a switcher was killed before its rename."""
    link = opened(site)
    spare = Path(link.spare())
    assert spare.parent == site.root
    spare.symlink_to("b")
    assert link.spare() == str(spare)
    assert not spare.is_symlink()


def test_a_leftover_that_may_not_be_deleted_is_passed_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sticky folder a leftover of another user stays."""
    link = opened(site)
    spare = Path(link.spare())
    spare.symlink_to("b")
    fail_at(monkeypatch, "unlink", error=errno.EPERM)
    assert link.spare() != str(spare)
