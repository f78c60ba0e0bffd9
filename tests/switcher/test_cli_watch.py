"""python -m switcher watch, as its users run it, with somebody else who flips."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from locust_cutover.judging.judge import judge
from locust_cutover.judging.timeline import Flip, Timeline
from locust_cutover.judging.visit import Visit
from switcher.duration import format_duration
from switcher.flip import Row
from switcher.strategies import STRATEGIES
from switcher.watch import PROBE
from tests.switcher.conftest import Here
from tests.switcher.process import (
    FLIPPER,
    MS,
    SWITCHER,
    Child,
    Event,
    Site,
    after,
    as_nobody,
    assert_refused,
    batch,
    flips_of,
    snapshot,
)

each_way = pytest.mark.parametrize("way", ["inotify", "polling"])


def watch(site: Site, *options: str, way: str = "inotify", command: Sequence[str] = SWITCHER, stdin: int = -3) -> Child:
    """A switcher that watches the site."""
    polling = ["--polling"] if way == "polling" else []
    root = ["--root", str(site.root), "--link", site.link.name]
    return Child([*command, "watch", *root, *polling, *options], stdin=stdin)


def flip(site: Site, release: str, strategy: str = "atomic") -> tuple[int, int]:
    """Flip; the true times."""
    began = time.monotonic_ns()
    STRATEGIES[strategy](str(site.link), release, str(site.root / "spare"))
    return began, time.monotonic_ns()


def next_flip(child: Child) -> Row:
    """The next flip of the stream, which is alone on its line."""
    (one,) = batch(child.flips())
    return Row(*one)


def assert_true_watch(events: Sequence[Event]) -> None:
    """What a reader of the stream relies on: no flip comes that an earlier line said would have been known."""
    watermark = 0
    last = (0, 0)
    number = 0
    for event in events:
        for flip, _, due, invoked, completed, *_ in batch(event):
            number += 1
            assert (flip, due) == (number, None)
            assert watermark < invoked < completed
            assert last[0] < invoked
            assert last[1] <= completed
            last = (invoked, completed)
        assert event["watermark"] >= watermark
        watermark = event["watermark"]
    assert events[-1]["flips"] == number


@each_way
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_flips_of_somebody_else_are_told_with_times_that_hold_them(site: Site, way: str, strategy: str) -> None:
    """One flip each, to the right release, between times that the true ones are within; exit code 0."""
    with watch(site, "--flips", "3", way=way) as child:
        ready = child.ready()
        assert (ready["strategy"], ready["by"], ready["release"]) == ("watch", way, "a")
        for release in ("b", "c", "a"):
            began, ended = flip(site, release, strategy)
            seen = next_flip(child)
            assert (seen.release, seen.outcome) == (release, "ok")
            assert seen.invoked <= ended
            assert seen.completed >= began
        result = child.finish()
    assert result.code == 0
    assert result.errors == []
    assert (result.done["reason"], result.done["flips"], result.done["release"]) == ("schedule", 3, "a")
    assert_true_watch(result.events)


@each_way
def test_a_gap_is_within_the_flip(site: Site, way: str) -> None:
    """From the last look at the old link to the first at the new one."""
    with watch(site, "--flips", "1", way=way) as child:
        child.ready()
        site.link.unlink()
        gone = time.monotonic_ns()
        time.sleep(0.03)
        back = time.monotonic_ns()
        site.link.symlink_to("b")
        seen = next_flip(child)
    assert (seen.release, seen.outcome) == ("b", "ok")
    assert seen.invoked <= gone
    assert seen.completed >= back


@each_way
def test_there_and_back_is_told(site: Site, way: str) -> None:
    """The link is on the release that it was on, but it was not all the time."""
    with watch(site, "--flips", "1", way=way) as child:
        child.ready()
        for release in ("b", "a"):
            began, _ = flip(site, release)
        seen = next_flip(child)
    assert seen.outcome == "ok"
    # A fast one saw the first flip alone.
    assert seen.release == "b" or seen.completed >= began


@each_way
def test_a_quiet_site_that_may_only_be_read_is_watched_and_not_touched(closed_site: Site, way: str) -> None:
    """The watermark moves, so that the visits of a quiet time can be judged."""
    before = snapshot(closed_site.root)
    with watch(closed_site, way=way, command=as_nobody()) as child:
        start = child.ready()["watermark"]
        child.until(lambda event: event["watermark"] > start + 200 * MS)
        child.signal(signal.SIGINT)
        result = child.finish()
    assert (result.code, result.done["reason"], result.done["flips"]) == (0, "SIGINT", 0)
    assert snapshot(closed_site.root) == before


def test_a_link_that_is_missing_at_the_end_is_a_flip_that_failed_and_is_left_alone(site: Site) -> None:
    """It is somebody else's; exit code 1."""
    with watch(site) as child:
        child.ready()
        site.link.unlink()
        child.until(lambda event: event["event"] == "heartbeat")
        child.signal(signal.SIGTERM)
        result = child.finish()
    assert (result.code, result.done["failed"]) == (1, 1)
    assert result.flips[-1]["outcome"] == "the link is missing"
    assert site.points_to() is None


def test_releases_are_named_by_their_path_below_root(site: Site) -> None:
    """However the link says it: by an absolute path, or by a way round; elsewhere by its target."""
    (site.root / "releases" / "20260101").mkdir(parents=True)
    with watch(site) as child:
        child.ready()
        seen = []
        for target in (f"{site.root}/releases/20260101", "releases/../b", "/", "ghost"):
            flip(site, target)
            seen.append(next_flip(child))
        child.signal(signal.SIGTERM)
        assert child.finish().code == 1
    assert [row.release for row in seen] == ["releases/20260101", "b", "/", "ghost"]
    assert [row.outcome for row in seen] == ["ok", "ok", "ok", "the link points to ghost, which is no folder"]


@each_way
def test_a_folder_above_the_link_may_be_replaced(site: Site, way: str, tmp_path: Path) -> None:
    """Whoever does that replaces the link; the new one is watched from then on."""
    moved = Site(tmp_path / "moved", tmp_path / "moved" / "current")
    for release in ("b", "c"):
        (moved.root / release).mkdir(parents=True)
    moved.link.symlink_to("b")
    with watch(site, way=way) as child:
        child.ready()
        site.root.rename(tmp_path / "old")
        moved.root.rename(site.root)
        assert next_flip(child).release == "b"
        flip(site, "c")
        assert next_flip(child).release == "c"


def test_without_inotify_it_polls_and_says_so(site: Site) -> None:
    """All watches of the machine may be in use."""
    none_left = """
import errno, os, switcher.inotify
def call(*_): raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
switcher.inotify.Inotify._call = call
"""
    with watch(site, "--flips", "1", command=after(none_left)) as child:
        assert child.ready()["by"] == "polling"
        flip(site, "b")
        result = child.finish()
    assert result.code == 0
    assert result.errors == [
        f"switcher: inotify is not available (Too many open files): looking every {format_duration(PROBE)} instead"
    ]


def test_attached_it_says_when_it_is_over_and_watches_on(site: Site) -> None:
    """Who reads the stream may still have visits to judge, and somebody else flips on."""
    with watch(site, "--attached", "--flips", "1", stdin=subprocess.PIPE) as child:
        child.ready()
        flip(site, "b")
        child.over()
        flip(site, "c")
        assert next_flip(child).release == "c"
        child.let_go()
        result = child.finish()
    assert (result.code, result.done["reason"], result.done["flips"]) == (0, "schedule", 2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--root {root}/nowhere --link current", r"root .*nowhere: no such folder"),
        ("--root {root} --link curent", r"link .*/curent: no such link"),
        ("--root {root} --link a", r"link .*/a: not a symlink; watching needs a link to begin with"),
        ("--root {root} --link ../site/../current", r"not below root"),
        ("--root {root} --link ghost", r"points to nowhere, which is no folder"),
        ("--link current", "--root"),
        ("--root {root} --every 1s", "unrecognized arguments: --every"),
    ],
)
def test_a_site_that_cannot_be_watched_is_refused(here: Here, site: Site, arguments: str, reason: str) -> None:
    """One line says why; it waits half a second for a link, which could be in the gap of a flip."""
    (site.root / "ghost").symlink_to("nowhere")
    assert_refused(here("watch", *arguments.format(root=site.root).split()), reason)


@each_way
@pytest.mark.parametrize("pace", [0, 0.002, 0.05])
def test_a_correct_reader_is_never_accused(site: Site, way: str, pace: float) -> None:
    """Whoever reads the link itself is never stale, and never finds it missing without a flip that explains it.

    Somebody else flips, fast and in all ways; every visit is judged as soon as the watermark allows.
    """
    visits: list[tuple[int, str | None, int]] = []
    timeline = Timeline([])
    judged = 0

    def judge_until(watermark: int) -> None:
        nonlocal judged
        while judged < len(visits) and visits[judged][2] <= watermark:
            sent, release, received = visits[judged]
            judged += 1
            marks = () if release is None else (release,)
            judgment = judge(Visit(0, "GET", "/", sent, received, "", bool(marks), marks, 1, 0), timeline)
            assert judgment.kind == "ok" or (judgment.kind == "lost" and judgment.place == "at"), (judged, judgment)

    def read(until: int) -> None:
        while (sent := time.monotonic_ns()) < until:
            release = site.points_to()
            visits.append((sent, release, time.monotonic_ns()))

    with watch(site, way=way) as child:
        timeline.start(child.ready()["release"])
        with Child([sys.executable, "-c", FLIPPER, str(site.link), str(pace)]):
            until = time.monotonic_ns() + 1500 * MS
            reader = threading.Thread(target=read, args=(until,))
            reader.start()
            while (event := child.event())["watermark"] < until and time.monotonic_ns() < until + 3000 * MS:
                for row in (Row(*flip) for flip in batch(event)):
                    timeline.add(Flip(0, row.flip, row.release, row.invoked, row.completed, row.outcome, opaque=True))
                judge_until(event["watermark"])
            reader.join()
        child.signal(signal.SIGTERM)
        result = child.finish()
    assert_true_watch(result.events)
    assert judged > 1000
    assert len(list(flips_of(result.events))) > 3
