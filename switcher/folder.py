"""A `current` that is a real folder: it holds a copy of a release, and is read back file by file."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from switcher.place import SiteError, find_releases, free_name, locate
from switcher.strategies import AWAY, in_place
from switcher.tree import copy, entries, is_beginning, is_folder, is_same, is_same_file, remove

MIXTURE = "files of several releases"


@dataclass(frozen=True)
class Folder:
    """The folder `path`; `targets` gives the relative path of each release by its name.

    The switcher may change it as long as every file in it belongs to a release. `copies`: the strategy needs a copy
    of the release at the spare name, and leaves the old copy at the spare name followed by AWAY.
    """

    kind: ClassVar[str] = "folder"
    holds: ClassVar[str] = "the folder holds"
    broken: ClassVar[str] = ""

    path: str
    targets: dict[str, str]
    copies: bool

    def points_to(self) -> str | None:
        """The target that it is a copy of, or MIXTURE; None if it is missing, OSError if it holds anything else."""
        if not os.path.lexists(self.path):
            return None
        if not is_folder(self.path):
            raise OSError(errno.ENOTDIR, "not a real folder any more")
        for target in self.targets.values():
            if is_same(self.path, self._place(target)):
                return target
        if (stranger := self._stranger()) is not None:
            raise OSError(errno.EINVAL, f"{stranger} belongs to no release; nothing was touched")
        return MIXTURE

    def release(self) -> str | None:
        """The release that it is a copy of, or MIXTURE; None if it is missing."""
        target = self.points_to()
        return None if target is None else self.name(target)

    def name(self, target: str) -> str:
        """The release with this target, or MIXTURE."""
        return next((name for name, known in self.targets.items() if known == target), target)

    def is_whole(self) -> bool:
        """Whether it is a copy of one release."""
        with contextlib.suppress(OSError):  # the next flip reports what is wrong
            return self.points_to() in self.targets.values()
        return False

    def repair(self) -> None:
        """Make it a copy of the first release that still exists; OSError if that fails."""
        for target in self.targets.values():
            if os.path.isdir(self._place(target)):
                spare = self.spare()
                if self.points_to() is not None:
                    return in_place(self.path, target, spare)
                copy(self._place(target), spare)
                return os.rename(spare, self.path)
        raise FileNotFoundError(errno.ENOENT, "no release exists any more")

    def spare(self) -> str:
        """A free name beside the folder; the name followed by AWAY is free as well.

        Whatever has the name stays, unless all of it belongs to a release: a killed switcher left that, and it is
        removed.
        """
        return free_name(self.path, self._free)

    def prepare(self, target: str, spare: str) -> None:
        """Make the copy that a strategy moves in."""
        if self.copies:
            copy(self._place(target), spare)

    def settle(self, spare: str) -> None:
        """Remove the copies that are not in use; OSError if one of them is no copy of a release."""
        for path in (spare, spare + AWAY):
            if not self._clear(path):
                raise OSError(errno.EEXIST, f"{path} is not a copy of a release and was left there")

    def shares_with(self) -> str | None:
        """The first release that shares a file (one inode) with the folder."""
        if not is_folder(self.path):
            return None
        ours = _inodes(self.path)
        for release, target in self.targets.items():
            if ours & _inodes(self._place(target)):
                return release
        return None

    def _free(self, path: str) -> bool:
        """Whether the name is free, after removing a leftover of our own; one that must not be removed stays."""
        try:
            return self._clear(path)
        except PermissionError:  # another user's
            return False

    def _clear(self, path: str) -> bool:
        """Remove a leftover of our own; whether the name is free then. OSError if it cannot be removed."""
        if not os.path.lexists(path):
            return True
        # Listed before they are checked: what comes later is not removed.
        names = list(entries(path)) if is_folder(path) else []
        if not self._is_ours(path):
            return False
        remove(path, names)
        return True

    def _is_ours(self, path: str) -> bool:
        """Whether it is a copy, maybe an unfinished one, of a release or of a file of one."""
        if is_folder(path):
            return Folder(path, self.targets, self.copies)._stranger() is None
        files = (os.path.join(place, name) for place in self._places() for name in entries(place))
        return any(is_same_file(path, file) or is_beginning(path, file) for file in files)

    def _stranger(self) -> str | None:
        """The first name below the folder that no release has with this content, or with content that begins so."""
        for name in entries(self.path):
            path = os.path.join(self.path, name)
            known = [os.path.join(place, name) for place in self._places()]
            if is_folder(path):
                if not any(is_folder(other) for other in known):
                    return name
            elif not any(is_same_file(path, other) or is_beginning(path, other) for other in known):
                return name
        return None

    def _places(self) -> list[str]:
        return [place for target in self.targets.values() if os.path.isdir(place := self._place(target))]

    def _place(self, target: str) -> str:
        return os.path.join(os.path.dirname(self.path), target)


def _inodes(folder: str) -> set[tuple[int, int]]:
    """Device and inode of every file below the folder."""
    found = (os.lstat(os.path.join(folder, name)) for name in entries(folder))
    return {(status.st_dev, status.st_ino) for status in found if stat.S_ISREG(status.st_mode)}


def open_folder(
    root: str, name: str, releases: Sequence[str], copies: bool = False, overwrites: bool = False
) -> Folder:
    """The real folder `name` below `root` with its `releases`, after every check that needs no flip.

    `overwrites`: the strategy writes into existing files.

    Touches nothing. Raises SiteError if the folder cannot be flipped or holds what no release has. With `overwrites`
    it must not share a file with a release (cp -al, rsync --link-dest), since that would change the release.
    """
    path = locate(root, name)
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        mode = None
    except OSError as error:
        raise SiteError(f"folder {path}: {error.strerror}") from None
    if mode is not None and not stat.S_ISDIR(mode):
        kind = "symlink" if stat.S_ISLNK(mode) else "file"
        raise SiteError(f"folder {path}: is a {kind}, not a real folder; nothing was touched")
    folder = Folder(path, find_releases(root, path, releases), copies)
    try:
        folder.points_to()
        sharing = folder.shares_with() if overwrites else None
    except OSError as error:
        raise SiteError(f"folder {path}: {error.strerror}") from None
    if sharing is not None:
        raise SiteError(f"folder {path}: shares its files with release {sharing}; nothing was touched")
    return folder
