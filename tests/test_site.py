"""The site that is built holds a two-part page per release, and a link to the first."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from locust_cutover.site import LINK, MARK, MARKS, PAGE, build_site


def test_the_link_points_to_the_first_release(tmp_path: Path) -> None:
    """By a relative target: the site can be moved, and a server sees it under another path."""
    build_site(tmp_path / "site", ["v1", "v2", "v3"])
    assert sorted(os.listdir(tmp_path / "site")) == [LINK, "v1", "v2", "v3"]
    assert os.readlink(tmp_path / "site" / LINK) == "v1"


@pytest.mark.parametrize("release", ["v1", "v2"])
def test_each_part_of_a_page_carries_the_mark_of_its_release(tmp_path: Path, release: str) -> None:
    """One mark in the page and one in its part: as many as a whole page must carry."""
    build_site(tmp_path / "site", ["v1", "v2"])
    parts = [(tmp_path / "site" / release / name).read_text() for name in ("index.html", "part.html")]
    assert [re.findall(MARK, part) for part in parts] == [[release]] * MARKS


@pytest.mark.parametrize("release", ["v1", "v2"])
def test_each_file_carries_one_mark_of_its_release(tmp_path: Path, release: str) -> None:
    """Whichever server it is for: a file that is served or included can be told from its like."""
    build_site(tmp_path / "site", ["v1", "v2"])
    files = list((tmp_path / "site" / release).iterdir())
    assert {file.name: re.findall(MARK, file.read_text()) for file in files} == {file.name: [release] for file in files}


def test_the_page_includes_its_part_through_the_link(tmp_path: Path) -> None:
    """Else a flip between the two could never be seen."""
    build_site(tmp_path / "site", ["v1", "v2"])
    assert f'<!--#include virtual="{PAGE}part.html" -->' in (tmp_path / "site" / "v1" / "index.html").read_text()


def test_the_static_file_is_all_there_is_of_it(tmp_path: Path) -> None:
    """It includes nothing."""
    build_site(tmp_path / "site", ["v1", "v2"])
    assert (tmp_path / "site" / "v2" / "static.html").read_text() == "<p>Hello World from v2!</p>\n"


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """A site is built only where there was nothing."""
    (tmp_path / "site").mkdir()
    with pytest.raises(FileExistsError):
        build_site(tmp_path / "site", ["v1", "v2"])
    assert os.listdir(tmp_path / "site") == []
