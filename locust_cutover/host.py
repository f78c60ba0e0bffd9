"""Which host this is: CLOCK_MONOTONIC is shared by the processes of one, and by no others."""

from __future__ import annotations

from functools import cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Made up by the kernel at each boot, see random(4): no two hosts have the same."""


@cache
def this_host() -> str:
    """A name that no other host has, nor this one after it was booted again; the same in its containers."""
    return BOOT_ID.read_text().strip()
