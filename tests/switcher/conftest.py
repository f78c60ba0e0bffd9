"""A site to flip, for every test of the switcher."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.switcher.process import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Three releases and a link to the first of them."""
    root = tmp_path / "site"
    for release in ("a", "b", "c"):
        (root / release).mkdir(parents=True)
        (root / release / "index.html").write_text(release)
    link = root / "current"
    link.symlink_to("a")
    return Site(root, link)
