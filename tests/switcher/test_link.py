"""The link on disk and its releases."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from switcher.link import Link, open_link
from switcher.place import SiteError
from tests.switcher.process import Site


def opened(site: Site, *releases: str, link: str = "current") -> Link:
    """The link of the site, checked."""
    return open_link(str(site.root), link, releases or ("a", "b"))


def test_the_targets_are_relative_so_that_the_site_can_be_mounted_elsewhere(site: Site) -> None:
    """A release beside the link is its bare name; whoever mounts or moves the root follows the link all the same."""
    link = opened(site, "a", "./b/", str(site.root / "c"))
    assert link.path == str(site.link)
    assert link.targets == {"a": "a", "./b/": "b", str(site.root / "c"): "c"}


def test_a_link_in_a_folder_below_the_root_gets_targets_that_lead_there(site: Site) -> None:
    """The target is seen from the link's folder."""
    (site.root / "www").mkdir()
    link = opened(site, "a", "www/../b", link="www/current")
    assert link.targets == {"a": "../a", "www/../b": "../b"}


def test_a_link_in_a_folder_that_is_itself_a_symlink_gets_targets_that_lead_there(site: Site) -> None:
    """The folder is followed, the link is not."""
    (site.root / "deep" / "www").mkdir(parents=True)
    (site.root / "www").symlink_to("deep/www")
    link = opened(site, link="www/current")
    assert link.path == str(site.root / "deep" / "www" / "current")
    assert link.targets == {"a": "../../a", "b": "../../b"}


def test_a_root_reached_through_a_symlink_is_followed(site: Site, tmp_path: Path) -> None:
    """A site's root may be a symlink like any other folder."""
    (tmp_path / "alias").symlink_to("site")
    assert open_link(str(tmp_path / "alias"), "current", ["a", "b"]).path == str(site.link)


def test_a_release_that_leads_through_the_link_does_not_make_a_loop(site: Site) -> None:
    """The target is the folder that it means now: `current -> latest -> current` would lead nowhere."""
    (site.root / "latest").symlink_to("current")
    link = opened(site, "b", "latest")
    assert link.targets == {"b": "b", "latest": "a"}


def real_folder(site: Site) -> str:
    """A real folder at the link's place."""
    site.link.unlink()
    site.link.mkdir()
    return "is a real folder, not a symlink"


def real_file(site: Site) -> str:
    """A real file at the link's place."""
    site.link.unlink()
    site.link.write_text("precious")
    return "is a real file, not a symlink"


def outside(site: Site) -> Path:
    """A folder beside the root."""
    folder = site.root.parent / "outside"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("occupy", [real_folder, real_file])
def test_something_real_where_the_link_should_be_is_refused(site: Site, occupy: Callable[[Site], str]) -> None:
    """It is not ours to replace."""
    with pytest.raises(SiteError, match=occupy(site)):
        opened(site)


@pytest.mark.parametrize("link", ["", ".", "..", "../current", "/current", "www/../../current"])
def test_a_link_that_is_not_below_the_root_is_refused(site: Site, link: str) -> None:
    """Outside of the root nothing is flipped."""
    with pytest.raises(SiteError, match="not below root"):
        opened(site, link=link)


def test_a_link_whose_folder_leads_out_of_the_root_is_refused(site: Site) -> None:
    """A symlink is no way out."""
    (site.root / "www").symlink_to(outside(site))
    with pytest.raises(SiteError, match="not below root"):
        opened(site, link="www/current")


def test_a_link_in_a_folder_that_does_not_exist_is_refused(site: Site) -> None:
    """The error names the folder."""
    with pytest.raises(SiteError, match=r"its folder .*/www does not exist"):
        opened(site, link="www/current")


def test_a_link_with_a_name_too_long_for_the_disk_is_refused(site: Site) -> None:
    """What the system says is handed on."""
    with pytest.raises(SiteError, match=os.strerror(errno.ENAMETOOLONG)):
        opened(site, link="x" * 300)


def test_a_root_that_does_not_exist_is_refused(site: Site) -> None:
    """The error names it."""
    with pytest.raises(SiteError, match="root /no/such/root: no such folder"):
        open_link("/no/such/root", "current", ["a", "b"])


def test_a_root_that_is_a_file_is_refused(site: Site) -> None:
    """There is nothing below a file."""
    with pytest.raises(SiteError, match="no such folder"):
        open_link(str(site.root / "a" / "index.html"), "current", ["a", "b"])


@pytest.mark.parametrize("release", ["d", "a/index.html", "../nowhere"])
def test_a_release_that_is_no_folder_is_refused(site: Site, release: str) -> None:
    """Missing, or a file."""
    with pytest.raises(SiteError, match=f"release {release}: no such folder below root"):
        opened(site, "a", release)


@pytest.mark.parametrize("release", ["..", ".", "", "../outside", "/", "way-out"])
def test_a_release_outside_the_root_is_refused(site: Site, release: str) -> None:
    """Neither by its path nor by a symlink; the root itself is no release either."""
    (site.root / "way-out").symlink_to(outside(site))
    with pytest.raises(SiteError, match=f"release {release}: not below root"):
        opened(site, "a", release)


def test_a_neighbour_whose_name_begins_like_the_root_is_outside(site: Site) -> None:
    """`site-old` is not below `site`."""
    (site.root.parent / "site-old").mkdir()
    with pytest.raises(SiteError, match="not below root"):
        opened(site, "a", "../site-old")


@pytest.mark.parametrize("again", ["a", "./a", "b/../a", "alias"])
def test_the_same_release_twice_is_refused(site: Site, again: str) -> None:
    """A flip between them would change nothing, however the second one is spelt."""
    (site.root / "alias").symlink_to("a")
    with pytest.raises(SiteError, match=f"release {again}: the same release as a"):
        opened(site, "a", "b", again)


def test_the_link_as_a_release_is_refused(site: Site) -> None:
    """It would point to itself."""
    with pytest.raises(SiteError, match="release current: is the link itself"):
        opened(site, "b", "current")


@pytest.mark.parametrize("link", ["a/current", "a/www/current"])
def test_a_link_inside_a_release_is_refused(site: Site, link: str) -> None:
    """To flip it would change the release; a real folder there would be copied into itself."""
    (site.root / "a" / "www").mkdir()
    with pytest.raises(SiteError, match=f"link {link}: is inside release a"):
        opened(site, link=link)


def test_a_single_release_is_refused(site: Site) -> None:
    """There is nothing to flip between."""
    with pytest.raises(SiteError, match="at least two"):
        opened(site, "a")


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
    site.link.unlink()
    if target is not None:
        site.link.symlink_to(target)
    link = opened(site)
    assert link.points_to() == target
    assert link.release() == release


@pytest.mark.parametrize(("target", "whole"), [("a", True), ("a/index.html", False), ("d", False), ("current", False)])
def test_a_link_is_whole_when_it_leads_to_a_folder(site: Site, target: str, whole: bool) -> None:
    """A dangling link, a link to a file and a loop are not."""
    site.link.unlink()
    site.link.symlink_to(target)
    assert opened(site).is_whole() is whole


def test_something_else_at_the_place_of_the_link_is_no_link(site: Site) -> None:
    """It is told apart from a missing link, which may be made again."""
    link = opened(site)
    real_file(site)
    with pytest.raises(OSError, match="not a symlink any more"):
        link.points_to()


@pytest.mark.parametrize("target", [None, "d", "current"])
def test_repair_points_a_broken_link_at_the_first_release(site: Site, target: str | None) -> None:
    """Missing, dangling or a loop; no temporary link stays behind."""
    site.link.unlink()
    before = site.entries()
    if target is not None:
        site.link.symlink_to(target)
    opened(site, "b", "c").repair()
    assert site.points_to() == "b"
    assert site.entries() == before | {"current"}


def test_repair_takes_a_release_that_is_there(site: Site) -> None:
    """A deploy may have deleted an old release meanwhile."""
    link = opened(site, "a", "b")
    (site.root / "a").rename(site.root / "gone")
    link.repair()
    assert site.points_to() == "b"


def test_repair_fails_when_no_release_is_there(site: Site) -> None:
    """One dangling link is not replaced by another."""
    link = opened(site, "a", "b")
    (site.root / "a").rename(site.root / "gone")
    (site.root / "b").rename(site.root / "gone-too")
    with pytest.raises(OSError, match="none of the releases is there any more"):
        link.repair()
    assert site.points_to() == "a"


def test_repair_that_fails_leaves_no_temporary_link(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes away what it made."""
    link = opened(site)
    site.link.unlink()
    before = site.entries()

    def rename(source: str, path: str) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        link.repair()
    assert site.entries() == before


def test_the_spare_name_is_free_and_beside_the_link(site: Site) -> None:
    """A rename works only within one disk."""
    spare = Path(opened(site).spare())
    assert spare.parent == site.root
    assert not spare.is_symlink()
    assert not spare.exists()


def test_a_leftover_of_our_own_is_taken_away(site: Site) -> None:
    """A symlink to one of the releases at the spare name: a switcher was killed before its rename."""
    link = opened(site)
    spare = Path(link.spare())
    spare.symlink_to("b")
    assert link.spare() == str(spare)
    assert not spare.is_symlink()


def test_what_somebody_else_has_at_the_spare_names_stays(site: Site) -> None:
    """A file, a folder and a symlink that leads elsewhere are left alone, and another name is found."""
    link = opened(site)
    first = Path(link.spare())
    first.write_text("precious")
    second = Path(link.spare())
    (second / "precious").mkdir(parents=True)
    third = Path(link.spare())
    third.symlink_to("/etc")
    fourth = Path(link.spare())

    assert len({first, second, third, fourth}) == 4
    assert first.read_text() == "precious"
    assert (second / "precious").is_dir()
    assert os.readlink(third) == "/etc"
    assert not fourth.is_symlink()


def test_a_leftover_that_may_not_be_deleted_is_passed_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sticky folder a leftover of another user stays."""
    link = opened(site)
    spare = Path(link.spare())
    spare.symlink_to("b")

    def unlink(path: str) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "unlink", unlink)
    assert link.spare() != str(spare)


def test_a_spare_name_that_cannot_be_had_is_an_error(site: Site) -> None:
    """Where the link's name leaves no room for a longer one there is no end of names to try."""
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        opened(site, link="x" * 250).spare()
