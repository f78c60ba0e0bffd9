"""Reads values that came from another process and may be anything; an error says where, what was expected, what came.

A value is a dictionary, a list, text, a whole number, true, false or nothing, as msgpack carries them.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Any, TypeVar

Read = TypeVar("Read")
Word = TypeVar("Word", bound=str)

LATEST = 1 << 62
"""Past every time in nanoseconds that there is."""

TEXT = 10_000
"""Characters in a text, where nothing else is said."""

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxlong = _SHOWN.maxother = 60
_SHOWN.maxdict = _SHOWN.maxlist = 12
_SHOWN.maxlevel = 2


class MessageError(ValueError):
    """A message that makes no sense."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self._what = what
        self._where = ""

    def inside(self, part: str) -> MessageError:
        """The same error, seen from the value that holds this part."""
        between = "" if not self._where or self._where.startswith("[") else "."
        self._where = f"{part}{between}{self._where}"
        return self

    def __str__(self) -> str:
        return f"{self._where}: {self._what}" if self._where else self._what


class Inside:
    """Says of every error in its block that it is in this part."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, MessageError):
            error.inside(self._part)


def whole(value: object, name: str, least: int = 0, most: int = LATEST) -> int:
    """A whole number; true and false are none."""
    if type(value) is not int or not least <= value <= most:
        raise _unexpected(f"a whole number from {least} to {most}", value).inside(name)
    return value


def text(value: object, name: str, most: int = TEXT) -> str:
    """Text of at most so many characters."""
    if type(value) is not str or len(value) > most:
        raise _unexpected(f"text of at most {most} characters", value).inside(name)
    return value


def flag(value: object, name: str) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise _unexpected("true or false", value).inside(name)
    return value


def choice(value: object, name: str, words: Sequence[Word]) -> Word:
    """One of these words."""
    if type(value) is not str or value not in words:
        raise _unexpected(f"one of {', '.join(words)}", value).inside(name)
    return words[words.index(value)]


def row(value: object, length: int) -> list[Any]:
    """A list of so many values."""
    if type(value) is not list or len(value) != length:
        raise _unexpected(f"a list of {length} values", value)
    return value


def each(value: object, name: str, read: Callable[[Any], Read], most: int | None = None) -> list[Read]:
    """What `read` makes of each item of a list."""
    if type(value) is not list:
        raise _unexpected("a list", value).inside(name)
    if most is not None and len(value) > most:
        raise MessageError(f"expected at most {most} items, got {len(value)}").inside(name)
    found: list[Read] = []
    try:
        for item in value:
            found.append(read(item))  # noqa: PERF401 # how many there are says which one is wrong
    except MessageError as error:
        raise error.inside(f"[{len(found)}]").inside(name) from None
    return found


def fields(value: object, names: Collection[str]) -> dict[str, Any]:
    """A dictionary with these keys and no others."""
    if type(value) is not dict:
        raise _unexpected("a dictionary", value)
    if value.keys() != set(names):
        raise MessageError(f"expected the keys {', '.join(names)}, got {_SHOWN.repr(list(value))}")
    return value


def _unexpected(expected: str, value: object) -> MessageError:
    return MessageError(f"expected {expected}, got {_SHOWN.repr(value)}")
