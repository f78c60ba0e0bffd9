"""The ways to point the link at another release."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from switcher.strategies import (
    AWAY,
    COPYING,
    FOLDER_STRATEGIES,
    STRATEGIES,
    Strategy,
    atomic,
    exchange,
    forced,
    in_place,
    in_place_truncate,
    swap_folders,
    two_renames,
)
from switcher.tree import copy, is_same
from tests.switcher.process import PATIENCE, SWITCHER, Child, Site

SPARE = ".spare"


def is_seen_missing(site: Site, changes: int) -> bool:
    """Look at the link until it is missing, or until it has changed so many times."""
    last = site.points_to()
    deadline = time.monotonic() + PATIENCE
    while changes > 0:
        assert time.monotonic() < deadline, "nobody flips"
        target = site.points_to()
        if target is None:
            return True
        changes -= target != last
        last = target
    return False


def test_the_registry_has_each_strategy_under_its_own_name() -> None:
    """The names are what users write on the command line and in a scenario."""
    assert dict(STRATEGIES) == {"forced": forced, "atomic": atomic, "exchange": exchange, "two-renames": two_renames}
    assert dict(FOLDER_STRATEGIES) == {
        "swap-folders": swap_folders,
        "in-place": in_place,
        "in-place-truncate": in_place_truncate,
    }


@pytest.mark.parametrize("strategy", STRATEGIES.values())
def test_a_flip_leaves_the_link_on_the_new_release_and_nothing_else(site: Site, strategy: Strategy) -> None:
    """The link holds the target as given, and the spare name is free again."""
    before = site.entries()
    strategy(str(site.link), "b", str(site.root / SPARE))
    assert site.points_to() == "b"
    assert site.entries() == before


@pytest.mark.parametrize("strategy", STRATEGIES.values())
def test_a_missing_link_is_made(site: Site, strategy: Strategy) -> None:
    """After an earlier flip that failed half-way the next one makes the link again."""
    site.link.unlink()
    strategy(str(site.link), "b", str(site.root / SPARE))
    assert site.points_to() == "b"


def test_forced_leaves_a_moment_without_a_link(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old link is gone before the new one is made: that is what the strategy is there to show."""
    symlink = os.symlink
    seen = []

    def observed(target: str, path: str) -> None:
        seen.append(site.points_to())
        symlink(target, path)

    monkeypatch.setattr(os, "symlink", observed)
    forced(str(site.link), "b", str(site.root / SPARE))
    assert seen == [None]


def test_forced_does_not_touch_the_spare_name(site: Site) -> None:
    """It needs none, so what is there stays."""
    spare = site.root / SPARE
    spare.write_text("somebody else's")
    forced(str(site.link), "b", str(spare))
    assert spare.read_text() == "somebody else's"


def test_atomic_makes_the_new_link_elsewhere_and_renames_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the rename the old link is in its place."""
    rename = os.rename
    seen = []

    def observed(source: str, path: str) -> None:
        seen.append((site.points_to(), os.readlink(source)))
        rename(source, path)

    monkeypatch.setattr(os, "rename", observed)
    atomic(str(site.link), "b", str(site.root / SPARE))
    assert seen == [("a", "b")]


def test_atomic_takes_its_temporary_link_away_when_the_rename_fails(tmp_path: Path) -> None:
    """A folder where the link should be cannot be replaced: an error, and no litter."""
    folder = tmp_path / "current"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        atomic(str(folder), "b", str(tmp_path / SPARE))
    assert os.listdir(tmp_path) == ["current"]


def test_atomic_does_not_replace_what_has_the_spare_name(site: Site) -> None:
    """A file of somebody else's makes the flip fail; file and link stay as they were."""
    spare = site.root / SPARE
    spare.write_text("somebody else's")
    with pytest.raises(FileExistsError):
        atomic(str(site.link), "b", str(spare))
    assert spare.read_text() == "somebody else's"
    assert site.points_to() == "a"


def test_two_renames_does_not_replace_what_has_the_name_of_the_old_link(site: Site) -> None:
    """A file that somebody has put there since the start makes the flip fail; file and link stay as they were."""
    away = site.root / (SPARE + AWAY)
    away.write_text("somebody else's")
    with pytest.raises(FileExistsError, match="is not ours, and was left there"):
        two_renames(str(site.link), "b", str(site.root / SPARE))
    assert away.read_text() == "somebody else's"
    assert site.points_to() == "a"
    assert site.entries() == {"a", "b", "c", "current", SPARE + AWAY}


def test_an_onlooker_sees_the_link_missing_during_forced_flips(site: Site) -> None:
    """The gap is real: an onlooker who does nothing but look finds it long before 100 changes."""
    with Child([*SWITCHER, "forced", *site.options(), "--every", "0"], stdout=subprocess.DEVNULL):
        assert is_seen_missing(site, changes=100)


def test_an_onlooker_never_sees_the_link_missing_during_atomic_flips(site: Site) -> None:
    """However often it changes, there is a link."""
    with Child([*SWITCHER, "atomic", *site.options(), "--every", "0"], stdout=subprocess.DEVNULL):
        assert not is_seen_missing(site, changes=100)


# A current that is a real folder


@pytest.fixture
def real(site: Site) -> Site:
    """The site with a copy of release a where its link was; each release has a folder and a symlink of its own."""
    for release in ("a", "b"):
        (site.root / release / "part.html").write_text(f"part of {release}")
        (site.root / release / f"only-{release}" / "deep").mkdir(parents=True)
        (site.root / release / f"only-{release}" / "deep" / "file").write_text(release)
        (site.root / release / "newest").symlink_to(f"only-{release}/deep/file")
    # What is a file in one is a folder in the other.
    (site.root / "a" / "either").write_text("a file")
    (site.root / "b" / "either").mkdir()
    site.link.unlink()
    copy(str(site.root / "a"), str(site.link))
    return site


def change(site: Site, strategy: Strategy, release: str) -> None:
    """Flip the folder as the switcher does: a copy first for the strategies that want one."""
    spare = site.root / SPARE
    if strategy in COPYING:
        copy(str(site.root / release), str(spare))
    strategy(str(site.link), release, str(spare))


@pytest.mark.parametrize("strategy", FOLDER_STRATEGIES.values())
def test_a_flip_makes_the_folder_the_same_as_the_release(real: Site, strategy: Strategy) -> None:
    """Back and forth: nothing of the other one is left, and the releases stay as they are."""
    for release in ("b", "a", "b"):
        change(real, strategy, release)
        assert is_same(str(real.link), str(real.root / release))
        shutil.rmtree(real.root / (SPARE + AWAY), ignore_errors=True)
        assert real.entries() == {"a", "b", "c", "current"}


@pytest.mark.parametrize("strategy", FOLDER_STRATEGIES.values())
def test_a_missing_folder_is_made(real: Site, strategy: Strategy) -> None:
    """After an earlier flip that failed half-way the next one makes it again."""
    shutil.rmtree(real.link)
    change(real, strategy, "b")
    assert is_same(str(real.link), str(real.root / "b"))


def test_swap_folders_leaves_a_moment_without_a_folder(real: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is away before the new one is in."""
    rename = os.rename
    seen = []

    def observed(source: str, path: str) -> None:
        seen.append(real.link.exists())
        rename(source, path)

    monkeypatch.setattr(os, "rename", observed)
    change(real, swap_folders, "b")
    assert seen == [True, False]


def test_swap_folders_puts_the_old_folder_back_when_there_is_no_new_one(real: Site) -> None:
    """An error, and the site is what it was."""
    with pytest.raises(FileNotFoundError):
        swap_folders(str(real.link), "b", str(real.root / SPARE))
    assert is_same(str(real.link), str(real.root / "a"))
    assert real.entries() == {"a", "b", "c", "current"}


def test_swap_folders_does_not_replace_what_has_the_name_of_the_old_folder(real: Site) -> None:
    """Even an empty folder, which a rename would replace; nothing is moved."""
    away = real.root / (SPARE + AWAY)
    away.mkdir()
    before = away.stat().st_ino
    with pytest.raises(FileExistsError, match="is not ours, and was left there"):
        change(real, swap_folders, "b")
    assert away.stat().st_ino == before
    assert is_same(str(real.link), str(real.root / "a"))


def test_in_place_does_not_write_over_what_has_the_spare_name(real: Site) -> None:
    """A file that somebody has put there since the start makes the flip fail, and stays."""
    spare = real.root / SPARE
    spare.write_text("somebody else's")
    with pytest.raises(FileExistsError):
        change(real, in_place, "b")
    assert spare.read_text() == "somebody else's"


def test_in_place_does_not_write_through_a_symlink_at_the_spare_name(real: Site) -> None:
    """Neither into the file that it leads to, nor is the symlink taken away."""
    precious = real.root / "precious"
    precious.write_text("somebody else's")
    (real.root / SPARE).symlink_to("precious")
    with pytest.raises(FileExistsError):
        change(real, in_place, "b")
    assert precious.read_text() == "somebody else's"
    assert os.readlink(real.root / SPARE) == "precious"


def test_in_place_takes_a_copy_that_was_cut_off_away(real: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that gets full while the spare file is written: an error, and no litter."""

    def full(content: object, file: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        change(real, in_place, "b")
    assert real.entries() == {"a", "b", "c", "current"}


def test_in_place_never_shows_a_part_of_a_file(real: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the rename each file is the old one, as a whole."""
    rename = os.rename
    seen = {}

    def observed(source: str, path: str) -> None:
        seen[os.path.basename(path)] = Path(path).read_text() if os.path.exists(path) else None
        rename(source, path)

    monkeypatch.setattr(os, "rename", observed)
    change(real, in_place, "b")
    assert (seen["index.html"], seen["part.html"]) == ("a", "part of a")


def test_in_place_truncate_writes_into_the_file_that_is_there(real: Site) -> None:
    """It keeps its inode: whoever has it open sees it change."""
    before = (real.link / "index.html").stat().st_ino
    change(real, in_place_truncate, "b")
    assert (real.link / "index.html").stat().st_ino == before
    change(real, in_place, "a")
    assert (real.link / "index.html").stat().st_ino != before


IN_PLACE = pytest.mark.parametrize("strategy", [in_place, in_place_truncate])


def upload_at_first_copy(monkeypatch: pytest.MonkeyPatch, upload: Path) -> None:
    """Let somebody make a file while the first file of the release is copied."""
    copystat = shutil.copystat

    def observed(*arguments: Any, **options: Any) -> None:
        if not upload.exists():
            upload.write_text("precious")
        copystat(*arguments, **options)

    monkeypatch.setattr(shutil, "copystat", observed)


@IN_PLACE
def test_an_upload_during_a_flip_in_place_stays(
    real: Site, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else becomes the new release; that there is one file more the read-back finds."""
    upload_at_first_copy(monkeypatch, real.link / "upload.jpg")
    change(real, strategy, "b")
    assert (real.link / "upload.jpg").read_text() == "precious"
    (real.link / "upload.jpg").unlink()
    assert is_same(str(real.link), str(real.root / "b"))


@IN_PLACE
def test_an_upload_into_a_folder_that_goes_makes_the_flip_fail(
    real: Site, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that the new release has not is only removed empty."""
    upload_at_first_copy(monkeypatch, real.link / "only-a" / "upload.jpg")
    with pytest.raises(OSError, match="not empty"):
        change(real, strategy, "b")
    assert (real.link / "only-a" / "upload.jpg").read_text() == "precious"


@IN_PLACE
def test_an_upload_into_a_folder_that_becomes_a_file_makes_the_flip_fail(
    real: Site, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has another kind in the new release goes by its names, too."""
    (real.root / "b" / "aaa").write_text("the first to be copied")
    (real.root / "b" / "only-a").write_text("a file in b")
    upload_at_first_copy(monkeypatch, real.link / "only-a" / "upload.jpg")
    with pytest.raises(OSError, match="not empty"):
        change(real, strategy, "b")
    assert (real.link / "only-a" / "upload.jpg").read_text() == "precious"


@IN_PLACE
def test_an_upload_with_a_name_of_the_new_release_makes_the_flip_fail(
    real: Site, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not there at the beginning, so it is not ours to replace."""
    (real.root / "b" / "new.html").write_text("new in b")
    upload_at_first_copy(monkeypatch, real.link / "new.html")
    with pytest.raises(FileExistsError, match=r"new\.html came while"):
        change(real, strategy, "b")
    assert (real.link / "new.html").read_text() == "precious"


@IN_PLACE
def test_behind_a_symlink_that_replaces_a_folder_nothing_is_removed(real: Site, strategy: Strategy) -> None:
    """The names below the old folder lead into another one then."""
    (real.root / "b" / "only-a").symlink_to("../elsewhere")
    elsewhere = real.root / "elsewhere" / "deep" / "file"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text("precious")
    change(real, strategy, "b")
    assert elsewhere.read_text() == "precious"


def test_in_place_truncate_does_not_write_through_a_hard_link(real: Site) -> None:
    """The flip fails, and the other name keeps its content."""
    os.link(real.link / "index.html", real.root / "backup")
    with pytest.raises(OSError, match=r"index\.html is hard-linked"):
        change(real, in_place_truncate, "b")
    assert (real.root / "backup").read_text() == "a"


def test_in_place_takes_its_temporary_file_away_when_the_rename_fails(
    real: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full, say: an error, and no litter."""

    def full(source: str, path: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        change(real, in_place, "b")
    assert real.entries() == {"a", "b", "c", "current"}
