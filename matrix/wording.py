"""How a number of the table is said, as precisely as it is known: the same in the texts and on the picture."""

from __future__ import annotations

from collections.abc import Callable

from locust_cutover.judging.faults import Fault
from locust_cutover.reports import words
from matrix.result import CellResult

HEADS = {"lost": "lost per 1,000 flips"}
"""The faults whose number is not told by their name alone."""


def number(result: CellResult, fault: Fault) -> str:
    """How much of a fault there was: of lost, torn and stale in their own measure, else how many visits."""
    own = {"lost": lost, "torn": torn, "stale": stale}
    return own[fault](result) if fault in own else words.count(result.number(fault) or 0)


def lost(result: CellResult) -> str:
    """Lost requests per 1,000 flips."""
    if result.number("lost"):
        return _with_spread(result, "lost_per_1000_flips", words.rate)
    return "seldom" if result.number("rare_lost") else "0"


def torn(result: CellResult) -> str:
    """The share of torn pages."""
    if result.number("torn"):
        return _with_spread(result, "torn_share", words.percentage)
    return "seldom" if result.number("rare_torn") else "0"


def stale(result: CellResult) -> str:
    """For how long the old page was served after a flip."""
    if not result.number("stale"):
        return "0"
    if not result.number("rare_stale"):
        return "moments"
    longest, looked = result.number("longest_stale_s") or 0.0, result.number("looked_s") or 0.0
    if longest > 0.9 * looked:
        return f"{words.duration(looked * 1e9)} and on"  # nobody looked any longer
    age = words.duration(longest * 1e9)
    return f"{age}, then torn" if result.number("rare_torn") else age


def outage(result: CellResult) -> str:
    """The outage per flip, or its bound where nothing was lost; empty where the visits say nothing of it."""
    bound = result.number("outage_us_upper95")
    if result.number("lost"):
        return "" if result.number("outage_us") is None else _with_spread(result, "outage_us", words.microseconds)
    return "" if bound is None else f"< {words.microseconds(bound)}"


def _with_spread(result: CellResult, name: str, say: Callable[[float], str]) -> str:
    """The number, and in brackets the least and the greatest of the rounds where they are said differently."""
    value, least, greatest = (say(find(name) or 0.0) for find in (result.number, result.least, result.greatest))
    return value if least == greatest else f"{value} ({least} to {greatest})"
