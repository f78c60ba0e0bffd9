"""The target of the link before the first flip, and how the link is put back."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass

from switcher.link import Link
from switcher.place import SiteError


@dataclass(frozen=True)
class Original:
    """The exact text of the link, and its owner."""

    link: Link
    target: str
    user: int
    group: int

    def rehearse(self) -> None:
        """Put the link where it already is, to find out whether `put_back` will succeed; OSError if not."""
        self._make()

    def put_back(self) -> bool:
        """Point the link at its old target, atomically; whether that was necessary.

        Raises OSError if it cannot. It changes nothing if the old release no longer exists
        or if something that is not a link has the link's name.
        """
        if self.link.points_to() == self.target:
            return False
        if not os.path.isdir(os.path.join(os.path.dirname(self.link.path), self.target)):
            raise FileNotFoundError(errno.ENOENT, f"{self.target} is not there any more")
        self._make()
        return True

    def _make(self) -> None:
        """symlink to a spare name, rename over the link, as the strategy atomic does; keep the old owner."""
        spare = self.link.spare()
        os.symlink(self.target, spare)
        try:
            with contextlib.suppress(PermissionError):  # only root can give a file away
                os.chown(spare, self.user, self.group, follow_symlinks=False)
            os.rename(spare, self.link.path)
        except OSError:
            os.unlink(spare)
            raise


def remember(link: Link) -> Original:
    """The link's present target; SiteError if the link could not be put back there."""
    target = link.points_to()
    if target is None:
        raise SiteError(f"link {link.path}: is missing; there is nothing to put back")
    if not link.is_whole():
        raise SiteError(f"link {link.path}: points to {target}, which is no folder; there is nothing to put back")
    status = os.lstat(link.path)
    return Original(link, target, status.st_uid, status.st_gid)
