"""A file that a server needs, and its package."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """A program or module that a server needs."""

    name: str
    """Its name in error messages."""
    package: str
    """Its package on Debian and Ubuntu."""
    pattern: str = ""
    """The pattern of its file name if that contains a version; the newest file is used."""
    folder: str = ""
    """Its folder; empty: search PATH."""

    def path(self) -> str | None:
        """The path of its file; None when it is not installed."""
        # Debian installs servers in sbin, which is not in an ordinary user's PATH.
        folders = [self.folder] if self.folder else [*os.get_exec_path(), "/usr/sbin"]
        for folder in folders:
            for file in sorted(Path(folder).glob(self.pattern or self.name), reverse=True):
                if file.is_file() and os.access(file, os.R_OK if self.folder else os.X_OK):
                    return str(file)
        return None
