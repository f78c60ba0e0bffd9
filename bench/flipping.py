"""What the switcher adds to a flip: `--every 0` against a bare loop of the same system calls, in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 1.0
ROUNDS = 5


def bare(folder: Path, strategy: str) -> float:
    """Flips per second of a loop that does nothing else."""
    link, spare = str(folder / "current"), str(folder / "spare")
    targets = ("a", "b")
    flips = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        target = targets[flips % 2]
        if strategy == "forced":
            os.unlink(link)
            os.symlink(target, link)
        else:
            os.symlink(target, spare)
            os.rename(spare, link)
        flips += 1
    return flips / SECONDS


def switcher(folder: Path, strategy: str) -> float:
    """Flips per second of the switcher, every one of them timed, read back and reported."""
    command = [sys.executable, "-m", "switcher", strategy, "--root", str(folder), "--releases", "a", "b"]
    said = subprocess.run(
        [*command, "--every", "0", "--for", f"{SECONDS:.0f}s"], capture_output=True, text=True, check=True
    ).stdout
    flips: int = json.loads(said.splitlines()[-1])["flips"]
    return flips / SECONDS


def main() -> None:
    """Print the ratio of each pair of rounds and their median, per strategy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for release in ("a", "b"):
            (folder / release).mkdir()
        (folder / "current").symlink_to("a")
        for strategy in ("forced", "atomic"):
            ratios = []
            for _ in range(ROUNDS):
                plain, ours = bare(folder, strategy), switcher(folder, strategy)
                ratios.append(ours / plain)
                print(f"{strategy}: bare loop {plain:6.0f}, switcher {ours:6.0f} flips/s, ratio {ours / plain:.3f}")
            print(f"{strategy}: median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
