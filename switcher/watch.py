"""Watches a link that somebody else flips: looks when inotify reports a change, and every few milliseconds."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass

from switcher.flip import OK, Facts, Row
from switcher.inotify import Inotify
from switcher.link import Link
from switcher.place import SiteError
from switcher.schedule import Schedule
from switcher.stop import Stop
from switcher.stream import Stream
from switcher.witness import GRAIN, Change, Look, Witness

WATCH = "watch"
"""The name that replaces a strategy's where somebody else flips."""

PROBE = 5_000_000
"""The longest time between two looks, in nanoseconds. A cutover is about as wide, since it begins with a look."""

LONGEST_GAP = 500_000_000
"""How long the link may be missing at the start, in nanoseconds: it could be in the gap of a flip."""

MISSING = "the link is missing"


@dataclass
class Watched:
    """A link that is only looked at; `ear` hears of its changes, None without inotify."""

    link: Link
    ear: Inotify | None
    told: tuple[int | None, bool] = (0, False)
    """What the ear heard during the last look."""

    def look(self) -> Look:
        """Take one look."""
        before = time.monotonic_ns()
        # First, so that what is heard happened before what is seen.
        arrivals, left = self._hear(self.told)
        target, inode, changed = None, (0, 0), 0
        try:
            # Opened once, so that inode and target are of the same link.
            link = os.open(self.link.path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                status = os.fstat(link)
                inode, changed = (status.st_dev, status.st_ino), status.st_ctime_ns
                if stat.S_ISLNK(status.st_mode):
                    target = os.readlink("", dir_fd=link)
            finally:
                os.close(link)
            state = self._state(target)
        except FileNotFoundError:
            state = MISSING
        except OSError as error:
            state = error.strerror or str(error)
        # A link that was there for a moment only, and looked the same, is reported by now.
        self.told = self._hear((0, False))
        left = left or self.told != (0, False)
        return Look(before, time.monotonic_ns(), arrivals, target, left, state, inode, changed)

    def _hear(self, before: tuple[int | None, bool]) -> tuple[int | None, bool]:
        """What the ear hears now, added to what it heard before."""
        if self.ear is None:
            return None, False
        arrivals, left = self.ear.hear()
        total = None if arrivals is None or before[0] is None else arrivals + before[0]
        return total, left or before[1]

    def _state(self, target: str | None) -> str:
        if target is None:
            return "not a symlink any more"
        if not os.path.isdir(os.path.join(os.path.dirname(self.link.path), target)):
            return f"the link points to {target}, which is no folder"
        return OK


def open_watched(root: str, link: str, ear: bool = True) -> tuple[Watched, Witness, str]:
    """The link `link` below `root`, its witness, and why inotify cannot be used (empty if it can or is not wanted).

    Touches nothing. Raises SiteError when there is no link to a folder.
    """
    # The path as given: replacing a folder on the way to the link replaces the link.
    path = os.path.normpath(os.path.join(os.path.abspath(root), link))
    if not os.path.isdir(root):
        raise SiteError(f"root {root}: no such folder")
    if not path.startswith(os.path.join(os.path.abspath(root), "")):
        raise SiteError(f"link {link}: not below root {root}")
    watched, problem = Watched(Link(path, {}, os.path.realpath(root)), None), ""
    first = _first(watched)
    if ear:
        try:
            watched.ear = Inotify(path)
        except OSError as error:
            problem = error.strerror or str(error)
    if watched.ear is not None:
        return watched, Witness(_first(watched)), problem
    # A link that has just been made may soon be replaced by one that looks the same.
    time.sleep(2 * GRAIN / 1e9)
    again = watched.look()
    same = again._replace(before=first.before, after=first.after) == first
    return watched, Witness(again, since=first.after) if same else Witness(first), problem


def _first(watched: Watched) -> Look:
    """The first look that sees a link; SiteError if there is none within LONGEST_GAP."""
    started = time.monotonic_ns()
    while (look := watched.look()).target is None:
        if look.after - started > LONGEST_GAP:
            state = "no such link" if look.state == MISSING else look.state.removesuffix(" any more")
            raise SiteError(f"link {watched.link.path}: {state}; watching needs a link to begin with")
        time.sleep(PROBE / 1e9)
    if look.state != OK:
        raise SiteError(f"link {watched.link.path}: {look.state.removeprefix('the link ')}")
    return look


def watch(watched: Watched, witness: Witness, schedule: Schedule, stream: Stream, stop: Stop, stay: bool) -> Facts:
    """Look until the schedule ends or a stop is requested; returns the facts for the `done` event.

    `stay`: at the end of the schedule say `over`, and keep looking until a stop. The flips of others go on,
    and the reader of the stream may still have visits to judge.
    """
    facts = Facts()

    def tell(change: Change | None) -> None:
        if change is None:
            return
        facts.flips += 1
        facts.failed += change.outcome != OK
        name = watched.link.name(change.target)
        held = name if change.outcome == OK else None
        stream.add(Row(facts.flips, name, None, change.invoked, change.completed, held, change.outcome))

    while True:
        look = watched.look()
        tell(witness.see(look))
        stream.rest()
        if not facts.reason and schedule.due(facts.flips, look.after) is None:
            facts.reason = "schedule"
            if stay:
                stream.say("over")
        if stop.reason is not None or (facts.reason and not stay):
            break
        if watched.ear is None:
            stop.wait(look.after + PROBE)
        else:
            stop.wait(look.after + (PROBE if watched.told == (0, False) else 0), watched.ear.descriptor)
    if witness.waits:
        tell(witness.end(watched.look()))
    stream.rest()
    facts.reason = facts.reason or stop.reason or ""
    return facts
