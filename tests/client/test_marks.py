"""Marks are read from an answer as it came: its header lines, then its body."""

from __future__ import annotations

import pytest
from geventhttpclient.header import Headers

from locust_cutover.client.answer import Answer
from locust_cutover.client.marks import Marks
from locust_cutover.judging.answers import CLOSED


def answer(body: bytes, headers: dict[str, str] | None = None, status: int = 200, error: str | None = None) -> Answer:
    """An answer with these parts."""
    return Answer(status, Headers(headers or {}), body, 1, 2, error)


def test_the_marks_of_a_body_come_in_their_order() -> None:
    """Group 1 of each match."""
    assert Marks("<!-- (.) -->", 2).read(answer(b"<!-- b --><p><!-- a -->")) == ("b", "a")


@pytest.mark.parametrize("pattern", ["^X-Release: (\\S+)$", "(?i)x-release: (.+)"])
def test_a_header_line_is_read_where_it_is_asked_for(pattern: str) -> None:
    """With the name as the server wrote it; ^ and $ match at each line, in the body as well."""
    came = answer(b"hello", {"Server": "nginx", "X-Release": "v2", "ETag": "1"})
    assert Marks(pattern, 1, head=True).read(came) == ("v2",)
    assert Marks(pattern, 1).read(came) == ()


def test_header_and_body_are_apart() -> None:
    """No match begins in the one and ends in the other; a mark in each makes two."""
    came = answer(b"b", {"X-Release": "a"})
    assert Marks("X-Release: (.)\nb", 1, head=True).read(came) == ()
    assert Marks("^(?:X-Release: )?([ab])$", 1, head=True).read(came) == ("a", "b")


def test_a_header_that_is_no_ascii_does_not_break_the_reading() -> None:
    """The parser gives its bytes as latin-1."""
    assert Marks("X-Release: (.+)", 1, head=True).read(answer(b"", {"X-Release": "\xe4"})) == ("\ufffd",)


def test_a_group_that_took_no_part_is_no_mark() -> None:
    """The expression matched, but named no release."""
    assert Marks("release(?: (.))?", 1).read(answer(b"release")) == ()


@pytest.mark.parametrize("lost", [answer(b"<!-- a -->", status=404), answer(b"<!-- a -->", error=CLOSED)])
def test_an_answer_that_is_lost_has_no_marks(lost: Answer) -> None:
    """Whatever came of it."""
    assert Marks("<!-- (.) -->", 1).read(lost) == ()
