"""HTML, SVG and XML built from elements: whatever is not markup already is text, and stays text."""

from __future__ import annotations

import re
from html import escape

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# HTML wants an end tag for an empty element of any other name; all of these may be closed at once.
_EMPTY = {"meta", "link", "br", "rect", "path", "line", "circle", "error", "failure", "property"}


class Markup(str):
    """Text that is markup."""

    __slots__ = ()


def element(tag: str, /, *children: str, **attributes: object) -> Markup:
    """The element; children that are not markup are escaped, and so is every attribute's value.

    In the names of attributes `_` stands for `-` (`stroke_width`), at the end for nothing (`class_`).
    An attribute that is None is left out.
    """
    inside = "".join(child if isinstance(child, Markup) else text(child) for child in children)
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not inside and tag in _EMPTY:
        return Markup(f"<{tag}{given}/>")
    return Markup(f"<{tag}{given}>{inside}</{tag}>")


def text(string: str) -> Markup:
    """The text as markup; characters that XML cannot hold are shown as Python writes them."""
    whole = string.encode("utf-8", "backslashreplace").decode()
    return Markup(escape(_NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), whole)))


def join(*parts: str) -> Markup:
    """The parts one after another; those that are not markup are escaped."""
    return Markup("".join(part if isinstance(part, Markup) else text(part) for part in parts))
