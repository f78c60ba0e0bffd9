"""Builds a site to flip: releases of a two-part page, and the link."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

LINK = "current"

PAGE = f"/{LINK}/"
"""The two-part page."""

MARK = r"Hello World from ([^!]+)!"
"""What names the release in a page; group 1 is the release."""

MARKS = 2
"""How many marks the whole page carries."""

_FIRST = "<!doctype html>\n<title>locust-cutover</title>\n<p>Hello World from RELEASE!</p>\n"
_SECOND = "<p>The second part: Hello World from RELEASE!</p>\n"

# The page in the language of each server: its second part is asked for when its turn comes, through the link.
_FILES = {
    "index.html": f'{_FIRST}<!--#include virtual="{PAGE}part.html" -->\n',
    "index.caddy.html": _FIRST + '{{include "' + PAGE + 'part.html"}}\n',
    "part.html": _SECOND,
    "index.php": f"{_FIRST}<?php require $_SERVER['DOCUMENT_ROOT'] . dirname($_SERVER['SCRIPT_NAME']) . '/part.php';\n",
    # As frameworks do: the folder that PHP found the page in, which is that of the release.
    "framework.php": f"{_FIRST}<?php require __DIR__ . '/part.php';\n",
    "part.php": _SECOND,
    "static.html": "<p>Hello World from RELEASE!</p>\n",
}


def build_site(root: Path, releases: Sequence[str]) -> None:
    """Make `root` with its releases and the link to the first of them."""
    root.mkdir()
    for release in releases:
        folder = root / release
        folder.mkdir()
        for name, text in _FILES.items():
            (folder / name).write_text(text.replace("RELEASE", release))
    (root / LINK).symlink_to(releases[0])
