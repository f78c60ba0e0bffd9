"""Command line of the switcher: python -m switcher STRATEGY flips, python -m switcher watch watches."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from switcher.cli_flip import run_flips
from switcher.cli_watch import run_watch
from switcher.watch import WATCH


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the switcher; returns its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    return run_watch(arguments[1:]) if arguments[:1] == [WATCH] else run_flips(arguments)


if __name__ == "__main__":
    sys.exit(main())
