"""Whose CLOCK_MONOTONIC this is: the processes of one host share it, if they are in one time namespace."""

from __future__ import annotations

from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Made up by the kernel at each boot, see random(4): no two hosts have the same."""

NAMESPACES = Path("/proc/self/ns")
"""Links that name the namespaces of this process, see time_namespaces(7)."""


def this_clock() -> str:
    """A name for the clock of this process; processes with the same name have the same CLOCK_MONOTONIC."""
    return _clock("time")


def childrens_clock() -> str:
    """The same for a child that is started now: whose clock the switcher has.

    It differs from `this_clock` where this process has made a time namespace and stayed outside.
    """
    return _clock("time_for_children")


def _clock(namespace: str) -> str:
    link = NAMESPACES / namespace
    # Linux before 5.6 has no time namespaces.
    return f"{BOOT_ID.read_text().strip()} {link.readlink() if link.is_symlink() else ''}".strip()
