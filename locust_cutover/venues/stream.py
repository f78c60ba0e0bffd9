"""The switcher's stream as the visitors know it: its flips with the phase and the names that the marks have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from locust_cutover.judging.timeline import Flip
from locust_cutover.scenario.model import Phase
from switcher.flip import OK, Row

Event = dict[str, Any]
"""One line of the switcher's stream."""


class News(NamedTuple):
    """What one event tells."""

    watermark: int
    """Every flip invoked until then is known."""
    flips: tuple[Flip, ...] = ()
    """The new ones; a repair has number 0."""
    start: str = ""
    """The release that the link points to before the first flip."""
    watching: str = ""
    """The link and how it is watched, where somebody else flips."""
    said: tuple[str, ...] = ()
    """What a command printed that failed."""


class StreamReader:
    """Reads the events of one phase. `name` says what the marks call the release that the switcher calls so.

    `watermark` is that of the phase before: until then all flips are known.
    """

    def __init__(self, index: int, phase: Phase, name: Callable[[str], str], watermark: int) -> None:
        self.index = index
        self.phase = phase
        self.watermark = watermark
        self._name = name

    def read(self, event: Event) -> News:
        """What the next event tells."""
        known, watermark = self.watermark, event["watermark"]
        news = News(watermark)
        match event["event"]:
            case "ready":
                watching = f"{_plain(event['link'])} by {event['by']}" if self.phase.watched else ""
                news = News(watermark, start=self._release(event["release"]), watching=watching)
            case "flips":
                news = News(watermark, tuple(self._flip(Row(*row)) for row in event["flips"]))
            case "said":
                news = News(watermark, said=tuple(map(_plain, event["lines"])))
        if event.get("repaired"):
            # The link was missing and is there again, or it was put back: to the visitors that is like a flip.
            repair = Flip(self.index, 0, self._release(event["release"]), known, watermark)
            news = news._replace(flips=(*news.flips, repair))
        self.watermark = watermark
        return news

    def _flip(self, row: Row) -> Flip:
        ok = row.outcome == OK
        return Flip(
            self.index,
            row.flip,
            self._release(row.release),
            row.invoked,
            row.completed,
            row.outcome if ok else _plain(row.outcome),
            self._release(row.held) if row.held and not ok else "",
            self.phase.opaque,
            row.cpu,
        )

    def _release(self, name: str) -> str:
        return self._name(_plain(name))


def _plain(text: str) -> str:
    """A text that can travel between nodes: the bytes of a path need not be UTF-8."""
    return text.encode(errors="backslashreplace").decode()
