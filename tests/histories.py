"""Small histories by hand and large ones by chance, and an oracle that judges them straight from the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from locust_cutover.judging.timeline import Flip, Timeline
from locust_cutover.judging.visit import Visit

RELEASES = ("a", "b", "c")

INFINITY = float("inf")


def flip(number: int, release: str, invoked: int, completed: int, outcome: str = "ok", *, opaque: bool = False) -> Flip:
    """A flip of phase 0."""
    return Flip(0, number, release, invoked, completed, outcome, opaque=opaque)


def page(sent: int, received: int, *marks: str, due: int = 0) -> Visit:
    """A whole answer with these marks; it is due to carry as many, or `due`."""
    return Visit(0, "GET", "/current/", sent, received, "200 OK", True, marks, due or len(marks), 100)


def loss(sent: int, received: int, answer: str = "404 Not Found") -> Visit:
    """A lost visit."""
    return Visit(0, "GET", "/current/", sent, received, answer, False, (), 1, 0)


def timeline(start: str, *flips: Flip, releases: Sequence[str] = RELEASES) -> Timeline:
    """The timeline of these flips."""
    line = Timeline(releases)
    line.start(start)
    for one in flips:
        line.add(one)
    return line


@dataclass(frozen=True)
class Possible:
    """Release `release` was possibly current from `since` to `until`, both included."""

    release: str
    since: float
    until: float


def possibilities(start: str, flips: Sequence[Flip]) -> list[Possible]:
    """r₀ until the first good flip is completed; each flip's release from its invocation until the next good one is.

    And every release during the cutover of an opaque flip.
    """

    def completion_after(index: int) -> float:
        return next((later.completed for later in flips[index + 1 :] if later.ok), INFINITY)

    return [
        Possible(start, -INFINITY, completion_after(-1)),
        *(Possible(one.release, one.invoked, completion_after(index)) for index, one in enumerate(flips)),
        *(Possible(release, one.invoked, end) for one, end in cutovers(flips) if one.opaque for release in RELEASES),
    ]


def cutovers(flips: Sequence[Flip]) -> list[tuple[Flip, float]]:
    """Each flip with the end of its cutover; that of a failed one lasts until the next good one is completed."""
    return [
        (one, one.completed if one.ok else next((later.completed for later in flips[index:] if later.ok), INFINITY))
        for index, one in enumerate(flips)
    ]


def oracle(visit: Visit, start: str, flips: Sequence[Flip], releases: Sequence[str] = RELEASES) -> str:
    """The kind of a visit, by trying everything."""
    if not visit.whole:
        return "lost"
    possible = possibilities(start, flips)
    seen = set(visit.marks)

    def has_been(release: str) -> bool:
        return any(one.release == release and one.since <= visit.received for one in possible)

    wrong = {release for release in seen if release not in releases or not has_been(release)}
    if len(seen - wrong) > 1 or (not wrong and len(visit.marks) < visit.due):
        return "torn"
    if wrong:
        return "unjudged"
    (release,) = seen
    admissible = any(
        one.release == release and one.since <= visit.received and one.until >= visit.sent for one in possible
    )
    return "ok" if admissible else "stale"


def age(visit: Visit, start: str, flips: Sequence[Flip]) -> float:
    """How long the release of a stale visit had been replaced when it was sent."""
    ends = [
        one.until
        for one in possibilities(start, flips)
        if one.release == visit.marks[0] and one.since <= visit.received
    ]
    return visit.sent - max(ends)


def met(visit: Visit, flips: Sequence[Flip]) -> list[Flip]:
    """The flips whose cutover shares a moment with the visit."""
    return [one for one, end in cutovers(flips) if one.invoked <= visit.received and end >= visit.sent]


def place(visit: Visit, start: str, flips: Sequence[Flip]) -> str:
    """Where the fault of a visit was: at a flip, after one, or at none."""
    kind = oracle(visit, start, flips)
    if kind == "stale":
        return "after"
    if met(visit, flips):
        return "at"
    possible = possibilities(start, flips)
    old = any(
        all(one.until < visit.sent for one in possible if one.release == release and one.since <= visit.received)
        for release in set(visit.marks)
        if any(one.release == release and one.since <= visit.received for one in possible)
    )
    return "after" if kind == "torn" and old else "none"


@st.composite
def flips(draw: st.DrawFn, failing: bool = True, opaque: bool = True, most: int = 12) -> list[Flip]:
    """Flips one after another, often without a gap, some of them failed or opaque, to any release."""
    now = draw(st.integers(0, 20))
    made = []
    for number in range(1, draw(st.integers(0, most)) + 1):
        invoked = now + draw(st.integers(0, 6))
        completed = now = invoked + draw(st.integers(0, 4))
        ok = not failing or draw(st.integers(0, 4)) > 0
        made.append(
            flip(
                number,
                draw(st.sampled_from(RELEASES)),
                invoked,
                completed,
                "ok" if ok else "no space",
                opaque=opaque and draw(st.integers(0, 2)) == 0,
            )
        )
    return made


@st.composite
def visits(draw: st.DrawFn, most: int = 30) -> list[Visit]:
    """Visits in the order of their ends, with any marks, of known releases or not."""
    made = []
    for _ in range(draw(st.integers(1, most))):
        sent = draw(st.integers(0, 130))
        received = sent + draw(st.integers(0, 25))
        if draw(st.integers(0, 9)) == 0:
            made.append(loss(sent, received))
        else:
            marks = draw(st.lists(st.sampled_from([*RELEASES, "a", "x"]), max_size=3))
            made.append(page(sent, received, *marks, due=draw(st.integers(1, 3))))
    return sorted(made, key=lambda visit: visit.received)
