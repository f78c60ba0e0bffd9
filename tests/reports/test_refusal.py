"""A run that never began is never green, and its files say why."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from locust_cutover.reports import refusal
from locust_cutover.reports.refusal import Refusal
from tests.reports.schema import SCHEMA
from tests.reports.texts import HOSTILE

REFUSED = Refusal("own-site", "http://127.0.0.1:9/: connection refused before the first flip", 2)


def test_scripts_read_a_verdict_that_is_none_and_the_exit_code() -> None:
    """By the keys of a run that began."""
    facts = json.loads(refusal.as_json(REFUSED))
    assert (facts["verdict"], facts["exit_code"], facts["phases"]) == ("inconclusive", 2, [])
    assert facts["trouble"] == REFUSED.trouble
    assert facts["scenario"]["name"] == "own-site"


@pytest.mark.parametrize("trouble", [REFUSED.trouble, *HOSTILE, ""])
def test_ci_systems_read_a_test_with_an_error(trouble: str) -> None:
    """Valid whatever the text is; one test, so that nobody takes an empty file for a pass."""
    text = refusal.as_junit(Refusal("own-site", trouble, 2))
    SCHEMA.validate(text)
    root = ElementTree.fromstring(text.encode())
    assert (root.get("tests"), root.get("errors"), root.get("failures")) == ("1", "1", "0")
    (error,) = root.iter("error")
    assert (error.get("message") or "").startswith("the run did not begin: ")


def test_the_summary_says_it_in_two_lines() -> None:
    """A heading, and the trouble as text."""
    assert refusal.as_summary(Refusal("own-site", "<b>*no*", 3)) == (
        "\n### ❔ own-site: the run did not begin\n\n&lt;b&gt;\\*no\\*\n\n"
    )
