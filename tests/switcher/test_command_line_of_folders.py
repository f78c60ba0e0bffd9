"""python -m switcher where `current` is a real folder, as its users run it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from switcher.strategies import FOLDER_STRATEGIES
from switcher.tree import is_same
from tests.conftest import require_program
from tests.switcher.process import SWITCHER, Child, Run, Site, assert_true_stream, run
from tests.switcher.test_command_line import NOBODY, after, assert_refused, at_call, snapshot, spin

each_strategy = pytest.mark.parametrize("strategy", FOLDER_STRATEGIES)


@pytest.fixture
def real(site: Site) -> Site:
    """The site with a copy of release a where its link was; the releases have four files each."""
    for release in ("a", "b", "c"):
        for name in ("one", "two", "three"):
            (site.root / release / name).write_text(f"{name} of {release}" * 100)
    site.link.unlink()
    shutil.copytree(site.root / "a", site.link)
    return site


def assert_whole(site: Site, release: str) -> None:
    """The folder is a copy of the release, and nothing lies about."""
    assert is_same(str(site.link), str(site.root / release))
    assert site.entries() == {"a", "b", "c", "current"}


def assert_ended_well(result: Run, site: Site) -> None:
    """Exit code 0, a true stream, every flip took, and the folder holds what `done` says."""
    assert result.code == 0, result
    assert result.done["failed"] == 0
    assert_true_stream(result.events)
    assert_whole(site, result.done["release"])


@each_strategy
def test_a_run_flips_and_says_so(real: Site, strategy: str) -> None:
    """As with a link: each flip is read back, and the last one stays."""
    result = run(strategy, *real.options(), "--every", "1ms", "--flips", "21")
    assert_ended_well(result, real)
    assert result.errors == []
    assert (result.ready["release"], result.done["release"], result.done["flips"]) == ("a", "b", 21)


@each_strategy
def test_releases_of_equal_size_and_time_are_told_apart(real: Site, strategy: str) -> None:
    """As `git archive` makes them; from flip to flip only the content of the files differs."""
    for folder in (real.root / "a", real.root / "b", real.link):
        for file in folder.iterdir():
            os.utime(file, (1_000_000_000, 1_000_000_000))
    result = run(strategy, *real.options(), "--every", "0", "--flips", "5")
    assert_ended_well(result, real)
    assert [flip["held"] for flip in result.flips] == ["b", "a", "b", "a", "b"]


@each_strategy
def test_a_missing_folder_is_made_and_that_is_said(real: Site, strategy: str) -> None:
    """It is a copy of the first release."""
    shutil.rmtree(real.link)
    result = run(strategy, *real.options(), "--every", "0", "--flips", "1")
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
    real: Site, strategy: str, call: str, number: int
) -> None:
    """Whatever is half done then: missing, a mixture, or a copy beside it."""
    for release in ("a", "b"):
        (real.root / release / f"only-{release}").write_text(release)
    shutil.copy(real.root / "a" / "only-a", real.link)
    options = [*real.options(), "--every", "0"]
    killed = run(strategy, *options, command=at_call(call, number, "os.kill(os.getpid(), signal.SIGKILL)"))
    assert killed.code == -signal.SIGKILL
    result = run(strategy, *options, "--flips", "2")
    assert_ended_well(result, real)


@each_strategy
def test_a_disk_that_is_full_makes_failed_flips_and_the_folder_is_repaired(real: Site, strategy: str) -> None:
    """Each is counted and told; at the end the folder is a whole release again, though nothing could be copied."""
    full = """
import errno, os, shutil
calls = 0
def limited(real):
    def copy(*arguments, **options):
        global calls
        calls += 1
        if calls in (6, 7):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **options)
    return copy
shutil.copy2 = limited(shutil.copy2)
shutil.copyfileobj = limited(shutil.copyfileobj)
import sys, switcher.__main__
sys.exit(switcher.__main__.main())
"""
    result = run(strategy, *real.options(), "--every", "0", "--flips", "6", command=[sys.executable, "-c", full])
    assert result.code == 1
    outcomes = [flip["outcome"] for flip in result.flips]
    assert "No space left" in " ".join(outcomes)
    assert outcomes[-1] == "ok"
    assert_whole(real, result.done["release"])


@each_strategy
def test_an_upload_between_two_flips_stops_the_flipping(real: Site, strategy: str) -> None:
    """From then on every flip fails and says why, and the upload stays; only we are not whole any more.

    It comes once, also in the middle of a flip, and in one step: by a hard link.
    """
    with Child([*SWITCHER, strategy, *real.options(), "--every", "20ms", "--flips", "40"]) as child:
        child.until(lambda event: event["event"] == "flips")
        precious = real.root / "upload.jpg"
        precious.write_text("precious")
        while True:  # once; a flip may have moved the folder away just then, and only that is tried again
            try:
                os.link(precious, real.link / "upload.jpg")
                break
            except FileNotFoundError:
                continue
        result = child.finish()
    assert result.code == 1
    assert "upload.jpg is not of a release; nothing was touched" in result.flips[-1]["outcome"]
    assert (real.link / "upload.jpg").read_text() == "precious"


@pytest.fixture
def read_only(real: Site) -> Iterator[Site]:
    """A site of an ordinary user's, each release with a folder in which nothing can be made or removed."""
    root = Path(tempfile.mkdtemp(prefix="switcher-"))  # pytest's own folders only their owner sees
    try:
        for name in ("a", "b", "current"):
            shutil.copytree(real.root / name, root / name)
            (root / name / "closed").mkdir()
            (root / name / "closed" / "file").write_text("the same in all")
            (root / name / "closed").chmod(0o555)
        for path in (root, *root.rglob("*")):
            if os.getuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        yield Site(root, root / "current")
    finally:
        for closed in root.rglob("closed"):
            closed.chmod(0o755)
        shutil.rmtree(root)


def test_a_release_with_a_read_only_folder_can_be_swapped_by_an_ordinary_user(read_only: Site) -> None:
    """Its copies are ours, and go again: after the flip, and when a killed switcher has left one."""
    # At the last moment, as in test_a_root_that_is_not_writable_is_refused.
    become = after(f"""
import os, switcher.__main__ as main
real = main.open_folder
def open_folder(*arguments):
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid({NOBODY})
        os.setuid({NOBODY})
    return real(*arguments)
main.open_folder = open_folder
""")
    left = read_only.root / ".current.switcher"
    shutil.copytree(read_only.root / "a", left)
    if os.getuid() == 0:
        for path in (left, *left.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    result = run("swap-folders", *read_only.options(), "--every", "0", "--flips", "3", command=become)
    assert (result.code, [flip["outcome"] for flip in result.flips]) == (0, ["ok"] * 3)
    assert is_same(str(read_only.link), str(read_only.root / "b"))
    assert read_only.entries() == {"a", "b", "current"}


def stranger_in_the_folder(site: Site) -> str:
    """A file that no release has."""
    (site.link / "upload.jpg").write_text("precious")
    return "upload.jpg is not of a release; nothing was touched"


def link_in_its_place(site: Site) -> str:
    """What the other strategies want."""
    shutil.rmtree(site.link)
    site.link.symlink_to("a")
    return "is a symlink, not a real folder; nothing was touched"


@each_strategy
@pytest.mark.parametrize("make", [stranger_in_the_folder, link_in_its_place])
def test_what_is_not_ours_is_refused(real: Site, strategy: str, make: object) -> None:
    """One line, exit code 2, nothing touched."""
    assert callable(make)
    said = make(real)
    before = snapshot(real.root)
    assert_refused(run(strategy, *real.options(), "--every", "0"), said)
    assert snapshot(real.root) == before


def share_files(site: Site) -> None:
    """Make `current` of hard links to release a, as `cp -al` and `rsync --link-dest` do."""
    shutil.rmtree(site.link)
    shutil.copytree(site.root / "a", site.link, copy_function=os.link)


def test_a_folder_that_shares_its_files_with_a_release_is_not_written_over(real: Site) -> None:
    """To write into such a file would spoil the release."""
    share_files(real)
    before = snapshot(real.root)
    result = run("in-place-truncate", *real.options(), "--every", "0")
    assert_refused(result, f"folder {real.link}: shares its files with release a; nothing was touched")
    assert snapshot(real.root) == before


@pytest.mark.parametrize("strategy", ["swap-folders", "in-place"])
def test_a_folder_that_shares_its_files_with_a_release_may_be_replaced(real: Site, strategy: str) -> None:
    """A rename leaves the other name of a file alone."""
    share_files(real)
    before = {file: file.read_text() for file in (real.root / "a").iterdir()}
    assert_ended_well(run(strategy, *real.options(), "--every", "0", "--flips", "3"), real)
    assert {file: file.read_text() for file in (real.root / "a").iterdir()} == before


def test_a_command_may_change_a_real_folder(real: Site, tmp_path: Path) -> None:
    """With --folder; rsync is what people use."""
    rsync = [require_program("rsync"), "-a", "--checksum", "--delete", "{root}/{release}/", "{link}/"]
    result = run("command", "--folder", *real.options(), "--every", "0", "--flips", "3", "--", *rsync)
    assert_ended_well(result, real)


def test_a_command_that_leaves_a_mixture_is_a_failed_flip(real: Site) -> None:
    """A copy that forgets what the new release does not have any more."""
    (real.root / "a" / "only-a").write_text("a")
    shutil.copy(real.root / "a" / "only-a", real.link)
    copy = ["cp", "-r", "{root}/{release}/.", "{link}/"]
    result = run("command", "--folder", *real.options(), "--every", "0", "--flips", "1", "--", *copy)
    assert result.code == 1
    assert result.flips[0]["outcome"] == "the folder holds files of several releases"
    assert_whole(real, "a")


def test_a_command_that_loses_the_folder_is_told_so_in_its_word(real: Site) -> None:
    """What is missing is a folder, not a link."""
    lose = ["rm", "-r", "{link}"]
    result = run("command", "--folder", *real.options(), "--every", "0", "--flips", "1", "--", *lose)
    assert [flip["outcome"] for flip in result.flips] == ["the folder is missing"]


def test_a_command_without_folder_wants_a_link(real: Site) -> None:
    """What it finds must be what was said."""
    before = snapshot(real.root)
    assert_refused(run("command", *real.options(), "--every", "0", "--", "true"), "is a real folder, not a symlink")
    assert snapshot(real.root) == before
