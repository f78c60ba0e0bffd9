"""The flipping itself, on a real disk and a clock that the test moves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import count, pairwise
from pathlib import Path

import pytest

from switcher.flip import COLUMNS, Facts
from switcher.link import open_link
from switcher.processors import Processors
from switcher.schedule import Schedule
from switcher.stop import Stop
from switcher.strategies import STRATEGIES, Strategy, atomic, forced
from switcher.stream import BATCH, Stream
from switcher.switch import LATE, switch
from tests.switcher.clock import START, Clock
from tests.switcher.process import MS, NAMES, Event, Site, assert_true_stream, events_of, fail_at, flips_of


class FakeStop(Stop):
    """A stop without signals, whose waits take no time: they move the clock."""

    def __init__(self, clock: Clock, at: int | None = None) -> None:
        self.reason: str | None = None
        self.looks = 0
        self.look_takes = 0
        self._clock = clock
        self._at = at

    def wait(self, until: int, also: int | None = None) -> None:
        """Be there; on the way there a stop may be asked for."""
        self._clock.now = max(self._clock.now, until)
        if self._at is not None and self._clock.now >= self._at:
            self.reason = "SIGTERM"

    def look(self) -> None:
        """Count it; it may take a time."""
        self.looks += 1
        self._clock.now += self.look_takes
        super().look()


class Experiment:
    """A switch of the site; `events` is its stream."""

    def __init__(self, site: Site, clock: Clock, path: Path) -> None:
        self.site = site
        self.clock = clock
        self.path = path
        self.stop = FakeStop(clock)

    def run(
        self,
        strategy: Strategy = atomic,
        releases: tuple[str, ...] = ("a", "b"),
        every: int = 20 * MS,
        flips: int | None = None,
        length: int | None = None,
        processors: Processors | None = None,
    ) -> Event:
        """Flip; returns the facts."""
        link = open_link(str(self.site.root), "current", releases)
        with self.path.open("wb") as file:
            stream = Stream(file.fileno())
            stream.say("ready", release=link.release(), columns=COLUMNS)
            facts = Facts()
            switch(link, strategy, Schedule(START, every, flips, length), stream, self.stop, facts, processors)
            stream.say("done", **asdict(facts))
        assert_true_stream(self.events, releases)
        return asdict(facts)

    def passing(self, nanoseconds: int) -> Callable[[], None]:
        """Lets a time pass."""

        def act() -> None:
            self.clock.now += nanoseconds

        return act

    @property
    def events(self) -> list[Event]:
        """The stream."""
        return events_of(self.path.read_text())

    @property
    def flips(self) -> list[Event]:
        """The flips of the stream."""
        return list(flips_of(self.events))

    def column(self, name: str) -> list[object]:
        """One column of the flips."""
        return [flip[name] for flip in self.flips]


@pytest.fixture
def experiment(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Experiment]:
    """A site and the time."""
    clock = Clock()
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic_ns", clock)
        yield Experiment(site, clock, tmp_path / "stream.jsonl")


def before_flip(number: int, act: Callable[[], object], strategy: Strategy = atomic) -> Strategy:
    """A strategy that does something else first at one of its flips, counted from 1, or at each (0)."""
    flips = count(1)

    def way(link: str, target: str, spare: str) -> None:
        if number in (0, next(flips)):
            act()
        strategy(link, target, spare)

    return way


@pytest.mark.parametrize("strategy", STRATEGIES.values())
def test_every_flip_takes_and_is_on_the_stream(experiment: Experiment, strategy: Strategy) -> None:
    """All releases in turn, beginning after the one that is there; the link is on the last one's release."""
    facts = experiment.run(strategy, releases=("a", "b", "c"), flips=7)
    assert facts == {"reason": "schedule", "flips": 7, "failed": 0, "late": 0}
    assert experiment.column("release") == ["b", "c", "a", "b", "c", "a", "b"]
    assert experiment.column("outcome") == ["ok"] * 7
    assert (experiment.site.points_to(), experiment.site.entries()) == ("b", NAMES)


@pytest.mark.parametrize(
    ("target", "first"), [("a", "b"), ("b", "c"), ("c", "a"), ("../site/b", "c"), ("nowhere", "a"), (None, "a")]
)
def test_the_first_flip_changes_something(experiment: Experiment, target: str | None, first: str) -> None:
    """It goes to the release after the one that the link points to; to the first when that is none of them."""
    experiment.site.put(target)
    experiment.run(releases=("a", "b", "c"), flips=1)
    assert experiment.column("release") == [first]


def test_a_flip_is_made_when_it_is_due(experiment: Experiment) -> None:
    """Not before, and its record says when that was."""
    experiment.run(every=20 * MS, flips=100)
    assert experiment.column("due") == [START + k * 20 * MS for k in range(100)]
    for flip in experiment.flips:
        assert flip["due"] <= flip["invoked"] < flip["due"] + LATE


def test_a_late_flip_keeps_its_due_time_is_made_at_once_and_delays_no_other(experiment: Experiment) -> None:
    """A flip that takes 50 ms makes the two after it late; none is dropped, and then the schedule is met again."""
    facts = experiment.run(before_flip(3, experiment.passing(50 * MS)), every=20 * MS, flips=8)
    assert experiment.column("due") == [START + k * 20 * MS for k in range(8)]
    late = [flip["invoked"] - flip["due"] > LATE for flip in experiment.flips]
    assert late == [False, False, False, True, True, False, False, False]
    assert (facts["late"], facts["flips"]) == (2, 8)


def test_a_flip_that_begins_within_the_tolerance_is_not_late(experiment: Experiment) -> None:
    """Waking up takes a moment."""
    hang = experiment.passing(20 * MS + LATE - 1000)
    assert experiment.run(before_flip(2, hang), every=20 * MS, flips=4)["late"] == 0


def test_late_flips_are_made_after_the_end_too(experiment: Experiment) -> None:
    """All that were due before the end: 10 s at 20 ms are 500 flips, also on a slow disk."""
    facts = experiment.run(before_flip(0, experiment.passing(25 * MS)), every=20 * MS, length=10_000 * MS)
    # Each flip is 5 ms later than the one before it.
    assert (facts["flips"], facts["late"]) == (500, 499)


def test_without_an_interval_nothing_is_due_or_late_and_flips_come_in_batches(experiment: Experiment) -> None:
    """A line for each would take longer than the flip. The end of standard input is looked for, but not each time."""
    experiment.stop.look_takes = 5 * MS
    facts = experiment.run(before_flip(0, experiment.passing(5 * MS)), every=0, flips=50)
    assert (experiment.column("due"), facts["late"]) == ([None] * 50, 0)
    sizes = [len(event["flips"]) for event in experiment.events if event["event"] == "flips"]
    assert (sum(sizes), max(sizes)) == (50, BATCH // (5 * MS))
    assert 3 <= experiment.stop.looks <= 5


def test_between_two_flips_the_watermark_moves(experiment: Experiment) -> None:
    """With one flip in ten seconds a reader need not wait ten seconds to know that there was none."""
    experiment.run(every=10_000 * MS, flips=2)
    watermarks = [event["watermark"] for event in experiment.events]
    assert watermarks[-1] - watermarks[0] > 9_000 * MS
    assert max(later - earlier for earlier, later in pairwise(watermarks)) < 3 * BATCH


def test_it_lasts_as_long_as_it_was_asked_to(experiment: Experiment) -> None:
    """The last flip is not the end: the time is, and until then the watermark moves."""
    experiment.run(every=600 * MS, length=1_000 * MS)
    assert len(experiment.flips) == 2
    assert experiment.events[-1]["watermark"] >= START + 1_000 * MS
    assert len([event for event in experiment.events if event["watermark"] > START + 700 * MS]) >= 5


def test_a_stop_during_a_wait_comes_before_the_flip(experiment: Experiment) -> None:
    """Nothing is flipped any more."""
    experiment.stop = FakeStop(experiment.clock, at=START + 50 * MS)
    facts = experiment.run(every=20 * MS)
    assert facts == {"reason": "SIGTERM", "flips": 3, "failed": 0, "late": 0}
    assert experiment.site.points_to() == "b"


@pytest.mark.parametrize("strategy", STRATEGIES.values())
@pytest.mark.parametrize("every", [0, 20 * MS])
def test_a_stop_during_a_flip_comes_after_it(experiment: Experiment, strategy: Strategy, every: int) -> None:
    """The flip in hand is finished and reported."""

    def ask() -> None:
        experiment.stop.reason = "SIGINT"

    facts = experiment.run(before_flip(3, ask, strategy), every=every)
    assert facts == {"reason": "SIGINT", "flips": 3, "failed": 0, "late": 0}
    assert experiment.column("outcome") == ["ok"] * 3
    assert experiment.site.points_to() == "b"


def test_a_stop_after_the_last_flip_ends_the_rest_of_the_time(experiment: Experiment) -> None:
    """There is a wait at the end, too."""
    experiment.stop = FakeStop(experiment.clock, at=START + 700 * MS)
    facts = experiment.run(every=600 * MS, length=1_000 * MS)
    assert facts["reason"] == "SIGTERM"
    assert experiment.events[-1]["watermark"] < START + 800 * MS


@pytest.mark.parametrize(("strategy", "call", "last"), [(atomic, "rename", "a"), (forced, "symlink", "b")])
def test_a_flip_that_fails_is_reported_and_the_next_one_is_made(
    experiment: Experiment, strategy: Strategy, call: str, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system says is the outcome. Where forced lost the link, the next flip makes it again."""
    fail_at(monkeypatch, call, [2])
    facts = experiment.run(strategy, flips=3)
    assert experiment.column("outcome") == ["ok", "No space left on device", "ok"]
    assert facts == {"reason": "schedule", "flips": 3, "failed": 1, "late": 0}
    assert experiment.site.points_to() == last


@pytest.mark.parametrize(
    ("strategy", "outcome", "releases"),
    [
        (lambda *_: None, "the link points to a", ["b"] * 4),  # a flip to what is there already would prove nothing
        (lambda link, *_: Path(link).unlink(missing_ok=True), "the link is missing", ["b", "a", "b", "a"]),
    ],
)
def test_a_flip_that_did_not_take_is_a_failed_one(
    experiment: Experiment, strategy: Strategy, outcome: str, releases: list[str]
) -> None:
    """The link is read back: a strategy that only says that it flipped is found out."""
    assert experiment.run(strategy, flips=4)["failed"] == 4
    assert experiment.column("outcome") == [outcome] * 4
    assert experiment.column("release") == releases


def test_a_flip_to_a_release_that_has_gone_is_a_failed_one(experiment: Experiment) -> None:
    """A deploy that deletes old releases meanwhile: the link dangles, and that was no good flip."""
    gone = experiment.site.root / "gone"
    facts = experiment.run(before_flip(2, lambda: (experiment.site.root / "b").rename(gone)), flips=4)
    assert experiment.column("outcome") == ["ok", "ok", "release b is not there any more", "ok"]
    assert facts["failed"] == 1


@pytest.mark.parametrize("strategy", STRATEGIES.values())
@pytest.mark.parametrize("put", [Path.touch, Path.mkdir])
def test_what_somebody_puts_in_the_place_of_the_link_stays(
    experiment: Experiment, strategy: Strategy, put: Callable[[Path], None]
) -> None:
    """We did not make it, so we neither delete nor replace it, nor make a link in it: the flips fail and say why."""
    link = experiment.site.link

    def flip_then_replace(path: str, target: str, spare: str) -> None:
        strategy(path, target, spare)
        link.unlink()
        put(link)

    assert experiment.run(flip_then_replace, flips=3)["failed"] == 3
    assert experiment.column("outcome") == ["not a symlink any more"] * 3
    assert link.is_file() or os.listdir(link) == []


def test_a_spare_name_that_somebody_takes_costs_one_flip(experiment: Experiment) -> None:
    """What they put there stays; from then on another name is used."""
    theirs = experiment.site.root / ".current.switcher"
    facts = experiment.run(before_flip(2, lambda: theirs.write_text("precious")), flips=5)
    assert experiment.column("outcome") == ["ok", "File exists", "ok", "ok", "ok"]
    assert facts["failed"] == 1
    assert theirs.read_text() == "precious"


def test_it_moves_before_the_time_of_a_flip_is_taken(experiment: Experiment) -> None:
    """To move takes its time, which is no part of the cutover; the flip says where it began."""

    class Slow(Processors):
        """Each move takes long; the number is that of the move."""

        def __init__(self) -> None:
            self.moved: list[int] = []

        def move(self) -> int | None:
            """Let the time pass."""
            experiment.clock.now += 5 * MS
            self.moved.append(experiment.clock.now)
            return len(self.moved)

    processors = Slow()
    experiment.run(flips=4, processors=processors)
    assert experiment.column("cpu") == [1, 2, 3, 4]
    for flip, moved in zip(experiment.flips, processors.moved, strict=True):
        assert moved < flip["invoked"] <= flip["completed"] < moved + MS
