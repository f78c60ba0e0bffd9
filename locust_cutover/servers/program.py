"""What must be installed for a server: a file, and the package that has it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """A program that a server needs, or a module of one."""

    name: str
    """What an error calls it."""
    package: str
    """The package on Debian and Ubuntu that has it."""
    pattern: str = ""
    """What its file is called where that holds a version; the newest is taken."""
    folder: str = ""
    """Where it is when that is not PATH."""

    def path(self) -> str | None:
        """The path of its file; None when it is not installed."""
        # Debian keeps servers in sbin, which an ordinary user's PATH lacks.
        folders = [self.folder] if self.folder else [*os.get_exec_path(), "/usr/sbin"]
        for folder in folders:
            for file in sorted(Path(folder).glob(self.pattern or self.name), reverse=True):
                if file.is_file() and os.access(file, os.R_OK if self.folder else os.X_OK):
                    return str(file)
        return None
