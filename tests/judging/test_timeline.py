"""The timeline on small histories, and that forgetting changes no answer."""

from __future__ import annotations

from hypothesis import given

from locust_cutover.judging.timeline import Flip, Timeline
from locust_cutover.judging.visit import Visit
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


def test_during_the_cutover_of_an_opaque_flip_any_release_is_possible() -> None:
    """A command may pass through a release that was current before, or never was; outside it is as ever."""
    opaque = flip(2, "b", 20, 30, opaque=True)
    line = timeline("a", flip(1, "c", 10, 12), opaque)
    assert line.sighting("a", 30, 35).admissible
    assert line.sighting("a", 15, 20).admissible
    assert not line.sighting("a", 13, 19).admissible
    assert line.sighting("a", 31, 35) == (False, True, 1, opaque)


def test_a_release_that_an_opaque_flip_may_have_passed_through_is_stale_since_that_flip() -> None:
    """Though it was replaced before, or never flipped to: the link may have pointed to it until then."""
    opaque = flip(2, "b", 20, 30, opaque=True)
    line = timeline("b", flip(1, "a", 10, 12), opaque)
    assert line.sighting("c", 35, 36) == (False, True, 5, opaque)
    assert not line.sighting("c", 13, 19).known


def test_a_mark_that_is_no_release_is_unknown_during_an_opaque_flip_too() -> None:
    """A wrong mark proves nothing, whenever it is seen."""
    assert not timeline("a", flip(1, "b", 20, 30, opaque=True)).sighting("login", 22, 25).admissible


def test_without_named_releases_an_opaque_flip_may_pass_through_any() -> None:
    """Each deploy makes a new one; what it passed through cannot be told from a wrong mark afterwards."""
    line = timeline("a", flip(1, "b", 20, 30, opaque=True), releases=[])
    assert line.sighting("new", 15, 20) == (True, False, 0, None)
    assert not line.sighting("new", 31, 35).known


def test_a_failed_opaque_flip_leaves_every_release_possible_until_the_next_good_one() -> None:
    """Its cutover lasts as long."""
    line = timeline("a", flip(1, "b", 10, 12, "timed out", opaque=True), flip(2, "b", 20, 22))
    assert line.sighting("c", 15, 16).admissible
    assert line.sighting("c", 22, 23).admissible
    assert line.sighting("c", 23, 24).age == 1


def test_a_visit_meets_every_flip_of_its_phase_whose_cutover_it_overlaps() -> None:
    """Repairs have no number, and flips of another phase are none of this one's."""
    earlier = Flip(0, 7, "a", 1, 3)
    line = timeline("a", earlier, Flip(1, 0, "a", 8, 8), Flip(1, 1, "b", 10, 12), Flip(1, 2, "a", 20, 22))
    assert line.met_during(1, 0, 30) == (1, 2)
    assert line.met_during(1, 12, 19) == (1, 1)
    assert line.met_during(1, 13, 19) is None
    assert line.met_during(1, 0, 9) is None
    assert line.met_during(0, 0, 9) == (7, 7)


def test_the_flip_before_a_calm_visit_outlives_those_that_are_forgotten() -> None:
    """A calm visit comes after it, however much later."""
    line = timeline("a", flip(1, "b", 10, 12), flip(2, "c", 20, 22))
    line.forget(1000)
    assert line.flip_before(1001) == flip(2, "c", 20, 22)
    assert timeline("a").flip_before(5) is None


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
        assert live.met_during(0, visit.sent, visit.received) == whole.met_during(0, visit.sent, visit.received)
        assert live.flip_before(visit.received) == whole.flip_before(visit.received)


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
