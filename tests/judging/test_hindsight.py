"""A visit is judged the same at once, as in a run, and when all flips are known, as by check."""

from __future__ import annotations

import pytest
from hypothesis import given

from locust_cutover.judging.judge import judge
from locust_cutover.judging.timeline import Flip
from locust_cutover.judging.visit import Visit
from tests.histories import RELEASES, flip, flips, page, timeline, visits


@pytest.mark.parametrize("releases", [RELEASES, ()], ids=["named releases", "whatever somebody flips to"])
@given(flips(), visits())
def test_flips_to_come_change_no_judgment(releases: tuple[str, ...], history: list[Flip], seen: list[Visit]) -> None:
    """Nor do releases that are flipped to later. Known are the flips that were invoked until the answer came."""
    whole = timeline("a", *history, releases=releases)
    for visit in seen:
        visit = visit._replace(sent=visit.sent // 3, received=visit.received // 3)  # most of them among the flips
        known = [one for one in history if one.invoked <= visit.received]
        assert judge(visit, timeline("a", *known, releases=releases)) == judge(visit, whole)


def test_a_release_that_nobody_named_is_known_from_its_first_flip_on() -> None:
    """Before, it may have been there while somebody flipped; whether it is one that this site has is not known."""
    line = timeline("a", flip(1, "b", 10, 20, opaque=True), flip(2, "c", 50, 60), releases=())
    assert judge(page(12, 14, "c"), line).kind == "ok"
    assert judge(page(12, 14, "c", "b"), line).kind == "unjudged"
    assert judge(page(30, 31, "c"), line).kind == "unjudged"
    assert judge(page(52, 53, "c"), line).kind == "ok"
