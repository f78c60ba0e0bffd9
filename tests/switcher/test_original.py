"""Where the link was: it is put back there, text for text, and nothing is made worse."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from switcher.link import open_link
from switcher.original import Original, remember
from switcher.place import SiteError
from tests.switcher.conftest import Here
from tests.switcher.process import (
    NAMES,
    NOBODY,
    SWITCHER,
    Child,
    Run,
    Site,
    assert_refused,
    assert_true_stream,
    fail_at,
    run,
    snapshot,
)


def original(site: Site) -> Original:
    """Where the link of the site is."""
    return remember(open_link(str(site.root), "current", None))


def test_the_target_is_put_back_text_for_text(site: Site) -> None:
    """Absolute or with a needless slash, as somebody has written it; a second time nothing is to be done."""
    for target in (f"{site.root}/a", "./a/", "a"):
        site.put(target)
        remembered = original(site)
        site.put("b")
        assert remembered.put_back()
        assert site.points_to() == target
        assert not remembered.put_back()
    assert site.entries() == NAMES


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_the_owner_of_the_link_is_put_back_too(site: Site) -> None:
    """Apache's SymLinksIfOwnerMatch and nginx's disable_symlinks look at it. A rehearsal changes nothing to see."""
    os.chown(site.link, NOBODY, NOBODY, follow_symlinks=False)
    remembered = original(site)
    remembered.rehearse()
    assert (os.lstat(site.link).st_uid, site.points_to(), site.entries()) == (NOBODY, "a", NAMES)
    site.put("b")
    assert remembered.put_back()
    assert (os.lstat(site.link).st_uid, os.lstat(site.link).st_gid) == (NOBODY, NOBODY)


def test_a_rehearsal_that_fails_leaves_nothing_behind(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link is where it was."""
    remembered = original(site)
    fail_at(monkeypatch, "rename")
    with pytest.raises(OSError, match="No space left"):
        remembered.rehearse()
    assert (site.points_to(), site.entries()) == ("a", NAMES)


@pytest.mark.parametrize("target", [None, "nowhere"])
def test_a_link_that_leads_nowhere_is_no_place_to_come_back_to(here: Here, site: Site, target: str | None) -> None:
    """It is refused before the first flip, not repaired: it is not ours."""
    site.put(target)
    with pytest.raises(SiteError, match="there is nothing to put back"):
        original(site)
    assert_refused(here("atomic", *site.options(), "--every", "1ms", "--restore"), "there is nothing to put back")
    assert site.points_to() == target


def test_what_is_no_link_any_more_is_left_alone(site: Site) -> None:
    """A file that a deploy has put there is the user's."""
    remembered = original(site)
    site.link.unlink()
    site.link.write_text("mine")
    with pytest.raises(OSError, match="not a symlink any more"):
        remembered.put_back()
    assert site.link.read_text() == "mine"


# On the command line.


def test_restore_leaves_the_link_where_it_was_and_all_else_untouched(here: Here, site: Site) -> None:
    """Also when it was on none of the releases. A link that is where it was is not put back, and `done` says so."""

    def rest() -> dict[str, object]:
        return {path: was for path, was in snapshot(site.root).items() if path not in (str(site.root), str(site.link))}

    before = rest()
    options = ["--every", "1ms", "--restore", "--flips"]
    result = here("atomic", *site.options("b", "c"), *options, "5")
    assert result.code == 0
    assert [flip["release"] for flip in result.flips] == ["b", "c", "b", "c", "b"]
    assert (result.done["release"], result.done["repaired"], site.points_to()) == ("a", True, "a")
    assert rest() == before
    done = here("atomic", *site.options(), *options, "2").done
    assert (done["release"], done["repaired"]) == ("a", False)


def restoring(site: Site, *arguments: str, stdin: int = subprocess.DEVNULL) -> Child:
    """A switcher that puts the link back on a, which is none of its releases."""
    options = ["atomic", *site.options("b", "c"), "--every", "1ms", "--restore", *arguments]
    return Child([*SWITCHER, *options], stdin=stdin)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_restore_comes_after_a_signal_too(site: Site, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the flipping, not the putting back."""
    with restoring(site) as child:
        child.flips()
        child.signal(number)
        assert child.finish().done["reason"] == number.name
    assert site.points_to() == "a"


def test_restore_comes_when_the_parent_has_been_killed(site: Site) -> None:
    """Its end of the pipe closes; nobody reads the stream any more."""
    with restoring(site, "--attached", stdin=subprocess.PIPE) as child:
        child.flips()
        child.read_no_more()
        child.let_go()
        child.finish()
    assert site.points_to() == "a"


def test_attached_it_says_that_it_is_over_and_restores_when_it_is_let_go(site: Site) -> None:
    """Until then the watermark goes on, so that visits to the last release can be judged."""
    with restoring(site, "--flips", "3", "--attached", stdin=subprocess.PIPE) as child:
        child.over()
        child.until(lambda event: event["event"] == "heartbeat")
        assert site.points_to() == "b"
        child.let_go()
        result = child.finish()
    assert (result.code, result.done["reason"], site.points_to()) == (0, "schedule", "a")
    assert_true_stream(result.events, ("b", "c"))


# Commands, and releases that nobody named.


def deploy(here: Here, site: Site, script: str, *options: str, flips: int = 1) -> Run:
    """A run of a shell script; without --releases it makes its own."""
    named = options if "--releases" in options else ("--discover", *options)
    every = ["--every", "1ms", "--flips", str(flips)]
    return here("command", "--root", str(site.root), *named, *every, "--", "sh", "-c", script)


def test_a_link_is_never_put_back_on_a_release_that_has_gone(here: Here, site: Site) -> None:
    """A whole release is better than the old text: exit code 1, no `done`, and the line says what is there instead."""
    result = deploy(here, site, f"rm -rf {site.root}/a; ln -sfn b {site.link}", "--restore")
    assert result.code == 1
    assert result.errors == [f"switcher: link {site.link}: cannot be put back on a: a is not there any more"]
    assert site.points_to() == "b"


def test_a_release_that_nobody_named_is_read_from_the_link(here: Here, site: Site) -> None:
    """By its path below root, however the link says it."""
    made = "mkdir -p releases/$n; ln -sfn $PWD/releases/$n current"
    result = deploy(here, site, f"cd {site.root}; n=$(ls releases | wc -l); {made}", "--restore", flips=2)
    assert result.code == 0
    told = [(flip["release"], flip["held"], flip["outcome"]) for flip in result.flips]
    assert told == [("releases/0", "releases/0", "ok"), ("releases/1", "releases/1", "ok")]
    assert (result.ready["release"], site.points_to()) == ("a", "a")


@pytest.mark.parametrize(
    ("script", "releases", "held", "outcome"),
    [
        ("true", "", "a", "the link still points to a"),
        ("ln -sfn nowhere {link}", "", "nowhere", "the link points to nowhere, which is no folder"),
        ("rm {link}", "", None, "the link is missing"),
        ("ln -sfn b {link}; exit 3", "", "b", "the command ended with exit code 3"),
        ("rm {link}; touch {link}", "", None, "not a symlink any more"),
        # To a release that nobody named, or to one by another way: that is the same release.
        ("ln -sfn c {link}", "--releases a b", "c", "the link points to c"),
        ("ln -sfn {root}/b/ {link}", "--releases b c", "b", "ok"),
        ("true", "--releases a b", "a", "the link points to a"),
    ],
)
def test_what_came_of_a_command_is_said(
    here: Here, site: Site, script: str, releases: str, held: str | None, outcome: str
) -> None:
    """And what the link then held, which visitors may see; its exit code 0 is no proof."""
    result = deploy(here, site, script, *releases.split())
    (flip,) = result.flips
    assert (flip["held"], flip["outcome"]) == (held, outcome)
    assert flip["release"] == "b" or not releases
    assert result.code == (outcome != "ok")


def test_what_a_command_prints_is_in_the_log_and_its_last_lines_on_the_stream(site: Site, tmp_path: Path) -> None:
    """The last ten lines, when it fails; without what would move a terminal's cursor."""
    log = tmp_path / "log"
    script = "seq 12; printf '\\033[31mred\\377\\n\\n'; exit 1"
    arguments = ["--every", "1ms", "--flips", "1", "--log", str(log), "--", "sh", "-c", script]
    result = run("command", *site.options(), *arguments)
    (said,) = [event for event in result.events if event["event"] == "said"]
    assert (said["flip"], said["lines"]) == (1, [*map(str, range(4, 13)), "[31mred\\xff"])
    assert result.errors == []
    first, *rest = log.read_bytes().splitlines()
    assert first.startswith(b"$ sh -c ")
    assert rest[0] == b"1"


def test_a_command_that_does_well_or_cannot_be_started_says_nothing(here: Here, site: Site, tmp_path: Path) -> None:
    """The lines of an earlier command are not taken for its own."""
    log = tmp_path / "log"
    log.write_text("earlier\n")
    (tmp_path / "broken").write_text("#!/no/such/interpreter\n")
    (tmp_path / "broken").chmod(0o755)
    for command in (["ln", "-sfn", "{target}", "{link}"], [str(tmp_path / "broken")]):
        result = here("command", *site.options(), "--every", "1ms", "--flips", "1", "--log", str(log), "--", *command)
        assert not [event for event in result.events if event["event"] == "said"]
    assert log.read_text().startswith("earlier\n$ ln -sfn ")
