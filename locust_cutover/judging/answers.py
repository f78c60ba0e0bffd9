"""The names that answers are counted under: a closed set, so that tables and memory stay small.

The names are the statuses from 100 to 999 and a dozen words. Every other name counts as OTHER of its kind. The name
alone decides: not earlier answers, the node, or the order of the reports. So a run, Locust's own tables and a check of
the history count the same.
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus

REFUSED = "connection refused"
RESET = "connection reset"
CLOSED = "connection closed"
TRUNCATED = "truncated answer"
TIMED_OUT = "timed out"
BAD = "bad answer"
TLS_FAILED = "TLS failed"
UNREACHABLE = "host unreachable"
NOT_SENT = "not sent"
"""The request never left this machine: it ran out of ports or file descriptors. No server is to blame."""

UNKNOWN_RELEASE = "unknown release"
"""A mark of no release, or of a release before its first flip: a wrong mark or a wrong clock."""

UNKNOWN_FLIPS = "flips unknown"
"""The switcher died, so the link's target during the visit is unknown."""


@cache
def status_name(status: int) -> str:
    """`status` with the standard's phrase, not the server's: the set of names stays small."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


OTHER = "other"
"""Every answer with a name that is not in NAMES."""

WORDS = (
    REFUSED,
    RESET,
    CLOSED,
    TRUNCATED,
    TIMED_OUT,
    BAD,
    TLS_FAILED,
    UNREACHABLE,
    NOT_SENT,
    UNKNOWN_RELEASE,
    UNKNOWN_FLIPS,
)

NAMES = frozenset([*map(status_name, range(100, 1000)), *WORDS, OTHER])
"""All names that there are."""


def counted_as(answer: str) -> str:
    """The name in NAMES that an answer counts under; a status has the phrase that this Python knows it by."""
    if answer in NAMES:
        return answer
    status = answer.partition(" ")[0]
    if len(status) == 3 and status.isascii() and status.isdecimal() and status[0] != "0":
        return status_name(int(status))
    return OTHER
