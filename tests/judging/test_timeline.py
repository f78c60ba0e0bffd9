"""The timeline on small histories, and that forgetting changes no answer."""

from __future__ import annotations

from hypothesis import given

from locust_cutover.judging.timeline import Flip, Timeline
from locust_cutover.visit import Visit
from tests.histories import flip, flips, timeline, visits


def test_before_any_flip_only_the_first_release_is_possible() -> None:
    """The link pointed to it at the start; no other release was ever there."""
    line = timeline("a")
    assert line.sighting("a", 5, 9).admissible
    assert not line.sighting("b", 5, 9).known


def test_a_release_is_possible_from_its_invocation_to_the_completion_of_the_next() -> None:
    """Both ends belong to the interval."""
    line = timeline("a", flip(1, "b", 10, 12), flip(2, "c", 20, 22))
    assert not line.sighting("b", 0, 9).known
    assert line.sighting("b", 0, 10).admissible
    assert line.sighting("b", 22, 30).admissible
    assert not line.sighting("b", 23, 30).admissible
    assert line.sighting("a", 12, 30).admissible
    assert not line.sighting("a", 13, 30).admissible


def test_a_release_that_was_replaced_knows_by_which_flip_and_how_long_ago() -> None:
    """The age counts from the completion of the flip that replaced it to the sending of the visit."""
    line = timeline("a", flip(1, "b", 10, 12), flip(2, "c", 20, 22))
    sighting = line.sighting("b", 30, 31)
    assert sighting.age == 8
    assert sighting.replaced_by == flip(2, "c", 20, 22)


def test_while_somebody_else_flips_any_release_is_possible() -> None:
    """In the cutover of a watched flip, also one that never was there before or after; outside it is as ever."""
    line = timeline("a", flip(1, "b", 10, 12), flip(2, "c", 20, 30)._replace(watched=True))
    assert line.sighting("a", 30, 35) == (True, True, 0, None)
    assert line.sighting("new", 15, 20) == (True, False, 0, None)
    assert not line.sighting("a", 13, 19).admissible
    assert not line.sighting("a", 31, 35).admissible
    assert not line.sighting("new", 31, 35).known


def test_a_rollback_makes_the_earlier_release_possible_again() -> None:
    """Between its two times it is stale, afterwards it is not."""
    line = timeline("a", flip(1, "b", 10, 12), flip(2, "a", 20, 22))
    assert not line.sighting("a", 13, 19).admissible
    assert line.sighting("a", 13, 20).admissible
    assert line.sighting("a", 100, 101).admissible


def test_a_failed_flip_leaves_both_releases_possible_until_the_next_good_one() -> None:
    """Nobody knows whether it took."""
    line = timeline("a", flip(1, "b", 10, 12, "no space"), flip(2, "c", 20, 22))
    for release in "ab":
        assert line.sighting(release, 13, 19).admissible
        assert line.sighting(release, 22, 22).admissible
        assert not line.sighting(release, 23, 23).admissible


def test_the_cutover_of_a_failed_flip_lasts_until_the_next_good_one() -> None:
    """The link may be missing all the while, and that flip is to blame."""
    failed = flip(1, "b", 10, 12, "no space")
    line = timeline("a", failed)
    assert line.flip_during(15, 16) == failed
    line.add(flip(2, "c", 20, 22))
    assert line.flip_during(15, 16) == failed
    assert line.flip_during(23, 24) is None


def test_a_visit_over_several_cutovers_is_tied_to_the_last() -> None:
    """One flip is named for one visit."""
    line = timeline("a", flip(1, "b", 10, 12), flip(2, "c", 20, 22), flip(3, "a", 30, 32))
    assert line.flip_during(11, 25) == flip(2, "c", 20, 22)
    assert line.flip_during(13, 19) is None
    assert line.flip_during(12, 12) == flip(1, "b", 10, 12)
    assert line.flip_during(5, 10) == flip(1, "b", 10, 12)


def test_the_start_is_told_once() -> None:
    """A second phase begins where the first one ended; its start is no news."""
    line = timeline("a", flip(1, "b", 10, 12))
    line.start("a")
    assert not line.sighting("a", 20, 21).admissible


def test_a_release_that_nobody_named_can_be_there_at_the_start() -> None:
    """A user's link may point anywhere before the first flip."""
    line = timeline("old", flip(1, "b", 10, 12), releases=["a", "b"])
    assert line.sighting("old", 5, 6).admissible
    assert line.sighting("old", 20, 21).known


def test_memory_stays_flat_over_a_million_flips_and_an_old_release_is_still_stale() -> None:
    """Flips that no visit can ask for are forgotten; the last time of each release is not."""
    line = Timeline(["a", "b", "old"])
    line.start("old")
    for number in range(1, 200_001):
        outcome = "no space" if number % 1000 == 500 else "ok"
        line.add(Flip(0, number, "ab"[number % 2], number * 10, number * 10 + 3, outcome))
        if number % 100 == 0:
            line.forget(number * 10 - 50)
            assert len(line) <= 110
    sighting = line.sighting("old", 2_000_000, 2_000_001)
    assert sighting.age == 2_000_000 - 13
    assert sighting.replaced_by is not None
    assert sighting.replaced_by.number == 1


@given(flips(), visits())
def test_a_timeline_that_grows_and_forgets_gives_the_same_answers(history: list[Flip], seen: list[Visit]) -> None:
    """Whatever is dropped or still to come, no visit sent at the horizon or later can tell."""
    whole, live = timeline("a", *history), timeline("a")
    to_come = list(history)
    for index, visit in enumerate(seen):
        # The watermark has passed the visit's end: every flip invoked by then is known, a later one is not.
        while to_come and to_come[0].invoked <= visit.received:
            live.add(to_come.pop(0))
        live.forget(min(later.sent for later in seen[index:]))
        for release in ("a", "b", "c", "x"):
            assert live.sighting(release, visit.sent, visit.received) == whole.sighting(
                release, visit.sent, visit.received
            )
        assert live.flip_during(visit.sent, visit.received) == whole.flip_during(visit.sent, visit.received)


def test_after_a_failed_flip_the_release_that_the_link_then_held_is_possible_too() -> None:
    """A deploy that went to a third release did not serve a stale page by that, nor a wrong mark."""
    timeline = Timeline(["a", "b"])
    timeline.start("a")
    timeline.add(Flip(0, 1, "b", 10, 20, "the link points to c", "c"))
    for release in ("a", "b", "c"):
        assert timeline.sighting(release, 15, 30).admissible
    assert not timeline.sighting("c", 1, 9).known
    timeline.add(Flip(0, 2, "b", 40, 50))
    assert timeline.sighting("c", 45, 60).admissible
    assert timeline.sighting("c", 51, 60).age == 1


def test_a_release_that_nobody_named_may_appear_later() -> None:
    """Each deploy makes one: it is known from its first flip on, and two flips to it in a row are one stretch."""
    timeline = Timeline([])
    timeline.start("a")
    timeline.add(Flip(0, 1, "new", 10, 20))
    timeline.add(Flip(0, 2, "new", 30, 40))
    assert not timeline.sighting("new", 1, 9).known
    for time in (15, 25, 35, 45):
        assert timeline.sighting("new", time, time).admissible
    assert timeline.sighting("a", 25, 26).age == 5
