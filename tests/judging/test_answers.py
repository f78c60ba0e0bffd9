"""The names of answers are a closed set, whoever counts them, in whatever order they come."""

from __future__ import annotations

import pytest
from geventhttpclient.header import Headers

from locust_cutover.client.answer import Answer
from locust_cutover.judging.answers import NAMES, OTHER, WORDS, counted_as
from tests.tallies import at, made, tally_of, visit


def test_every_answer_that_a_visitor_can_get_has_its_own_name() -> None:
    """No status is lost among the others, however seldom it is, nor what went wrong with a request."""
    names = [Answer(status, Headers(), b"", 0, 1).name for status in range(100, 1000)] + [*WORDS]
    assert [counted_as(name) for name in names] == names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("404 Nicht gefunden", "404 Not Found"),
        ("404", "404 Not Found"),
        ("599 Made Up", "599"),
        ("099 Odd", OTHER),
        ("1000 Odd", OTHER),
        ("4\u06604 Odd", OTHER),
        ("no answer", OTHER),
        ("", OTHER),
        (OTHER, OTHER),
    ],
)
def test_every_other_answer_has_the_name_of_its_status_or_none(answer: str, name: str) -> None:
    """Another Python has other phrases; anything else is other."""
    assert counted_as(answer) == name
    assert counted_as(name) == name
    assert name in NAMES


def test_there_are_a_thousand_names_at_most() -> None:
    """So many rows a phase has at most of one kind."""
    assert len(NAMES) < 1000


def test_a_chart_shows_an_answer_under_the_name_that_it_counts_as() -> None:
    """So that it says the same as the table beside it."""
    tally = tally_of((visit(), at("lost", made(1))._replace(answer="my own")))
    assert tally.of_phase(0) == [("lost", OTHER, 1)]
    assert [cost.answer for _, costs in tally.strips[0].closeups.flips.values() for cost in costs] == [OTHER]
