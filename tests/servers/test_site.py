"""The site that is built holds a two-part page per release, and a link to the first."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from locust_cutover.servers.site import AGE, LINK, MARK, MARKS, PAGE, build_site, set_current


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


def test_a_release_is_a_minute_younger_than_the_one_before(tmp_path: Path) -> None:
    """As real ones are: rsync would leave a file of the same size and second alone, and opcache takes no newborn."""
    before = time.time()
    build_site(tmp_path / "site", ["v1", "v2", "v3"])
    first, second, third = (
        (tmp_path / "site" / release / "part.html").stat().st_mtime for release in ("v1", "v2", "v3")
    )
    assert (round(second - first), round(third - second)) == (60, 60)
    assert before - AGE - 1 <= third <= time.time() - AGE + 1


def test_the_link_becomes_a_real_folder_with_the_release_that_it_shows(tmp_path: Path) -> None:
    """A copy of it, and a link again afterwards: the visitors of the next phase see what they saw."""
    root, releases = tmp_path / "site", ["v1", "v2", "v3"]
    build_site(root, releases)
    os.unlink(root / LINK)
    os.symlink("v2", root / LINK)
    set_current(root, releases, folder=True)
    assert not (root / LINK).is_symlink()
    assert (root / LINK / "part.html").read_text() == (root / "v2" / "part.html").read_text()
    set_current(root, releases, folder=False)
    assert os.readlink(root / LINK) == "v2"
    assert sorted(os.listdir(root)) == [LINK, *releases]


@pytest.mark.parametrize("folder", [False, True])
def test_what_is_of_the_right_kind_stays(tmp_path: Path, folder: bool) -> None:
    """The same link, the same folder."""
    root, releases = tmp_path / "site", ["v1", "v2"]
    build_site(root, releases)
    set_current(root, releases, folder)
    before = (root / LINK).lstat().st_ino
    set_current(root, releases, folder)
    assert (root / LINK).lstat().st_ino == before


def test_a_mixture_becomes_a_link_to_the_first_release(tmp_path: Path) -> None:
    """What it shows is none."""
    root, releases = tmp_path / "site", ["v1", "v2"]
    build_site(root, releases)
    set_current(root, releases, folder=True)
    (root / LINK / "part.html").unlink()
    set_current(root, releases, folder=False)
    assert os.readlink(root / LINK) == "v1"
