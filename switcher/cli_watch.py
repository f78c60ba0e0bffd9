"""The command line that watches: python -m switcher watch."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict

from switcher.cli import CLOSED, Exit, Parser, descriptors, fail, log
from switcher.duration import format_duration
from switcher.flip import COLUMNS
from switcher.place import SiteError
from switcher.schedule import Schedule
from switcher.stop import Stop
from switcher.stream import Stream, StreamClosedError
from switcher.watch import PROBE, WATCH, open_watched, watch

WATCH_EXAMPLES = """
standard output and exit code: see python -m switcher --help
A flip began after `invoked` and was over before `completed`. What the link was in between is not known.

examples, in a folder with the link current:
  python -m switcher watch --root . >flips.jsonl
  python -m switcher watch --root /srv/app --link current --flips 2 --for 30m
"""


def _parser() -> Parser:
    parser = Parser(
        f"python -m switcher {WATCH}",
        "Watches a symlink that somebody else flips, and reports its flips.",
        WATCH_EXAMPLES,
    )
    parser.add_site("the folder with the link; it may be read-only")
    parser.add_end(either=False)
    parser.add_argument(
        "--polling", action="store_true", help=f"look every {format_duration(PROBE)} instead of using inotify"
    )
    return parser


def run_watch(arguments: Sequence[str]) -> int:
    """Watch as the command line says; returns the exit code."""
    options = _parser().parse_args(arguments)
    if (standard := descriptors(options.attached)) is None:
        return fail(Exit.WRONG, CLOSED)
    output, attached = standard
    stop = Stop(attached)
    try:
        watched, witness, problem = open_watched(options.root, options.link, ear=not options.polling)
    except SiteError as error:
        return fail(Exit.WRONG, str(error))
    if problem:
        log(f"inotify is not available ({problem}): looking every {format_duration(PROBE)} instead")
    stream = Stream(output, lambda: witness.watermark)
    try:
        stream.say(
            "ready",
            pid=os.getpid(),
            strategy=WATCH,
            link=watched.link.path,
            release=watched.link.name(witness.target),
            repaired=False,
            columns=COLUMNS,
            by="polling" if watched.ear is None else "inotify",
        )
        schedule = Schedule(time.monotonic_ns(), 0, options.flips, options.length)
        facts = watch(watched, witness, schedule, stream, stop, stay=options.attached)
        stream.say("done", release=watched.link.name(witness.target), repaired=False, **asdict(facts))
    except StreamClosedError as error:
        return fail(Exit.FAILED, f"standard output: {error}")
    finally:
        stop.over()
    return Exit.FAILED if facts.failed else Exit.FINE
