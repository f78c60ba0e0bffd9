"""What inotify tells of one name in a folder."""

from __future__ import annotations

import ctypes
import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from switcher.inotify import Inotify
from switcher.strategies import STRATEGIES
from tests.switcher.process import Site


@pytest.fixture
def ear(site: Site) -> Iterator[Inotify]:
    """One that hears of the link."""
    ear = Inotify(str(site.link))
    yield ear
    ear.close()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_flip_of_the_link_is_one_arrival(site: Site, ear: Inotify, strategy: str) -> None:
    """Whichever calls make it, and however often."""
    for release in ("b", "c", "a"):
        STRATEGIES[strategy](str(site.link), release, str(site.root / "spare"))
    arrivals, _ = ear.hear()
    assert arrivals == 3
    assert ear.hear() == (0, False)


def test_what_leaves_the_name_is_no_arrival(site: Site, ear: Inotify) -> None:
    """But it is told."""
    site.link.unlink()
    assert ear.hear() == (0, True)


def test_other_names_are_not_told(site: Site, ear: Inotify) -> None:
    """A deploy makes many files."""
    (site.root / "current.old").write_text("")
    (site.root / "current.old").unlink()
    assert ear.hear() == (0, False)


def test_its_descriptor_is_ready_when_there_is_something_to_hear(site: Site, ear: Inotify) -> None:
    """So nobody must ask all the time."""
    assert select.select([ear.descriptor], [], [], 0)[0] == []
    site.link.unlink()
    assert select.select([ear.descriptor], [], [], 0)[0] == [ear.descriptor]


def test_a_queue_that_overflowed_is_told(site: Site, ear: Inotify) -> None:
    """Then nobody knows what happened to the name."""
    size = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    # Events that are alike and follow one another are one in the queue.
    for number in range(size // 2 + 1):
        os.close(os.open(site.root / f"file{number % 2}", os.O_CREAT))
        os.unlink(site.root / f"file{number % 2}")
    assert ear.hear() == (None, False)
    assert ear.hear() == (0, False)


def test_a_folder_that_was_replaced_is_told_and_the_new_one_heard(tmp_path: Path) -> None:
    """The path counts, as for a web server."""
    for name in ("site", "next"):
        (tmp_path / name / "a").mkdir(parents=True)
        (tmp_path / name / "current").symlink_to("a")
    ear = Inotify(str(tmp_path / "site" / "current"))
    (tmp_path / "site").rename(tmp_path / "last")
    assert ear.hear()[0] is None  # there is none
    (tmp_path / "next").rename(tmp_path / "site")
    assert ear.hear()[0] is None
    assert ear.hear()[0] in (0, None)  # what the folder before still had to say
    os.unlink(tmp_path / "last" / "current")
    assert ear.hear() == (0, False)
    os.unlink(tmp_path / "site" / "current")
    os.symlink("a", tmp_path / "site" / "current")
    assert ear.hear() == (1, True)
    ear.close()


def test_what_cannot_be_heard_of_is_an_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is not there; and everything with a C library without inotify, as on other systems than Linux."""
    with pytest.raises(OSError, match="No such file"):
        Inotify(str(site.root / "nowhere" / "current"))
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    with pytest.raises(OSError, match="no inotify"):
        Inotify(str(site.link))
