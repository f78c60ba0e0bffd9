"""The link on disk and its releases: checks before the first flip, reading back, repair."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from switcher.place import SiteError, find_releases, free_name, is_below, locate
from switcher.strategies import atomic


@dataclass(frozen=True)
class Link:
    """The link `path`; `targets` gives the text of the link by release name."""

    kind: ClassVar[str] = "link"
    holds: ClassVar[str] = "the link points to"
    broken: ClassVar[str] = ", which is no folder"

    path: str
    targets: dict[str, str]
    """Empty if the releases are not known before they are made."""
    root: str = ""
    """The real folder; a release without a name is called by its path below it."""

    def points_to(self) -> str | None:
        """The text of the link; None if there is none, OSError if something else has its name."""
        try:
            return os.readlink(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise OSError(errno.EINVAL, "not a symlink any more") from None
            raise

    def release(self) -> str | None:
        """The release that the link points to; None without a link.

        A release without a name is called by its path below root, or by the bare target if it is elsewhere.
        """
        target = self.points_to()
        if target is None:
            return None
        return self.name(target)

    def is_whole(self) -> bool:
        """Whether a visitor that follows the link finds a folder."""
        return os.path.isdir(self.path)

    def repair(self) -> None:
        """Point a missing or dangling link at the first release that still exists; OSError if that fails."""
        for target in self.targets.values():
            if os.path.isdir(os.path.join(os.path.dirname(self.path), target)):
                return atomic(self.path, target, self.spare())
        raise FileNotFoundError(errno.ENOENT, "no release exists any more")

    def spare(self) -> str:
        """A free name beside the link for a temporary one; the name followed by AWAY is free as well.

        Whatever has the name stays, unless it is a symlink to one of our releases: only a killed
        switcher leaves such a link, so it is removed.
        """
        return free_name(self.path, self._free)

    def prepare(self, target: str, spare: str) -> None:
        """Do nothing: making a link takes no time."""

    def settle(self, spare: str) -> None:
        """Do nothing: a strategy removes its own links."""

    def _free(self, path: str) -> bool:
        """Whether the name is free, after removing a leftover of our own."""
        try:
            if os.readlink(path) not in self.targets.values():
                return False
            os.unlink(path)
        except FileNotFoundError:
            return True
        except OSError as error:
            # EINVAL: a file or folder. EPERM: another user's, in a sticky folder. Another
            # name would not help against the rest (ENAMETOOLONG, EIO, …).
            if error.errno not in (errno.EINVAL, errno.EPERM):
                raise
            return False
        return True

    def name(self, target: str) -> str:
        """The release that a link with this target would point to."""
        for name, known in self.targets.items():
            if known == target:
                return name
        here = os.path.join(os.path.dirname(self.path), target)
        for name, known in self.targets.items():
            there = os.path.join(os.path.dirname(self.path), known)
            if os.path.realpath(here) == os.path.realpath(there):
                return name
        real = os.path.realpath(here)
        return os.path.relpath(real, self.root) if self.root and is_below(real, self.root) else target


def open_link(root: str, link: str, releases: Sequence[str] | None) -> Link:
    """The link `link` below `root` with its `releases` (None: not known yet), after every check that needs no flip.

    Touches nothing. Raises SiteError if the site cannot be flipped.
    """
    path = locate(root, link)
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        mode = None
    except OSError as error:
        raise SiteError(f"link {path}: {error.strerror}") from None
    if mode is not None and not stat.S_ISLNK(mode):
        kind = "folder" if stat.S_ISDIR(mode) else "file"
        raise SiteError(f"link {path}: is a real {kind}, not a symlink; nothing was touched")
    targets = {} if releases is None else find_releases(root, path, releases)
    return Link(path, targets, os.path.realpath(root))
