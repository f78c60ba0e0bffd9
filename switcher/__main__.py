"""Command line of the switcher: python -m switcher STRATEGY flips, python -m switcher watch watches."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from switcher import cli_flip, cli_watch
from switcher.watch import WATCH


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the switcher; returns its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    return cli_watch.run(arguments[1:]) if arguments[:1] == [WATCH] else cli_flip.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
