"""Linux's inotify, through the C library: reports at once that something came to a name in a folder."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_EVENT = struct.Struct("iIII")
"""struct inotify_event without its name: wd, mask, cookie, len (inotify(7))."""

_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _UNMOUNT, _Q_OVERFLOW, _IGNORED = 0x400, 0x800, 0x2000, 0x4000, 0x8000
_ONLYDIR = 0x0100_0000

_MASK = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF | _ONLYDIR
_ARRIVAL = _MOVED_TO | _CREATE | _MOVE_SELF
_DEPARTURE = _MOVED_FROM | _DELETE
_DEAF = _Q_OVERFLOW | _UNMOUNT | _IGNORED | _DELETE_SELF

_ROOM = 1 << 16


class Inotify:
    """Hears of one name in one folder; OSError if the system has no inotify, or none left."""

    def __init__(self, path: str) -> None:
        self._folder, name = os.path.split(path)
        self._name = os.fsencode(name)
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "inotify_init1"):
            raise OSError(errno.ENOSYS, "this C library has no inotify")
        self.descriptor = self._call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)
        """Readable when there is something to hear."""
        self._watch = -1
        self._inode: tuple[int, int] | None = None
        try:
            self._attach(os.stat(self._folder))
        except OSError:
            self.close()
            raise

    def hear(self) -> tuple[int | None, bool]:
        """How often something came to the name since the last call, and whether something left it.

        None if that is not known: after the queue overflowed, and when the path leads to another folder.
        """
        deaf = False
        try:
            status = os.stat(self._folder)
            if (status.st_dev, status.st_ino) != self._inode:
                deaf = True
                self._attach(status)
        except OSError:
            deaf = True  # there is no folder; the next call looks again
            self._inode = None
        count, left = 0, False
        for watch, mask, name in self._read():
            if mask & _Q_OVERFLOW or (watch == self._watch and mask & _DEAF):
                deaf = True
                if not mask & _Q_OVERFLOW:
                    self._inode = None
            elif watch == self._watch and name in (self._name, b""):
                count += bool(mask & _ARRIVAL)
                left = left or bool(mask & _DEPARTURE)
        return None if deaf else count, left

    def close(self) -> None:
        """Stop listening."""
        os.close(self.descriptor)

    def _attach(self, status: os.stat_result) -> None:
        """Listen to the folder at the path; if it is no longer the one of `status`, the next call notices."""
        old, self._inode = self._watch, None
        self._watch = self._call("inotify_add_watch", self.descriptor, os.fsencode(self._folder), _MASK)
        self._inode = (status.st_dev, status.st_ino)
        if old not in (-1, self._watch):
            self._libc.inotify_rm_watch(self.descriptor, old)

    def _read(self) -> list[tuple[int, int, bytes]]:
        """(watch, mask, name) of all pending events."""
        events: list[tuple[int, int, bytes]] = []
        while True:
            try:
                data = os.read(self.descriptor, _ROOM)
            except BlockingIOError:
                return events
            start = 0
            while start < len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, start)
                start += _EVENT.size + length
                events.append((watch, mask, data[start - length : start].rstrip(b"\0")))

    def _call(self, name: str, *arguments: int | bytes) -> int:
        result: int = getattr(self._libc, name)(*arguments)
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
