"""What the table was made on: kernel, file system, servers and tools with their versions."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from matrix.strategies import Strategy


def machine() -> dict[str, str]:
    """Kernel, distribution, processors, and the file system that the sites are on."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    return {
        "system": release.get("PRETTY_NAME", platform.system()),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "file system": file_system(Path(tempfile.gettempdir()), Path("/proc/mounts").read_text()),
        "Python": platform.python_version(),
    }


def file_system(folder: Path, mounts: str) -> str:
    """The type of the file system that `folder` is on, by the text of /proc/mounts."""
    path = folder.resolve()
    best, found = -1, "?"
    for line in mounts.splitlines():
        _, mount, kind, *_ = line.split(" ")
        # The last of two mounts at one place is on top. Spaces are written in octal there.
        point = Path(mount.encode().decode("unicode_escape"))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), kind
    return found


def tools(strategies: list[Strategy]) -> dict[str, str]:
    """By program that a strategy runs: the first line of its version."""
    names = dict.fromkeys(program for strategy in strategies for program in programs(strategy.command))
    return {program: version(program) for program in names}


def programs(command: list[str]) -> list[str]:
    """The programs of a command: its first word, or of a shell's script the first word of each part."""
    if command[:1] != ["sh"]:
        return command[:1]
    return list(dict.fromkeys(part.split()[0] for part in command[2].split("&&")))


def version(program: str) -> str:
    """What it prints, or that it is not installed."""
    path = shutil.which(program)
    if path is None:
        return "not installed"
    said = subprocess.run([path, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if said.returncode != 0 or not said.stdout.strip():  # BusyBox says it in its help
        said = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return said.stdout.strip().splitlines()[0] if said.stdout.strip() else "?"
