"""The files of a release: what is in a folder, whether two hold the same, and copies."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator


def entries(folder: str) -> Iterator[str]:
    """Every name below `folder`, relative to it, in order, each folder before what is in it."""
    for name in sorted(os.listdir(folder)):
        yield name
        path = os.path.join(folder, name)
        if is_folder(path):
            for below in entries(path):
                yield os.path.join(name, below)


def is_folder(path: str) -> bool:
    """Whether it is a real folder; a symlink to one is not."""
    return os.path.isdir(path) and not os.path.islink(path)


def is_same(one: str, other: str) -> bool:
    """Whether two names are of one kind and have the same content, with everything below them."""
    if is_folder(one) and is_folder(other):
        names = sorted(os.listdir(one))
        return names == sorted(os.listdir(other)) and all(
            is_same(os.path.join(one, name), os.path.join(other, name)) for name in names
        )
    return is_same_file(one, other)


def is_same_file(one: str, other: str) -> bool:
    """Whether two names are symlinks with one target, or files with one content."""
    if _kind(one) != _kind(other):
        return False
    if os.path.islink(one):
        return os.readlink(one) == os.readlink(other)
    # Not filecmp: it remembers its answer while size and time stay the same, and two releases may agree in both.
    return os.path.isfile(one) and os.path.getsize(one) == os.path.getsize(other) and is_beginning(one, other)


def is_beginning(part: str, whole: str) -> bool:
    """Whether a file is the beginning of `whole`, like a copy that was cut off."""
    if _kind(part) != stat.S_IFREG or _kind(whole) != stat.S_IFREG:
        return False
    if os.path.getsize(part) > os.path.getsize(whole):
        return False
    with open(part, "rb") as few, open(whole, "rb") as all_of_it:
        while piece := few.read(1 << 16):
            if piece != all_of_it.read(len(piece)):
                return False
    return True


def copy(source: str, destination: str) -> None:
    """Copy a folder, a file or a symlink to a free name, with its mode and times; stops at the first OSError."""
    if not is_folder(source):
        copy_new(source, destination)
        return
    os.mkdir(destination)
    for name in sorted(os.listdir(source)):
        copy(os.path.join(source, name), os.path.join(destination, name))
    shutil.copystat(source, destination)


def copy_new(source: str, destination: str) -> None:
    """Copy a file or symlink, with its mode and times, to a free name.

    OSError if the name is taken: what has it is neither overwritten nor written through.
    """
    if os.path.islink(source):
        os.symlink(os.readlink(source), destination)
        new = None
    elif _kind(source) == stat.S_IFREG:
        new = os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    else:
        raise OSError(errno.EINVAL, f"{source} is neither a file nor a symlink")
    # From here on the name is ours.
    try:
        if new is not None:
            with open(new, "wb") as file, open(source, "rb") as content:
                shutil.copyfileobj(content, file)
        shutil.copystat(source, destination, follow_symlinks=False)
    except OSError:
        os.unlink(destination)
        raise


def copy_file(source: str, destination: str) -> None:
    """Copy a file or symlink over an existing file, but not over a symlink."""
    shutil.copy2(source, destination, follow_symlinks=False)


def remove(path: str, names: Iterable[str]) -> None:
    """Remove a file or a symlink, or a folder that holds these `names` and no other; OSError if it holds others.

    Only for folders of our own: they are made writable first, so that an ordinary user can empty them.
    """
    if is_folder(path):
        names = list(names)
        for folder in filter(is_folder, (path, *(os.path.join(path, name) for name in names))):
            mode = stat.S_IMODE(os.lstat(folder).st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                os.chmod(folder, mode | stat.S_IRWXU)
        remove_names(path, names)
        os.rmdir(path)
    else:
        os.unlink(path)


def remove_names(folder: str, names: Iterable[str]) -> None:
    """Remove these `names` of entries() below `folder`; OSError if a folder is not empty then.

    Not rmtree: that would also remove what somebody has put there meanwhile.
    """
    for name in sorted(names, reverse=True):  # what is in a folder before the folder
        path = os.path.join(folder, name)
        with contextlib.suppress(FileNotFoundError):
            if is_folder(path):
                os.rmdir(path)
            else:
                os.unlink(path)


def _kind(path: str) -> int:
    try:
        return stat.S_IFMT(os.lstat(path).st_mode)
    except FileNotFoundError:
        return 0
