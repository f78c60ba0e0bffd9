"""A `current` that is a real folder."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from switcher.folder import MIXTURE, Folder, open_folder
from switcher.place import SiteError
from switcher.strategies import AWAY
from tests.switcher.process import NAMES, Site, fail_at


def opened(site: Site, *releases: str, copies: bool = False) -> Folder:
    """The folder of the site, checked."""
    return open_folder(str(site.root), "current", releases or ("a", "b"), copies)


@pytest.mark.parametrize(
    ("part", "told", "whole"),
    [("part of a", "a", True), ("part of b", MIXTURE, False), ("part", MIXTURE, False)],
)
def test_the_release_is_told_by_what_the_folder_holds(real: Site, part: str, told: str, whole: bool) -> None:
    """Every file and every name. A flip that was cut off leaves a mixture: not whole, but ours."""
    (real.link / "part.html").write_text(part)
    folder = opened(real)
    assert (folder.points_to(), folder.release(), folder.is_whole()) == (told, told, whole)


def test_without_a_folder_there_is_no_release(real: Site) -> None:
    """None, as for a link that is missing."""
    shutil.rmtree(real.link)
    assert (opened(real).points_to(), opened(real).release(), opened(real).is_whole()) == (None, None, False)


def test_a_mixture_is_repaired_file_by_file(real: Site) -> None:
    """It becomes the first release, with no name of another."""
    (real.link / "part.html").write_text("part of b")
    (real.link / "only-b").mkdir()
    folder = opened(real)
    folder.repair()
    assert (folder.release(), real.entries()) == ("a", NAMES)


def test_a_missing_folder_is_made_from_the_first_release_that_is_there(real: Site) -> None:
    """The release itself stays where it is; without any it is an error that says so."""
    shutil.rmtree(real.link)
    folder = opened(real)
    shutil.rmtree(real.root / "a")
    folder.repair()
    assert (folder.release(), real.entries()) == ("b", NAMES - {"a"})
    shutil.rmtree(real.root / "b")
    with pytest.raises(FileNotFoundError, match="no release exists any more"):
        folder.repair()


@pytest.mark.parametrize(
    ("name", "put"),
    [
        ("upload.jpg", lambda path: path.write_text("precious")),
        ("part.html", lambda path: path.write_text("part of a, mended")),
        ("cache", Path.mkdir),
        ("uploads", lambda path: path.symlink_to("/var/uploads")),
    ],
)
def test_a_folder_with_anything_of_its_own_is_refused(real: Site, name: str, put: Callable[[Path], object]) -> None:
    """It is not ours to change; the first such name is said."""
    put(real.link / name)
    with pytest.raises(SiteError, match=f"{name} belongs to no release; nothing was touched"):
        opened(real)


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("alias", "is a symlink, not a real folder; nothing was touched"),
        ("file", "is a file, not a real folder; nothing was touched"),
        ("a/current", "link a/current: is inside release a"),  # it would be copied into itself
        ("x" * 300, os.strerror(errno.ENAMETOOLONG)),
    ],
)
def test_what_is_no_folder_of_ours_is_refused(real: Site, link: str, reason: str) -> None:
    """Another kind of thing, or a place where there must be none."""
    (real.root / "alias").symlink_to("a")
    (real.root / "file").write_text("precious")
    with pytest.raises(SiteError, match=reason):
        open_folder(str(real.root), link, ["a", "b"])


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
    assert real.entries() == NAMES
    folder = opened(real, copies=True)
    spare = folder.spare()
    folder.prepare("b", spare)
    assert (Path(spare) / "part.html").read_text() == "part of b"
    folder.settle(spare)
    assert real.entries() == NAMES


def test_a_copy_that_somebody_has_put_a_file_into_is_left_there(real: Site) -> None:
    """The flip fails and says where it is."""
    folder = opened(real, copies=True)
    spare = folder.spare()
    shutil.copytree(real.root / "a", spare + AWAY)
    (Path(spare + AWAY) / "upload.jpg").write_text("precious")
    with pytest.raises(OSError, match="is not a copy of a release and was left there"):
        folder.settle(spare)
    assert (Path(spare + AWAY) / "upload.jpg").read_text() == "precious"


@pytest.mark.parametrize("suffix", ["", AWAY])
@pytest.mark.parametrize("name", ["", "part.html"])
def test_what_a_killed_switcher_left_goes_and_the_name_is_used_again(real: Site, suffix: str, name: str) -> None:
    """A copy, also an unfinished one, or the file that in-place was about to rename."""
    left = real.root / f".current.switcher{suffix}"
    if name:
        left.mkdir()
    (left / name).write_text("part of")
    assert opened(real).spare() == str(real.root / ".current.switcher")
    assert real.entries() == NAMES


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
    fail_at(monkeypatch, "unlink", error=errno.EPERM)
    assert opened(real).spare() == str(real.root / ".current.switcher-1")


@pytest.mark.parametrize(("releases", "reason"), [(["a"], "at least two"), (["a", "nowhere"], "no such folder")])
def test_the_releases_are_checked_as_for_a_link(real: Site, releases: list[str], reason: str) -> None:
    """At least two, each a folder below the root."""
    with pytest.raises(SiteError, match=reason):
        opened(real, *releases)
