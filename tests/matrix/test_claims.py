"""What a text claims of the table, and whether it is so."""

from __future__ import annotations

import pytest

from matrix.claims import claims, refuted
from matrix.table import as_csv, from_csv
from tests.matrix.cells import result

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


def test_a_comment_that_cannot_be_read_is_an_error() -> None:
    """It would claim nothing."""
    with pytest.raises(ValueError, match="no condition: lost is 0"):
        claims("<!-- cells: nginx × atomic: lost is 0 -->")
    with pytest.raises(ValueError, match="not of the form"):
        claims("<!-- cells: nginx x atomic: lost == 0 -->")
