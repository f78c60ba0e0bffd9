"""python -m switcher STRATEGY, as its users run it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from switcher import cli_flip
from switcher.cli import CLOSED
from switcher.flip import COLUMNS
from switcher.strategies import GAPPED, STRATEGIES
from switcher.switch import LATE
from tests.switcher.conftest import Here
from tests.switcher.process import (
    MS,
    NAMES,
    PATIENCE,
    SWITCHER,
    Child,
    Site,
    as_nobody,
    assert_ended_well,
    assert_refused,
    assert_true_stream,
    at_calls,
    fail_at,
    flips_of,
    killed_at,
    run,
    snapshot,
    spin,
)

each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)

FULL = "No space left on device"


# Flipping


@each_strategy
def test_a_run_flips_and_says_so(here: Here, site: Site, strategy: str) -> None:
    """`ready` says who flips what, the flips follow, `done` sums up; standard error stays empty."""
    result = here(strategy, *site.options(), "--every", "1ms", "--flips", "20")
    assert_ended_well(result, site)
    assert result.errors == []
    assert result.ready == {
        "event": "ready",
        "pid": os.getpid(),
        "strategy": strategy,
        "link": str(site.link),
        "release": "a",
        "repaired": False,
        "columns": list(COLUMNS),
        "jitter": 1.0,
        "seed": result.ready["seed"],
        "watermark": result.ready["watermark"],
    }
    assert list(COLUMNS) == ["flip", "release", "due", "invoked", "completed", "held", "outcome", "cpu"]
    assert set(result.done) == {"event", "release", "repaired", "reason", "flips", "failed", "late", "watermark"}
    assert (result.done["flips"], result.done["repaired"], site.points_to()) == (20, False, "a")


def test_the_root_may_be_relative_and_the_link_has_a_default_name(
    here: Here, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand, in the folder of the site; another link is only flipped when it is named."""
    monkeypatch.chdir(site.root)
    (site.root / "www").mkdir()
    flip = ["--root", ".", "--releases", "a", "b", "--every", "0"]
    assert here("forced", *flip, "--flips", "2", "--link", "www/live").code == 0
    assert (os.readlink("www/live"), site.points_to()) == ("../a", "a")
    shutil.rmtree("www")
    result = here("atomic", *flip, "--flips", "1")
    assert_ended_well(result, site)
    assert result.ready["link"] == str(site.link)


def test_flips_come_at_random_moments_that_a_seed_brings_back(here: Here, site: Site) -> None:
    """Each in its own interval, and not one after exactly the same time as another; `ready` says the seed."""
    options = ["atomic", *site.options(), "--every", "2ms", "--flips", "40"]
    first = here(*options)
    seed = first.ready["seed"]
    second, other = here(*options, "--seed", str(seed)), here(*options, "--seed", str(seed + 1))
    times = []
    for result in (first, second, other):
        assert_ended_well(result, site)
        dues = [flip["due"] for flip in result.flips]
        assert all(flip["due"] <= flip["invoked"] for flip in result.flips)
        times.append([due - dues[0] for due in dues])
    assert (first.ready["jitter"], second.ready["seed"]) == (1.0, seed)
    assert times[0] == times[1] != times[2]
    assert len({later - earlier for earlier, later in pairwise(times[0])}) > 20


@pytest.mark.parametrize("usable", [os.sched_getaffinity(0), {min(os.sched_getaffinity(0))}], ids=["all", "one"])
def test_the_flips_move_from_processor_to_processor(here: Here, site: Site, usable: set[int]) -> None:
    """Of those that may be used (taskset, a container), so that none is always, or never, the one of the server."""
    os.sched_setaffinity(0, usable)
    result = here("forced", *site.options(), "--every", "1ms", "--flips", "40", "--seed", "7")
    assert_ended_well(result, site)
    assert {flip["cpu"] for flip in result.flips} == usable


def test_a_command_runs_where_the_system_lets_it(site: Site) -> None:
    """Its processes may use all processors that the switcher may, and no flip names one."""
    show = 'grep Cpus_allowed_list /proc/self/status >&2; ln -sfn "$0" "$1"'
    flip = ["sh", "-c", show, "{target}", "{link}"]
    result = run("command", *site.options(), "--every", "1ms", "--flips", "3", "--", *flip)
    assert_ended_well(result, site)
    own = re.findall(r"Cpus_allowed_list:.*", Path("/proc/self/status").read_text())
    assert result.errors == own * 3
    assert {flip["cpu"] for flip in result.flips} == {None}


@pytest.mark.parametrize("strategy", GAPPED)
def test_a_gap_makes_the_flip_as_long(here: Here, site: Site, strategy: str) -> None:
    """At least that long: the pause is within the cutover."""
    result = here(strategy, *site.options(), "--every", "0", "--flips", "5", "--gap", "3ms")
    assert_ended_well(result, site)
    assert all(flip["completed"] - flip["invoked"] >= 3 * MS for flip in result.flips)


def test_a_schedule_too_dense_drops_no_flip_and_counts_the_late_ones(here: Here, site: Site) -> None:
    """A flip cannot take a microsecond: all are made, all keep their due time, and `done` says how many were late."""
    result = here("atomic", *site.options(), "--every", "1us", "--flips", "2000", "--jitter", "0")
    assert_ended_well(result, site)
    dues = [flip["due"] for flip in result.flips]
    assert dues == [dues[0] + k * 1000 for k in range(2000)]
    assert all(flip["due"] <= flip["invoked"] for flip in result.flips)
    late = [flip for flip in result.flips if flip["invoked"] - flip["due"] > LATE]
    assert result.done["late"] == len(late) > 0


def test_the_examples_of_the_help_can_be_run_as_they_stand(site: Site) -> None:
    """All of them, only for a shorter time; the help itself is no error."""
    text = subprocess.run([*SWITCHER, "--help"], check=True, capture_output=True, text=True).stdout
    lines = [line.strip() for line in text.splitlines() if line.startswith("  python -m switcher ")]
    assert len(lines) >= 2
    for line in lines:
        shorter = line.replace("10s", "60ms").replace("5000", "50")
        command = shorter.replace("python", shlex.quote(sys.executable), 1)
        subprocess.run(["sh", "-c", command], check=True, capture_output=True, cwd=site.root)
    assert json.loads((site.root / "flips.jsonl").read_text().splitlines()[-1])["event"] == "done"


# Stopping


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_a_wait_ends_the_run(site: Site, number: signal.Signals) -> None:
    """Also when the next flip is an hour away; until then a heartbeat says that nothing happened."""
    with Child([*SWITCHER, "atomic", *site.options(), "--every", "1h", "--jitter", "0"]) as child:
        child.flips()
        beats = [child.event() for _ in range(3)]
        child.signal(number)
        assert_ended_well(child.finish(), site, number.name)
    assert [set(beat) for beat in beats] == [{"event", "watermark"}] * 3
    assert {beat["event"] for beat in beats} == {"heartbeat"}


@each_strategy
def test_a_signal_at_any_instant_leaves_the_link_on_a_whole_release(site: Site, strategy: str) -> None:
    """While it flips as fast as it can, at instants that sweep over several flips: always `done`, always exit 0."""
    for attempt in range(14):
        number = (signal.SIGINT, signal.SIGTERM)[attempt % 2]
        with Child([*SWITCHER, strategy, *site.options(), "--every", "0"]) as child:
            child.ready()
            spin(attempt // 2 * 61_000)
            child.signal(number)
            assert_ended_well(child.finish(), site, number.name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_unlink_and_symlink_waits_for_the_flip(
    here: Here, site: Site, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst instant of all, hit for certain: the flip in hand is finished and counted."""
    at_calls(monkeypatch, "symlink", [3], lambda: signal.raise_signal(number))
    result = here("forced", *site.options(), "--every", "0")
    assert_ended_well(result, site, number.name)
    assert result.done["flips"] == 3


def test_a_signal_in_the_gap_waits_for_the_flip(site: Site) -> None:
    """However long it is, the link is made again."""
    with Child([*SWITCHER, "forced", *site.options(), "--every", "0", "--gap", "300ms"]) as child:
        child.ready()
        while site.points_to() is not None:
            pass
        child.signal(signal.SIGTERM)
        assert_ended_well(child.finish(), site, "SIGTERM")


def test_a_second_signal_changes_nothing(site: Site) -> None:
    """Ctrl-C is pressed more than once: also while the interpreter shuts down the exit code stays."""
    for attempt in range(10):
        with Child([*SWITCHER, "forced", *site.options(), "--every", "1h", "--jitter", "0"]) as child:
            child.ready()
            child.signal(signal.SIGINT)
            child.until(lambda event: event["event"] == "done")
            spin(attempt * 600_000)
            child.signal(signal.SIGINT)
            assert_ended_well(child.finish(), site, "SIGINT")


def attached(site: Site, *options: str) -> Child:
    """A switcher with a parent."""
    return Child([*SWITCHER, "atomic", *site.options(), *options, "--attached"], stdin=subprocess.PIPE)


@pytest.mark.parametrize("every", ["0", "1ms", "1h"])
def test_attached_it_ends_with_its_standard_input(site: Site, every: str) -> None:
    """The parent has gone: between flips as well as in a long wait. What the parent writes before is no matter."""
    with attached(site, "--every", every) as child:
        child.extend()
        child.ready()
        child.event()
        child.let_go()
        assert_ended_well(child.finish(), site, "end of standard input")


def test_attached_to_a_standard_input_at_its_end_it_ends_at_once(site: Site) -> None:
    """The parent may be gone before we look: no flip is needed to notice."""
    result = run("atomic", *site.options(), "--every", "1h", "--attached")
    assert_ended_well(result, site, "end of standard input")


@pytest.mark.parametrize("restore", [[], ["--restore"]])
def test_each_line_extends_the_schedule_once(site: Site, restore: list[str]) -> None:
    """At its end it says `over` and waits; the numbers go on. Its standard input's end is its own."""
    with attached(site, "--every", "1ms", "--flips", "5", "--extend", *restore) as child:
        child.over()
        for _ in range(2):
            assert [flip["flip"] for flip in flips_of(child.events)][-1] % 5 == 0
            child.extend()
            child.over()
        child.let_go()
        result = child.finish()
    assert result.code == 0
    assert_true_stream(result.events)
    assert (result.done["reason"], result.done["flips"]) == ("schedule", 15)
    assert site.points_to() == ("a" if restore else "b")


def test_a_schedule_that_is_cut_while_it_is_extended_says_so(site: Site) -> None:
    """The end of standard input is then a stop in the middle."""
    with attached(site, "--every", "1ms", "--flips", "500", "--extend") as child:
        child.extend()
        child.over()
        child.until(lambda event: event["event"] == "flips" and event["flips"][-1][0] > 500)
        child.let_go()
        assert_ended_well(child.finish(), site, "end of standard input")


def test_a_length_is_extended_by_itself(site: Site) -> None:
    """As long again from the line on, with as many flips."""
    with attached(site, "--every", "5ms", "--for", "50ms", "--extend") as child:
        first = child.over()
        child.extend()
        second = child.over()
        child.let_go()
        result = child.finish()
    assert_ended_well(result, site)
    assert len(result.flips) == 20
    assert second["watermark"] - first["watermark"] >= 50 * MS


# The site and the command line are checked before anything is touched (test_link has what a wrong site is)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("sideways --every 1ms", "invalid choice: 'sideways'.*forced.*atomic"),
        ("--every 1ms", "required: STRATEGY"),
        ("atomic", "required: --every"),
        ("atomic --every 20", "--every: '20' is not a duration: write a number and a unit, such as 20ms"),
        ("atomic --every 1ms --for 0", "--for: expected a duration above 0, got '0'"),
        ("atomic --every 1ms --flips 0", "--flips: expected a whole number above 0, got '0'"),
        ("atomic --every 1ms --for 1s --flips 5", "--flips: not allowed with argument --for"),
        ("atomic --every 1ms --link ../current", "link ../current: not below root"),
        ("atomic --every 1ms --att", "unrecognized arguments: --att"),
        ("atomic --every 1ms --jitter 1.1", "--jitter: expected a number from 0 to 1, got '1.1'"),
        ("atomic --every 1ms --jitter nan", "--jitter: expected a number from 0 to 1, got 'nan'"),
        ("atomic --every 1ms --jitter x", "--jitter: expected a number from 0 to 1, got 'x'"),
        ("atomic --every 0 --jitter 0.5", "--jitter: has no effect with --every 0, where flips have no interval"),
        ("atomic --every 1ms --seed=-1", "--seed: expected a whole number, 0 or more, got '-1'"),
        ("atomic --every 1ms --gap 1ms", "--gap: has no effect with atomic; it is for forced and two-renames"),
        ("forced --every 1ms --gap 0", "--gap: expected a duration above 0, got '0'"),
        ("atomic --every 1ms --extend", "--extend: has no effect without --attached"),
        ("atomic --every 1ms --discover", "not allowed with argument"),
        ("in-place --every 1ms --restore", "--restore: expected a link, got a real folder"),
        ("command --every 1s", "strategy command: the command is missing; write it after --"),
        ("atomic --every 1s --timeout 1s", "strategy atomic: a command, --timeout, .* they are for command"),
        ("atomic --every 1s -- true", "strategy atomic: a command, --timeout, .* they are for command"),
        ("command --every 1s --log /nowhere/x -- true", "--log /nowhere/x: No such file or directory"),
        ("command --every 1s -- lnn {link}", "command: expected a program, got 'lnn': not found in PATH"),
    ],
)
def test_a_wrong_command_line_is_refused(here: Here, site: Site, arguments: str, reason: str) -> None:
    """One line, exit code 2, and not even a time stamp below the root has changed."""
    before = snapshot(site.root)
    assert_refused(here("--releases", "a", "b", "--root", str(site.root), *arguments.split()), reason)
    assert snapshot(site.root) == before


def test_only_a_command_can_make_a_release_to_discover(here: Here, site: Site) -> None:
    """The strategies of ours must know where to flip to."""
    refused = here("atomic", "--root", str(site.root), "--discover", "--every", "1ms")
    assert_refused(refused, "--discover: expected strategy command and a link")


def test_a_site_that_cannot_be_flipped_is_refused(here: Here, site: Site) -> None:
    """A broken link is not repaired when a release is missing; the line is one line whatever a name is."""
    site.put("nowhere")
    before = snapshot(site.root)
    missing = site.root.parent / "no\nsuch\nroot"
    assert_refused(here("forced", *site.options("a", "d"), "--every", "1ms"), "release d: no such folder below root")
    assert_refused(
        here("atomic", "--root", str(missing), "--releases", "a", "b", "--every", "0"), "no such root: no such folder"
    )
    assert snapshot(site.root) == before
    assert not missing.exists()


@pytest.mark.parametrize("broken", [False, True])
def test_a_link_whose_name_leaves_no_room_for_a_temporary_one_is_refused(here: Here, site: Site, broken: bool) -> None:
    """Before `ready`, and not by trying names forever; a link that may need a repair needs one in forced, too."""
    link = site.root / ("x" * 250)
    if not broken:
        link.symlink_to("a")
    before = snapshot(site.root)
    options = ["--root", str(site.root), "--link", link.name, "--releases", "a", "b"]
    assert_refused(here("forced", *options, "--every", "0", "--flips", "2"), "cannot be made: File name too long")
    assert snapshot(site.root) == before


def test_a_root_that_is_not_writable_is_refused(closed_site: Site) -> None:
    """Before the first flip fails: forced would have lost the link if it could only delete."""
    before = snapshot(closed_site.root)
    options = ["forced", *closed_site.options(), "--every", "1ms", "--flips", "2"]
    assert_refused(run(*options, command=as_nobody()), r"root .*: not writable")
    assert snapshot(closed_site.root) == before


@pytest.mark.parametrize("closed", ["1>&-", "0<&- --attached"])
def test_a_stream_that_is_closed_from_the_start_is_refused(site: Site, closed: str) -> None:
    """Another file would get its number, and the events; or its end would be waited for."""
    before = snapshot(site.root)
    command = shlex.join([*SWITCHER, "atomic", *site.options(), "--every", "0", "--flips", "3"])
    with Child(["sh", "-c", f"exec {command} {closed}"]) as child:
        assert_refused(child.finish(), CLOSED)
    assert snapshot(site.root) == before


# Repair, and what others have left or put there


@each_strategy
def test_what_somebody_else_has_at_its_temporary_names_stays(here: Here, site: Site, strategy: str) -> None:
    """It flips by another name; theirs are neither replaced, nor deleted, nor written into."""
    names = [".current.switcher", ".current.switcher-1", ".current.switcher-2", ".current.switcher-3"]
    theirs = [site.root / name for name in names]
    theirs[0].write_text("precious")
    (theirs[1] / "precious").mkdir(parents=True)
    theirs[2].symlink_to("/etc")
    theirs[3].symlink_to("/no/such/place")
    before = [snapshot(path) for path in theirs]
    site.put(None)  # so that the repair needs a temporary name, whatever the strategy
    result = here(strategy, *site.options(), "--every", "0", "--flips", "3")
    assert (result.code, result.ready["repaired"], result.done["failed"]) == (0, True, 0)
    assert [snapshot(path) for path in theirs] == before
    assert site.entries() == {*NAMES, *names}


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (None, "was missing"),
        ("nowhere", "points to nowhere, which is no whole release"),
        ("current", "points to current"),
    ],
)
def test_a_broken_link_is_repaired_at_the_start_and_that_is_said(
    here: Here, site: Site, target: str | None, said: str
) -> None:
    """`repaired` in `ready`, and a line for people; the flips begin after the release that it was pointed to."""
    site.put(target)
    result = here("forced", *site.options("b", "c"), "--every", "0", "--flips", "2")
    assert_ended_well(result, site, releases=("b", "c"))
    assert (result.ready["repaired"], result.ready["release"]) == (True, "b")
    (line,) = result.errors
    assert said in line
    assert line.endswith("repaired: the link points to b now")


@pytest.mark.parametrize(
    ("strategy", "call", "left", "litter"),
    [("forced", "symlink", None, set()), ("atomic", "rename", "b", {".current.switcher"})],
)
def test_killed_in_the_middle_of_a_flip_it_is_put_right_by_the_next_start(
    here: Here, site: Site, strategy: str, call: str, left: str | None, litter: set[str]
) -> None:
    """Forced leaves no link, which is repaired; atomic leaves a temporary link, which goes, and the link is whole."""
    options = [*site.options(), "--every", "0"]
    assert run(strategy, *options, command=killed_at(call, 2)).code == -signal.SIGKILL
    assert site.points_to() == left
    assert litter <= site.entries()
    result = here(strategy, *options, "--flips", "3")
    assert_ended_well(result, site)
    assert result.ready["repaired"] is (left is None)


@each_strategy
def test_killed_at_any_instant_the_next_start_leaves_a_whole_link(here: Here, site: Site, strategy: str) -> None:
    """Real kills, at instants that sweep over several flips; a repair is said exactly when there was no link."""
    for attempt in range(6):
        with Child([*SWITCHER, strategy, *site.options(), "--every", "0"]) as child:
            child.ready()
            spin(attempt * 61_000)
            child.signal(signal.SIGKILL)
            child.process.wait()
        left = site.points_to()
        assert left in {"a", "b"} or (left is None and strategy in ("forced", "two-renames"))
        result = here(strategy, *site.options(), "--every", "0", "--flips", "1")
        assert_ended_well(result, site)
        assert result.ready["repaired"] is (left is None)
        assert len(result.errors) == (left is None)


def lose(link: Path) -> None:
    """Take the link away."""
    link.unlink()


def replace(link: Path) -> None:
    """Put a file in its place."""
    link.unlink()
    link.write_text("precious")


@pytest.mark.parametrize(
    ("act", "code", "said"),
    [
        (lose, 0, "it was missing; repaired: the link points to a now"),
        (replace, 1, "is not on a whole release: not a symlink any more"),
    ],
)
def test_a_link_that_somebody_breaks_is_repaired_at_the_end_if_it_can_be(
    here: Here, site: Site, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], None], code: int, said: str
) -> None:
    """The run leaves a whole link, and says so. A file of somebody's stays: no `done`, and exit code 1."""
    monkeypatch.setattr(cli_flip, "switch", lambda *_: act(site.link))
    result = here("forced", *site.options(), "--every", "1ms")
    assert (result.code, len(result.errors)) == (code, 1)
    assert result.errors[0].endswith(said)
    if code == 0:
        assert (result.done["repaired"], result.done["release"], site.points_to()) == (True, "a", "a")
    else:
        assert [event["event"] for event in result.events] == ["ready"]
        assert site.link.read_text() == "precious"


# A full disk


@pytest.mark.parametrize(
    ("full", "failed", "repaired", "said"),
    [
        ((3, 4), [3, 4], False, ""),
        ((6,), [6], True, "was missing; repaired: the link points to a now"),
        ((6, 7), [6], None, f"is not on a whole release: {FULL}"),
    ],
    ids=["room again", "repaired at the end", "lost for good"],
)
def test_a_full_disk_costs_flips_and_the_run_goes_on(
    here: Here,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    full: tuple[int, ...],
    failed: list[int],
    repaired: bool | None,
    said: str,
) -> None:
    """With room again the next flip takes, or the repair at the end. Without it there is no `done`. Always exit 1."""
    fail_at(monkeypatch, "symlink", full)
    result = here("forced", *site.options(), "--every", "0", "--flips", "6")
    assert [flip["outcome"] for flip in result.flips] == [FULL if k in failed else "ok" for k in range(1, 7)]
    assert_true_stream(result.events)
    assert result.code == 1
    assert len(result.errors) == bool(said)
    assert all(said in line for line in result.errors)
    if repaired is None:
        assert "done" not in {event["event"] for event in result.events}
    else:
        assert (result.done["failed"], result.done["repaired"]) == (len(failed), repaired)
        assert result.done["release"] == site.points_to() == "a"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Site]:
    """A site on a disk of its own that has room for nothing more, but for the file `filler`."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a disk")
    root = tmp_path / "disk"
    root.mkdir()
    # One inode each for the disk, a, b, the link and the filler.
    mount = ["mount", "-t", "tmpfs", "-o", "nr_inodes=5,size=64k", "switcher-test", str(root)]
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a disk: {mounted.stderr}")
    try:
        (root / "a").mkdir()
        (root / "b").mkdir()
        (root / "current").symlink_to("a")
        (root / "filler").touch()
        yield Site(root, root / "current")
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)


def test_on_a_disk_that_is_really_full_atomic_flips_fail_and_the_link_stays(small_disk: Site) -> None:
    """There is no room for a temporary link; once there is, the flips take."""
    with Child([*SWITCHER, "atomic", *small_disk.options(), "--every", "1ms"]) as child:
        child.flips()
        assert small_disk.points_to() == "a"
        (small_disk.root / "filler").unlink()
        child.until(lambda event: event["event"] == "flips" and "ok" in event["flips"][-1])
        child.signal(signal.SIGTERM)
        result = child.finish()
    assert_true_stream(result.events)
    assert result.code == 1
    assert result.flips[0]["outcome"] == FULL
    assert result.done["failed"] == sum(flip["outcome"] == FULL for flip in result.flips)
    assert result.done["release"] == small_disk.points_to()
    assert small_disk.entries() == {"a", "b", "current"}


# Standard output and standard error


@pytest.mark.parametrize(("strategy", "every"), [("forced", "0"), ("atomic", "0"), ("forced", "1h")])
def test_a_reader_that_goes_away_ends_the_run(site: Site, strategy: str, every: str) -> None:
    """Exit code 1, one line, the link whole: also in a long wait, where a heartbeat finds it out."""
    with Child([*SWITCHER, strategy, *site.options(), "--every", every]) as child:
        child.ready()
        child.read_no_more()
        result = child.finish()
    assert (result.code, result.errors) == (1, ["switcher: standard output: Broken pipe"])
    assert site.points_to() in {"a", "b"}


def test_a_reader_that_goes_away_while_the_link_is_lost_is_one_clear_line(site: Site) -> None:
    """The link is the worse of the two."""
    with Child([*SWITCHER, "forced", *site.options(), "--every", "1h", "--jitter", "0"]) as child:
        child.flips()
        replace(site.link)
        child.read_no_more()
        result = child.finish()
    assert (result.code, len(result.errors)) == (1, 1)
    assert "is not on a whole release" in result.errors[0]


@pytest.mark.parametrize("nowhere", ["2>&-", "2>/dev/full"])
def test_without_a_standard_error_the_stream_stays_clean_and_the_link_is_repaired(site: Site, nowhere: str) -> None:
    """What is said for people is lost; it must not land among the events, nor end the run."""
    site.put(None)
    command = shlex.join([*SWITCHER, "forced", *site.options(), "--every", "0", "--flips", "2"])
    with Child(["sh", "-c", f"exec {command} {nowhere}"]) as child:
        result = child.finish()
    assert_ended_well(result, site)
    assert result.ready["repaired"] is True


@pytest.mark.parametrize("nowhere", ["", "2>&-"])
def test_what_a_command_prints_does_not_land_among_the_events(site: Site, nowhere: str) -> None:
    """It goes to standard error, or nowhere where that is closed."""
    flip = ["sh", "-c", 'echo flipped; echo loud >&2; ln -sfn "$0" "$1"', "{target}", "{link}"]
    command = shlex.join([*SWITCHER, "command", *site.options(), "--every", "0", "--flips", "1", "--", *flip])
    with Child(["sh", "-c", f"exec {command} {nowhere}"]) as child:
        result = child.finish()
    assert_ended_well(result, site)
    assert result.errors == ([] if nowhere else ["flipped", "loud"])


def waiting(pipe: int) -> int:
    """How many bytes are in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_as_fast_as_possible_and_with_a_slow_reader_nothing_is_lost(site: Site) -> None:
    """The pipe is full long before it is read: the switcher waits, and every flip arrives, many on a line."""
    with Child([*SWITCHER, "atomic", *site.options(), "--every", "0", "--flips", "8000"]) as child:
        child.ready()
        assert child.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        # Of the 64 KiB of a pipe more than a half is in use when it is full: two lines share a page if they fit.
        while waiting(child.process.stdout.fileno()) < 30_000:
            assert time.monotonic() < deadline
        result = child.finish()
    assert_ended_well(result, site)
    assert len(result.flips) == 8000
    assert len(result.events) < 4000
    assert {flip["due"] for flip in result.flips} == {None}
    assert result.done["late"] == 0
