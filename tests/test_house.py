"""Where things are: the README names every room, and a test borrows from no other test."""

from __future__ import annotations

import ast
import re

from tests.locust_process import ROOT


def test_the_readme_has_a_row_for_every_room_and_for_no_other() -> None:
    """A room is a folder of locust_cutover/ with modules in it."""
    rooms = {path.parent.name for path in (ROOT / "locust_cutover").glob("*/__init__.py")}
    rows = re.findall(r"^\| `locust_cutover/(\w+)/`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(rooms)


def test_no_module_imports_a_test_module() -> None:
    """What tests share lives in modules without test_ in their name."""
    borrowed = {
        str(path.relative_to(ROOT)): name
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [])
        if name and ".test_" in name
    }
    assert borrowed == {}
