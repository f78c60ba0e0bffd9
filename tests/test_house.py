"""Where things are: the documentation names every room, and no test borrows from another test."""

from __future__ import annotations

import ast
import re

from tests.locust_process import ROOT


def test_the_layout_table_has_a_row_for_every_room_and_for_no_other() -> None:
    """A room is a folder of locust_cutover/ with modules in it."""
    rooms = [path.parent.name for path in (ROOT / "locust_cutover").glob("*/__init__.py")]
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `locust_cutover/(\w+)/`", text, re.MULTILINE)) == sorted(rooms)


def test_no_module_imports_a_test_module() -> None:
    """What tests share lives in modules without test_ in their name."""
    borrowed = {
        str(path.relative_to(ROOT)): node.module
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and ".test_" in (node.module or "")
    }
    assert borrowed == {}
