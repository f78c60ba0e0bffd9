"""The files of a release."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from switcher.tree import copy, entries, is_beginning, is_same, remove


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder with files, a folder below it and symlinks."""
    folder = tmp_path / "release"
    (folder / "css").mkdir(parents=True)
    (folder / "index.html").write_text("index")
    (folder / "css" / "site.css").write_text("css")
    (folder / "newest").symlink_to("index.html")
    (folder / "styles").symlink_to("css")
    return folder


def test_each_folder_comes_before_what_is_in_it(release: Path) -> None:
    """In the order of the names; a symlink to a folder is not entered."""
    assert list(entries(str(release))) == ["css", "css/site.css", "index.html", "newest", "styles"]


def test_a_copy_is_the_same(release: Path, tmp_path: Path) -> None:
    """Files, folders, symlinks as they are, modes and times."""
    (release / "index.html").chmod(0o640)
    copy(str(release), str(tmp_path / "copy"))
    assert is_same(str(release), str(tmp_path / "copy"))
    assert os.readlink(tmp_path / "copy" / "styles") == "css"
    status = (tmp_path / "copy" / "index.html").stat()
    assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o640, (release / "index.html").stat().st_mtime_ns)


@pytest.mark.parametrize(
    "change",
    [
        "printf CSS >css/site.css; touch -r ../release/css/site.css css/site.css",  # of the same length and time
        "touch css/new.css",
        "rm index.html",
        "ln -sfn ./index.html newest",  # to a file with the same content
        "rm newest; printf index >newest",
        "rm index.html; mkdir index.html",
    ],
)
def test_any_difference_is_one(release: Path, tmp_path: Path, change: str) -> None:
    """Whatever is changed, the two are not the same any more; what was true a moment ago is not remembered."""
    pair = str(release), str(tmp_path / "copy")
    copy(*pair)
    assert is_same(*pair)
    assert is_same(*reversed(pair))
    subprocess.run(change, shell=True, check=True, cwd=tmp_path / "copy")
    assert not is_same(*pair)
    assert not is_same(*reversed(pair))


@pytest.mark.parametrize("part", ["", "ab", "abc", "abcd", "ac", "c"])
def test_what_a_copy_leaves_that_is_cut_off_is_a_beginning(tmp_path: Path, part: str) -> None:
    """Also an empty file, and the whole of it; but not a longer one or a different one."""
    (tmp_path / "part").write_text(part)
    (tmp_path / "whole").write_text("abc")
    assert is_beginning(str(tmp_path / "part"), str(tmp_path / "whole")) is "abc".startswith(part)


def test_a_symlink_and_a_missing_file_are_no_beginning(tmp_path: Path) -> None:
    """Of nothing, and nothing is of them."""
    (tmp_path / "file").write_text("abc")
    (tmp_path / "symlink").symlink_to("file")
    for one, other in (("symlink", "file"), ("file", "symlink"), ("none", "file"), ("file", "none")):
        assert not is_beginning(str(tmp_path / one), str(tmp_path / other))


def test_what_is_removed_is_gone_and_a_symlink_s_target_is_not(release: Path) -> None:
    """A folder goes with the names that it had; behind a symlink nothing is touched."""
    remove(str(release / "styles"), [])
    assert (release / "css" / "site.css").exists()
    remove(str(release), entries(str(release)))
    assert not release.exists()


def test_what_came_since_the_names_were_read_is_not_removed(release: Path) -> None:
    """The folder that it is in stays, too, and that is an error."""
    names = list(entries(str(release)))
    (release / "css" / "upload.jpg").write_text("precious")
    with pytest.raises(OSError, match="not empty"):
        remove(str(release), names)
    assert (release / "css" / "upload.jpg").read_text() == "precious"


def test_what_is_no_file_is_not_copied(tmp_path: Path) -> None:
    """To read a named pipe would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="neither a file nor a symlink"):
        copy(str(tmp_path / "pipe"), str(tmp_path / "copy"))
    assert os.listdir(tmp_path) == ["pipe"]
