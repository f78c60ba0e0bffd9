"""What is in the package that others install."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.locust_process import ROOT


def test_the_wheel_has_both_packages_the_servers_templates_and_the_scenarios(tmp_path: Path) -> None:
    """An installed pack runs without the repository beside it."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("locust_cutover", "switcher"):
        here = {
            str(path.relative_to(ROOT))
            for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert here <= names
    assert {f"locust_cutover/scenarios/{path.name}" for path in (ROOT / "scenarios").glob("*.yaml")} <= names
