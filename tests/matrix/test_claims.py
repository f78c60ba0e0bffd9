"""What a text claims of the table, and whether it is so."""

from __future__ import annotations

from typing import Any

import pytest

from matrix.claims import claims, refuted
from matrix.round import not_measured
from matrix.table import as_csv, from_csv
from tests.matrix.cells import of_rounds, played, result

ROWS = from_csv(
    as_csv(
        [
            result("forced", "nginx", lost=250),
            result("atomic", "nginx"),
            result("forced", "caddy", lost=3),
            result("atomic", "caddy", torn=4),
        ]
    )
)


def check(comment: str) -> list[str]:
    """What speaks against one claim."""
    (claim,) = claims(f"So it is.\n<!-- cells: {comment} -->\n")
    return refuted(claim, ROWS)


@pytest.mark.parametrize(
    "comment",
    [
        "nginx × atomic: lost == 0, torn == 0",
        "nginx, caddy × forced: lost > 0",
        "* × atomic: lost == 0",
        "caddy × *: lost < 4",
        "* × *: verdict == held",
        "nginx × atomic: worst == clean",
        "caddy × atomic: worst != clean",
    ],
)
def test_a_claim_that_the_table_bears_out_is_fine(comment: str) -> None:
    """Numbers are compared as numbers, words as words."""
    assert check(comment) == []


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("* × atomic: torn == 0", ["caddy × atomic: torn is 4, not == 0"]),
        ("* × *: lost > 3", ["nginx × atomic: lost is 0, not > 3"]),
        ("nginx × *: worst == clean", ["nginx × forced: worst is lost, not == clean"]),
        ("apache × forced: lost > 0", ["no cell of apache"]),
        ("nginx × forcd: lost > 0", ["no cell of forcd"]),
        ("nginx × forced: losst > 0", ["no column losst"]),
    ],
)
def test_a_claim_that_is_not_so_is_refuted_by_its_cells(comment: str, said: list[str]) -> None:
    """Also one about cells that there are not: it would hold for ever."""
    assert set(said) <= set(check(comment))


def rounds(*values: dict[str, Any]) -> list[dict[str, str]]:
    """The row of one cell with these rounds."""
    return from_csv(as_csv([of_rounds(*(played(**one) for one in values))]))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("lost > 0", "lost is 0 to 9, not > 0"),
        ("lost == 0", "lost is 0 to 9, not == 0"),
        ("lost < 9", "lost is 0 to 9, not < 9"),
        ("lost != 5", "lost is 0 to 9, not != 5"),
        ("worst == lost", "worst is lost to clean to torn, not == lost"),
        ("worst != clean", "worst is lost to clean to torn, not != clean"),
        ("verdict == held", "verdict is violated to held, not == held"),
        ("outage_us < 3", "outage_us is 0 to 4, not < 3"),
    ],
)
def test_a_claim_holds_in_all_rounds(condition: str, said: str) -> None:
    """A number by its least and its greatest; one between them is not known to be another than the claim's."""
    values = [{"lost": 9, "verdict": "violated", "outage_us": 4.0}, {}, {"torn": 1, "verdict": "violated"}]
    (claim,) = claims(f"<!-- cells: * × *: {condition} -->")
    assert refuted(claim, rounds(*values)) == [f"nginx × forced: {said}"]


@pytest.mark.parametrize("condition", ["lost > 0", "lost < 10", "lost != 0", "torn == 0", "worst == lost"])
def test_a_claim_that_every_round_bears_out_is_fine(condition: str) -> None:
    """However much they differ."""
    (claim,) = claims(f"<!-- cells: * × *: {condition} -->")
    assert refuted(claim, rounds({"lost": 9}, {"lost": 1}, {"lost": 5})) == []


def test_nothing_can_be_claimed_of_what_was_not_measured() -> None:
    """Not even that it is not so."""
    (claim,) = claims("<!-- cells: * × *: lost != 1 -->")
    rows = from_csv(as_csv([of_rounds(not_measured("no server"))]))
    assert refuted(claim, rows) == ["nginx × forced: lost is empty, not != 1"]


def test_a_comment_that_cannot_be_read_is_an_error() -> None:
    """It would claim nothing."""
    with pytest.raises(ValueError, match="expected COLUMN OPERATOR VALUE, got: lost is 0"):
        claims("<!-- cells: nginx × atomic: lost is 0 -->")
    with pytest.raises(ValueError, match="of the form"):
        claims("<!-- cells: nginx x atomic: lost == 0 -->")
