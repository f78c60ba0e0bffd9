"""The table as one picture."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from matrix.cell import not_measured
from matrix.heatmap import COLOURS, as_svg, describe, numbers
from tests.matrix.cells import cell, result

SVG = "{http://www.w3.org/2000/svg}"


def test_each_cell_has_the_colour_and_the_word_of_its_worst() -> None:
    """And one title with its numbers."""
    cells = [
        result(lost=250),
        result("atomic"),
        result("forced", "caddy", torn=100),
        result("atomic", "caddy", stale=1),
    ]
    root = ElementTree.fromstring(as_svg(cells, {}))
    drawn = []
    for group in root.iter(f"{SVG}g"):
        rect, texts = group.find(f"{SVG}rect"), [text.text for text in group.findall(f"{SVG}text")]
        assert rect is not None
        drawn.append((rect.get("fill"), texts))
        assert "2000 flips" in (group.findtext(f"{SVG}title") or "")
    assert drawn == [
        (COLOURS["lost"], ["lost", "125 per 1,000"]),
        (COLOURS["torn"], ["torn", "0.5 %"]),
        (COLOURS["clean"], ["clean"]),
        (COLOURS["stale"], ["stale", "0.0 s"]),
    ]


def test_it_names_what_it_was_made_on_and_with() -> None:
    """Kernel, file system, the servers' versions."""
    text = as_svg([result()], {"system": "Debian 12", "kernel": "Linux 6.1", "file system": "ext4", "ln": "GNU"})
    assert "Debian 12, Linux 6.1, ext4" in text
    assert "nginx 1.0" in text
    assert ">GNU<" in text


def test_the_legend_explains_the_colours_that_occur_and_no_other() -> None:
    """In words."""
    text = as_svg([result(lost=1), not_measured(cell("caddy"), "no")], {})
    assert "lost: " in text
    assert "not measured: " in text
    assert "stale: " not in text


def test_those_who_do_not_see_it_are_told() -> None:
    """Which cells are how."""
    assert describe([result(), result("atomic", lost=1)]) == (
        "clean, 1 of 2: forced on nginx. lost, 1 of 2: atomic on nginx."
    )


def test_hostile_names_are_text() -> None:
    """A picture is XML."""
    root = ElementTree.fromstring(as_svg([result("<script>", "a & b", version='"</text>')], {"kernel": "<x>"}))
    assert "<script>" in [text.text for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rare_lost": 1}, ["lost", "< 1 per 1,000"]),
        ({"torn": 1}, ["torn", "< 0.1 %"]),
        ({"stale": 1, "longest_stale_s": 2.9}, ["stale", "3 s and on"]),
        ({"failed_flips": 2000}, ["nothing flips"]),
    ],
)
def test_a_cell_says_what_it_is_in_two_lines(values: dict[str, Any], said: list[str]) -> None:
    """A word and a number."""
    assert numbers(result(**values)) == said
