"""Text stays text in markup, whatever it is."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_cutover.reports.markup import Markup, element, join, text


def test_an_element_has_attributes_and_children() -> None:
    """Names as HTML and SVG have them; what is None is left out."""
    made = element("p", "one & ", element("br"), class_="small", stroke_width=2, id=None)
    assert made == '<p class="small" stroke-width="2">one &amp; <br/></p>'
    assert isinstance(made, Markup)


def test_an_empty_element_of_html_has_an_end_tag() -> None:
    """`<p/>` would swallow what follows."""
    assert element("p") == "<p></p>"


@given(st.text())
def test_any_text_is_read_back_as_it_was(string: str) -> None:
    """In an attribute and between tags; but for what XML cannot hold, and how it ends lines."""
    made = ElementTree.fromstring(element("p", string, title=string))
    shown = text(string)
    assert "<" not in shown
    assert '"' not in shown
    if string.isprintable():
        assert (made.text or "") == string
        assert made.get("title") == string


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ('" onload="alert(1)', '" onload="alert(1)'),
        ("\x00\x1b[31m\x7f", "\\x00\\x1b[31m\x7f"),
        ("\udce9", "\\udce9"),
        ("]]>", "]]>"),
    ],
)
def test_hostile_text_is_shown(hostile: str, shown: str) -> None:
    """What no browser may be given is shown as Python writes it."""
    assert ElementTree.fromstring(element("p", hostile)).text == shown
    assert ElementTree.fromstring(element("p", title=hostile)).get("title") == shown


def test_only_what_is_not_markup_is_escaped_when_joined() -> None:
    """Once, not twice."""
    assert join("a & b", element("b", "<")) == "a &amp; b<b>&lt;</b>"
