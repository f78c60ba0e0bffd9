"""Reads and writes durations as people write them ("20ms", "10s"), in whole nanoseconds."""

from __future__ import annotations

import re

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}

_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)")


def parse_duration(text: str) -> int:
    """The duration in `text`, in nanoseconds; "0" needs no unit.

    Raises ValueError with a message for the user.
    """
    text = text.strip()
    if text == "0":
        return 0
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, such as 20ms, 1.5s or 2m")
    number, unit = form.groups()
    whole, _, fraction = number.partition(".")
    # Only whole numbers: a float would turn 1.1s into 1100000000.0000001 ns.
    scaled = int(whole + fraction) * NANOSECONDS[unit]
    return scaled // int("1" + "0" * len(fraction))


def format_duration(nanoseconds: int) -> str:
    """`nanoseconds` in the largest unit that divides it, so that parse_duration gives it back."""
    if nanoseconds == 0:
        return "0"
    for unit in ("h", "m", "s", "ms", "us"):
        if nanoseconds % NANOSECONDS[unit] == 0:
            return f"{nanoseconds // NANOSECONDS[unit]}{unit}"
    return f"{nanoseconds}ns"
