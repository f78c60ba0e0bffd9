"""Command line of the switcher: python -m switcher."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from random import Random
from typing import NoReturn

from switcher.command import COMMAND, PLACEHOLDERS, check_program, run_command
from switcher.duration import format_duration, parse_duration
from switcher.folder import open_folder
from switcher.link import open_link
from switcher.original import Original, remember
from switcher.place import Place, SiteError
from switcher.processors import Processors
from switcher.schedule import Schedule, draw_seed
from switcher.stop import Stop
from switcher.strategies import COPYING, FOLDER_STRATEGIES, GAPPED, OVERWRITING, STRATEGIES, with_gap
from switcher.stream import COLUMNS, Stream, StreamClosedError
from switcher.switch import Facts, linger, switch
from switcher.watch import PROBE, WATCH, open_watched, watch

USAGE = """python -m switcher STRATEGY --root FOLDER (--releases A B [...] | --discover) --every TIME
                          [--link NAME] [--for TIME | --flips N] [--jitter SHARE] [--seed N] [--gap TIME]
                          [--attached [--extend]] [--restore]
                          [--timeout TIME] [--log FILE] [--folder] [-- COMMAND ...]
       python -m switcher watch --root FOLDER
                          [--link NAME] [--for TIME | --flips N] [--attached] [--polling]"""

EXAMPLES = """
standard output: JSON lines (ready, flips, heartbeat, done); times are CLOCK_MONOTONIC nanoseconds
exit code: 0 all flips took, 1 some did not, 2 the command line or the site is wrong

examples, in a folder with the folders a and b:
  python -m switcher forced --root . --releases a b --every 20ms --for 10s
  python -m switcher atomic --root . --releases a b --every 0 --flips 5000 >flips.jsonl
  python -m switcher command --root . --releases a b --every 1s --flips 3 -- ln -sfn {target} {link}
  python -m switcher command --root . --discover --restore --every 1s --flips 1 -- ln -sfn b {link}

watch flips nothing and touches nothing: it says when somebody else flips
  python -m switcher watch --root . --link current --for 10s
"""

WATCH_EXAMPLES = """
standard output and exit code: as of python -m switcher --help
a flip began after invoked and was over before completed; what the link was in between, once or several times,
is not known

examples, in a folder with the link current:
  python -m switcher watch --root . >flips.jsonl
  python -m switcher watch --root /srv/app --link current --flips 2 --for 30m
"""


TIMEOUT = "30s"
"""How long a command may take where nothing is said."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(_fail(2, message))


def _duration(text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _some(text: str) -> int:
    duration = _duration(text)
    if duration == 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return duration


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:  # nan neither
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return share


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m switcher",
        usage=USAGE,
        description="Flips a symlink between releases and says when it did.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "strategy",
        metavar="STRATEGY",
        choices=[*STRATEGIES, *FOLDER_STRATEGIES, COMMAND],
        help=f"how to flip: {', '.join(STRATEGIES)}; where the link is a real folder, {', '.join(FOLDER_STRATEGIES)}; "
        f"or {COMMAND}: what stands after --, with {', '.join('{' + name + '}' for name in PLACEHOLDERS)} replaced",
    )
    parser.add_argument("--root", required=True, metavar="FOLDER", help="the folder with the link and the releases")
    parser.add_argument("--link", default="current", metavar="NAME", help="the link, below root (default: current)")
    releases = parser.add_mutually_exclusive_group(required=True)
    releases.add_argument("--releases", nargs="+", metavar="NAME", help="folders below root, in turn")
    releases.add_argument(
        "--discover", action="store_true", help=f"for {COMMAND}: it makes a new release that the link then names"
    )
    parser.add_argument(
        "--every", required=True, type=_duration, metavar="TIME", help="start to start; 0: as fast as possible"
    )
    _add_end(parser.add_mutually_exclusive_group())
    parser.add_argument(
        "--jitter",
        type=_share,
        metavar="SHARE",
        help="how much of its interval a flip may come at random, so that no load stays in step: "
        "from 0, an exact beat, to 1 (default: 1)",
    )
    parser.add_argument(
        "--seed", type=_seed, metavar="N", help="of what is random; the same one gives the same times (default: drawn)"
    )
    parser.add_argument(
        "--gap", type=_some, metavar="TIME", help=f"for {' and '.join(GAPPED)}: a pause between their two calls"
    )
    parser.add_argument(
        "--timeout", type=_some, metavar="TIME", help=f"for {COMMAND}: kill it after this time (default: {TIMEOUT})"
    )
    parser.add_argument(
        "--folder", action="store_true", help=f"for {COMMAND}: the link is a real folder, a copy of a release"
    )
    parser.add_argument(
        "--log", metavar="FILE", help=f"for {COMMAND}: append what it prints to FILE (default: standard error)"
    )
    parser.add_argument("--attached", action="store_true", help="stop at the end of standard input, too")
    parser.add_argument(
        "--extend",
        action="store_true",
        help="with --attached: do not end with --for or --flips; each line on standard input is once more as long",
    )
    parser.add_argument(
        "--restore",
        action="store_true",
        help="at the end put the link back where it was; with --attached not before the end of standard input",
    )
    return parser


def _add_end(end: argparse._ActionsContainer) -> None:
    end.add_argument("--for", dest="length", type=_some, metavar="TIME", help="stop after this time")
    end.add_argument("--flips", type=_count, metavar="N", help="stop after this many flips")


def _watch_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"python -m switcher {WATCH}",
        description="Watches a symlink that somebody else flips, and says when it was.",
        epilog=WATCH_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--root", required=True, metavar="FOLDER", help="the folder with the link; it may be read-only")
    parser.add_argument("--link", default="current", metavar="NAME", help="the link, below root (default: current)")
    _add_end(parser)  # whichever comes first
    parser.add_argument(
        "--polling", action="store_true", help=f"only look, every {format_duration(PROBE)}; do without inotify"
    )
    parser.add_argument("--attached", action="store_true", help="stop at the end of standard input, too")
    return parser


def _watch(arguments: Sequence[str]) -> int:
    """Watch; returns the exit code."""
    options = _watch_parser().parse_args(arguments)
    if sys.stdout is None or (options.attached and sys.stdin is None):
        return _fail(2, "standard output, and with --attached standard input, must be open")
    stop = Stop(attached=sys.stdin.fileno() if options.attached else None)
    try:
        watched, witness, problem = open_watched(options.root, options.link, ear=not options.polling)
    except SiteError as error:
        return _fail(2, str(error))
    if problem:
        _log(f"no inotify ({problem}): looks every {format_duration(PROBE)} instead")
    stream = Stream(sys.stdout.fileno(), lambda: witness.watermark)
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
        facts = watch(watched, witness, schedule, stream, stop, linger=options.attached)
        stream.say("done", release=watched.link.name(witness.target), repaired=False, **facts)
    except StreamClosedError as error:
        return _fail(1, f"standard output: {error}")
    finally:
        stop.over()
    return 1 if facts["failed"] else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the switcher; returns its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments[:1] == [WATCH]:
        return _watch(arguments[1:])
    parser = _parser()
    # By hand: argparse gives what stands after -- to whatever can take more arguments.
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options, command = parser.parse_args(arguments[:split]), arguments[split + 1 :]
    if options.strategy == COMMAND and not command:
        parser.error(f"strategy {COMMAND}: the command is missing; write it after --")
    if options.strategy != COMMAND and (command or options.timeout or options.folder or options.log):
        parser.error(f"strategy {options.strategy}: takes no command, no --timeout, no --log and no --folder")
    strategy = STRATEGIES.get(options.strategy) or FOLDER_STRATEGIES.get(options.strategy)
    is_folder = options.folder or options.strategy in FOLDER_STRATEGIES
    if options.gap and options.strategy not in GAPPED:
        parser.error(f"--gap: only {' and '.join(GAPPED)} have a gap between two calls")
    if options.jitter is not None and not options.every:
        parser.error("--jitter: has no effect with --every 0, where flips have no interval")
    if options.extend and not options.attached:
        parser.error("--extend: has no effect without --attached")
    if options.discover and (options.strategy != COMMAND or is_folder):
        parser.error("--discover: only a command that flips a link makes a release to discover; name the releases")
    if options.restore and is_folder:
        parser.error("--restore: is for a link, not for a real folder")
    facts = Facts()
    link: Place
    original: Original | None = None
    try:
        if is_folder:
            copies, overwrites = strategy in COPYING, strategy in OVERWRITING
            link = open_folder(options.root, options.link, options.releases, copies, overwrites)
        else:
            link = open_link(options.root, options.link, options.releases)
            original = remember(link) if options.restore else None
        root, releases = os.path.abspath(options.root), {target: name for name, target in link.targets.items()}
        if strategy is None:
            check_program(command, link.path, root, releases)
    except SiteError as error:
        return _fail(2, str(error))
    if options.log is not None:
        try:
            with open(options.log, "ab"):
                pass
        except OSError as error:
            return _fail(2, f"--log {options.log}: {error.strerror}")
    # Python sets a standard stream that the caller closed to None.
    if sys.stdout is None or (options.attached and sys.stdin is None):
        return _fail(2, "standard output, and with --attached standard input, must be open")
    stop = Stop(attached=sys.stdin.fileno() if options.attached else None)
    stream = Stream(sys.stdout.fileno())
    jitter = 0.0 if not options.every else 1.0 if options.jitter is None else options.jitter
    seed = draw_seed() if options.seed is None else options.seed
    processors = None
    if strategy is None:
        strategy = run_command(command, options.timeout or parse_duration(TIMEOUT), root, releases, options.log)
    else:
        processors = Processors(seed)  # a command's processes run where the system lets them
        strategy = with_gap(options.strategy, options.gap) if options.gap else strategy
    try:
        link.spare()  # a name that cannot be had, and what a killed switcher left, is found now
        if original is not None:
            original.rehearse()
        repaired = _make_whole(link)
    except OSError as error:
        return _fail(2, f"{link.kind} {link.path}: cannot be made: {error.strerror}")
    try:
        try:
            stream.say(
                "ready",
                pid=os.getpid(),
                strategy=options.strategy,
                link=link.path,
                release=link.release(),
                repaired=repaired,
                columns=COLUMNS,
                jitter=jitter,
                seed=seed,
            )
            now = time.monotonic_ns()
            schedule = Schedule(now, options.every, options.flips, options.length, jitter, Random(seed))
            switch(link, strategy, schedule, stream, stop, facts, processors)
            while options.extend or (original is not None and options.attached):
                stream.say("over")
                if not linger(stream, stop, again=options.extend):
                    break
                switch(link, strategy, schedule.again(time.monotonic_ns()), stream, stop, facts, processors)
        finally:
            repaired = _make_whole(link) if original is None else original.put_back()
        stream.say("done", release=link.release(), repaired=repaired, **asdict(facts))
    except StreamClosedError as error:
        return _fail(1, f"standard output: {error}")
    except OSError as error:
        state = "is not on a whole release" if original is None else f"cannot be put back on {original.target}"
        return _fail(1, f"{link.kind} {link.path}: {state}: {error.strerror}")
    finally:
        stop.over()
    return 1 if facts.failed else 0


def _make_whole(link: Place) -> bool:
    """Repair a missing or dangling link, or a folder with parts of several releases, and say so; whether it was due."""
    if link.is_whole():
        return False
    was = link.points_to()
    link.repair()
    state = "it was missing" if was is None else f"{link.holds} {was}, which is no whole release"
    _log(f"{link.path}: {state}; repaired: {link.holds} {link.release()} now")
    return True


def _fail(code: int, message: str) -> int:
    _log(message)
    return code


def _log(message: str) -> None:
    """One line on standard error; where nobody can read it, that is no reason to leave the link broken."""
    line = " ".join(message.splitlines())
    # Not print: to a closed standard error (None) that prints on standard output.
    with contextlib.suppress(OSError, AttributeError):
        os.write(sys.stderr.fileno(), f"switcher: {line}\n".encode(errors="backslashreplace"))


if __name__ == "__main__":
    sys.exit(main())
