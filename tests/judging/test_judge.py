"""The definitions as small histories, each with its verdict; then by chance, against an oracle."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from locust_cutover.judging.answers import UNKNOWN_FLIPS, UNKNOWN_RELEASE
from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.judge import judge
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.visit import Visit
from tests.histories import RELEASES, age, flip, flips, loss, met, oracle, page, place, timeline, visits

TO_B = flip(1, "b", 10, 12)
TO_C = flip(2, "c", 20, 22)


def test_the_release_that_is_there_is_ok() -> None:
    """Long after the flip the new release is the only right one."""
    assert judge(page(15, 18, "b"), timeline("a", TO_B)).kind == "ok"


def test_a_visit_that_overlaps_a_cutover_may_see_either_release() -> None:
    """Nobody can say when between invoked and completed the link changed."""
    for release in "ab":
        judgment = judge(page(5, 11, release), timeline("a", TO_B))
        assert (judgment.kind, judgment.flip, judgment.met) == ("ok", TO_B, (1, 1))


def test_the_old_release_is_still_right_at_the_very_moment_of_completion() -> None:
    """The intervals are closed: sent = completed may see the old one."""
    assert judge(page(12, 15, "a"), timeline("a", TO_B)).kind == "ok"
    assert judge(page(13, 15, "a"), timeline("a", TO_B)).kind == "stale"


def test_the_new_release_is_right_from_the_very_moment_of_invocation() -> None:
    """The intervals are closed: received = invoked may see the new one."""
    assert judge(page(5, 10, "b"), timeline("a", TO_B)).kind == "ok"


def test_the_new_release_before_its_flip_is_a_wrong_clock_and_proves_nothing() -> None:
    """Never ok, never stale."""
    judgment = judge(page(5, 9, "b"), timeline("a", TO_B))
    assert (judgment.kind, judgment.answer) == ("unjudged", UNKNOWN_RELEASE)


def test_a_release_never_flipped_to_proves_nothing() -> None:
    """It is a known release, but it was never there."""
    assert judge(page(15, 16, "c"), timeline("a", TO_B)).kind == "unjudged"


def test_a_mark_that_no_release_has_proves_nothing() -> None:
    """The mark is wrong, or the page is not ours."""
    assert judge(page(15, 16, "login"), timeline("a", TO_B)).kind == "unjudged"
    assert judge(page(15, 16, "b", "login"), timeline("a", TO_B)).kind == "unjudged"
    assert judge(page(15, 16, "login", due=2), timeline("a", TO_B)).kind == "unjudged"


def test_the_first_release_is_right_before_any_flip() -> None:
    """r₀ is what the link pointed to at the start."""
    assert judge(page(1, 2, "a"), timeline("a")).kind == "ok"


def test_a_visit_over_three_flips_may_see_any_of_their_releases() -> None:
    """a → b → c → a: all three were there at some time of the visit."""
    line = timeline("a", TO_B, TO_C, flip(3, "a", 30, 32))
    for release in RELEASES:
        assert judge(page(11, 31, release), line).kind == "ok"


def test_a_stale_visit_has_an_age_and_the_flip_that_replaced_its_release() -> None:
    """Sent at 40, replaced at 22: 18 old, and the flip to c did it."""
    judgment = judge(page(40, 41, "b"), timeline("a", TO_B, TO_C))
    assert (judgment.kind, judgment.age, judgment.flip, judgment.place) == ("stale", 18, TO_C, "after")


def test_a_rollback_to_an_earlier_release_is_ok() -> None:
    """The release that was stale is current again."""
    line = timeline("a", TO_B, flip(2, "a", 20, 22))
    assert judge(page(15, 16, "a"), line).kind == "stale"
    assert judge(page(25, 26, "a"), line).kind == "ok"


def test_after_a_failed_flip_both_releases_are_ok_until_the_next_good_one() -> None:
    """It may have taken or not."""
    line = timeline("a", flip(1, "b", 10, 12, "read back a"), TO_C)
    for release in "ab":
        assert judge(page(15, 16, release), line).kind == "ok"
        assert judge(page(25, 26, release), line).kind == "stale"


def test_an_answer_that_is_not_whole_is_lost_and_tied_to_the_cutover_it_overlaps() -> None:
    """A loss far from any flip has another reason."""
    line = timeline("a", TO_B)
    at_flip, alone = judge(loss(11, 14), line), judge(loss(15, 16, "connection closed"), line)
    assert (at_flip.kind, at_flip.answer, at_flip.flip, at_flip.place) == ("lost", "404 Not Found", TO_B, "at")
    assert (alone.kind, alone.answer, alone.flip, alone.place) == ("lost", "connection closed", None, "none")


def test_parts_of_two_releases_are_torn_even_when_both_were_possible() -> None:
    """Each part is right by itself, the page is not."""
    judgment = judge(page(5, 15, "a", "b"), timeline("a", TO_B))
    assert (judgment.kind, judgment.flip, judgment.place) == ("torn", TO_B, "at")


def test_a_page_with_a_part_missing_is_torn() -> None:
    """One mark of two: the status was 200 all the same."""
    assert judge(page(5, 15, "a", due=2), timeline("a", TO_B)).kind == "torn"
    assert judge(page(5, 15, due=2), timeline("a", TO_B)).kind == "torn"


def test_a_torn_page_away_from_any_cutover_is_tied_to_the_flip_that_made_its_old_part_stale() -> None:
    """A cache served one part: it came after a flip, not at one. A page whose part is missing came after none."""
    judgment = judge(page(15, 16, "a", "b"), timeline("a", TO_B))
    assert (judgment.kind, judgment.flip, judgment.place) == ("torn", TO_B, "after")
    missing = judge(page(15, 16, "b", due=2), timeline("a", TO_B))
    assert (missing.kind, missing.flip, missing.place) == ("torn", None, "none")


def test_a_visit_is_calm_when_it_overlaps_no_cutover_whatever_it_showed() -> None:
    """Then it comes after the flip before it; a lost one and one without marks to judge could not have shown it."""
    line = timeline("a", TO_B)
    for visit in (page(15, 16, "b"), page(15, 16, "a"), page(15, 16, "a", "b"), page(15, 16, "b", due=2)):
        judgment = judge(visit, line)
        assert (judgment.calm, judgment.after, judgment.met) == (True, TO_B, None)
    assert judge(page(11, 16, "b"), line).calm is False
    assert (judge(loss(15, 16), line).calm, judge(loss(15, 16), line).after) == (True, None)
    assert judge(page(15, 16)._replace(due=0), line).after is None
    assert judge(page(5, 6, "a"), line).after is None
    assert judge(page(15, 19, "a", "b"), line, known_until=18).calm is False


def test_a_command_that_passes_through_an_earlier_release_accuses_nobody() -> None:
    """1 → 3 → 1: whoever looked while the command ran may have seen 3, though 3 was replaced long ago."""
    line = timeline("c", flip(1, "a", 10, 12), flip(2, "a", 40, 60, opaque=True))
    assert judge(page(45, 50, "c"), line).kind == "ok"
    assert judge(page(30, 39, "c"), line).kind == "stale"
    later = judge(page(61, 62, "c"), line)
    assert (later.kind, later.age, later.flip) == ("stale", 1, flip(2, "a", 40, 60, opaque=True))


def test_more_marks_than_due_are_fine() -> None:
    """A page may say its release as often as it likes."""
    assert judge(page(15, 16, "b", "b", "b", due=2), timeline("a", TO_B)).kind == "ok"


def test_a_page_without_marks_to_judge_is_ok_when_it_is_whole() -> None:
    """Torn and stale are not judged there."""
    visit = page(15, 16)._replace(due=0)
    assert judge(visit, timeline("a", TO_B)).kind == "ok"


def test_a_request_that_never_left_this_machine_is_no_loss_of_the_server() -> None:
    """No port or descriptor was left: that is ours."""
    assert judge(loss(15, 16, "not sent"), timeline("a", TO_B)).kind == "unjudged"


def test_without_later_flips_what_the_answer_alone_tells_is_still_judged() -> None:
    """When the switcher died, lost and torn stay; ok and stale cannot be told."""
    line = timeline("a", TO_B)
    assert judge(page(15, 18, "b"), line, known_until=18).kind == "ok"
    judgment = judge(page(15, 19, "b"), line, known_until=18)
    assert (judgment.kind, judgment.answer) == ("unjudged", UNKNOWN_FLIPS)
    assert judge(page(15, 19, "c"), line, known_until=18).answer == UNKNOWN_FLIPS
    assert judge(loss(15, 19), line, known_until=18).kind == "lost"
    assert judge(page(15, 19, "a", "b"), line, known_until=18).kind == "torn"


@given(flips(), visits())
def test_every_visit_of_any_history_is_judged_as_the_oracle_judges_it(history: list[Flip], seen: list[Visit]) -> None:
    """Kind, age and flip, for histories with failed flips, repeated releases and no gaps."""
    line = timeline("a", *history)
    for visit in seen:
        judgment = judge(visit, line)
        assert judgment.kind == oracle(visit, "a", history), visit
        if judgment.kind == "stale":
            assert judgment.age == age(visit, "a", history)
            assert judgment.age > 0
        during = met(visit, history)
        if judgment.kind in ("ok", "lost"):
            assert judgment.flip == (during[-1] if during else None)
        if judgment.kind in FAULTS:
            assert judgment.place == place(visit, "a", history)
        if judgment.kind != "unjudged":
            assert judgment.met == ((during[0].number, during[-1].number) if during else None)
            assert judgment.calm == (not during)


@given(flips(), st.data())
def test_a_correct_server_is_never_accused(history: list[Flip], data: st.DataObject) -> None:
    """Any server that shows what the link pointed to at some moment of the visit is ok, whatever moment it takes.

    The link changes at one moment of each cutover; a failed flip changes it or does not. An opaque one may change it
    as often as it likes, and ends at its release.
    """
    took = [one for one in history if one.ok or data.draw(st.booleans())]
    changes = [(-1, "a")]
    for one in took:
        moments = sorted(data.draw(st.lists(st.integers(one.invoked, one.completed), max_size=3 * one.opaque)))
        changes += [(moment, data.draw(st.sampled_from(RELEASES))) for moment in moments]
        changes.append((data.draw(st.integers(moments[-1] if moments else one.invoked, one.completed)), one.release))
    line = timeline("a", *history)
    for _ in range(10):
        sent = data.draw(st.integers(0, 130))
        received = sent + data.draw(st.integers(0, 25))
        moment = data.draw(st.integers(sent, received))
        # At the moment of a change itself the server may have looked just before or just after.
        before = [release for time, release in changes if time < moment]
        at = [release for time, release in changes if time == moment]
        release = data.draw(st.sampled_from([before[-1], *at]))
        assert judge(page(sent, received, release, release), line).kind == "ok"


@given(flips(failing=False, opaque=False), st.integers(1, 60), st.sampled_from(["lost", "torn", "stale"]), st.data())
def test_one_planted_anomaly_is_always_found(
    history: list[Flip], after: int, planted: str, data: st.DataObject
) -> None:
    """A loss, a mixed page or an old release, anywhere in a clean history, is seen as what it is."""
    # What the link pointed to before each flip, where the flip changed it.
    changes = [(old, new) for old, new in zip([flip(0, "a", -1, -1), *history], history, strict=False)]
    changes = [(old, new) for old, new in changes if old.release != new.release]
    assume(changes)
    old, new = data.draw(st.sampled_from(changes))
    line = timeline("a", *history)
    sent = new.completed + after
    received = sent + data.draw(st.integers(0, 10))
    visit = {
        "lost": loss(sent, received),
        "torn": page(sent, received, old.release, new.release),
        "stale": page(sent, received, old.release),
    }[planted]
    # The old release may have come back meanwhile.
    assume(
        planted != "stale"
        or all(later.release != old.release or later.invoked > received for later in history[new.number - 1 :])
    )
    assert judge(visit, line).kind == planted
