"""The judge: visit × timeline → ok, lost, torn or stale; a pure function."""

from __future__ import annotations

from typing import Literal, NamedTuple

from locust_cutover.judging.answers import NOT_SENT, UNKNOWN_FLIPS, UNKNOWN_RELEASE
from locust_cutover.judging.timeline import Flip, Timeline
from locust_cutover.judging.visit import Kind, Visit

Place = Literal["at", "after", "none"]
"""Where a fault was: at a flip, whose cutover its visit overlaps; after one, since a part of it was stale; at none."""


class Judgment(NamedTuple):
    """What a visit was."""

    kind: Kind
    answer: str
    """The answer's name; for an unjudged visit the reason."""
    flip: Flip | None = None
    """The flip that it counts for: the one that a fault comes after, else the last one whose cutover it overlaps."""
    place: Place = "none"
    """Of a fault."""
    age: int = 0
    """Of a stale visit: how long its release had been replaced at least when it was sent, in nanoseconds."""
    met: tuple[int, int] | None = None
    """First and last number of its phase's flips whose cutovers it overlaps."""
    calm: bool = False
    """Whether it overlaps no cutover of any flip, whatever it showed."""
    after: Flip | None = None
    """Of a calm visit the last flip before it, where its marks could have shown that it was stale."""


def judge(visit: Visit, timeline: Timeline, known_until: int | None = None) -> Judgment:
    """What `visit` was, by the definitions, in this order. `known_until`: flips after that time are not known.

    1. A request that never left this machine says nothing about the server.
    2. lost: no whole 2xx answer.
    3. torn: marks of two releases, or fewer marks than the page must carry. A mark of no release is
       a wrong mark, which proves nothing.
    4. stale: one release, but no moment in [sent, received] at which the link could have pointed to it.
    5. ok: the rest.
    """
    sent, received = visit.sent, visit.received
    flip = timeline.flip_during(sent, received)
    met = None if flip is None else timeline.met_during(visit.phase, sent, received)
    blind = known_until is not None and received > known_until
    calm = flip is None and not blind
    # 1.
    if visit.answer == NOT_SENT:
        return Judgment("unjudged", NOT_SENT)
    # 2.
    if not visit.whole:
        return Judgment("lost", visit.answer, flip, "none" if flip is None else "at", 0, met, calm)
    if not visit.due:
        return Judgment("ok", visit.answer, flip, "none", 0, met, calm)
    after = timeline.flip_before(received) if calm else None
    # Nearly every visit, by the shortest way to 5.
    marks = visit.marks
    if (
        len(marks) >= visit.due
        and not blind
        and marks.count(marks[0]) == len(marks)
        and timeline.sighting(marks[0], sent, received).admissible
    ):
        return Judgment("ok", visit.answer, flip, "none", 0, met, calm, after)
    # 3.
    releases = set(marks)
    sightings = [timeline.sighting(release, sent, received) for release in releases]
    known = [sighting for sighting in sightings if sighting.known]
    if len(known) > 1 or (len(known) == len(releases) and len(marks) < visit.due):
        if flip is not None:
            return Judgment("torn", visit.answer, flip, "at", 0, met)
        # A part was stale: a cache made the page of an old and a new one.
        oldest = max(known, key=lambda sighting: sighting.age, default=None)
        cause = None if oldest is None else oldest.replaced_by
        return Judgment("torn", visit.answer, cause, "none" if cause is None else "after", 0, met, calm, after)
    if blind:
        return Judgment("unjudged", UNKNOWN_FLIPS)
    if len(known) < len(releases):
        return Judgment("unjudged", UNKNOWN_RELEASE)
    # 4.
    (sighting,) = known
    if not sighting.admissible:
        return Judgment("stale", visit.answer, sighting.replaced_by, "after", sighting.age, met, calm, after)
    # 5.
    return Judgment("ok", visit.answer, flip, "none", 0, met, calm, after)
