"""The ways to point the link at another release."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
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
from tests.switcher.process import NAMES, PATIENCE, SWITCHER, Child, Site

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


def watched(monkeypatch: pytest.MonkeyPatch, name: str, look: Callable[..., object]) -> list[object]:
    """What `look` sees just before each call of os.`name`, given the call's arguments."""
    real, seen = getattr(os, name), []

    def observed(*arguments: str) -> None:
        seen.append(look(*arguments))
        real(*arguments)

    monkeypatch.setattr(os, name, observed)
    return seen


def test_forced_leaves_a_moment_without_a_link(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old link is gone before the new one is made: that is what the strategy is there to show."""
    seen = watched(monkeypatch, "symlink", lambda *_: site.points_to())
    forced(str(site.link), "b", str(site.root / SPARE))
    assert seen == [None]


def test_atomic_makes_the_new_link_elsewhere_and_renames_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the rename the old link is in its place."""
    seen = watched(monkeypatch, "rename", lambda source, _: (site.points_to(), os.readlink(source)))
    atomic(str(site.link), "b", str(site.root / SPARE))
    assert seen == [("a", "b")]


@pytest.mark.parametrize("strategy", STRATEGIES.values())
def test_a_folder_in_the_place_of_the_link_is_not_replaced(site: Site, strategy: Strategy) -> None:
    """An error, and no litter."""
    site.link.unlink()
    site.link.mkdir()
    with pytest.raises(OSError, match=r"Is a directory|Operation not permitted|not a symlink any more"):
        strategy(str(site.link), "b", str(site.root / SPARE))
    assert site.entries() == NAMES
    assert site.link.is_dir()


@pytest.mark.parametrize("taken", [SPARE, SPARE + AWAY])
@pytest.mark.parametrize("strategy", STRATEGIES.values())
def test_what_somebody_has_at_a_spare_name_is_not_replaced(site: Site, strategy: Strategy, taken: str) -> None:
    """It makes the flip fail, where the name is needed; file and link stay as they were."""
    (site.root / taken).write_text("somebody else's")
    needed: dict[Strategy, set[str]] = {atomic: {SPARE}, exchange: {SPARE}, two_renames: {SPARE, SPARE + AWAY}}
    is_needed = taken in needed.get(strategy, ())
    with pytest.raises(FileExistsError) if is_needed else contextlib.nullcontext():
        strategy(str(site.link), "b", str(site.root / SPARE))
    assert (site.root / taken).read_text() == "somebody else's"
    assert site.points_to() == ("a" if is_needed else "b")
    assert site.entries() == {*NAMES, taken}


@pytest.mark.parametrize(("strategy", "gap"), [("forced", True), ("atomic", False)])
def test_an_onlooker_sees_the_link_missing_only_during_forced_flips(site: Site, strategy: str, gap: bool) -> None:
    """Whoever does nothing but look finds the gap long before 100 changes; with atomic there is always a link."""
    with Child([*SWITCHER, strategy, *site.options(), "--every", "0"], stdout=subprocess.DEVNULL):
        assert is_seen_missing(site, changes=100) is gap


# A current that is a real folder


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
        assert real.entries() == NAMES


@pytest.mark.parametrize("strategy", FOLDER_STRATEGIES.values())
def test_a_missing_folder_is_made(real: Site, strategy: Strategy) -> None:
    """After an earlier flip that failed half-way the next one makes it again."""
    shutil.rmtree(real.link)
    change(real, strategy, "b")
    assert is_same(str(real.link), str(real.root / "b"))


def test_swap_folders_leaves_a_moment_without_a_folder(real: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is away before the new one is in."""
    seen = watched(monkeypatch, "rename", lambda *_: real.link.exists())
    change(real, swap_folders, "b")
    assert seen == [True, False]


def test_swap_folders_puts_the_old_folder_back_when_there_is_no_new_one(real: Site) -> None:
    """An error, and the site is what it was."""
    with pytest.raises(FileNotFoundError):
        swap_folders(str(real.link), "b", str(real.root / SPARE))
    assert is_same(str(real.link), str(real.root / "a"))
    assert real.entries() == NAMES


def test_swap_folders_does_not_replace_what_has_the_name_of_the_old_folder(real: Site) -> None:
    """Even an empty folder, which a rename would replace; nothing is moved."""
    away = real.root / (SPARE + AWAY)
    away.mkdir()
    before = away.stat().st_ino
    with pytest.raises(FileExistsError, match="is not ours and was left there"):
        change(real, swap_folders, "b")
    assert away.stat().st_ino == before
    assert is_same(str(real.link), str(real.root / "a"))


def test_in_place_does_not_write_over_or_through_what_has_the_spare_name(real: Site) -> None:
    """Neither into the file that a symlink leads to, nor is the symlink taken away; a file is no other matter."""
    precious = real.root / "precious"
    precious.write_text("somebody else's")
    for put in (lambda spare: spare.symlink_to("precious"), precious.rename):
        put(real.root / SPARE)
        with pytest.raises(FileExistsError):
            change(real, in_place, "b")
        assert (real.root / SPARE).read_text() == "somebody else's"
        if (real.root / SPARE).is_symlink():
            (real.root / SPARE).unlink()


@pytest.mark.parametrize(("module", "call"), [(shutil, "copyfileobj"), (os, "rename")])
def test_in_place_takes_its_temporary_file_away(
    real: Site, monkeypatch: pytest.MonkeyPatch, module: ModuleType, call: str
) -> None:
    """A disk that gets full while it is written or renamed: an error, and no litter."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, call, full)
    with pytest.raises(OSError, match="No space left"):
        change(real, in_place, "b")
    assert real.entries() == NAMES


def test_in_place_never_shows_a_part_of_a_file(real: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the rename each file is the old one, as a whole."""
    seen = watched(monkeypatch, "rename", lambda _, path: Path(path).read_text() if os.path.isfile(path) else None)
    change(real, in_place, "b")
    assert {"a", "part of a"} <= {*seen}
    assert {*seen} <= {"a", "part of a", None}


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
@pytest.mark.parametrize(
    ("upload", "files", "reason"),
    [
        ("only-a/upload.jpg", [], "not empty"),  # the new release has no such folder
        ("only-a/upload.jpg", ["aaa", "only-a"], "not empty"),  # or a file of its name
        ("new.html", ["new.html"], r"new\.html appeared during the flip"),  # it was not there at the beginning
    ],
)
def test_an_upload_in_the_way_of_the_release_makes_the_flip_fail(
    real: Site, strategy: Strategy, monkeypatch: pytest.MonkeyPatch, upload: str, files: list[str], reason: str
) -> None:
    """It is not ours to replace, and a folder is only removed empty."""
    for name in files:
        (real.root / "b" / name).write_text("a file in b")
    upload_at_first_copy(monkeypatch, real.link / upload)
    with pytest.raises(OSError, match=reason):
        change(real, strategy, "b")
    assert (real.link / upload).read_text() == "precious"


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
