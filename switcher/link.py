"""The link on disk and its releases: checks before the first flip, reading back, repair."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from switcher.strategies import AWAY, atomic


class SiteError(ValueError):
    """The site on disk is not one that can be flipped; the text says what is wrong and where."""


@dataclass(frozen=True)
class Link:
    """The link `path` and, per release name, the `targets` text that it is given."""

    path: str
    targets: dict[str, str]

    def points_to(self) -> str | None:
        """What the link holds now; None when there is none, OSError when something else has its name."""
        try:
            return os.readlink(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise OSError(errno.EINVAL, "not a symlink any more") from None
            raise

    def release(self) -> str | None:
        """The release that the link points to; its bare target when no release has it, None without a link."""
        target = self.points_to()
        if target is None:
            return None
        return self._name(target)

    def is_whole(self) -> bool:
        """Whether a visitor that follows the link finds a folder."""
        return os.path.isdir(self.path)

    def repair(self) -> None:
        """Point a link that is missing or dangling at the first release that is there; OSError when that fails."""
        for target in self.targets.values():
            if os.path.isdir(os.path.join(os.path.dirname(self.path), target)):
                return atomic(self.path, target, self.spare())
        raise FileNotFoundError(errno.ENOENT, "none of the releases is there any more")

    def spare(self) -> str:
        """A name beside the link for a temporary one, that is free and is so with AWAY behind it.

        A name that is taken is left alone, unless it is a symlink to one of our releases: such a
        one only a killed switcher leaves behind, and it goes.
        """
        folder, name = os.path.split(self.path)
        number = 0
        while True:
            path = os.path.join(folder, f".{name}.switcher" + (f"-{number}" if number else ""))
            if self._free(path) and self._free(path + AWAY):
                return path
            number += 1

    def _free(self, path: str) -> bool:
        """Whether nothing has this name, after a leftover of our own is gone."""
        try:
            if os.readlink(path) not in self.targets.values():
                return False
            os.unlink(path)
        except FileNotFoundError:
            return True
        except OSError as error:
            # EINVAL: a file or folder. EPERM: in a sticky folder, another user's. No other
            # name would help against the rest (ENAMETOOLONG, EIO, …).
            if error.errno not in (errno.EINVAL, errno.EPERM):
                raise
            return False
        return True

    def _name(self, target: str) -> str:
        for name, known in self.targets.items():
            if known == target:
                return name
        here = os.path.join(os.path.dirname(self.path), target)
        for name, known in self.targets.items():
            there = os.path.join(os.path.dirname(self.path), known)
            if os.path.realpath(here) == os.path.realpath(there):
                return name
        return target


def open_link(root: str, link: str, releases: Sequence[str]) -> Link:
    """The link `link` below `root` with its `releases`, after every check that needs no flip.

    Touches nothing. Raises SiteError when the site cannot be flipped.
    """
    if not os.path.isdir(root):
        raise SiteError(f"root {root}: no such folder")
    real_root = os.path.realpath(root)
    # The link itself must not be followed; the folder that holds it must be.
    path = os.path.normpath(os.path.join(real_root, link))
    folder = os.path.realpath(os.path.dirname(path))
    path = os.path.join(folder, os.path.basename(path))
    if not _is_below(path, real_root):
        raise SiteError(f"link {link}: not below root {root}")
    if not os.path.isdir(folder):
        raise SiteError(f"link {link}: its folder {folder} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SiteError(f"{'root ' + root if folder == real_root else folder}: not writable")
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        mode = None
    except OSError as error:
        raise SiteError(f"link {path}: {error.strerror}") from None
    if mode is not None and not stat.S_ISLNK(mode):
        kind = "folder" if stat.S_ISDIR(mode) else "file"
        raise SiteError(f"link {path}: is a real {kind}, not a symlink; nothing was touched")

    if len(releases) < 2:
        raise SiteError("releases: a flip needs at least two")
    targets: dict[str, str] = {}
    places: dict[str, str] = {}
    for release in releases:
        place = os.path.normpath(os.path.join(real_root, release))
        if place == path:
            raise SiteError(f"release {release}: is the link itself")
        if not os.path.isdir(place):
            raise SiteError(f"release {release}: no such folder below root {root}")
        real = os.path.realpath(place)
        if not _is_below(real, real_root):
            raise SiteError(f"release {release}: not below root {root}")
        if real in places:
            raise SiteError(f"release {release}: the same release as {places[real]}")
        places[real] = release
        # The real folder: a release that leads through the link would become a loop with the flip to it.
        targets[release] = os.path.relpath(real, folder)
    return Link(path, targets)


def _is_below(path: str, root: str) -> bool:
    return path != root and os.path.commonpath([path, root]) == root
