"""python -m switcher STRATEGY where `current` is a real folder, as its users run it."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from switcher.stop import Stop
from switcher.strategies import FOLDER_STRATEGIES, STRATEGIES
from switcher.tree import copy, is_same
from tests.conftest import require_program
from tests.switcher.conftest import Here
from tests.switcher.process import (
    NAMES,
    NOBODY,
    SWITCHER,
    Child,
    Run,
    Site,
    as_nobody,
    assert_refused,
    assert_true_stream,
    killed_at,
    run,
    snapshot,
    spin,
)

each_strategy = pytest.mark.parametrize("strategy", FOLDER_STRATEGIES)


def assert_whole(site: Site, release: str) -> None:
    """The folder is a copy of the release, and nothing lies about."""
    assert is_same(str(site.link), str(site.root / release))
    assert site.entries() == NAMES


def assert_ended_well(result: Run, site: Site) -> None:
    """Exit code 0, a true stream, every flip took, and the folder holds what `done` says."""
    assert result.code == 0, result
    assert result.done["failed"] == 0
    assert_true_stream(result.events)
    assert_whole(site, result.done["release"])


@each_strategy
def test_a_run_flips_and_says_so(here: Here, real: Site, strategy: str) -> None:
    """As with a link: each flip is read back, and the last one stays."""
    result = here(strategy, *real.options(), "--every", "1ms", "--flips", "21")
    assert_ended_well(result, real)
    assert result.errors == []
    assert (result.ready["release"], result.done["release"], result.done["flips"]) == ("a", "b", 21)


@each_strategy
def test_releases_of_equal_size_and_time_are_told_apart(here: Here, site: Site, strategy: str) -> None:
    """As `git archive` makes them; from flip to flip only the content of the files differs."""
    site.put(None)
    shutil.copytree(site.root / "a", site.link)
    for folder in (site.root / "a", site.root / "b", site.link):
        os.utime(folder / "index.html", (1_000_000_000, 1_000_000_000))
    result = here(strategy, *site.options(), "--every", "0", "--flips", "5")
    assert_ended_well(result, site)
    assert [flip["held"] for flip in result.flips] == ["b", "a", "b", "a", "b"]


@each_strategy
def test_a_missing_folder_is_made_and_that_is_said(here: Here, real: Site, strategy: str) -> None:
    """It is a copy of the first release."""
    shutil.rmtree(real.link)
    result = here(strategy, *real.options(), "--every", "0", "--flips", "1")
    assert_ended_well(result, real)
    assert (result.ready["repaired"], result.ready["release"]) == (True, "a")
    assert result.errors == [f"switcher: {real.link}: it was missing; repaired: the folder holds a now"]


@each_strategy
def test_a_signal_at_any_instant_leaves_a_whole_release(real: Site, strategy: str) -> None:
    """The flip in hand, with all its files, is finished."""
    for attempt in range(5):
        with Child([*SWITCHER, strategy, *real.options(), "--every", "0"]) as child:
            child.ready()
            spin(attempt * 310_000)
            child.signal(signal.SIGTERM)
            assert_ended_well(child.finish(), real)


@pytest.mark.parametrize(
    ("strategy", "call", "number"),
    [
        ("swap-folders", "rename", 4),  # between the two renames of the second flip
        ("in-place", "rename", 3),  # between two files
        ("in-place", "unlink", 1),
        ("in-place-truncate", "utime", 3),  # between the file's content and its time
    ],
)
def test_killed_in_the_middle_of_a_flip_it_is_repaired_by_the_next_start(
    here: Here, real: Site, strategy: str, call: str, number: int
) -> None:
    """Whatever is half done then: missing, a mixture, or a copy beside it."""
    options = [*real.options(), "--every", "0"]
    assert run(strategy, *options, command=killed_at(call, number)).code == -signal.SIGKILL
    assert_ended_well(here(strategy, *options, "--flips", "2"), real)


@each_strategy
def test_a_disk_that_is_full_makes_failed_flips_and_the_folder_is_repaired(
    here: Here, real: Site, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is counted and told; at the end the folder is a whole release again, though nothing could be copied."""
    calls = count(1)

    def limited(real: Callable[..., None]) -> Callable[..., None]:
        def copy(*arguments: Any, **options: Any) -> None:
            if next(calls) in (6, 7):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(*arguments, **options)

        return copy

    for name in ("copy2", "copyfileobj"):
        monkeypatch.setattr(shutil, name, limited(getattr(shutil, name)))
    result = here(strategy, *real.options(), "--every", "0", "--flips", "6")
    assert result.code == 1
    outcomes = [flip["outcome"] for flip in result.flips]
    assert "No space left" in " ".join(outcomes)
    assert outcomes[-1] == "ok"
    assert_whole(real, result.done["release"])


@each_strategy
def test_an_upload_between_two_flips_stops_the_flipping(
    here: Here, real: Site, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From then on every flip fails and says why, and the upload stays; only we are not whole any more."""
    wait, upload, waits = Stop.wait, real.link / "upload.jpg", count(1)

    def observed(stop: Stop, until: int, also: int | None = None) -> None:
        if next(waits) == 3:
            upload.write_text("precious")
        wait(stop, until, also)

    monkeypatch.setattr(Stop, "wait", observed)
    result = here(strategy, *real.options(), "--every", "20ms", "--flips", "6")
    assert result.code == 1
    outcomes = [flip["outcome"] for flip in result.flips]
    assert (outcomes[0], outcomes[-1]) == ("ok", "upload.jpg belongs to no release; nothing was touched")
    assert outcomes == sorted(outcomes, key="ok".__ne__)
    assert upload.read_text() == "precious"


@pytest.fixture
def read_only(real: Site) -> Iterator[Site]:
    """A site of an ordinary user's, each release with a folder in which nothing can be made or removed.

    A killed switcher has left a copy there.
    """
    root = Path(tempfile.mkdtemp(prefix="switcher-"))  # pytest's own folders only their owner sees
    try:
        for name, source in (("a", "a"), ("b", "b"), ("current", "current"), (".current.switcher", "a")):
            copy(str(real.root / source), str(root / name))
            (root / name / "closed").mkdir()
            (root / name / "closed" / "file").write_text("the same in all")
            (root / name / "closed").chmod(0o555)
        for path in (root, *root.rglob("*")):
            if os.getuid() == 0:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        yield Site(root, root / "current")
    finally:
        for closed in root.rglob("closed"):
            closed.chmod(0o755)
        shutil.rmtree(root)


def test_a_release_with_a_read_only_folder_can_be_swapped_by_an_ordinary_user(read_only: Site) -> None:
    """Its copies are ours, and go again: after the flip, and when a killed switcher has left one."""
    result = run("swap-folders", *read_only.options(), "--every", "0", "--flips", "3", command=as_nobody())
    assert (result.code, [flip["outcome"] for flip in result.flips]) == (0, ["ok"] * 3)
    assert is_same(str(read_only.link), str(read_only.root / "b"))
    assert read_only.entries() == {"a", "b", "current"}


def share_files(site: Site) -> None:
    """Make `current` of hard links to release a, as `cp -al` and `rsync --link-dest` do."""
    shutil.rmtree(site.link)
    shutil.copytree(site.root / "a", site.link, copy_function=os.link, symlinks=True)


def stranger_in_the_folder(site: Site) -> None:
    """A file that no release has."""
    (site.link / "upload.jpg").write_text("precious")


def link_in_its_place(site: Site) -> None:
    """What the other strategies want."""
    shutil.rmtree(site.link)
    site.link.symlink_to("a")


def as_it_is(site: Site) -> None:
    """A real folder."""


@pytest.mark.parametrize(
    ("make", "strategies", "said"),
    [
        (stranger_in_the_folder, FOLDER_STRATEGIES, "upload.jpg belongs to no release; nothing was touched"),
        (link_in_its_place, FOLDER_STRATEGIES, "is a symlink, not a real folder; nothing was touched"),
        (share_files, ["in-place-truncate"], "current: shares its files with release a; nothing was touched"),
        (as_it_is, STRATEGIES, "is a real folder, not a symlink"),
    ],
)
def test_what_is_not_ours_is_refused(
    here: Here, real: Site, make: Callable[[Site], None], strategies: list[str], said: str
) -> None:
    """One line, exit code 2, nothing touched."""
    make(real)
    before = snapshot(real.root)
    for strategy in strategies:
        assert_refused(here(strategy, *real.options(), "--every", "0"), said)
    assert snapshot(real.root) == before


@pytest.mark.parametrize("strategy", ["swap-folders", "in-place"])
def test_a_folder_that_shares_its_files_with_a_release_may_be_replaced(here: Here, real: Site, strategy: str) -> None:
    """A rename leaves the other name of a file alone."""
    share_files(real)
    before = {file: file.read_text() for file in (real.root / "a").glob("*.html")}
    assert_ended_well(here(strategy, *real.options(), "--every", "0", "--flips", "3"), real)
    assert {file: file.read_text() for file in (real.root / "a").glob("*.html")} == before


def command(here: Here, site: Site, *arguments: str) -> Run:
    """A run of a command, on the folder."""
    flips = "3" if arguments[0].endswith("rsync") else "1"
    return here("command", "--folder", *site.options(), "--every", "0", "--flips", flips, "--", *arguments)


def test_a_command_may_change_a_real_folder(here: Here, real: Site) -> None:
    """With --folder; rsync is what people use."""
    rsync = [require_program("rsync"), "-a", "--checksum", "--delete", "{root}/{release}/", "{link}/"]
    assert_ended_well(command(here, real, *rsync), real)


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ("cp -r {root}/{release}/part.html {link}/", "the folder holds files of several releases"),
        ("rm -r {link}", "the folder is missing"),
    ],
)
def test_a_command_that_leaves_no_release_is_a_failed_flip(
    here: Here, real: Site, arguments: str, outcome: str
) -> None:
    """It is told in the word of a folder, and repaired."""
    result = command(here, real, *arguments.split())
    assert (result.code, [flip["outcome"] for flip in result.flips]) == (1, [outcome])
    assert_whole(real, "a")
