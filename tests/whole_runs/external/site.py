"""A site as a user has it: releases in a folder, a link, and a mark in the page; and what must be left of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.locust_process import ROOT

PAGE = "<!doctype html>\n<!-- release {name} -->\n<p>Welcome to the shop.</p>\n"

MARK = "<!-- release (\\\\S+) -->"
"""In double quotes of YAML."""


SITE = f"""
site:
  server: external
  url: http://127.0.0.1:{{port}}/
  root: {{root}}
  releases: [releases/1, releases/2]
  mark: "{MARK}"
load: {{{{users: 5, spawn_rate: 50}}}}
"""
"""The head of a scenario for the shop; a format of port and root."""


class Shop:
    """Three releases below `root`, and the link to the first; `padding`: how many bytes longer the page is."""

    def __init__(self, root: Path, releases: tuple[str, ...] = ("1", "2", "3"), *, padding: int = 0) -> None:
        self.root = root
        self.link = root / "current"
        for name in releases:
            folder = root / "releases" / name
            folder.mkdir(parents=True)
            (folder / "index.html").write_text(PAGE.format(name=name) + padding * " ")
        self.link.symlink_to(f"releases/{releases[0]}")
        self._before = self.state()

    def state(self) -> dict[str, Any]:
        """All that is below the root: names, and what the files and links hold."""
        return {
            str(path.relative_to(self.root)): (
                os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            )
            for path in sorted(self.root.rglob("*"))
        }

    def is_as_it_was(self) -> bool:
        """Whether nothing at all is different."""
        return self.state() == self._before


def scenario(folder: Path, name: str, port: int, root: Path | None, **changes: str) -> list[str]:
    """Arguments for a scenario of scenarios/ at the test's site, with some texts changed."""
    text = (ROOT / "scenarios" / f"{name}.yaml").read_text()
    places = {"http://127.0.0.1:8080/": f"http://127.0.0.1:{port}/"}
    if root is not None:
        places["/var/www/shop"] = str(root)
    for old, new in {**places, **changes}.items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / f"{name}.yaml"
    path.write_text(text)
    locustfile = str(ROOT / "locustfiles" / "current.py")
    prefix = str(folder / "report" / "run")
    return ["-f", locustfile, "--headless", "--scenario", str(path), "--csv", prefix, "-u", "4", "--only-summary"]
