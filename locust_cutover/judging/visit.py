"""A visit: one request with its answer, as the judge sees it."""

from __future__ import annotations

from typing import NamedTuple

from locust_cutover.judging.faults import FAULTS

Kind = str
"""What a visit was: one of KINDS."""

KINDS: tuple[Kind, ...] = ("ok", *FAULTS, "unjudged")


class Visit(NamedTuple):
    """Small enough to be kept by the thousand until it can be judged; times in CLOCK_MONOTONIC nanoseconds."""

    phase: int
    method: str
    path: str
    sent: int
    received: int
    answer: str
    """In words of a small set: "200 OK", "404 Not Found", "connection closed"."""
    whole: bool
    """Whether a whole answer with a status of 2xx came."""
    marks: tuple[str, ...]
    """The releases that the parts of the answer came from, in order."""
    due: int
    """How many marks a whole page carries; 0: marks are not judged."""
    length: int
    """Of the body, in bytes."""
    apart: int = 0
    """How long after the visit before it on its node it began, in nanoseconds; 0 for the first of a phase."""
