"""Registry of the ways to point the link at another release, one small function each."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Callable

Strategy = Callable[[str, str, str], None]
"""strategy(link, target, spare): point `link` at `target`.

`spare` is a free name in the link's folder, and so is `spare` with AWAY behind it. A strategy either
returns with the link in place or raises OSError; what it made under these names it takes away again.
"""

AWAY = ".old"
"""Where a strategy that moves the old link away moves it: the spare name with this behind it."""

STRATEGIES: dict[str, Strategy] = {}


def strategy(way: Strategy) -> Strategy:
    """Register `way` under its own name."""
    STRATEGIES[way.__name__.replace("_", "-")] = way
    return way


@strategy
def forced(link: str, target: str, spare: str) -> None:
    """unlink, symlink: what `ln -sfn` is where it does not rename (BusyBox, uutils, BSD).

    Between the two calls there is no link at all. A link that is already missing (an earlier
    flip that failed half-way) is made again, as `ln` would.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(link)
    os.symlink(target, link)


@strategy
def atomic(link: str, target: str, spare: str) -> None:
    """symlink to a spare name, rename over the link: the link is never missing.

    rename(2) replaces the old name atomically (POSIX.1-2017, rename).
    """
    os.symlink(target, spare)
    try:
        os.rename(spare, link)
    except OSError:
        os.unlink(spare)
        raise


@strategy
def exchange(link: str, target: str, spare: str) -> None:
    """symlink to a spare name, renameat2 with RENAME_EXCHANGE, unlink of the old one: the link is never missing.

    Both names change hands at once (Linux 3.15, renameat2(2)), so the old link could be kept for a rollback.
    """
    os.symlink(target, spare)
    try:
        _rename_exchange(spare, link)
        if not os.path.islink(spare):
            _rename_exchange(spare, link)
            raise OSError(errno.EINVAL, "not a symlink any more")
    except FileNotFoundError:
        os.rename(spare, link)  # there is no old link to exchange
    except OSError:
        os.unlink(spare)
        raise
    else:
        os.unlink(spare)


@strategy
def two_renames(link: str, target: str, spare: str) -> None:
    """symlink to a spare name, rename of the link away, rename of the new one in, unlink of the old one.

    What `mv current old && mv new current` does: between the two renames there is no link.
    """
    away = spare + AWAY
    os.symlink(target, spare)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.rename(link, away)
            if not os.path.islink(away):
                raise OSError(errno.EINVAL, "not a symlink any more")
        os.rename(spare, link)
    except OSError:
        if not os.path.lexists(link):
            with contextlib.suppress(FileNotFoundError):
                os.rename(away, link)
        os.unlink(spare)
        raise
    with contextlib.suppress(FileNotFoundError):
        os.unlink(away)


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def _rename_exchange(one: str, other: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, "this C library has no renameat2")
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL):
        raise OSError(number, "this kernel or file system cannot exchange two names (renameat2)")
    raise OSError(number, os.strerror(number))
