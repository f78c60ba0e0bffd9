"""Builds a site to flip: releases of a two-part page, and the link."""

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


AGE = 3600.0
"""Seconds since the newest release was made; the others are older, each by a minute.

A release is seldom made in the second in which it is deployed, and caches and tools go by these times: PHP's
opcache takes no file that is younger than two seconds, and rsync leaves one of the same size and second alone.
"""


def build_site(root: Path, releases: Sequence[str]) -> None:
    """Make `root` with its releases and the link to the first of them."""
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
    """Make `current` a real folder, or a link, of the release that it shows already; of the first if it shows none."""
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
