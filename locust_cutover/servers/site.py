"""Builds the site of the lab: releases with a two-part page, and the link."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from switcher.tree import is_same

LINK = "current"

PAGE = f"/{LINK}/"
"""The two-part page."""

MARK = r"Hello World from ([^!]+)!"
"""The mark in a page; its group 1 is the release."""

MARKS = 2
"""The number of marks in the whole page."""

_FIRST = "<!doctype html>\n<title>locust-cutover</title>\n<p>Hello World from RELEASE!</p>\n"
_SECOND = "<p>The second part: Hello World from RELEASE!</p>\n"

# The page in the language of each server, which reads the second part later, through the link.
_FILES = {
    "index.html": f'{_FIRST}<!--#include virtual="{PAGE}part.html" -->\n',
    "index.caddy.html": _FIRST + '{{include "' + PAGE + 'part.html"}}\n',
    "part.html": _SECOND,
    "index.php": f"{_FIRST}<?php require $_SERVER['DOCUMENT_ROOT'] . dirname($_SERVER['SCRIPT_NAME']) . '/part.php';\n",
    # As in frameworks: from the folder of the page, which PHP resolves to the release.
    "framework.php": f"{_FIRST}<?php require __DIR__ . '/part.php';\n",
    "part.php": _SECOND,
    "static.html": "<p>Hello World from RELEASE!</p>\n",
}


AGE = 3600.0
"""Seconds since the newest release was created; each older release is a minute older.

Caches and tools use these times: PHP's opcache caches no file younger than two seconds, and rsync skips files
of equal size and time. A release is rarely deployed in the second in which it was created.
"""


def build_site(root: Path, releases: Sequence[str]) -> None:
    """Create `root` with its releases and the link to the first one."""
    root.mkdir()
    for number, release in enumerate(releases, start=1):
        folder = root / release
        folder.mkdir()
        made = time.time() - AGE - 60 * (len(releases) - number)
        for name, text in _FILES.items():
            (folder / name).write_text(text.replace("RELEASE", release))
            os.utime(folder / name, (made, made))
    (root / LINK).symlink_to(releases[0])


def set_current(root: Path, releases: Sequence[str], folder: bool) -> None:
    """Make `current` a real folder or a link of the release that it shows, or of the first if it shows none."""
    current = root / LINK
    if current.is_symlink() != folder:
        return
    release = next((release for release in releases if is_same(os.path.realpath(current), str(root / release))), None)
    if folder:
        current.unlink()
        shutil.copytree(root / (release or releases[0]), current)
    else:
        shutil.rmtree(current)
        current.symlink_to(release or releases[0])
