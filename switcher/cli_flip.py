"""The command line that flips: python -m switcher STRATEGY."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from random import Random

from switcher.cli import CLOSED, Exit, Parser, descriptors, duration, fail, log, positive_duration, share, whole_number
from switcher.command import COMMAND, PLACEHOLDERS, check_program, run_command
from switcher.duration import parse_duration
from switcher.flip import COLUMNS, Facts
from switcher.folder import open_folder
from switcher.link import open_link
from switcher.original import Original, remember
from switcher.place import Place, SiteError
from switcher.processors import STRETCH, Processors
from switcher.schedule import Schedule, draw_seed
from switcher.stop import Stop
from switcher.strategies import COPYING, FOLDER_STRATEGIES, GAPPED, OVERWRITING, STRATEGIES, with_gap
from switcher.stream import Stream, StreamClosedError
from switcher.switch import stand_by, switch

USAGE = """python -m switcher STRATEGY --root FOLDER (--releases A B [...] | --discover) --every TIME
                          [--link NAME] [--for TIME | --flips N] [--jitter SHARE] [--seed N] [--gap TIME]
                          [--attached [--extend]] [--restore]
                          [--timeout TIME] [--log FILE] [--folder] [-- COMMAND ...]
       python -m switcher watch --root FOLDER
                          [--link NAME] [--for TIME | --flips N] [--attached] [--polling]"""

FLIP_EXAMPLES = """
standard output: JSON lines (ready, flips, heartbeat, done); times are CLOCK_MONOTONIC nanoseconds
exit code: 0 all flips succeeded, 1 a flip or the run failed, 2 the command line or the site is wrong

examples, in a folder with the folders a and b:
  python -m switcher forced --root . --releases a b --every 20ms --for 10s
  python -m switcher atomic --root . --releases a b --every 0 --flips 5000 >flips.jsonl
  python -m switcher command --root . --releases a b --every 1s --flips 3 -- ln -sfn {target} {link}
  python -m switcher command --root . --discover --restore --every 1s --flips 1 -- ln -sfn b {link}

watch changes nothing; it reports when somebody else flips
  python -m switcher watch --root . --link current --for 10s
"""

TIMEOUT = "30s"
"""How long a command may take by default."""


def _parser() -> Parser:
    parser = Parser(
        "python -m switcher", "Flips a symlink between releases and reports when it did.", FLIP_EXAMPLES, usage=USAGE
    )
    option = parser.add_argument
    option(
        "strategy",
        metavar="STRATEGY",
        choices=[*STRATEGIES, *FOLDER_STRATEGIES, COMMAND],
        help=f"how to flip a link: {', '.join(STRATEGIES)}; a real folder: {', '.join(FOLDER_STRATEGIES)}; "
        f"or {COMMAND}: run what follows --, with {', '.join('{' + name + '}' for name in PLACEHOLDERS)} replaced",
    )
    parser.add_site("the folder with the link and the releases")
    releases = parser.add_mutually_exclusive_group(required=True).add_argument
    releases("--releases", nargs="+", metavar="NAME", help="folders below root, flipped to one after another")
    releases("--discover", action="store_true", help=f"for {COMMAND}: it makes new releases; read them from the link")
    option("--every", required=True, type=duration, metavar="TIME", help="from start to start; 0: as fast as possible")
    parser.add_end(either=True)
    jitter = "random part of the interval, from 0, an exact beat, to 1 (default: 1); keeps flips out of step with loads"
    option("--jitter", type=share, metavar="SHARE", help=jitter)
    option("--seed", type=whole_number, metavar="N", help="seed of random times and processors (default: a new one)")
    gap = f"for {' and '.join(GAPPED)}: pause between the two calls"
    option("--gap", type=positive_duration, metavar="TIME", help=gap)
    timeout = f"for {COMMAND}: kill it after this time (default: {TIMEOUT})"
    option("--timeout", type=positive_duration, metavar="TIME", help=timeout)
    option("--folder", action="store_true", help=f"for {COMMAND}: the link is a real folder, a copy of a release")
    option("--log", metavar="FILE", help=f"for {COMMAND}: append its output to FILE (default: standard error)")
    extend = "with --attached: go on after --for or --flips; each line on standard input flips as much again"
    option("--extend", action="store_true", help=extend)
    restore = "at the end put the link back where it was; with --attached only after the end of standard input"
    option("--restore", action="store_true", help=restore)
    return parser


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; those that contradict each other are an error."""
    parser = _parser()
    # By hand: argparse gives what follows -- to any option that can take more arguments.
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:split])
    options.command = arguments[split + 1 :]
    name, runs_command = options.strategy, options.strategy == COMMAND
    for_command = options.command or options.timeout or options.folder or options.log
    options.is_folder = options.folder or name in FOLDER_STRATEGIES
    for is_wrong, message in (
        (runs_command and not options.command, f"strategy {COMMAND}: the command is missing; write it after --"),
        (
            not runs_command and for_command,
            f"strategy {name}: a command, --timeout, --log and --folder have no effect; they are for {COMMAND}",
        ),
        (options.gap and name not in GAPPED, f"--gap: has no effect with {name}; it is for {' and '.join(GAPPED)}"),
        (
            options.jitter is not None and not options.every,
            "--jitter: has no effect with --every 0, where flips have no interval",
        ),
        (options.extend and not options.attached, "--extend: has no effect without --attached"),
        (
            options.discover and (not runs_command or options.is_folder),
            f"--discover: expected strategy {COMMAND} and a link; otherwise name the releases (--releases)",
        ),
        (options.restore and options.is_folder, "--restore: expected a link, got a real folder"),
    ):
        if is_wrong:
            parser.error(message)
    return options


def _open(options: argparse.Namespace) -> tuple[Place, Original | None]:
    """What is flipped, and where to put it back; SiteError when it cannot be."""
    if options.is_folder:
        way = FOLDER_STRATEGIES.get(options.strategy)
        copies, overwrites = way in COPYING, way in OVERWRITING
        return open_folder(options.root, options.link, options.releases, copies, overwrites), None
    link = open_link(options.root, options.link, options.releases)
    return link, remember(link) if options.restore else None


def run_flips(arguments: Sequence[str]) -> int:
    """Flip as the command line says; returns the exit code.

    1. Check the command line and the site. Until here nothing is touched.
    2. Repair the link if it is broken, and say `ready`.
    3. Flip. With --extend, and with --restore while attached, say `over` and wait for standard input.
    4. Leave the link on a release, or where it was, and say `done`.
    """
    # 1.
    options = _parse(arguments)
    try:
        place, original = _open(options)
        root, releases = os.path.abspath(options.root), {target: name for name, target in place.targets.items()}
        if options.strategy == COMMAND:
            check_program(options.command, place.path, root, releases)
    except SiteError as error:
        return fail(Exit.WRONG, str(error))
    if options.log is not None:
        try:
            with open(options.log, "ab"):
                pass
        except OSError as error:
            return fail(Exit.WRONG, f"--log {options.log}: {error.strerror}")
    if (standard := descriptors(options.attached)) is None:
        return fail(Exit.WRONG, CLOSED)
    output, attached = standard
    stop, stream = Stop(attached), Stream(output)
    jitter = 0.0 if not options.every else 1.0 if options.jitter is None else options.jitter
    seed = draw_seed() if options.seed is None else options.seed
    processors = None
    if options.strategy == COMMAND:
        timeout = options.timeout or parse_duration(TIMEOUT)
        strategy = run_command(options.command, timeout, root, releases, options.log)
    else:
        # A command's processes run where the system lets them.
        processors = Processors(seed, 1 if options.every else STRETCH)
        strategy = {**STRATEGIES, **FOLDER_STRATEGIES}[options.strategy]
        strategy = with_gap(options.strategy, options.gap) if options.gap else strategy
    # 2.
    try:
        place.spare()  # finds out now whether there is a free name, and removes what a killed switcher left
        if original is not None:
            original.rehearse()
        repaired = _make_whole(place)
    except OSError as error:
        return fail(Exit.WRONG, f"{place.kind} {place.path}: cannot be made: {error.strerror}")
    facts = Facts()
    try:
        try:
            stream.say(
                "ready",
                pid=os.getpid(),
                strategy=options.strategy,
                link=place.path,
                release=place.release(),
                repaired=repaired,
                columns=COLUMNS,
                jitter=jitter,
                seed=seed,
            )
            # 3.
            now = time.monotonic_ns()
            schedule = Schedule(now, options.every, options.flips, options.length, jitter, Random(seed))
            switch(place, strategy, schedule, stream, stop, facts, processors)
            while options.extend or (original is not None and options.attached):
                stream.say("over")
                if not stand_by(stream, stop, again=options.extend):
                    break
                switch(place, strategy, schedule.again(time.monotonic_ns()), stream, stop, facts, processors)
        finally:
            # 4.
            repaired = _make_whole(place) if original is None else original.put_back()
        stream.say("done", release=place.release(), repaired=repaired, **asdict(facts))
    except StreamClosedError as error:
        return fail(Exit.FAILED, f"standard output: {error}")
    except OSError as error:
        state = "is not on a whole release" if original is None else f"cannot be put back on {original.target}"
        return fail(Exit.FAILED, f"{place.kind} {place.path}: {state}: {error.strerror}")
    finally:
        stop.over()
    return Exit.FAILED if facts.failed else Exit.FINE


def _make_whole(place: Place) -> bool:
    """Repair a missing or dangling link, or a folder with files of several releases, and say so; whether it did."""
    if place.is_whole():
        return False
    was = place.points_to()
    place.repair()
    state = "it was missing" if was is None else f"{place.holds} {was}, which is no whole release"
    log(f"{place.path}: {state}; repaired: {place.holds} {place.release()} now")
    return True
