"""The table that is published, and what is said of it."""

from __future__ import annotations

import pytest

from locust_cutover.servers import SERVERS
from matrix.claims import Claim, claims, refuted
from matrix.table import COLUMNS, from_csv
from matrix.ways import NAMES
from tests.locust_process import ROOT

TEXT = (ROOT / "docs" / "results.md").read_text()

ROWS = from_csv((ROOT / "docs" / "results.csv").read_text())


def test_the_table_is_whole() -> None:
    """Every way on every server, each measured, in the columns that the matrix writes."""
    assert [(row["server"], row["way"]) for row in ROWS] == [(server, way) for server in SERVERS for way in NAMES]
    assert "not measured" not in {row["worst"] for row in ROWS}
    assert tuple(ROWS[0]) == COLUMNS
    assert {row["way"] for row in ROWS if row["verdict"] == "inconclusive"} == {"mv"}


@pytest.mark.parametrize("claim", claims(TEXT), ids=lambda claim: f"{','.join(claim.servers)} × {','.join(claim.ways)}")
def test_what_the_text_claims_is_in_the_table(claim: Claim) -> None:
    """In each of the cells that it names."""
    assert refuted(claim, ROWS) == []


def test_each_paragraph_of_advice_names_its_cells() -> None:
    """What is said in bold is a claim, and has its cells beside it."""
    advice = TEXT[TEXT.index("## What to do") : TEXT.index("## How to read the table")]
    paragraphs = [part for part in advice.split("\n\n") if part.startswith("**")]
    assert len(paragraphs) >= 5
    assert [part.splitlines()[0] for part in paragraphs if "<!-- cells:" not in part] == []
