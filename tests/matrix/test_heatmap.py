"""The table as one picture."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from matrix.heatmap import COLOURS, DIFFERS, PALE, as_svg, describe, lines
from matrix.round import not_measured
from tests.matrix.cells import of_rounds, played, result

SVG = "{http://www.w3.org/2000/svg}"


def test_each_cell_has_the_colour_and_the_word_of_its_worst() -> None:
    """And one title with its numbers."""
    cells = [
        result(lost=250),
        result("atomic"),
        result("forced", "caddy", torn=100),
        result("atomic", "caddy", stale=1, rare_stale=1, longest_stale_s=0.96),
    ]
    root = ElementTree.fromstring(as_svg(cells, {}))
    drawn = []
    for group in root.iter(f"{SVG}g"):
        rect, texts = group.find(f"{SVG}rect"), [text.text for text in group.findall(f"{SVG}text")]
        assert rect is not None
        drawn.append((rect.get("fill"), texts))
        assert "2,000 flips" in (group.findtext(f"{SVG}title") or "")
    assert drawn == [
        (COLOURS["lost"], ["lost", "125 per 1,000"]),
        (COLOURS["torn"], ["torn", "0.5 %"]),
        (COLOURS["clean"], ["clean"]),
        (COLOURS["stale"], ["stale", "960 ms"]),
    ]


def test_it_names_what_it_was_made_on_and_with() -> None:
    """Kernel, file system, the servers' versions."""
    facts = {"system": "Debian 12", "kernel": "Linux 6.1", "file system": "ext4", "rounds": "3", "ln": "GNU"}
    text = as_svg([result()], facts)
    assert "Debian 12, Linux 6.1, ext4" in text
    assert "nginx 1.0" in text
    assert ">GNU<" in text


def test_the_legend_explains_the_colours_that_occur_and_no_other() -> None:
    """In words."""
    text = as_svg([result(lost=1), of_rounds(not_measured("no"), server="caddy")], {})
    assert "lost: " in text
    assert "not measured: " in text
    assert "stale: " not in text
    assert DIFFERS not in text


def test_a_legend_that_is_too_long_goes_on_in_the_next_line() -> None:
    """A picture of one server is narrow."""
    rounds: list[dict[str, Any]] = [{"lost": 1}, {"torn": 1}, {"stale": 1}, {}]
    root = ElementTree.fromstring(as_svg([result(str(number), **rounds[number]) for number in range(4)], {}))
    boxes = [box for box in root.findall(f"{SVG}rect") if box.get("width") == "13"]
    assert len({box.get("y") for box in boxes}) == len(boxes) == 4
    height = float(root.get("viewBox", "").split()[3])
    assert max(float(box.get("y", "")) for box in boxes) + 13 < height


def test_a_cell_whose_rounds_differ_is_paler_and_says_so() -> None:
    """It is none of the certain ones: in the colour of its worst, and in how many rounds that was."""
    found = of_rounds(played(lost=1), played(), played(lost=1))
    assert lines(found) == ["lost", "in 2 of 3"]
    text = as_svg([found], {})
    assert f'fill="{COLOURS["lost"]}" fill-opacity="{PALE}"' in text
    assert DIFFERS in text
    assert describe([found, result("atomic")]) == (
        "clean, 1 of 2 cells: atomic on nginx. lost in 2 of 3, 1 of 2 cells: forced on nginx."
    )


def test_those_who_do_not_see_it_are_told() -> None:
    """Which cells are how."""
    assert describe([result(), result("atomic", lost=1)]) == (
        "clean, 1 of 2 cells: forced on nginx. lost, 1 of 2 cells: atomic on nginx."
    )


def test_hostile_names_are_text() -> None:
    """A picture is XML."""
    root = ElementTree.fromstring(as_svg([result("<script>", "a & b", version='"</text>')], {"kernel": "<x>"}))
    assert "<script>" in [text.text for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rare_lost": 1}, ["lost", "seldom"]),
        ({"lost": 1}, ["lost", "0.5 per 1,000"]),
        ({"torn": 1}, ["torn", "0.005 %"]),
        ({"stale": 1, "rare_stale": 1, "longest_stale_s": 1.19}, ["stale", "1.2 s and on"]),
        ({"stale": 1}, ["stale", "moments"]),
        ({"unseen": ("lost",)}, ["inconclusive"]),
        ({"failed_flips": 2000}, ["nothing flips"]),
    ],
)
def test_a_cell_says_what_it_is_in_two_lines(values: dict[str, Any], said: list[str]) -> None:
    """A word and a number."""
    assert lines(result(**values)) == said
