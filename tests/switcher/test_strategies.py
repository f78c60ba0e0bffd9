"""The ways to point the link at another release."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from switcher.strategies import STRATEGIES, Strategy, atomic, exchange, forced, two_renames
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


def test_an_onlooker_sees_the_link_missing_during_forced_flips(site: Site) -> None:
    """The gap is real: an onlooker who does nothing but look finds it long before 100 changes."""
    with Child([*SWITCHER, "forced", *site.options(), "--every", "0"], stdout=subprocess.DEVNULL):
        assert is_seen_missing(site, changes=100)


def test_an_onlooker_never_sees_the_link_missing_during_atomic_flips(site: Site) -> None:
    """However often it changes, there is a link."""
    with Child([*SWITCHER, "atomic", *site.options(), "--every", "0"], stdout=subprocess.DEVNULL):
        assert not is_seen_missing(site, changes=100)
