"""The table that is published, and what is said of it."""

from __future__ import annotations

import itertools

import pytest

from locust_cutover.servers.registry import SERVERS
from matrix import sample
from matrix.cell import RARE_EVERY, RARE_FLIPS, ROUNDS, SECONDS, USERS
from matrix.claims import Claim, claims, refuted
from matrix.strategies import COMMAND_EVERY, FOLDER_EVERY, LINK_EVERY, NAMES, load_strategy
from matrix.table import COLUMNS, from_csv
from switcher.duration import parse_duration
from tests.locust_process import ROOT

TEXT = (ROOT / "docs" / "results.md").read_text()

ROWS = from_csv((ROOT / "docs" / "results.csv").read_text())


def test_the_table_is_whole() -> None:
    """Every strategy on every server, each measured in every round, in the columns that the matrix writes."""
    assert [(row["server"], row["strategy"]) for row in ROWS] == list(itertools.product(SERVERS, NAMES))
    assert not [row for row in ROWS if "not measured" in row["classes"]]
    assert len({row["rounds"] for row in ROWS}) == 1
    assert tuple(ROWS[0]) == COLUMNS


@pytest.mark.parametrize(
    "claim", claims(TEXT), ids=lambda claim: f"{','.join(claim.servers)} × {','.join(claim.strategies)}"
)
def test_what_the_text_claims_is_in_the_table(claim: Claim) -> None:
    """In every round of each cell that it names."""
    assert refuted(claim, ROWS) == []


def test_the_text_says_what_a_round_is() -> None:
    """As often, as long and as fast as it is played."""
    said = " ".join(TEXT.split())
    assert (ROUNDS, RARE_FLIPS, USERS, sample.NUMBER) == (3, 1, 10, 5)
    assert "in three rounds" in said
    assert "Ten visitors" in said
    assert f"before one flip and for {RARE_EVERY} seconds after it, then for {SECONDS} seconds with many flips" in said
    link, folder, command, rsync = (
        1_000_000_000 // parse_duration(every)
        for every in (LINK_EVERY, FOLDER_EVERY, COMMAND_EVERY, load_strategy("rsync").every)
    )
    assert folder == command
    assert f"({link} a second of a link, {folder} of a real folder or by `ln` and `mv`, {rsync} by `rsync`)" in said
    assert "one round of five cells" in said


def test_each_paragraph_of_advice_names_its_cells() -> None:
    """What is said in bold is a claim, and has its cells beside it."""
    advice = TEXT[TEXT.index("## What to do") : TEXT.index("## How to read the table")]
    paragraphs = [part for part in advice.split("\n\n") if part.startswith("**")]
    assert len(paragraphs) >= 5
    assert [part.splitlines()[0] for part in paragraphs if "<!-- cells:" not in part] == []
