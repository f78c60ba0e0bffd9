"""Values from another process are read only when they are what they must be; an error says where one is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from locust_cutover.nodes.packed import Inside, MessageError, choice, each, fields, flag, row, text, whole

Reader = Callable[[object], object]

READERS: dict[str, tuple[Reader, list[object], list[object]]] = {
    "whole": (lambda value: whole(value, "x", 2, 9), [2, 9], [1, 10, True, 2.0, "2", None, b"2", [2], {}, -(1 << 63)]),
    "text": (lambda value: text(value, "x", 3), ["", "abc", "äöü"], ["abcd", b"abc", 1, None, ["a"]]),
    "flag": (lambda value: flag(value, "x"), [True, False], [0, 1, "true", None]),
    "choice": (lambda value: choice(value, "x", ("a", "b")), ["a", "b"], ["c", "", 1, None, ["a"], {}]),
    "row": (lambda value: row(value, 2), [[1, "a"]], [[1], [1, 2, 3], "ab", (1, 2), {1: 2}, None]),
    "each": (lambda value: each(value, "x", lambda item: whole(item, ""), 2), [[], [1, 2]], [[1, 2, 3], [-1], "1", {}]),
    "fields": (lambda value: fields(value, ("a", "b")), [{"a": 1, "b": 2}], [{}, {"a": 1}, {1: 2}, ["a", "b"], "ab"]),
}
"""By its name: a reader, what it takes, and what it does not."""


@pytest.mark.parametrize(("read", "good", "bad"), READERS.values(), ids=READERS)
def test_a_reader_takes_what_it_expects_and_nothing_else(read: Reader, good: list[object], bad: list[object]) -> None:
    """True is no number, and a number of characters is no list."""
    assert [read(value) for value in good] == good
    for value in bad:
        with pytest.raises(MessageError):
            read(value)


def test_an_error_says_where_and_what_was_expected_and_what_came() -> None:
    """From the outside in, with the number of the item."""
    with pytest.raises(MessageError) as error, Inside("report"):
        each([1, 2, -3], "visits", lambda item: whole(item, "count", most=9))
    assert str(error.value) == "report.visits[2].count: expected a whole number from 0 to 9, got -3"


def test_an_error_does_not_repeat_all_that_came() -> None:
    """It ends up in a report, and what came may be a hundred megabytes."""
    for value in ("x" * 10_000, ["x" * 100] * 10_000, {str(key): "x" * 100 for key in range(10_000)}):
        with pytest.raises(MessageError) as error:
            whole(value, "count")
        assert len(str(error.value)) < 1200
    with pytest.raises(MessageError) as error:
        fields(dict.fromkeys(range(10_000)), ("a",))
    assert len(str(error.value)) < 1200
