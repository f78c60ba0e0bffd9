"""The files of a release."""

from __future__ import annotations

import os
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


def change_a_letter(folder: Path) -> None:
    """Another content of the same length and time."""
    status = (folder / "css" / "site.css").stat()
    (folder / "css" / "site.css").write_text("CSS")
    os.utime(folder / "css" / "site.css", ns=(status.st_atime_ns, status.st_mtime_ns))


def add_a_file(folder: Path) -> None:
    """One more."""
    (folder / "css" / "new.css").touch()


def take_a_file_away(folder: Path) -> None:
    """One less."""
    (folder / "index.html").unlink()


def point_a_symlink_elsewhere(folder: Path) -> None:
    """To a file with the same content."""
    (folder / "newest").unlink()
    (folder / "newest").symlink_to("./index.html")


def put_a_file_for_a_symlink(folder: Path) -> None:
    """With the content of what it points to."""
    (folder / "newest").unlink()
    (folder / "newest").write_text("index")


def put_a_folder_for_a_file(folder: Path) -> None:
    """An empty one."""
    (folder / "index.html").unlink()
    (folder / "index.html").mkdir()


@pytest.mark.parametrize(
    "change",
    [
        change_a_letter,
        add_a_file,
        take_a_file_away,
        point_a_symlink_elsewhere,
        put_a_file_for_a_symlink,
        put_a_folder_for_a_file,
    ],
)
def test_any_difference_is_one(release: Path, tmp_path: Path, change: object) -> None:
    """Whatever is changed, the two are not the same any more; what was true a moment ago is not remembered."""
    copy(str(release), str(tmp_path / "copy"))
    assert is_same(str(release), str(tmp_path / "copy"))
    assert is_same(str(tmp_path / "copy"), str(release))
    assert callable(change)
    change(tmp_path / "copy")
    assert not is_same(str(release), str(tmp_path / "copy"))
    assert not is_same(str(tmp_path / "copy"), str(release))


@pytest.mark.parametrize(("part", "whole", "said"), [("", "abc", True), ("ab", "abc", True), ("abc", "abc", True)])
def test_what_a_copy_leaves_that_is_cut_off_is_a_beginning(tmp_path: Path, part: str, whole: str, said: bool) -> None:
    """Also an empty file, and the whole of it."""
    (tmp_path / "part").write_text(part)
    (tmp_path / "whole").write_text(whole)
    assert is_beginning(str(tmp_path / "part"), str(tmp_path / "whole")) is said


@pytest.mark.parametrize(("part", "whole"), [("abcd", "abc"), ("ac", "abc"), ("c", "abc")])
def test_other_text_is_no_beginning(tmp_path: Path, part: str, whole: str) -> None:
    """Longer, or different."""
    (tmp_path / "part").write_text(part)
    (tmp_path / "whole").write_text(whole)
    assert not is_beginning(str(tmp_path / "part"), str(tmp_path / "whole"))


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
