"""What looks prove about flips: small histories by hand, and large ones by chance against what really happened."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switcher.flip import OK
from switcher.witness import GRACE, GRAIN, LIMIT, Change, Look, Witness

MS = 1_000_000

MISSING = "the link is missing"


def seen(
    at: int, target: str | None, arrivals: int | None = 0, inode: int = 1, changed: int = 1, left: bool = False
) -> Look:
    """A look of a millisecond that begins at `at`, in milliseconds."""
    state = OK if target else MISSING
    link = ((0, inode), changed) if target else ((0, 0), 0)
    return Look(at * MS, (at + 1) * MS, arrivals, target, left, state, *link)


GAP, LATE, AWAY = 2 * GRACE // MS, 10 + GRACE // MS, LIMIT // MS

HISTORIES = {
    "a flip lasts from the last look at the old release to the first at the new one": (
        [seen(10, "a"), seen(20, "b", arrivals=1, inode=2)],
        [Change("b", 10 * MS, 21 * MS, OK)],
    ),
    "there and back between two looks is a flip: the word of it came, although the link is the same": (
        [seen(10, "a", arrivals=2)],
        [Change("a", 0, 11 * MS, OK)],
    ),
    "flips between two looks are one cutover: nobody saw what was there in between": (
        [seen(10, "c", arrivals=3, inode=4)],
        [Change("c", 0, 11 * MS, OK)],
    ),
    "after a long gap the word may still come late, and is waited for from when the link was seen again": (
        [seen(10, None, left=True), seen(10 + GAP, "b", inode=2), seen(20 + GAP, "b", 1, 2), seen(30 + GAP, "b", 0, 2)],
        [Change("b", 0, (21 + GAP) * MS, OK)],
    ),
    "without the word of it the change counts in the end (a network file system tells nothing)": (
        [seen(10, "b", inode=2), seen(LATE - 1, "b", inode=2), seen(LATE, "b", inode=2)],
        [Change("b", 0, (LATE + 1) * MS + GRAIN, OK)],
    ),
    "a missing link is part of the flip that makes it again": (
        [seen(10, None), seen(50, None), seen(60, "b", arrivals=1, inode=2)],
        [Change("b", 0, 61 * MS, OK)],
    ),
    "a link that stays away is a flip that failed, and its return another one": (
        [seen(10, None), seen(9 + AWAY, None), seen(10 + AWAY, None), seen(20 + AWAY, "b", 1, 2)],
        [
            Change("a", 0, (11 + AWAY) * MS + GRAIN, MISSING),
            Change("b", (10 + AWAY) * MS, (11 + AWAY) * MS + GRAIN, OK),
        ],
    ),
    "what leaves the name is no flip: RENAME_EXCHANGE tells first that the new link came, then that the old one left": (
        [seen(10, "b", 1, 2), seen(11, "b", inode=2, left=True), seen(12 + LATE, "b", inode=2)],
        [Change("b", 0, 11 * MS, OK)],
    ),
    "a new owner of the link is no flip": ([seen(10, "a", changed=2), seen(10 + LATE, "a", changed=2)], []),
    "polling counts another link by its inode": ([seen(100, "a", None, 2, 1)], [Change("a", 0, 101 * MS + GRAIN, OK)]),
    "and by its change time": ([seen(100, "a", None, 1, 2)], [Change("a", 0, 101 * MS + GRAIN, OK)]),
    "polling widens a cutover by the time that may leave no trace": (
        [seen(100, "b", None, 2, 2), seen(105, "b", None, 2, 2)],
        [Change("b", 0, 101 * MS + GRAIN, OK)],
    ),
    "when nobody could tell for a while a young link may be another one": (
        [seen(10, "b", 1, 2, 2), seen(15, "b", None, 2, 2)],
        [Change("b", 0, 11 * MS, OK), Change("b", 10 * MS, 16 * MS + GRAIN, OK)],
    ),
    "an old one is the same": (
        [seen(10, "b", 1, 2, 2), seen(15 + GRAIN // MS, "b", 0, 2, 2), seen(99, "b", None, 2, 2)],
        [Change("b", 0, 11 * MS, OK)],
    ),
    "a link to no folder is a flip that failed": (
        [seen(10, "ghost", 1, 2)._replace(state="no folder")],
        [Change("ghost", 0, 11 * MS, "no folder")],
    ),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_looks_prove_changes(history: str) -> None:
    """From before the last look at the old link to after the first at the new one: then it is known what was there."""
    looks, proved = HISTORIES[history]
    witness = Witness(seen(0, "a"))
    assert [change for look in looks if (change := witness.see(look))] == proved


def test_looks_that_see_nothing_new_move_the_watermark_to_where_the_last_one_began() -> None:
    """Only just before it: a flip that the next look shows can have begun with this one."""
    witness = Witness(seen(0, "a"))
    assert witness.see(seen(10, "a")) is None
    assert witness.watermark == 10 * MS - 1


def test_a_look_that_saw_the_change_before_it_was_told_does_not_count_it_twice() -> None:
    """It waits for the word, and the watermark waits with it."""
    witness = Witness(seen(0, "a"))
    assert witness.see(seen(10, "b", arrivals=0, inode=2)) is None
    assert witness.watermark == -1
    assert witness.see(seen(12, "b", arrivals=1, inode=2)) == Change("b", 0, 13 * MS, OK)
    assert witness.see(seen(14, "b", inode=2)) is None


def test_what_left_the_name_holds_the_watermark_until_it_is_told_what_came() -> None:
    """A link that was made again and looks the same, but nobody has told of it yet."""
    witness = Witness(seen(0, "a"))
    assert witness.see(seen(10, "a", left=True)) is None
    assert witness.watermark == -1
    assert witness.see(seen(12, "a", arrivals=1)) == Change("a", 0, 13 * MS, OK)


def test_the_end_settles_what_is_under_way() -> None:
    """With what is there: a link that is still missing is a flip that failed."""
    witness = Witness(seen(0, "a"))
    witness.see(seen(10, None))
    assert witness.end(seen(20, None)) == Change("a", 0, 21 * MS + GRAIN, MISSING)
    witness = Witness(seen(0, "a"))
    assert witness.end(seen(20, "a")) is None
    assert witness.end(seen(30, "b", 1, 2)) == Change("b", 20 * MS, 31 * MS, OK)


# By chance. Times are in units of two milliseconds: a tick of the file system's clock is five of them.

UNIT = 2 * MS
TICK = 5
GAPS = st.sampled_from([1, 1, 2, 3, 4, 6, 12, 60])


@dataclass(frozen=True)
class Happening:
    """What became of the link at a time, and when it was told; the next one happens later than that."""

    time: int
    target: str | None
    inode: int
    told: int


@st.composite
def happenings(draw: st.DrawFn) -> list[Happening]:
    """Links that come, go and replace one another, of a few inodes that are used again as soon as they are free."""
    now, inode = 20, 0
    target: str | None = "a"
    made = [Happening(0, "a", 0, 0)]
    for _ in range(draw(st.integers(0, 12))):
        now = max(now + draw(GAPS), made[-1].told + 1)
        told = now + draw(st.sampled_from([0, 0, 1, 2, 30]))
        removed = target is not None and draw(st.integers(0, 3)) == 0
        # One that replaces another was beside it before, so it has another inode.
        inode = draw(st.integers(0, 1)) if target is None else 1 - inode
        target = None if removed else draw(st.sampled_from("ab"))
        made.append(Happening(now, target, inode, told))
    return made


@st.composite
def look_times(draw: st.DrawFn, deaf: st.SearchStrategy[bool]) -> list[tuple[int, int, int, int, bool]]:
    """(before, heard, seen, after, deaf) of each look; the first is before all that happens."""
    now = 16
    made = [(15, 15, 15, 15, False)]
    for _ in range(draw(st.integers(1, 25))):
        steps = [draw(st.sampled_from([0, 0, 0, 1, 2, 7])) for _ in range(3)]
        heard, at = now + steps[0], now + steps[0] + steps[1]
        made.append((now, heard, at, at + steps[2], draw(deaf)))
        now = at + steps[2] + draw(GAPS)
    return made


def looks(history: Sequence[Happening], times: Sequence[tuple[int, int, int, int, bool]]) -> list[Look]:
    """What the looks at these times see of this history."""
    made = []
    arrivals_told = [one.told for one in history[1:] if one.target is not None]
    all_told = [one.told for one in history[1:]]
    heard_before = last_heard = 0
    for before, heard, at, after, deaf in times:
        total = bisect_right(arrivals_told, heard)
        departed = any(last_heard < one.told <= heard and one.target is None for one in history)
        left = departed or bisect_right(all_told, after) > bisect_right(all_told, heard)
        one = history[bisect_right([other.time for other in history], at) - 1]
        inode, changed = ((0, 0), 0) if one.target is None else ((0, one.inode + 1), one.time // TICK + 1)
        state = MISSING if one.target is None else OK
        arrivals = None if deaf else total - heard_before
        made.append(Look(before * UNIT, after * UNIT, arrivals, one.target, left, state, inode, changed))
        heard_before, last_heard = total, heard
    return made


def check_no_lie(history: Sequence[Happening], taken: Sequence[Look]) -> list[Change]:
    """At every step all that is said until the watermark is true; returns the changes.

    True is: at each moment the link was in a cutover, or was what the flip before it said.
    """
    witness = Witness(taken[0], since=0)
    told: list[Change] = []
    watermark = -1
    last = len(taken) - 1
    times = [one.time for one in history]
    for number, look in enumerate(taken[1:], start=1):
        change = witness.end(look) if number == last else witness.see(look)
        if change is not None:
            assert change.invoked > watermark, "a flip that should have been known before"
            assert change.completed >= change.invoked
            assert not told or (change.invoked > told[-1].invoked and change.completed >= told[-1].completed)
            told.append(change)
        assert witness.watermark >= watermark
        watermark = witness.watermark
        # Between these moments neither what is said nor the truth changes.
        moments = {watermark // UNIT, *times, *(time - 1 for time in times)}
        moments |= {change.completed // UNIT + 1 for change in told} | {change.invoked // UNIT - 1 for change in told}
        for moment in moments:
            if not taken[0].after <= moment * UNIT <= watermark:
                continue
            truth = history[bisect_right(times, moment) - 1].target
            if any(one.invoked <= moment * UNIT <= one.completed for one in told):
                continue
            over = [one for one in told if one.completed < moment * UNIT]
            assert truth == (over[-1].target if over else taken[0].target), f"at {moment} it was {truth}"
    return told


@given(happenings(), look_times(deaf=st.just(False)))
def test_with_inotify_no_flip_is_unknown_too_late_or_too_narrow(
    history: list[Happening], times: list[tuple[int, int, int, int, bool]]
) -> None:
    """However the looks fall between the changes and their news."""
    taken = looks(history, times)
    told = check_no_lie(history, taken)
    flips = sum(one.target is not None and one.time <= times[-1][3] for one in history[1:])
    assert sum(change.outcome == OK for change in told) <= flips, "a flip was counted twice"


@given(happenings(), look_times(deaf=st.just(True)))
def test_polling_tells_no_lie_either(history: list[Happening], times: list[tuple[int, int, int, int, bool]]) -> None:
    """By inode and change time alone, on a file system with a slow clock that uses inodes again."""
    check_no_lie(history, looks(history, times))


@given(happenings(), look_times(deaf=st.booleans()))
def test_inotify_that_loses_events_tells_no_lie_either(
    history: list[Happening], times: list[tuple[int, int, int, int, bool]]
) -> None:
    """An overflow, or a folder that was replaced, says so itself."""
    check_no_lie(history, looks(history, times))
