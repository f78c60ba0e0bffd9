"""python -m switcher, as its users run it."""

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
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from switcher.strategies import GAPPED, STRATEGIES
from switcher.switch import LATE
from tests.switcher.process import PATIENCE, SWITCHER, Child, Run, Site, assert_true_stream, files, flips_of, run

MS = 1_000_000

NOBODY = 65534

each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)

MAIN = "\nimport sys, switcher.__main__\nsys.exit(switcher.__main__.main())\n"


def after(code: str) -> list[str]:
    """The command of a switcher in a Python in which `code` has run before."""
    return [sys.executable, "-c", code + MAIN]


def at_call(name: str, number: int, act: str) -> list[str]:
    """The command of a switcher that does something just before its call number `number` (from 1) of os.`name`."""
    return after(f"""
import os, signal
real = os.{name}
calls = 0
def observed(*arguments, **options):
    global calls
    calls += 1
    if calls == {number}:
        {act}
    return real(*arguments, **options)
os.{name} = observed
""")


def full_disk_at(*calls: int) -> list[str]:
    """The command of a switcher for which the disk is full at these calls of symlink(2), counted from 1."""
    return after(f"""
import errno, os
real = os.symlink
calls = 0
def symlink(target, path):
    global calls
    calls += 1
    if calls in {calls}:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    real(target, path)
os.symlink = symlink
""")


def snapshot(root: Path) -> dict[str, object]:
    """All that a switcher could have changed of a file, a symlink or a folder and what is in it."""
    things: dict[str, object] = {}
    for path in [root] if root.is_symlink() else [root, *sorted(root.rglob("*"))]:
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        things[str(path)] = (status.st_ino, status.st_mode, status.st_uid, status.st_mtime_ns, content)
    return things


def assert_refused(result: Run, reason: str) -> None:
    """Exit code 2, one line that says why, and nothing on standard output."""
    assert result.code == 2
    assert result.events == []
    assert len(result.errors) == 1, result.errors
    assert result.errors[0].startswith("switcher: ")
    assert re.search(reason, result.errors[0]), result.errors


def assert_ended_well(result: Run, site: Site, reason: str) -> None:
    """Exit code 0, a true stream with `done` at its end, and the link on the release that `done` names."""
    assert result.code == 0, result
    assert result.done["reason"] == reason
    assert result.done["failed"] == 0
    assert_true_stream(result.events)
    assert site.points_to() == result.done["release"]
    last = result.flips[-1]["release"] if result.flips else result.ready["release"]
    assert site.points_to() == last
    assert site.entries() == {"a", "b", "c", "current"}


def waiting(pipe: int) -> int:
    """How many bytes are in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def spin(nanoseconds: int) -> None:
    """Let a time pass that no event marks: the instant of a signal is what varies."""
    end = time.monotonic_ns() + nanoseconds
    while time.monotonic_ns() < end:
        pass


# Flipping


@each_strategy
def test_a_run_flips_and_says_so(site: Site, strategy: str) -> None:
    """`ready` says who flips what, the flips follow, `done` sums up; standard error stays empty."""
    with Child([*SWITCHER, strategy, *site.options(), "--every", "1ms", "--flips", "20"]) as child:
        result = child.finish()
        pid = child.process.pid
    assert_ended_well(result, site, "schedule")
    assert result.errors == []
    assert result.ready == {
        "event": "ready",
        "pid": pid,
        "strategy": strategy,
        "link": str(site.link),
        "release": "a",
        "repaired": False,
        "columns": ["flip", "release", "due", "invoked", "completed", "held", "outcome", "cpu"],
        "jitter": 1.0,
        "seed": result.ready["seed"],
        "watermark": result.ready["watermark"],
    }
    assert set(result.done) == {"event", "release", "repaired", "reason", "flips", "failed", "late", "watermark"}
    assert result.done["flips"] == 20
    assert result.done["repaired"] is False
    assert site.points_to() == "a"


def test_the_releases_go_round_robin_from_the_one_that_is_there(site: Site) -> None:
    """A later run goes on where an earlier one has ended."""
    options = ["atomic", *site.options("a", "b", "c"), "--every", "0", "--flips", "4"]
    first, second = run(*options), run(*options)
    assert [flip["release"] for flip in first.flips] == ["b", "c", "a", "b"]
    assert [flip["release"] for flip in second.flips] == ["c", "a", "b", "c"]
    assert_true_stream(second.events, ["a", "b", "c"])


def test_the_root_may_be_relative_and_the_link_has_a_default_name(site: Site) -> None:
    """By hand, in the folder of the site."""
    result = run("atomic", "--root", ".", "--releases", "a", "b", "--every", "0", "--flips", "1", cwd=site.root)
    assert_ended_well(result, site, "schedule")
    assert result.ready["link"] == str(site.link)


def test_the_link_may_have_another_name(site: Site) -> None:
    """And lie in a folder below the root; only this one link is flipped."""
    (site.root / "www").mkdir()
    options = ["--root", str(site.root), "--link", "www/live", "--releases", "a", "b"]
    result = run("forced", *options, "--every", "0", "--flips", "2")
    assert result.code == 0
    assert os.readlink(site.root / "www" / "live") == "../a"
    assert site.points_to() == "a"


def test_the_flips_keep_to_the_schedule(site: Site) -> None:
    """Without jitter flip k is due k intervals after the first one, to the nanosecond, and is not made before that."""
    result = run("atomic", *site.options(), "--every", "5ms", "--flips", "40", "--jitter", "0")
    assert_ended_well(result, site, "schedule")
    dues = [flip["due"] for flip in result.flips]
    assert dues == [dues[0] + k * 5 * MS for k in range(40)]
    assert all(flip["due"] <= flip["invoked"] for flip in result.flips)
    assert result.done["late"] == sum(flip["invoked"] - flip["due"] > LATE for flip in result.flips)


def test_flips_come_at_random_moments_that_a_seed_brings_back(site: Site) -> None:
    """Each in its own interval, and not one after exactly the same time as another; `ready` says the seed."""
    options = ["atomic", *site.options(), "--every", "2ms", "--flips", "40"]
    first = run(*options)
    seed = first.ready["seed"]
    second, other = run(*options, "--seed", str(seed)), run(*options, "--seed", str(seed + 1))
    times = []
    for result in (first, second, other):
        assert_ended_well(result, site, "schedule")
        dues = [flip["due"] for flip in result.flips]
        assert all(flip["due"] <= flip["invoked"] for flip in result.flips)
        times.append([due - dues[0] for due in dues])
    assert (first.ready["jitter"], second.ready["seed"]) == (1.0, seed)
    assert times[0] == times[1] != times[2]
    assert len({later - earlier for earlier, later in pairwise(times[0])}) > 20


def test_the_flips_move_from_processor_to_processor(site: Site) -> None:
    """So that none of them is always, or never, the one of the server; the stream says which one it was."""
    usable = os.sched_getaffinity(0)
    result = run("forced", *site.options(), "--every", "1ms", "--flips", "40", "--seed", "7")
    assert_ended_well(result, site, "schedule")
    assert {flip["cpu"] for flip in result.flips} == usable


def test_a_processor_that_may_not_be_used_is_not_used(site: Site) -> None:
    """As with taskset, or in a container that has been given some of them."""
    only = min(os.sched_getaffinity(0))
    command = after(f"import os; os.sched_setaffinity(0, {{{only}}})")
    result = run("forced", *site.options(), "--every", "0", "--flips", "40", command=command)
    assert_ended_well(result, site, "schedule")
    assert {flip["cpu"] for flip in result.flips} == {only}


def test_a_command_runs_where_the_system_lets_it(site: Site) -> None:
    """Its processes may use all processors that the switcher may, and no flip names one."""
    show = 'grep Cpus_allowed_list /proc/self/status >&2; ln -sfn "$0" "$1"'
    flip = ["sh", "-c", show, "{target}", "{link}"]
    result = run("command", *site.options(), "--every", "1ms", "--flips", "3", "--", *flip)
    assert_ended_well(result, site, "schedule")
    own = re.findall(r"Cpus_allowed_list:.*", Path("/proc/self/status").read_text())
    assert result.errors == own * 3
    assert {flip["cpu"] for flip in result.flips} == {None}


@pytest.mark.parametrize("strategy", GAPPED)
def test_a_gap_makes_the_flip_as_long(site: Site, strategy: str) -> None:
    """At least that long: the pause is within the cutover."""
    result = run(strategy, *site.options(), "--every", "0", "--flips", "5", "--gap", "3ms")
    assert_ended_well(result, site, "schedule")
    assert all(flip["completed"] - flip["invoked"] >= 3 * MS for flip in result.flips)


def test_a_signal_in_the_gap_waits_for_the_flip(site: Site) -> None:
    """However long it is, the link is made again."""
    with Child([*SWITCHER, "forced", *site.options(), "--every", "0", "--gap", "300ms"]) as child:
        child.ready()
        while site.points_to() is not None:
            pass
        child.signal(signal.SIGTERM)
        assert_ended_well(child.finish(), site, "SIGTERM")


def test_a_schedule_too_dense_drops_no_flip_and_counts_the_late_ones(site: Site) -> None:
    """A flip cannot take a microsecond: all are made, all keep their due time, and `done` says how many were late."""
    result = run("atomic", *site.options(), "--every", "1us", "--flips", "2000", "--jitter", "0")
    assert_ended_well(result, site, "schedule")
    dues = [flip["due"] for flip in result.flips]
    assert dues == [dues[0] + k * 1000 for k in range(2000)]
    late = [flip for flip in result.flips if flip["invoked"] - flip["due"] > LATE]
    assert result.done["late"] == len(late) > 0


def test_a_length_is_a_number_of_flips_and_a_time(site: Site) -> None:
    """200 ms at 20 ms are ten flips, and the run lasts until the 200 ms are over."""
    result = run("atomic", *site.options(), "--every", "20ms", "--for", "200ms", "--jitter", "0")
    assert_ended_well(result, site, "schedule")
    assert len(result.flips) == 10
    assert result.done["watermark"] >= result.flips[0]["due"] + 200 * MS


@each_strategy
def test_as_fast_as_possible_writes_batches(site: Site, strategy: str) -> None:
    """Many flips on a line, none missing, none with a due time."""
    result = run(strategy, *site.options(), "--every", "0", "--flips", "5000")
    assert_ended_well(result, site, "schedule")
    assert len(result.flips) == 5000
    assert len([event for event in result.events if event["event"] == "flips"]) < 2500
    assert {flip["due"] for flip in result.flips} == {None}
    assert result.done["late"] == 0


def test_while_nothing_is_flipped_a_heartbeat_moves_the_watermark(site: Site) -> None:
    """The reader of a slow schedule hears that nothing happened."""
    with Child([*SWITCHER, "atomic", *site.options(), "--every", "1h", "--jitter", "0"]) as child:
        child.until(lambda event: event["event"] == "flips")
        beats = [child.event(), child.event(), child.event()]
        child.signal(signal.SIGTERM)
        assert_ended_well(child.finish(), site, "SIGTERM")
    assert [set(beat) for beat in beats] == [{"event", "watermark"}] * 3
    assert {beat["event"] for beat in beats} == {"heartbeat"}


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


@each_strategy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_a_wait_ends_the_run(site: Site, strategy: str, number: signal.Signals) -> None:
    """Also when the next flip is an hour away."""
    with Child([*SWITCHER, strategy, *site.options(), "--every", "1h", "--jitter", "0"]) as child:
        child.until(lambda event: event["event"] == "flips")
        child.signal(number)
        assert_ended_well(child.finish(), site, number.name)


@each_strategy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_instant_leaves_the_link_on_a_whole_release(
    site: Site, strategy: str, number: signal.Signals
) -> None:
    """While it flips as fast as it can, at instants that sweep over several flips: always `done`, always exit 0."""
    for attempt in range(7):
        with Child([*SWITCHER, strategy, *site.options(), "--every", "0"]) as child:
            child.ready()
            spin(attempt * 61_000)
            child.signal(number)
            assert_ended_well(child.finish(), site, number.name)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_unlink_and_symlink_waits_for_the_flip(site: Site, number: signal.Signals) -> None:
    """The worst instant of all, hit for certain: the flip in hand is finished and counted."""
    command = at_call("symlink", 3, f"os.kill(os.getpid(), {int(number)})")
    result = run("forced", *site.options(), "--every", "0", command=command)
    assert_ended_well(result, site, number.name)
    assert result.done["flips"] == 3


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


@pytest.mark.parametrize("every", ["0", "1ms", "1h"])
def test_attached_it_ends_with_its_standard_input(site: Site, every: str) -> None:
    """The parent has gone: between flips as well as in a long wait. What the parent writes before is no matter."""
    command = [*SWITCHER, "forced", *site.options(), "--every", every, "--attached"]
    with Child(command, stdin=subprocess.PIPE) as child:
        assert child.process.stdin is not None
        child.process.stdin.write(b"hello\n")
        child.process.stdin.flush()
        child.ready()
        child.event()
        child.process.stdin.close()
        assert_ended_well(child.finish(), site, "end of standard input")


@pytest.mark.parametrize("restore", [[], ["--restore"]])
def test_each_line_extends_the_schedule_once(site: Site, restore: list[str]) -> None:
    """At its end it says `over` and waits; the numbers go on. Its standard input's end is its own."""
    options = ["--every", "1ms", "--flips", "5", "--attached", "--extend", *restore]
    with Child([*SWITCHER, "atomic", *site.options(), *options], stdin=subprocess.PIPE) as child:
        assert child.process.stdin is not None
        child.until(lambda event: event["event"] == "over")
        for _ in range(2):
            assert [flip["flip"] for flip in flips_of(child.events)][-1] % 5 == 0
            child.process.stdin.write(b"\n")
            child.process.stdin.flush()
            child.until(lambda event: event["event"] == "over")
        child.process.stdin.close()
        result = child.finish()
    assert result.code == 0
    assert_true_stream(result.events)
    assert [flip["flip"] for flip in result.flips] == list(range(1, 16))
    assert (result.done["reason"], result.done["flips"]) == ("schedule", 15)
    assert site.points_to() == ("a" if restore else "b")


def test_a_schedule_that_is_cut_while_it_is_extended_says_so(site: Site) -> None:
    """The end of standard input is then a stop in the middle."""
    options = ["--every", "1ms", "--flips", "2000", "--attached", "--extend"]
    with Child([*SWITCHER, "atomic", *site.options(), *options], stdin=subprocess.PIPE) as child:
        assert child.process.stdin is not None
        child.process.stdin.write(b"\n")
        child.process.stdin.flush()
        child.until(lambda event: event["event"] == "over")
        child.until(lambda event: event["event"] == "flips" and event["flips"][-1][0] > 2000)
        child.process.stdin.close()
        assert_ended_well(child.finish(), site, "end of standard input")


def test_a_length_is_extended_by_itself(site: Site) -> None:
    """As long again from the line on, with as many flips."""
    options = ["--every", "5ms", "--for", "50ms", "--attached", "--extend"]
    with Child([*SWITCHER, "atomic", *site.options(), *options], stdin=subprocess.PIPE) as child:
        assert child.process.stdin is not None
        first = child.until(lambda event: event["event"] == "over")
        child.process.stdin.write(b"\n")
        child.process.stdin.flush()
        second = child.until(lambda event: event["event"] == "over")
        child.process.stdin.close()
        result = child.finish()
    assert_ended_well(result, site, "schedule")
    assert len(result.flips) == 20
    assert second["watermark"] - first["watermark"] >= 50 * MS


def test_attached_to_a_standard_input_at_its_end_it_ends_at_once(site: Site) -> None:
    """The parent may be gone before we look: no flip is needed to notice."""
    result = run("atomic", *site.options(), "--every", "1h", "--attached")
    assert_ended_well(result, site, "end of standard input")


def test_not_attached_it_leaves_standard_input_alone(site: Site) -> None:
    """Its end means nothing, and what is in it is for the next program of the script."""
    command = [*SWITCHER, "atomic", *site.options(), "--every", "1ms", "--flips", "20"]
    with files(os.pipe()) as (read, write):
        write.write(b"for the next program")
        write.close()
        with Child(command, stdin=read.fileno()) as child:
            assert_ended_well(child.finish(), site, "schedule")
        assert read.read(100) == b"for the next program"


def test_it_runs_in_the_background_of_a_shell(site: Site) -> None:
    """A shell gives it /dev/null for standard input, and ignores SIGINT for it: it keeps running, and hears SIGINT."""
    command = shlex.join([*SWITCHER, "atomic", *site.options(), "--every", "10ms"])
    with Child(["sh", "-c", f"{command} & wait $!"]) as child:
        pid = child.ready()["pid"]
        child.until(lambda event: event["event"] == "flips" and event["flips"][-1][0] >= 20)
        os.kill(pid, signal.SIGINT)
        assert_ended_well(child.finish(), site, "SIGINT")


# The site and the command line are checked before anything is touched


def real_folder(site: Site) -> None:
    """A folder in the place of the link."""
    site.link.unlink()
    site.link.mkdir()


def real_file(site: Site) -> None:
    """A file in the place of the link."""
    site.link.unlink()
    site.link.write_text("precious")


def way_out(site: Site) -> None:
    """A release that is a symlink to a folder outside."""
    (site.root.parent / "outside").mkdir()
    (site.root / "way-out").symlink_to("../outside")


def alias(site: Site) -> None:
    """A symlink from one release to another."""
    (site.root / "alias").symlink_to("a")


def dangling(site: Site) -> None:
    """A link that would be repaired if the run began."""
    site.link.unlink()
    site.link.symlink_to("nowhere")


def as_it_is(site: Site) -> None:
    """A good site."""


@pytest.mark.parametrize(
    ("prepare", "releases", "reason"),
    [
        pytest.param(real_folder, "a b", "is a real folder, not a symlink; nothing was touched", id="link-is-a-folder"),
        pytest.param(real_file, "a b", "is a real file, not a symlink; nothing was touched", id="link-is-a-file"),
        pytest.param(as_it_is, "a d", "release d: no such folder below root", id="release-missing"),
        pytest.param(dangling, "a d", "release d: no such folder below root", id="release-missing-link-dangling"),
        pytest.param(as_it_is, "a a/index.html", "no such folder below root", id="release-is-a-file"),
        pytest.param(way_out, "a ../outside", r"release ../outside: not below root", id="release-outside"),
        pytest.param(way_out, "a way-out", "release way-out: not below root", id="release-outside-by-symlink"),
        pytest.param(as_it_is, "a b a", "release a: the same release as a", id="release-twice"),
        pytest.param(as_it_is, "a b ./a", r"release ./a: the same release as a", id="release-twice-with-a-dot"),
        pytest.param(alias, "a alias", "release alias: the same release as a", id="release-twice-by-symlink"),
        pytest.param(as_it_is, "b current", "release current: is the link itself", id="release-is-the-link"),
        pytest.param(as_it_is, "a", "at least two", id="one-release"),
    ],
)
def test_a_site_that_cannot_be_flipped_is_refused(
    site: Site, prepare: Callable[[Site], None], releases: str, reason: str
) -> None:
    """One line, exit code 2, and not even a time stamp below the root has changed."""
    prepare(site)
    before = snapshot(site.root)
    assert_refused(run("forced", *site.options(*releases.split()), "--every", "1ms", "--flips", "2"), reason)
    assert snapshot(site.root) == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("sideways --every 1ms", "invalid choice: 'sideways'.*forced.*atomic"),
        ("--every 1ms", "required: STRATEGY"),
        ("atomic", "required: --every"),
        ("atomic --every 20", "--every: '20' is not a duration: write a number and a unit, such as 20ms"),
        ("atomic --every fast", "--every: 'fast' is not a duration"),
        ("atomic --every=-5ms", "--every: '-5ms' is not a duration"),
        ("atomic --every 1ms --for 10", "--for: '10' is not a duration"),
        ("atomic --every 1ms --for 0", "--for: must be more than 0"),
        ("atomic --every 1ms --flips 0", "--flips: '0' is not a whole number above 0"),
        ("atomic --every 1ms --flips ten", "--flips: 'ten' is not a whole number above 0"),
        ("atomic --every 1ms --for 1s --flips 5", "--flips: not allowed with argument --for"),
        ("atomic --every 1ms --link ../current", "link ../current: not below root"),
        ("atomic --every 1ms --link www/current", "link www/current: its folder .* does not exist"),
        (f"atomic --every 1ms --link {'x' * 300}", "File name too long"),
        ("atomic --every 1ms --att", "unrecognized arguments: --att"),
        ("atomic --every 1ms --jitter 1.1", "--jitter: '1.1' is not a number from 0 to 1"),
        ("atomic --every 1ms --jitter=-0.1", "--jitter: '-0.1' is not a number from 0 to 1"),
        ("atomic --every 1ms --jitter nan", "--jitter: 'nan' is not a number from 0 to 1"),
        ("atomic --every 0 --jitter 0.5", "--jitter: has no effect with --every 0, where flips have no interval"),
        ("atomic --every 1ms --seed=-1", "--seed: '-1' is not a whole number, 0 or more"),
        ("atomic --every 1ms --seed x", "--seed: 'x' is not a whole number, 0 or more"),
        ("atomic --every 1ms --gap 1ms", "--gap: only forced and two-renames have a gap between two calls"),
        ("forced --every 1ms --gap 0", "--gap: must be more than 0"),
        ("forced --every 1ms --gap 1", "--gap: '1' is not a duration"),
        ("atomic --every 1ms --extend", "--extend: has no effect without --attached"),
    ],
)
def test_a_wrong_command_line_is_refused(site: Site, arguments: str, reason: str) -> None:
    """One line, exit code 2, nothing touched."""
    before = snapshot(site.root)
    assert_refused(run(*arguments.split(), "--root", str(site.root), "--releases", "a", "b"), reason)
    assert snapshot(site.root) == before


def test_a_root_that_is_missing_is_refused(site: Site) -> None:
    """It is not made. The line is one line whatever the name is."""
    missing = site.root.parent / "no\nsuch\nroot"
    result = run("atomic", "--root", str(missing), "--releases", "a", "b", "--every", "0", "--flips", "1")
    assert_refused(result, "no such root: no such folder")
    assert not missing.exists()


@each_strategy
@pytest.mark.parametrize("broken", [False, True])
def test_a_link_whose_name_leaves_no_room_for_a_temporary_one_is_refused(
    site: Site, strategy: str, broken: bool
) -> None:
    """Before `ready`, and not by trying names forever; a link that may need a repair needs one in forced, too."""
    link = site.root / ("x" * 250)
    if not broken:
        link.symlink_to("a")
    before = snapshot(site.root)
    options = ["--root", str(site.root), "--link", link.name, "--releases", "a", "b"]
    assert_refused(run(strategy, *options, "--every", "0", "--flips", "2"), "cannot be made: File name too long")
    assert snapshot(site.root) == before


@pytest.fixture
def somebody_elses_site() -> Iterator[Site]:
    """A good site that everybody can see and only its owner can change: pytest's own folders only their owner sees."""
    folder = Path(tempfile.mkdtemp(prefix="switcher-"))
    try:
        folder.chmod(0o755)
        for release in ("a", "b"):
            (folder / release).mkdir()
        (folder / "current").symlink_to("a")
        folder.chmod(0o555)
        yield Site(folder, folder / "current")
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_root_that_is_not_writable_is_refused(somebody_elses_site: Site) -> None:
    """Before the first flip fails: forced would have lost the link if it could only delete."""
    # root may write everywhere, so it becomes somebody else: at the last moment, since that one
    # need not be allowed to read the interpreter.
    become = f"""
import os, switcher.__main__ as main
real = main.open_link
def open_link(*arguments):
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid({NOBODY})
        os.setuid({NOBODY})
    return real(*arguments)
main.open_link = open_link
"""
    before = snapshot(somebody_elses_site.root)
    options = ["forced", *somebody_elses_site.options(), "--every", "1ms", "--flips", "2"]
    assert_refused(run(*options, command=after(become)), r"root .*: not writable")
    assert snapshot(somebody_elses_site.root) == before


@pytest.mark.parametrize("closed", ["1>&-", "0<&- --attached"])
def test_a_stream_that_is_closed_from_the_start_is_refused(site: Site, closed: str) -> None:
    """Another file would get its number, and the events; or its end would be waited for."""
    before = snapshot(site.root)
    command = shlex.join([*SWITCHER, "atomic", *site.options(), "--every", "0", "--flips", "3"])
    with Child(["sh", "-c", f"exec {command} {closed}"]) as child:
        assert_refused(child.finish(), "must be open")
    assert snapshot(site.root) == before


# What others have left or put there


@each_strategy
def test_a_leftover_temporary_link_of_its_own_is_no_obstacle(site: Site, strategy: str) -> None:
    """Killed before its rename, it left one; it goes."""
    (site.root / ".current.switcher").symlink_to("b")
    result = run(strategy, *site.options(), "--every", "0", "--flips", "3")
    assert_ended_well(result, site, "schedule")


def foreign_file(path: Path) -> None:
    """A file of somebody else's."""
    path.write_text("precious")


def foreign_folder(path: Path) -> None:
    """A folder of somebody else's."""
    path.mkdir()
    (path / "precious").write_text("precious")


def foreign_symlink(path: Path) -> None:
    """A symlink of somebody else's."""
    path.symlink_to("/etc")


def dangling_symlink(path: Path) -> None:
    """A symlink of somebody else's that leads nowhere."""
    path.symlink_to("/no/such/place")


@each_strategy
@pytest.mark.parametrize("put", [foreign_file, foreign_folder, foreign_symlink, dangling_symlink])
def test_what_somebody_else_has_at_its_temporary_name_stays(
    site: Site, strategy: str, put: Callable[[Path], None]
) -> None:
    """It flips by another name; theirs is neither replaced, nor deleted, nor written into."""
    theirs = site.root / ".current.switcher"
    put(theirs)
    before = snapshot(theirs)
    # So that the repair needs a temporary name, whatever the strategy.
    site.link.unlink()

    result = run(strategy, *site.options(), "--every", "0", "--flips", "3")

    assert result.code == 0
    assert result.ready["repaired"] is True
    assert result.done["failed"] == 0
    assert snapshot(theirs) == before
    assert site.entries() == {"a", "b", "c", "current", ".current.switcher"}


# Repair


@each_strategy
@pytest.mark.parametrize(
    ("target", "said"),
    [
        (None, "was missing"),
        ("nowhere", "points to nowhere, which is no whole release"),
        ("current", "points to current"),
    ],
)
def test_a_broken_link_is_repaired_at_the_start_and_that_is_said(
    site: Site, strategy: str, target: str | None, said: str
) -> None:
    """`repaired` in `ready`, and a line for people; the flips begin after the release that it was pointed to."""
    site.link.unlink()
    if target is not None:
        site.link.symlink_to(target)
    result = run(strategy, *site.options("b", "c"), "--every", "0", "--flips", "2")
    assert result.code == 0
    assert result.ready["repaired"] is True
    assert result.ready["release"] == "b"
    assert [flip["release"] for flip in result.flips] == ["c", "b"]
    assert len(result.errors) == 1
    assert said in result.errors[0]
    assert result.errors[0].endswith("repaired: the link points to b now")
    assert site.entries() == {"a", "b", "c", "current"}


def test_a_link_that_points_to_another_release_is_not_broken(site: Site) -> None:
    """It is flipped, not repaired, though it is none of the releases of this run."""
    result = run("atomic", *site.options("b", "c"), "--every", "0", "--flips", "1")
    assert result.ready["repaired"] is False
    assert result.ready["release"] == "a"
    assert result.errors == []
    assert site.points_to() == "b"


def test_killed_between_unlink_and_symlink_it_leaves_no_link_and_the_next_start_repairs(site: Site) -> None:
    """Against SIGKILL nothing helps at that moment; afterwards the next start does."""
    options = [*site.options(), "--every", "0"]
    killed = run("forced", *options, command=at_call("symlink", 2, "os.kill(os.getpid(), signal.SIGKILL)"))
    assert killed.code == -signal.SIGKILL
    assert site.points_to() is None

    result = run("forced", *options, "--flips", "3")
    assert_ended_well(result, site, "schedule")
    assert result.ready["repaired"] is True
    assert "was missing; repaired: the link points to a now" in result.errors[0]


def test_killed_between_symlink_and_rename_it_leaves_a_temporary_link_and_the_next_start_takes_it_away(
    site: Site,
) -> None:
    """The link itself is whole all the time."""
    options = [*site.options(), "--every", "0"]
    killed = run("atomic", *options, command=at_call("rename", 2, "os.kill(os.getpid(), signal.SIGKILL)"))
    assert killed.code == -signal.SIGKILL
    assert site.points_to() == "b"
    assert ".current.switcher" in site.entries()

    result = run("atomic", *options, "--flips", "3")
    assert_ended_well(result, site, "schedule")
    assert result.ready["repaired"] is False


@each_strategy
def test_killed_at_any_instant_the_next_start_leaves_a_whole_link(site: Site, strategy: str) -> None:
    """Real kills, at instants that sweep over several flips; a repair is said exactly when there was no link."""
    for attempt in range(6):
        with Child([*SWITCHER, strategy, *site.options(), "--every", "0"]) as child:
            child.ready()
            spin(attempt * 61_000)
            child.signal(signal.SIGKILL)
            child.process.wait()
        left = site.points_to()
        assert left in {"a", "b"} or (left is None and strategy in ("forced", "two-renames"))

        result = run(strategy, *site.options(), "--every", "0", "--flips", "1")
        assert_ended_well(result, site, "schedule")
        assert result.ready["repaired"] is (left is None)
        assert len(result.errors) == (left is None)


def test_a_link_that_somebody_takes_away_is_made_again_at_the_end(site: Site) -> None:
    """The run leaves a whole link, whoever broke it, and says so."""
    with Child([*SWITCHER, "atomic", *site.options(), "--every", "1h", "--jitter", "0"]) as child:
        child.until(lambda event: event["event"] == "flips")
        site.link.unlink()
        child.signal(signal.SIGTERM)
        result = child.finish()
    assert result.code == 0
    assert result.done["repaired"] is True
    assert result.done["release"] == site.points_to() == "a"
    assert len(result.errors) == 1


def test_something_real_in_the_place_of_the_link_stays_and_is_the_end(site: Site) -> None:
    """Then there is no whole link to leave: no `done`, exit code 1, one line."""
    (site.root / "theirs").write_text("precious")
    # Long enough that the file comes between two flips: forced cannot tell what comes into its place within one.
    with Child([*SWITCHER, "forced", *site.options(), "--every", "200ms", "--jitter", "0"]) as child:
        child.until(lambda event: event["event"] == "flips")
        (site.root / "theirs").replace(site.link)
        failed = child.until(lambda event: event["event"] == "flips" and event["flips"][-1][-2] != "ok")
        child.signal(signal.SIGTERM)
        result = child.finish()
    assert failed["flips"][-1][-2] == "not a symlink any more"
    assert site.link.read_text() == "precious"
    assert result.code == 1
    assert "done" not in {event["event"] for event in result.events}
    assert len(result.errors) == 1
    assert "is not on a whole release: not a symlink any more" in result.errors[0]


# A full disk


def test_a_full_disk_costs_flips_and_the_run_goes_on(site: Site) -> None:
    """Failed flips are reported with what the system said; with room again the next one takes."""
    result = run("forced", *site.options(), "--every", "0", "--flips", "6", command=full_disk_at(3, 4))
    outcomes = ["ok", "ok", "No space left on device", "No space left on device", "ok", "ok"]
    assert [flip["outcome"] for flip in result.flips] == outcomes
    assert_true_stream(result.events)
    assert result.code == 1
    assert result.done["failed"] == 2
    assert result.done["release"] == site.points_to() == "a"
    assert result.errors == []


def test_a_last_flip_that_loses_the_link_is_made_good(site: Site) -> None:
    """With room again at the end the link is repaired, and `done` says so."""
    result = run("forced", *site.options(), "--every", "0", "--flips", "4", command=full_disk_at(4))
    assert result.code == 1
    assert result.done["failed"] == 1
    assert result.done["repaired"] is True
    assert result.done["release"] == site.points_to() == "a"
    assert len(result.errors) == 1
    assert "was missing; repaired: the link points to a now" in result.errors[0]


def test_a_link_that_is_lost_for_good_is_said(site: Site) -> None:
    """Not even a repair is possible: no `done`, exit code 1, and one line that says what is wrong."""
    result = run("forced", *site.options(), "--every", "0", "--flips", "4", command=full_disk_at(4, 5))
    assert result.code == 1
    assert [flip["outcome"] for flip in result.flips] == ["ok", "ok", "ok", "No space left on device"]
    assert "done" not in {event["event"] for event in result.events}
    assert len(result.errors) == 1
    assert "is not on a whole release: No space left on device" in result.errors[0]


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
        full = child.until(lambda event: event["event"] == "flips")
        assert full["flips"][0][-2] == "No space left on device"
        assert small_disk.points_to() == "a"
        (small_disk.root / "filler").unlink()
        child.until(lambda event: event["event"] == "flips" and event["flips"][-1][-2] == "ok")
        child.signal(signal.SIGTERM)
        result = child.finish()
    assert_true_stream(result.events)
    assert result.code == 1
    assert result.done["failed"] == sum(flip["outcome"] == "No space left on device" for flip in result.flips)
    assert result.done["release"] == small_disk.points_to()
    assert small_disk.entries() == {"a", "b", "current"}


def test_on_a_disk_that_is_really_full_a_missing_link_cannot_be_made(small_disk: Site) -> None:
    """The run does not begin: exit code 2, one line."""
    small_disk.link.unlink()
    (small_disk.root / "more").touch()
    result = run("forced", *small_disk.options(), "--every", "1ms", "--flips", "1")
    assert_refused(result, "cannot be made: No space left on device")
    assert small_disk.entries() == {"a", "b", "filler", "more"}


# Standard output and standard error


@pytest.mark.parametrize(("strategy", "every"), [("forced", "0"), ("atomic", "0"), ("forced", "1h")])
def test_a_reader_that_goes_away_ends_the_run(site: Site, strategy: str, every: str) -> None:
    """Exit code 1, one line, the link whole: also in a long wait, where a heartbeat finds it out."""
    with Child([*SWITCHER, strategy, *site.options(), "--every", every]) as child:
        child.ready()
        assert child.process.stdout is not None
        child.process.stdout.close()
        result = child.finish()
    assert result.code == 1
    assert result.errors == ["switcher: standard output: Broken pipe"]
    assert site.points_to() in {"a", "b"}


def test_a_stream_on_a_full_disk_ends_the_run(site: Site) -> None:
    """A file with a hole in it would be believed."""
    with open("/dev/full", "wb") as full:
        result = run("forced", *site.options(), "--every", "0", stdout=full.fileno())
    assert result.code == 1
    assert result.errors == ["switcher: standard output: No space left on device"]
    assert site.points_to() == "a"


def test_a_reader_that_goes_away_while_the_link_is_lost_is_one_clear_line(site: Site) -> None:
    """The link is the worse of the two."""
    with Child([*full_disk_at(*range(1, 1000)), "forced", *site.options(), "--every", "1h", "--jitter", "0"]) as child:
        child.until(lambda event: event["event"] == "flips")
        assert child.process.stdout is not None
        child.process.stdout.close()
        result = child.finish()
    assert result.code == 1
    assert len(result.errors) == 1
    assert "is not on a whole release: No space left on device" in result.errors[0]


@pytest.mark.parametrize("nowhere", ["2>&-", "2>/dev/full"])
def test_without_a_standard_error_the_stream_stays_clean_and_the_link_is_repaired(site: Site, nowhere: str) -> None:
    """What is said for people is lost; it must not land among the events, nor end the run."""
    site.link.unlink()
    command = shlex.join([*SWITCHER, "forced", *site.options(), "--every", "0", "--flips", "2"])
    with Child(["sh", "-c", f"exec {command} {nowhere}"]) as child:
        result = child.finish()
    assert_ended_well(result, site, "schedule")
    assert result.ready["repaired"] is True


@pytest.mark.parametrize("nowhere", ["", "2>&-"])
def test_what_a_command_prints_does_not_land_among_the_events(site: Site, nowhere: str) -> None:
    """It goes to standard error, or nowhere where that is closed."""
    flip = ["sh", "-c", 'echo to the log; ln -sfn "$0" "$1"', "{target}", "{link}"]
    command = shlex.join([*SWITCHER, "command", *site.options(), "--every", "0", "--flips", "1", "--", *flip])
    with Child(["sh", "-c", f"exec {command} {nowhere}"]) as child:
        result = child.finish()
    assert_ended_well(result, site, "schedule")
    assert result.errors == ([] if nowhere else ["to the log"])


def test_a_slow_reader_loses_nothing(site: Site) -> None:
    """The pipe is full long before it reads on: the switcher waits, and every flip arrives."""
    with Child([*SWITCHER, "atomic", *site.options(), "--every", "0", "--flips", "8000"]) as child:
        child.ready()
        assert child.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        # Of the 64 KiB of a pipe more than a half is in use when it is full: two lines share a page if they fit.
        while waiting(child.process.stdout.fileno()) < 30_000:
            assert time.monotonic() < deadline
        result = child.finish()
    assert_ended_well(result, site, "schedule")
    assert len(result.flips) == 8000
