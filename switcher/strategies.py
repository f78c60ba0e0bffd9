"""Registry of the ways to point the link at another release, one small function each."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import time
from collections.abc import Callable
from typing import TypeVar

from switcher.tree import copy_file, copy_new, entries, is_folder, remove_names

Strategy = Callable[[str, str, str], None]
"""strategy(link, target, spare): point `link` at `target`.

`spare` is a free name in the link's folder, and so is `spare` followed by AWAY. A strategy either
returns with the link in place or raises OSError; it removes what it made under these names.

If `link` is a real folder, the strategy makes it a copy of `target`. For one of COPYING there is
such a copy at `spare` already, and the old one may stay at `spare` followed by AWAY.
"""

Way = TypeVar("Way", bound=Strategy)

AWAY = ".old"
"""The end of the name, after the spare name, to which a strategy moves the old link."""

STRATEGIES: dict[str, Strategy] = {}
"""The strategies for a link."""

FOLDER_STRATEGIES: dict[str, Strategy] = {}
"""The strategies for a `current` that is a real folder."""


def strategy(way: Way) -> Way:
    """Register `way` under its own name."""
    STRATEGIES[_name(way)] = way
    return way


def folder_strategy(way: Way) -> Way:
    """Register `way`, for a real folder, under its own name."""
    FOLDER_STRATEGIES[_name(way)] = way
    return way


def _free_away(spare: str) -> str:
    """The name to move the old link to; FileExistsError if it is taken, since a rename would replace what is there."""
    if os.path.lexists(spare + AWAY):
        raise FileExistsError(errno.EEXIST, f"{spare + AWAY} is not ours and was left there")
    return spare + AWAY


def _name(way: Strategy) -> str:
    return way.__name__.replace("_", "-")


@strategy
def forced(link: str, target: str, spare: str, gap: int = 0) -> None:
    """unlink, symlink: what `ln -sfn` is where it does not rename (BusyBox, uutils, BSD).

    Between the two calls there is no link at all, for `gap` nanoseconds longer than they take. A link that is
    already missing (an earlier flip that failed half-way) is made again, as `ln` would.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(link)
    _pause(gap)
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
def two_renames(link: str, target: str, spare: str, gap: int = 0) -> None:
    """symlink to a spare name, rename of the link away, rename of the new one in, unlink of the old one.

    What `mv current old && mv new current` does: between the two renames there is no link, for `gap` nanoseconds
    longer than they take.
    """
    away = _free_away(spare)
    os.symlink(target, spare)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.rename(link, away)
            if not os.path.islink(away):
                raise OSError(errno.EINVAL, "not a symlink any more")
        _pause(gap)
        os.rename(spare, link)
    except OSError:
        if not os.path.lexists(link):
            with contextlib.suppress(FileNotFoundError):
                os.rename(away, link)
        os.unlink(spare)
        raise
    with contextlib.suppress(FileNotFoundError):
        os.unlink(away)


GAPPED: dict[str, Callable[[str, str, str, int], None]] = {_name(way): way for way in (forced, two_renames)}
"""The strategies with a gap that can be made longer."""


def with_gap(name: str, gap: int) -> Strategy:
    """The strategy of this name, one of GAPPED, with a pause of `gap` nanoseconds between its two calls.

    The pause gives up the processor, so that the gap can be seen on a machine with one processor as well.
    """
    way = GAPPED[name]

    def gapped(link: str, target: str, spare: str) -> None:
        """The strategy with its pause."""
        way(link, target, spare, gap)

    return gapped


def _pause(gap: int) -> None:
    if gap:
        time.sleep(gap / 1e9)


@folder_strategy
def swap_folders(folder: str, target: str, spare: str) -> None:
    """rename of the folder away, rename of the copy of the new release in: between the two there is no folder.

    Copying is done before and the old copy is removed afterwards, so the release itself stays where it is.
    """
    away = _free_away(spare)
    with contextlib.suppress(FileNotFoundError):
        os.rename(folder, away)
    try:
        os.rename(spare, folder)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.rename(away, folder)
        raise


COPYING = frozenset({swap_folders})
"""The strategies that need a copy of the release at the spare name."""


@folder_strategy
def in_place(folder: str, target: str, spare: str) -> None:
    """Per file: open of a spare one with O_EXCL, write, close, rename over the old one. Then unlink of what goes.

    What `rsync` does. Each file is old or new, and for a while the folder holds both kinds.
    """

    def replace(source: str, path: str) -> None:
        copy_new(source, spare)
        try:
            os.rename(spare, path)
        except OSError:
            os.unlink(spare)
            raise

    _copy_over(folder, target, replace)


@folder_strategy
def in_place_truncate(folder: str, target: str, spare: str) -> None:
    """Per file: open with O_TRUNC, copy, close. Then unlink of what the release has not.

    What a plain `cp -r` does. For a while a file is empty or ends in the middle.
    """

    def overwrite(source: str, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            old = os.lstat(path)
            # A symlink cannot be written over, and must not be written through.
            if stat.S_ISLNK(old.st_mode) or os.path.islink(source):
                os.unlink(path)
            elif old.st_nlink > 1:
                raise OSError(errno.EMLINK, f"{path} is hard-linked: writing to it would change the other file as well")
        copy_file(source, path)

    _copy_over(folder, target, overwrite)


OVERWRITING = frozenset({in_place_truncate})
"""The strategies that write into existing files, and so into every hard link to them."""


def _copy_over(folder: str, target: str, copy_over: Callable[[str, str], None]) -> None:
    """Make `folder` hold what `target`, seen from beside it, holds.

    1. The names that the release has, in order: its folders are made, its files copied.
    2. The names that it has not are removed.

    Only what was there at the beginning is replaced or removed. What comes meanwhile (an upload) stays; it is
    an OSError if it is in the way.
    """
    release = os.path.join(os.path.dirname(folder), target)
    os.makedirs(folder, exist_ok=True)
    had = set(entries(folder))
    wanted = list(entries(release))
    # 1.
    for name in wanted:
        source, path = os.path.join(release, name), os.path.join(folder, name)
        if os.path.lexists(path):
            kinds = is_folder(path), is_folder(source)
            if name not in had and kinds != (True, True):
                raise FileExistsError(errno.EEXIST, f"{name} appeared during the flip and was left there")
            if kinds[0] != kinds[1]:
                old = {known for known in had if known == name or known.startswith(name + os.sep)}
                remove_names(folder, old)
                had -= old
        if is_folder(source):
            os.makedirs(path, exist_ok=True)
        else:
            copy_over(source, path)
    # 2.
    remove_names(folder, had.difference(wanted))


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
