"""The witness: what looks at a link that somebody else flips prove about its flips; pure, no I/O and no clock."""

from __future__ import annotations

from typing import NamedTuple

from switcher.flip import OK

GRAIN = 20_000_000
"""Two changes of a link within this many nanoseconds can leave the same times on disk: two ticks of a slow kernel."""

GRACE = 100_000_000
"""How long after a change was seen inotify may still report it, in nanoseconds; then a look alone counts."""

LIMIT = 10_000_000_000
"""How long a link may be missing within one flip, in nanoseconds; then the flip has failed."""


class Look(NamedTuple):
    """One look at the link; times in nanoseconds of one clock."""

    before: int
    """A time before all of the following was read."""
    after: int
    """A time after all of it was read."""
    arrivals: int | None
    """How often something came to the link's name since the look before; None if that is not known."""
    target: str | None
    """The text of the link at a moment between both times, after the last of the arrivals; None if it was no link."""
    left: bool = False
    """Whether something left the name meanwhile, or anything was reported while the look was taken."""
    state: str = OK
    """OK, or why a visitor who follows the link finds no folder."""
    inode: tuple[int, int] = (0, 0)
    """Device and number of the link itself."""
    changed: int = 0
    """The change time of the link itself."""


class Change(NamedTuple):
    """A flip that was seen: it began at `invoked` or later and was over at `completed` or earlier."""

    target: str
    """The link's target after the flip, or before it if the link is gone."""
    invoked: int
    completed: int
    outcome: str
    """OK, or what was wrong after the flip."""


class Witness:
    """Takes looks, in order, and gives changes, in order of both their times.

    All changes of the link from the first look on are within the cutover of a Change; several that
    come between two looks are within one. So in a cutover the link may have been anything.

    1. Nothing left the name or came to it, and it is the same link: nothing has changed since the last look that
       was settled. The link was still the old one at some moment of that look: the next change begins after it began.
       What is told during the look is told again with the next: it may have happened before or after what was seen.
    2. Else a change is under way until a look settles it: the link is there, and the word of its
       arrival has come. The kernel gives that word after the change can be seen, but before anybody
       can make another change in the folder. A look that saw it first waits, or the change would count twice.
    3. Where the word does not come (a network file system, a link made by hand into a folder that was
       swapped), a look alone settles it. Then a change there and back shows in the link's inode or
       change time only when it took more than GRAIN; the cutover is so much longer.

    `since`: from when on it is known that the first look's link is the same.
    """

    def __init__(self, first: Look, since: int | None = None) -> None:
        self._settled = first
        self._since = first.after if since is None else since
        self._completed = self._since
        self.target = first.target or ""
        """What the link held when it was last seen to be one."""
        self._latest: Look | None = None
        """The first look at what was last seen of the change that is under way; None: nothing changes."""
        self._arrivals = 0
        """Of the change that is under way."""
        self._other = False
        """Whether a look at the change that is under way saw another link, or none."""

    @property
    def watermark(self) -> int:
        """Every change that is not given yet begins later than this."""
        return self._settled.before - 1

    @property
    def waits(self) -> bool:
        """Whether a change is under way."""
        return self._latest is not None

    def see(self, look: Look) -> Change | None:
        """Take the next look; the change that it settles."""
        # 1.
        if self._latest is None and not self._differs(look):
            if look.changed != self._settled.changed:
                self._since = look.after  # its owner or the like
            self._settled = look
            return None
        if self._latest is None or not _same(look, self._latest):
            self._latest = look
        # 2.
        self._arrivals += look.arrivals or 0
        self._other = self._other or look.arrivals is None or not _same(look, self._settled)
        waited = look.before - self._latest.before
        if look.target is None:
            settled = waited >= LIMIT
        else:
            settled = self._arrivals > 0 or look.arrivals is None or waited >= GRACE
        if not settled:
            return None
        if self._arrivals or self._other:
            return self._settle(look)
        # renameat2 with RENAME_EXCHANGE says that the new link came first, and then that the old one left.
        self._settled, self._latest = look, None
        return None

    def end(self, look: Look) -> Change | None:
        """Take the last look; it ends a change that is under way, unless only a report of one has come."""
        change = self.see(look)
        return self._settle(look) if self.waits and (self._arrivals or self._other) else change

    def _differs(self, look: Look) -> bool:
        if look.arrivals is not None:
            return look.arrivals > 0 or look.left or not _same(look, self._settled)
        known = self._settled
        # The last cutover may not cover the time in which another change leaves no trace.
        doubtful = self._completed < self._since + GRAIN and known.before < self._since + GRAIN
        return not _same(look, known) or look.changed != known.changed or (doubtful and look.target is not None)

    def _settle(self, look: Look) -> Change:
        heard = look.arrivals is not None and self._arrivals > 0
        # 3. Not before the one before: a cutover that was made longer may reach into this one.
        self._completed = max(look.after if heard else look.after + GRAIN, self._completed)
        self.target = look.target or self.target
        change = Change(self.target, self._settled.before, self._completed, look.state)
        self._settled, self._since = look, look.after
        self._latest, self._arrivals, self._other = None, 0, False
        return change


def _same(one: Look, other: Look) -> bool:
    return (one.target, one.inode) == (other.target, other.inode)
