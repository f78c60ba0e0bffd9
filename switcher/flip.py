"""One flip as the event stream tells it: the columns of its row, and what is said of all flips together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

OK = "ok"
"""The outcome of a flip that took; any other text is the reason why one did not."""


class Row(NamedTuple):
    """One flip; times in nanoseconds of CLOCK_MONOTONIC."""

    flip: int
    """Its number, from 1."""
    release: str
    due: int | None
    """None without a schedule."""
    invoked: int
    completed: int
    held: str | None
    """The release that the link pointed to afterwards; None without a link."""
    outcome: str
    """OK, or why it failed."""
    cpu: int | None = None
    """The processor on which the flip began; None where the switcher did not choose it."""


COLUMNS = Row._fields
"""Their names, as the `ready` event gives them."""


@dataclass
class Facts:
    """What the `done` event says of all flips."""

    reason: str = ""
    """Why no more were made."""
    flips: int = 0
    failed: int = 0
    late: int = 0
