"""How a number of the table is said, as precisely as it is known: the same in the texts and on the picture."""

from __future__ import annotations

from collections.abc import Callable

from matrix.result import Result


def lost(result: Result) -> str:
    """Lost requests per 1,000 flips."""
    if result.number("lost"):
        return _with_spread(result, "lost_per_1000_flips", _rate)
    return "seldom" if result.number("rare_lost") else "0"


def torn(result: Result) -> str:
    """The share of torn pages."""
    if result.number("torn"):
        return _with_spread(result, "torn_share", _share)
    return "seldom" if result.number("rare_torn") else "0"


def stale(result: Result) -> str:
    """For how long the old page was served after a flip."""
    if not result.number("stale"):
        return "0"
    if not result.number("rare_stale"):
        return "moments"
    longest, looked = result.number("longest_stale_s") or 0.0, result.number("looked_s") or 0.0
    if longest > 0.9 * looked:
        return f"{looked:g} s and on"  # nobody looked any longer
    return f"{_age(longest)}, then torn" if result.number("rare_torn") else _age(longest)


def outage(result: Result) -> str:
    """The outage per flip, or its bound where nothing was lost; empty where the visits say nothing of it."""
    bound = result.number("outage_us_upper95")
    if result.number("lost"):
        return "" if result.number("outage_us") is None else _with_spread(result, "outage_us", _microseconds)
    return "" if bound is None else f"< {_microseconds(bound)}"


def _with_spread(result: Result, name: str, say: Callable[[float], str]) -> str:
    """The number, and in brackets the least and the greatest of the rounds where they are said differently."""
    value, least, greatest = (say(find(name) or 0.0) for find in (result.number, result.least, result.greatest))
    return value if least == greatest else f"{value} ({least} to {greatest})"


def _rate(rate: float) -> str:
    if rate == 0:
        return "0"
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 0.1 else "< 0.1"


def _share(share: float) -> str:
    if share == 0:
        return "0"
    return f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"


def _age(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 0.1 else f"{1000 * seconds:.1f} ms"


def _microseconds(time: float) -> str:
    return f"{time:,.0f} µs" if time >= 10 else f"{time:.2g} µs"
