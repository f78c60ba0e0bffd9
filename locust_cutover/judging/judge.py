"""The judge: visit × timeline → ok, lost, torn or stale; a pure function."""

from __future__ import annotations

from typing import NamedTuple

from locust_cutover.connection import NOT_SENT
from locust_cutover.judging.timeline import Flip, Timeline
from locust_cutover.visit import Kind, Visit

UNKNOWN_RELEASE = "unknown release"
"""A mark that no release has, or that of a release before its first flip: a wrong mark or a wrong clock."""

UNKNOWN_FLIPS = "flips unknown"
"""The switcher died: what the link pointed to during the visit is not known."""


class Judgment(NamedTuple):
    """What a visit was."""

    kind: Kind
    answer: str
    """The answer's name; for an unjudged visit the reason."""
    flip: Flip | None = None
    """The flip whose cutover the visit overlapped, or that made it stale."""
    at_flip: bool = False
    """Whether `flip` explains the fault, or a flip that is not known may do."""
    age: int = 0
    """Of a stale visit: how long its release had been replaced when it was sent, in nanoseconds."""


def judge(visit: Visit, timeline: Timeline, known_until: int | None = None) -> Judgment:
    """What `visit` was, by the definitions, in this order. `known_until`: flips after that time are not known.

    1. A request that never left this machine says nothing about the server.
    2. lost: no whole 2xx answer.
    3. torn: marks of two releases, or fewer marks than the page must carry. A mark of no release is
       a wrong mark, which proves nothing.
    4. stale: one release, but no moment in [sent, received] at which the link could have pointed to it.
    5. ok: the rest.
    """
    flip = timeline.flip_during(visit.sent, visit.received)
    blind = known_until is not None and visit.received > known_until
    # 1.
    if visit.answer == NOT_SENT:
        return Judgment("unjudged", NOT_SENT)
    # 2.
    if not visit.whole:
        return Judgment("lost", visit.answer, flip, flip is not None or blind)
    if not visit.due:
        return Judgment("ok", visit.answer, flip)
    # Nearly every visit, by the shortest way to 5.
    marks = visit.marks
    if (
        len(marks) >= visit.due
        and not blind
        and marks.count(marks[0]) == len(marks)
        and timeline.sighting(marks[0], visit.sent, visit.received).admissible
    ):
        return Judgment("ok", visit.answer, flip)
    # 3.
    releases = set(marks)
    sightings = [timeline.sighting(release, visit.sent, visit.received) for release in releases]
    known = [sighting for sighting in sightings if sighting.known]
    if len(known) > 1 or (len(known) == len(releases) and len(visit.marks) < visit.due):
        # A part from a cache was made stale by an earlier flip than those of the visit.
        flip = flip or next((sighting.replaced_by for sighting in known if sighting.replaced_by), None)
        return Judgment("torn", visit.answer, flip, flip is not None)
    if blind:
        return Judgment("unjudged", UNKNOWN_FLIPS)
    if len(known) < len(releases):
        return Judgment("unjudged", UNKNOWN_RELEASE)
    # 4.
    (sighting,) = known
    if not sighting.admissible:
        return Judgment("stale", visit.answer, sighting.replaced_by, True, sighting.age)
    # 5.
    return Judgment("ok", visit.answer, flip)
