"""Where the link was: it is put back there, text for text, and nothing is made worse."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from switcher.link import open_link
from switcher.original import remember
from switcher.place import SiteError
from tests.switcher.process import SWITCHER, Child, Run, Site, assert_true_stream, run
from tests.switcher.test_command_line import NOBODY, assert_refused, snapshot


def test_the_target_is_put_back_text_for_text(site: Site) -> None:
    """Absolute or with a needless slash, as somebody has written it; a second time nothing is to be done."""
    for target in (f"{site.root}/a", "./a/", "a"):
        site.link.unlink()
        site.link.symlink_to("a")
        os.unlink(site.link)
        os.symlink(target, site.link)
        original = remember(open_link(str(site.root), "current", None))
        os.unlink(site.link)
        os.symlink("b", site.link)
        assert original.put_back()
        assert site.points_to() == target
        assert not original.put_back()
    assert site.entries() == {"a", "b", "c", "current"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_the_owner_of_the_link_is_put_back_too(site: Site) -> None:
    """Apache's SymLinksIfOwnerMatch and nginx's disable_symlinks look at it."""
    os.chown(site.link, NOBODY, NOBODY, follow_symlinks=False)
    original = remember(open_link(str(site.root), "current", ["a", "b"]))
    original.rehearse()
    assert os.lstat(site.link).st_uid == NOBODY
    os.unlink(site.link)
    os.symlink("b", site.link)
    assert original.put_back()
    assert (os.lstat(site.link).st_uid, os.lstat(site.link).st_gid) == (NOBODY, NOBODY)


def test_a_rehearsal_changes_nothing_that_can_be_seen(site: Site) -> None:
    """The link points where it did, and nothing is left beside it."""
    original = remember(open_link(str(site.root), "current", ["a", "b"]))
    original.rehearse()
    assert site.points_to() == "a"
    assert site.entries() == {"a", "b", "c", "current"}


@pytest.mark.parametrize("target", [None, "nowhere"])
def test_a_link_that_leads_nowhere_is_no_place_to_come_back_to(site: Site, target: str | None) -> None:
    """It is refused before the first flip, not repaired: it is not ours."""
    site.link.unlink()
    if target:
        site.link.symlink_to(target)
    with pytest.raises(SiteError, match="there is nothing to put back"):
        remember(open_link(str(site.root), "current", ["a", "b"]))
    assert_refused(run("atomic", *site.options(), "--every", "1ms", "--restore"), "there is nothing to put back")
    assert site.points_to() == target


def test_what_is_no_link_any_more_is_left_alone(site: Site) -> None:
    """A file that a deploy has put there is the user's."""
    original = remember(open_link(str(site.root), "current", ["a", "b"]))
    site.link.unlink()
    site.link.write_text("mine")
    with pytest.raises(OSError, match="not a symlink any more"):
        original.put_back()
    assert site.link.read_text() == "mine"


def test_a_link_is_never_put_back_on_a_release_that_has_gone(site: Site) -> None:
    """A whole release is better than the old text."""
    original = remember(open_link(str(site.root), "current", None))
    site.link.unlink()
    site.link.symlink_to("b")
    (site.root / "a").rename(site.root / "cleaned")
    with pytest.raises(FileNotFoundError, match="a is not there any more"):
        original.put_back()
    assert site.points_to() == "b"


# On the command line.


def flips(site: Site, *arguments: str) -> Run:
    """A run by hand that restores."""
    return run("atomic", *site.options("b", "c"), "--every", "1ms", "--restore", *arguments)


def test_restore_leaves_the_link_where_it_was_and_all_else_untouched(site: Site) -> None:
    """Also when it was on none of the releases."""
    before = {
        path: state for path, state in snapshot(site.root).items() if path not in (str(site.root), str(site.link))
    }
    result = flips(site, "--flips", "5")
    assert result.code == 0
    assert [flip["release"] for flip in result.flips] == ["b", "c", "b", "c", "b"]
    assert (result.done["release"], result.done["repaired"]) == ("a", True)
    assert site.points_to() == "a"
    after = {path: state for path, state in snapshot(site.root).items() if path not in (str(site.root), str(site.link))}
    assert after == before


def test_a_link_that_is_where_it_was_is_not_put_back(site: Site) -> None:
    """And `done` does not say that it was."""
    done = run("atomic", *site.options(), "--every", "1ms", "--restore", "--flips", "2").done
    assert (done["release"], done["repaired"]) == ("a", False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_restore_comes_after_a_signal_too(site: Site, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the flipping, not the putting back."""
    with Child([*SWITCHER, "forced", *site.options("b", "c"), "--every", "1ms", "--restore"]) as child:
        child.until(lambda event: event["event"] == "flips")
        child.signal(number)
        result = child.finish()
    assert result.done["reason"] == number.name
    assert site.points_to() == "a"


def test_restore_comes_when_the_parent_has_been_killed(site: Site) -> None:
    """Its end of the pipe closes; nobody reads the stream any more."""
    read, write = os.pipe()
    with Child(
        [*SWITCHER, "atomic", *site.options("b", "c"), "--every", "1ms", "--restore", "--attached"], stdin=read
    ) as child:
        os.close(read)
        child.until(lambda event: event["event"] == "flips")
        assert child.process.stdout is not None
        child.process.stdout.close()
        os.close(write)
        child.finish()
    assert site.points_to() == "a"


def test_attached_it_says_that_it_is_over_and_restores_when_it_is_let_go(site: Site) -> None:
    """Until then the watermark goes on, so that visits to the last release can be judged."""
    arguments = ["atomic", *site.options("b", "c"), "--every", "1ms", "--flips", "3", "--restore", "--attached"]
    read, write = os.pipe()
    with Child([*SWITCHER, *arguments], stdin=read) as child:
        os.close(read)
        child.until(lambda event: event["event"] == "over")
        child.until(lambda event: event["event"] == "heartbeat")
        assert site.points_to() == "b"
        os.close(write)
        result = child.finish()
    assert result.code == 0
    assert result.done["reason"] == "schedule"
    assert site.points_to() == "a"
    assert_true_stream(result.events, ("b", "c"))


def test_a_link_that_cannot_be_put_back_is_told(site: Site) -> None:
    """Exit code 1, no `done`, and the line says what is there instead."""
    script = f"rm -rf {site.root}/a; ln -sfn b {site.link}"
    result = run("command", *site.options(), "--every", "1ms", "--flips", "1", "--restore", "--", "sh", "-c", script)
    assert result.code == 1
    assert result.errors == [f"switcher: link {site.link}: cannot be put back on a: a is not there any more"]
    assert site.points_to() == "b"


def test_restore_is_for_a_link(site: Site) -> None:
    """Not for a real folder."""
    assert_refused(
        run("in-place", *site.options(), "--every", "1ms", "--restore"),
        "--restore: is for a link, not for a real folder",
    )


# Releases that nobody named.


def discover(site: Site, script: str, *arguments: str, number: int = 2) -> Run:
    """A run of a shell script that makes its own releases."""
    flips = ["--every", "1ms", "--flips", str(number), *arguments]
    options = ["--root", str(site.root), "--discover", *flips, "--", "sh", "-c", script]
    return run("command", *options)


def test_a_release_that_nobody_named_is_read_from_the_link(site: Site) -> None:
    """By its path below root, however the link says it."""
    script = (
        f"cd {site.root}; n=$(ls releases 2>/dev/null | wc -l); mkdir -p releases/$n; ln -sfn $PWD/releases/$n current"
    )
    result = discover(site, script, "--restore")
    assert result.code == 0
    assert [(flip["release"], flip["held"], flip["outcome"]) for flip in result.flips] == [
        ("releases/0", "releases/0", "ok"),
        ("releases/1", "releases/1", "ok"),
    ]
    assert result.ready["release"] == "a"
    assert site.points_to() == "a"


@pytest.mark.parametrize(
    ("script", "held", "outcome"),
    [
        ("true", "a", "the link still points to a"),
        ("ln -sfn nowhere {link}", "nowhere", "the link points to nowhere, which is no folder"),
        ("rm {link}", None, "the link is missing"),
        ("ln -sfn b {link}; exit 3", "b", "the command ended with exit code 3"),
        ("rm {link}; touch {link}", None, "not a symlink any more"),
    ],
)
def test_what_came_of_a_deploy_that_is_none_is_said(site: Site, script: str, held: str | None, outcome: str) -> None:
    """And what the link then held, which visitors may see."""
    result = discover(site, script, number=1)
    (flip,) = result.flips
    assert (flip["held"], flip["outcome"]) == (held, outcome)
    assert result.code == 1


def test_only_a_command_can_make_a_release_to_discover(site: Site) -> None:
    """The strategies of ours must know where to flip to."""
    assert_refused(
        run("atomic", "--root", str(site.root), "--discover", "--every", "1ms"), "--discover: only a command"
    )
    both = run("atomic", *site.options(), "--discover", "--every", "1ms")
    assert_refused(both, "not allowed with argument")


def test_a_flip_that_went_elsewhere_says_where(site: Site) -> None:
    """To a release that nobody named, or to one by another way: that is the same release."""
    arguments = ["--every", "1ms", "--flips", "1", "--", "sh", "-c"]
    (flip,) = run("command", *site.options(), *arguments, f"ln -sfn c {site.link}").flips
    assert (flip["release"], flip["held"], flip["outcome"]) == ("b", "c", "the link points to c")
    (flip,) = run("command", *site.options("c", "b"), *arguments, f"ln -sfn {site.root}/b/ {site.link}").flips
    assert (flip["release"], flip["held"], flip["outcome"]) == ("b", "b", "ok")


# What a command prints.


def test_what_a_command_prints_is_in_the_log_and_its_last_lines_on_the_stream(site: Site, tmp_path: Path) -> None:
    """The last ten lines, when it fails; without what would move a terminal's cursor."""
    log = tmp_path / "log"
    script = "seq 12; printf '\\033[31mred\\377\\n\\n'; exit 1"
    arguments = ["--every", "1ms", "--flips", "1", "--log", str(log), "--", "sh", "-c", script]
    result = run("command", *site.options(), *arguments)
    (said,) = [event for event in result.events if event["event"] == "said"]
    assert said["flip"] == 1
    assert said["lines"] == [*map(str, range(4, 13)), "[31mred\\xff"]
    assert result.errors == []
    first, *rest = log.read_bytes().splitlines()
    assert first.startswith(b"$ sh -c ")
    assert rest[0] == b"1"
    assert stat.S_ISREG(log.stat().st_mode)


def test_a_command_that_does_well_or_cannot_be_started_says_nothing(site: Site, tmp_path: Path) -> None:
    """The lines of an earlier command are not taken for its own."""
    log = tmp_path / "log"
    log.write_text("earlier\n")
    for command in (["ln", "-sfn", "{target}", "{link}"], ["no-such-program"]):
        result = run("command", *site.options(), "--every", "1ms", "--flips", "1", "--log", str(log), "--", *command)
        assert not [event for event in result.events if event["event"] == "said"]
    assert log.read_text().startswith("earlier\n$ ln -sfn ")
