"""A `current` that is a real folder."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from switcher.folder import MIXTURE, Folder, open_folder
from switcher.place import SiteError
from switcher.strategies import AWAY
from tests.switcher.process import Site


@pytest.fixture
def real(site: Site) -> Site:
    """The site with a copy of release a where its link was; the releases differ in content and in names."""
    for release in ("a", "b", "c"):
        (site.root / release / "part.html").write_text(f"part of {release}")
        (site.root / release / release).mkdir()
    site.link.unlink()
    shutil.copytree(site.root / "a", site.link)
    return site


def opened(site: Site, *releases: str, copies: bool = False) -> Folder:
    """The folder of the site, checked."""
    return open_folder(str(site.root), "current", releases or ("a", "b"), copies)


def test_the_release_is_told_by_what_the_folder_holds(real: Site) -> None:
    """Every file and every name."""
    folder = opened(real)
    assert (folder.points_to(), folder.release(), folder.is_whole()) == ("a", "a", True)
    shutil.rmtree(real.link)
    shutil.copytree(real.root / "b", real.link)
    assert (folder.points_to(), folder.release(), folder.is_whole()) == ("b", "b", True)


def test_without_a_folder_there_is_no_release(real: Site) -> None:
    """None, as for a link that is missing."""
    shutil.rmtree(real.link)
    assert (opened(real).points_to(), opened(real).release(), opened(real).is_whole()) == (None, None, False)


def test_files_of_several_releases_are_a_mixture(real: Site) -> None:
    """Not whole, but ours: a flip that did not get to its end has left that."""
    (real.link / "part.html").write_text("part of b")
    folder = opened(real)
    assert (folder.points_to(), folder.release(), folder.is_whole()) == (MIXTURE, MIXTURE, False)


def test_a_file_that_ends_in_the_middle_is_still_ours(real: Site) -> None:
    """A switcher that was killed while it wrote over the file has left it so."""
    (real.link / "part.html").write_text("part")
    assert opened(real).points_to() == MIXTURE


def test_a_mixture_is_repaired_file_by_file(real: Site) -> None:
    """It becomes the first release, with no name of another."""
    (real.link / "part.html").write_text("part of b")
    (real.link / "b").mkdir()
    folder = opened(real)
    folder.repair()
    assert folder.release() == "a"
    assert real.entries() == {"a", "b", "c", "current"}


def test_a_missing_folder_is_made_from_the_first_release_that_is_there(real: Site) -> None:
    """The release itself stays where it is."""
    shutil.rmtree(real.link)
    folder = opened(real)
    shutil.rmtree(real.root / "a")
    folder.repair()
    assert folder.release() == "b"
    assert real.entries() == {"b", "c", "current"}


def test_without_any_release_nothing_is_repaired(real: Site) -> None:
    """An error that says so."""
    folder = opened(real)
    for release in ("a", "b"):
        shutil.rmtree(real.root / release)
    with pytest.raises(FileNotFoundError, match="none of the releases"):
        folder.repair()


def put_a_file(site: Site) -> str:
    """An upload that only the site has."""
    (site.link / "upload.jpg").write_text("precious")
    return "upload.jpg"


def change_a_file(site: Site) -> str:
    """An edit that only the site has."""
    (site.link / "part.html").write_text("part of a, mended")
    return "part.html"


def put_a_folder(site: Site) -> str:
    """An empty folder that no release has."""
    (site.link / "cache").mkdir()
    return "cache"


def put_a_symlink(site: Site) -> str:
    """A symlink to somewhere else."""
    (site.link / "uploads").symlink_to("/var/uploads")
    return "uploads"


@pytest.mark.parametrize("put", [put_a_file, change_a_file, put_a_folder, put_a_symlink])
def test_a_folder_with_anything_of_its_own_is_refused(real: Site, put: object) -> None:
    """It is not ours to change; the first such name is said."""
    assert callable(put)
    name = put(real)
    with pytest.raises(SiteError, match=f"{name} is not of a release; nothing was touched"):
        opened(real)


def test_a_symlink_or_a_file_in_its_place_is_refused(real: Site) -> None:
    """The strategies for a link are for that."""
    shutil.rmtree(real.link)
    real.link.symlink_to("a")
    with pytest.raises(SiteError, match="is a symlink, not a real folder; nothing was touched"):
        opened(real)
    real.link.unlink()
    real.link.write_text("precious")
    with pytest.raises(SiteError, match="is a file, not a real folder"):
        opened(real)


def test_a_folder_inside_a_release_is_refused(real: Site) -> None:
    """It would be copied into itself."""
    with pytest.raises(SiteError, match="link a/current: is inside release a"):
        open_folder(str(real.root), "a/current", ["a", "b"])


def test_a_folder_with_a_name_too_long_for_the_disk_is_refused(real: Site) -> None:
    """What the system says is handed on, as for a link."""
    with pytest.raises(SiteError, match=os.strerror(errno.ENAMETOOLONG)):
        open_folder(str(real.root), "x" * 300, ["a", "b"])


def test_a_folder_that_becomes_a_symlink_is_not_ours_any_more(real: Site) -> None:
    """Reading it back is an error, which makes the flip a failed one."""
    folder = opened(real)
    shutil.rmtree(real.link)
    real.link.symlink_to("a")
    with pytest.raises(OSError, match="not a real folder any more"):
        folder.points_to()
    assert not folder.is_whole()


def test_copies_are_made_only_for_the_strategy_that_wants_them(real: Site) -> None:
    """And what is left of them is taken away."""
    opened(real).prepare("b", str(real.root / "spare"))
    assert real.entries() == {"a", "b", "c", "current"}
    folder = opened(real, copies=True)
    spare = folder.spare()
    folder.prepare("b", spare)
    assert (Path(spare) / "part.html").read_text() == "part of b"
    folder.settle(spare)
    assert real.entries() == {"a", "b", "c", "current"}


def test_a_copy_that_somebody_has_put_a_file_into_is_left_there(real: Site) -> None:
    """The flip fails and says where it is."""
    folder = opened(real, copies=True)
    spare = folder.spare()
    shutil.copytree(real.root / "a", spare + AWAY)
    (Path(spare + AWAY) / "upload.jpg").write_text("precious")
    with pytest.raises(OSError, match="is no copy of a release, and was left there"):
        folder.settle(spare)
    assert (Path(spare + AWAY) / "upload.jpg").read_text() == "precious"


@pytest.mark.parametrize("suffix", ["", AWAY])
def test_what_a_killed_switcher_left_goes_and_the_name_is_used_again(real: Site, suffix: str) -> None:
    """A copy, also an unfinished one."""
    left = real.root / f".current.switcher{suffix}"
    left.mkdir()
    (left / "part.html").write_text("part of")
    assert opened(real).spare() == str(real.root / ".current.switcher")
    assert not left.exists()


def test_a_file_of_a_release_that_was_left_goes(real: Site) -> None:
    """What in-place was about to rename."""
    (real.root / ".current.switcher").write_text("part of b")
    assert opened(real).spare() == str(real.root / ".current.switcher")
    assert real.entries() == {"a", "b", "c", "current"}


@pytest.mark.parametrize("suffix", ["", AWAY])
def test_a_name_that_somebody_else_uses_is_left_alone(real: Site, suffix: str) -> None:
    """The next free one is taken."""
    left = real.root / f".current.switcher{suffix}"
    left.write_text("precious")
    assert opened(real).spare() == str(real.root / ".current.switcher-1")
    assert left.read_text() == "precious"


def test_a_leftover_that_may_not_be_deleted_is_passed_over(real: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another user's in a sticky folder: the next name is taken."""
    (real.root / ".current.switcher").write_text("part of b")

    def unlink(path: str) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "unlink", unlink)
    assert opened(real).spare() == str(real.root / ".current.switcher-1")


def test_the_releases_are_checked_as_for_a_link(real: Site) -> None:
    """At least two, each a folder below the root."""
    with pytest.raises(SiteError, match="at least two"):
        open_folder(str(real.root), "current", ["a"])
    with pytest.raises(SiteError, match="no such folder"):
        opened(real, "a", "nowhere")
    assert os.listdir(real.link)
