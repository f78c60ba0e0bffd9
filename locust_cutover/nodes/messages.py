"""The messages between the owner of the link and its nodes: what they are, how they travel, what is believed of them.

The owner sends an Order to its nodes, a node sends Join and Report. Both ends check what arrives, since the other one
may be broken, of another version, or no node at all:

1. `unpack` makes a message of what arrived, or raises MessageError. Every value has its type and is within its bounds,
   and the counts of a report agree with each other, as each visit is counted once everywhere.
2. `check_order` and `check_report` hold it against the run: its phases, its flips, and what the node has said before.

What passes both can be added up: no total becomes negative, and none of the owner's tables grows by more than the run's
phases, flips and kinds of answers. What is plausible and yet untrue cannot be told.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar, get_args

from locust_cutover.client.access import Access
from locust_cutover.judging.answers import counted_as
from locust_cutover.judging.closeup import FLIPS, VISITS, CloseUps, Cost
from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.histogram import Histogram
from locust_cutover.judging.intervals import FINEST, MOST, Intervals
from locust_cutover.judging.judge import Place
from locust_cutover.judging.strip import Strip
from locust_cutover.judging.tally import Key, Tally
from locust_cutover.judging.timeline import STILL, Flip
from locust_cutover.judging.toll import Toll
from locust_cutover.judging.visit import KINDS
from locust_cutover.nodes.packed import Inside, MessageError, choice, each, flag, row, text, whole
from locust_cutover.nodes.packed import fields as keys

Packed = dict[str, Any]
"""A message in types that msgpack carries."""

PLACES: tuple[Place, ...] = get_args(Place)

MOST_PHASES = 10_000

MOST_VISITS = 1 << 40
"""Of one node; it takes a year and a half at twenty thousand a second."""

MOST_FLIPS = 1 << 32
"""Of one phase."""

MOST_CPUS = 1 << 15

NAME = 100
"""Characters in the name of an answer."""

SENTENCE = 1000
"""Characters in what a node says of itself."""


# What there is to say.


class Order:
    """What the owner tells its nodes."""


@dataclass(frozen=True)
class Begin(Order):
    """A new run begins, with nothing counted."""

    run: str
    clock: str
    """The switcher's, see `host`."""
    phases: tuple[str, ...]
    """Their names."""
    releases: tuple[str, ...]
    """Those that can be flipped to, as marks call them, if known."""
    page: str
    mark: str
    """See `visit.Marks`; so for the next two."""
    marks: int
    head: bool
    access: Access
    history: str
    """Where workers write their visits; empty: nowhere."""


@dataclass(frozen=True)
class Start(Order):
    """What the link points to before the first flip."""

    release: str


@dataclass(frozen=True)
class Open(Order):
    """Let the visitors in; their visits belong to this phase."""

    phase: int


@dataclass(frozen=True)
class Know(Order):
    """Every flip invoked until the watermark is known; these are the new ones."""

    flips: tuple[Flip, ...]
    watermark: int


@dataclass(frozen=True)
class KnowNoMore(Order):
    """The switcher died."""


@dataclass(frozen=True)
class Close(Order):
    """Let nobody in any more; report when all visits of this phase are judged."""

    phase: int


@dataclass(frozen=True)
class Ask(Order):
    """Report now."""


@dataclass(frozen=True)
class End(Order):
    """The run is over."""


@dataclass(frozen=True)
class CatchUp(Order):
    """All that a node needs that came later. In one message: a flip that is told between two would be told twice."""

    begin: Begin
    start: Start | None
    know: Know
    """Of each release the last flip: the node's visits are all sent later than these."""
    open: Open | None


@dataclass(frozen=True)
class Join:
    """A node is ready to listen."""

    version: str
    """Of this pack."""


@dataclass(frozen=True)
class Report:
    """What a node counted."""

    run: str
    tally: Tally
    """Since its last report."""
    visits: int
    """All visits of the run so far."""
    drained: int
    """The last phase of which all visits are counted; -1 before the first."""
    trouble: str
    """Why its visits do not count in full; empty where they do."""
    history: str | None
    """At the end of the run: why its part of the history is not complete, empty when it is. None: not said yet."""


Message = Order | Join | Report

Kind = TypeVar("Kind", bound=Message)
Value = TypeVar("Value")


def pack(message: Message) -> Packed:
    """The message in types that travel; `unpack` reads it."""
    return {"do": _NAMES[type(message)], **{key: _packed(getattr(message, key)) for key in _keys(type(message))}}


def unpack(packed: object, kind: type[Kind]) -> Kind:
    """The message of this kind that arrived; MessageError when it is none."""
    name = packed.get("do") if type(packed) is dict else None
    if type(name) is not str or name not in _READ or not issubclass(_READ[name][0], kind):
        named = " or ".join(repr(name) for name, (one, _) in _READ.items() if issubclass(one, kind))
        raise MessageError(f"expected a message {named}, got {str(name)[:NAME]!r}")
    one, read = _READ[name]
    found = keys(packed, ("do", *_keys(one)))
    message = read(**{key: value for key, value in found.items() if key != "do"})
    assert isinstance(message, kind)
    return message


def run_of(packed: object) -> str | None:
    """Which run a message that arrived is of, even where the rest of it makes no sense; None where it does not say."""
    match packed:
        case {"run": str(run)} | {"begin": {"run": str(run)}}:
            return run
    return None


def check_order(order: Order, phases: int) -> None:
    """MessageError for an order that speaks of a phase that the run does not have."""
    match order:
        case Open(phase) | Close(phase):
            whole(phase, "phase", 0, phases - 1)
        case Know(flips):
            for flip in flips:
                whole(flip.phase, "flips.phase", 0, phases - 1)
        case CatchUp(begin, _, know, opened):
            for part in filter(None, (know, opened)):
                check_order(part, len(begin.phases))


def check_report(report: Report, flips: Sequence[FlipTable], counted: int, visits: int) -> None:
    """MessageError for a report that cannot be true of a run with these flips.

    The node's reports so far have `counted` visits, and the last one said that there were so many `visits`.
    """
    tally = report.tally
    whole(report.drained, "drained", -1, len(flips) - 1)
    whole(report.visits, "visits", max(visits, counted + tally.answers.total()))
    with Inside("tally"):
        for phase in _phases(tally):
            whole(phase, "phase", 0, len(flips) - 1)
        for phase, ranges in tally.met.items():
            with Inside(f"met of phase {phase}"):
                whole(ranges[-1][1], "flip", 1, flips[phase].flips)
        for (phase, _, _), (flip, toll) in tally.flips.items():
            _check_flip(flip, phase, flips)
            whole(toll.visits, "visits of a flip", 0, flips[phase].room(flip))
        for phase, strip in tally.strips.items():
            for flip, _ in strip.closeups.flips.values():
                _check_flip(flip, phase, flips)


def _check_flip(flip: Flip, phase: int, flips: Sequence[FlipTable]) -> None:
    """A flip that a visit of this phase counts for is known, and not of a later phase."""
    with Inside("flip"):
        whole(flip.phase, "phase", 0, phase)
        whole(flip.number, "number", 0, flips[flip.phase].flips)
        if flip.number and not flips[flip.phase].has(flip):
            raise MessageError(f"expected flip {flip.number} as the switcher told it, got another release or time")


# How it travels.


def _packed(value: object) -> object:
    match value:
        case Order():
            return pack(value)
        case Tally():
            return _packed_tally(value)
        case Access():
            return asdict(value)
        case tuple():
            return [_packed(item) for item in value]
    return value


def _packed_tally(tally: Tally) -> dict[str, object]:
    return {
        "answers": [[*key, count] for key, count in tally.answers.items()],
        "places": [[*key, count] for key, count in tally.places.items()],
        "calm": [[*key, count] for key, count in tally.calm.items()],
        "meetings": [list(item) for item in tally.meetings.items()],
        "longest_stale": [list(item) for item in tally.longest_stale.items()],
        "flips": [[phase, list(flip), _packed_toll(toll)] for (phase, _, _), (flip, toll) in tally.flips.items()],
        "met": [[phase, [list(pair) for pair in ranges]] for phase, ranges in tally.met.items()],
        "spacings": [[phase, _packed_histogram(spacing)] for phase, spacing in tally.spacings.items()],
        "strips": [[phase, _packed_strip(strip)] for phase, strip in tally.strips.items()],
    }


def _packed_toll(toll: Toll) -> list[object]:
    return [toll.visits, toll.at, toll.after, toll.probes, toll.fresh, toll.old_sent, toll.old_received]


def _packed_histogram(histogram: Histogram) -> list[object]:
    return [list(item) for item in histogram.items()]


def _packed_strip(strip: Strip) -> list[object]:
    closeups = [[list(flip), [list(cost) for cost in costs]] for flip, costs in strip.closeups.flips.values()]
    return [_packed_intervals(strip.intervals), _packed_histogram(strip.times), closeups]


def _packed_intervals(intervals: Intervals) -> list[object]:
    """Small, since the numbers count from the first."""
    width = intervals.width
    rows = [[start // width, *(counts.get(kind, 0) for kind in KINDS)] for start, counts in intervals.rows()]
    first = rows[0][0] if rows else 0
    return [width, first, [[number - first, *counts] for number, *counts in rows]]


# What is believed.


def _begin(**values: Any) -> Begin:
    mark = text(values["mark"], "mark")
    try:
        re.compile(mark.encode(), re.MULTILINE)
    except (re.error, OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise MessageError(f"expected a regular expression, got one with an error: {error}").inside("mark") from None
    with Inside("access"):
        access = keys(values["access"], _keys(Access))
        if type(access["headers"]) is not dict:
            raise MessageError("expected a dictionary").inside("headers")
        headers = {text(name, "headers"): text(value, "headers") for name, value in access["headers"].items()}
        others = {name: text(value, name) for name, value in access.items() if name != "headers"}
    return Begin(
        run=text(values["run"], "run"),
        clock=text(values["clock"], "clock"),
        phases=tuple(each(values["phases"], "phases", lambda name: text(name, ""), MOST_PHASES)),
        releases=tuple(each(values["releases"], "releases", lambda name: text(name, ""))),
        page=text(values["page"], "page"),
        mark=mark,
        marks=whole(values["marks"], "marks"),
        head=flag(values["head"], "head"),
        access=Access(headers=headers, **others),
        history=text(values["history"], "history"),
    )


def _start(release: object) -> Start:
    return Start(text(release, "release"))


def _open(phase: object) -> Open:
    return Open(_phase(phase))


def _know(flips: object, watermark: object) -> Know:
    return Know(tuple(each(flips, "flips", _flip)), _time(watermark, "watermark"))


def _close(phase: object) -> Close:
    return Close(_phase(phase))


def _catch_up(begin: object, start: object, know: object, open: object) -> CatchUp:  # noqa: A002 # its field
    return CatchUp(
        _part(begin, "begin", Begin),
        None if start is None else _part(start, "start", Start),
        _part(know, "know", Know),
        None if open is None else _part(open, "open", Open),
    )


def _part(value: object, name: str, kind: type[Kind]) -> Kind:
    with Inside(name):
        return unpack(value, kind)


def _join(version: object) -> Join:
    return Join(text(version, "version", NAME))


def _report(run: object, tally: object, visits: object, drained: object, trouble: object, history: object) -> Report:
    with Inside("tally"):
        believed = _tally(tally)
    return Report(
        text(run, "run"),
        believed,
        whole(visits, "visits", most=MOST_VISITS),
        whole(drained, "drained", -1),
        text(trouble, "trouble", SENTENCE),
        None if history is None else text(history, "history", SENTENCE),
    )


def _tally(packed: object) -> Tally:
    """A tally whose counts agree."""
    found = keys(packed, _TALLY)
    tally = Tally()
    for phase, kind, answer, count in each(found["answers"], "answers", _answer):
        _count(tally.answers, (phase, kind, answer), count)
    for phase, fault, place, count in each(found["places"], "places", _place):
        _count(tally.places, (phase, fault, place), count)
    for phase, kind, count in each(found["calm"], "calm", _calm):
        _count(tally.calm, (phase, kind), count)
    for phase, count in each(found["meetings"], "meetings", _meeting):
        _count(tally.meetings, phase, count)
    tally.longest_stale = _by_phase(found, "longest_stale", lambda age: _time(age, "age"))
    tally.met = _by_phase(found, "met", _ranges)
    tally.spacings = _by_phase(found, "spacings", _histogram)
    tally.strips = _by_phase(found, "strips", _strip)
    tolls = each(found["flips"], "flips", _flip_with_toll)
    tally.flips = dict(tolls)
    if len(tally.flips) < len(tolls):
        raise MessageError("expected each flip once for a phase, got one twice").inside("flips")
    _check_sums(tally)
    return tally


def _check_sums(tally: Tally) -> None:
    """Each visit is counted once, whatever it is counted by."""
    kinds: Counter[tuple[int, str]] = Counter()
    for (phase, kind, _), count in tally.answers.items():
        kinds[phase, kind] += count
    at: Counter[tuple[int, str]] = Counter()
    after: Counter[tuple[int, str]] = Counter()
    visits: Counter[int] = Counter()
    probes: Counter[int] = Counter()
    for (phase, _, _), (_, toll) in tally.flips.items():
        visits[phase] += toll.visits
        probes[phase] += toll.probes
        for place, fault in enumerate(FAULTS):
            at[phase, fault] += toll.at[place]
            after[phase, fault] += toll.after[place]
    for phase in _phases(tally):
        with Inside(f"phase {phase}"):
            total = sum(kinds[phase, kind] for kind in KINDS)
            for fault in FAULTS:
                of_fault = [tally.places[phase, fault, place] for place in PLACES]
                _same(f"{fault} visits by place", sum(of_fault), kinds[phase, fault])
                _same(f"{fault} visits at flips", at[phase, fault], tally.places[phase, fault, "at"])
                _same(f"{fault} visits after flips", after[phase, fault], tally.places[phase, fault, "after"])
            for kind in KINDS:
                _at_most(f"calm {kind} visits", tally.calm[phase, kind], kinds[phase, kind])
            calm = sum(tally.calm[phase, kind] for kind in KINDS)
            _at_most("calm visits and those that met a flip", calm + tally.meetings[phase], total)
            _at_most("visits that count for flips", visits[phase], total)
            _at_most("visits that could have shown an old release", probes[phase], calm)
            _same("phases with flips that were met", bool(tally.met.get(phase)), bool(tally.meetings[phase]))
            _same("phases with an age", phase in tally.longest_stale, kinds[phase, "stale"] > 0)
            _at_most("times between visits", _total(tally.spacings.get(phase)), total)
            strip = tally.strips.get(phase) or Strip()
            _same("response times", _total(strip.times), total)
            shown: Counter[str] = Counter()
            for _, counts in strip.intervals.rows():
                shown.update(counts)
            for kind in KINDS:
                _same(f"{kind} visits by time", shown[kind], kinds[phase, kind])


def _same(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise MessageError(f"{what}: expected {expected} by the answers, got {found}")


def _at_most(what: str, found: int, most: int) -> None:
    if found > most:
        raise MessageError(f"{what}: expected at most {most}, got {found}")


def _total(histogram: Histogram | None) -> int:
    return 0 if histogram is None else histogram.total()


def _phases(tally: Tally) -> list[int]:
    """Every phase that it speaks of."""
    counters: Iterable[Iterable[tuple[Any, ...]]] = (tally.answers, tally.places, tally.calm, tally.flips)
    found = {key[0] for counter in counters for key in counter}
    return sorted(found.union(tally.meetings, tally.longest_stale, tally.met, tally.spacings, tally.strips))


def _answer(item: object) -> tuple[int, Any, str, int]:
    phase, kind, answer, count = row(item, 4)
    # Folded here, so that no list of answers is too long to be believed.
    name = counted_as(text(answer, "answer", NAME))
    return _phase(phase), choice(kind, "kind", KINDS), name, _visits(count, "count")


def _place(item: object) -> tuple[int, Any, Any, int]:
    phase, fault, place, count = row(item, 4)
    return _phase(phase), choice(fault, "kind", tuple(FAULTS)), choice(place, "place", PLACES), _visits(count, "count")


def _calm(item: object) -> tuple[int, Any, int]:
    phase, kind, count = row(item, 3)
    return _phase(phase), choice(kind, "kind", KINDS), _visits(count, "count")


def _meeting(item: object) -> tuple[int, int]:
    phase, count = row(item, 2)
    return _phase(phase), _visits(count, "count")


def _by_phase(found: dict[str, Any], name: str, read: Callable[[Any], Value]) -> dict[int, Value]:
    def item(pair: object) -> tuple[int, Value]:
        phase, value = row(pair, 2)
        return _phase(phase), read(value)

    pairs = each(found[name], name, item, MOST_PHASES)
    if len(dict(pairs)) < len(pairs):
        raise MessageError("expected each phase once, got one twice").inside(name)
    return dict(pairs)


def _ranges(value: object) -> list[tuple[int, int]]:
    """Ranges of flips in order, apart from each other."""
    ranges = each(value, "", _range)
    for (_, last), (first, _) in itertools.pairwise(ranges):
        if first <= last:
            raise MessageError(f"expected ranges in order, got one that begins with {first} after one up to {last}")
    return ranges


def _range(item: object) -> tuple[int, int]:
    first, last = row(item, 2)
    return whole(first, "first", 1, MOST_FLIPS), whole(last, "last", first, MOST_FLIPS)


def _flip_with_toll(item: object) -> tuple[Key, tuple[Flip, Toll]]:
    phase, values, counts = row(item, 3)
    flip = _flip(values)
    return (_phase(phase), flip.phase, flip.number), (flip, _toll(counts))


def _flip(value: object) -> Flip:
    phase, number, release, invoked, completed, outcome, held, opaque, cpu = row(value, len(Flip._fields))
    return Flip(
        _phase(phase),
        whole(number, "number", 0, MOST_FLIPS),
        text(release, "release"),
        _time(invoked, "invoked"),
        whole(completed, "completed", invoked, STILL),
        text(outcome, "outcome"),
        text(held, "held"),
        flag(opaque, "opaque"),
        None if cpu is None else whole(cpu, "cpu", 0, MOST_CPUS),
    )


def _toll(value: object) -> Toll:
    visits, at, after, probes, fresh, old_sent, old_received = row(value, _TOLL)
    toll = Toll(
        _visits(visits, "visits"),
        tuple(_visits(count, "at") for count in row(at, len(FAULTS))),
        tuple(_visits(count, "after") for count in row(after, len(FAULTS))),
        _visits(probes, "probes"),
        _time(fresh, "fresh"),
        _time(old_sent, "old_sent"),
        whole(old_received, "old_received", old_sent, STILL),
    )
    _at_most("faults of a flip", sum(toll.faults), toll.visits)
    if toll.fresh and not toll.probes:
        raise MessageError("expected 0 where no visit could have shown an old release").inside("fresh")
    if toll.old_received and not any(toll.after):
        raise MessageError("expected 0 where nothing came after the flip").inside("old_received")
    return toll


def _strip(value: object) -> Strip:
    intervals, times, closeups = row(value, 3)
    found = CloseUps()
    with Inside("intervals"):
        strip = Strip(_intervals(intervals), _histogram(times), found)
    for flip, costs in each(closeups, "closeups", _closeup, FLIPS):
        found.flips[flip.number] = (flip, costs)
    return strip


def _closeup(item: object) -> tuple[Flip, list[Cost]]:
    flip, costs = row(item, 2)
    return _flip(flip), sorted(each(costs, "costs", _cost, VISITS))


def _cost(item: object) -> Cost:
    sent, received, kind, answer = row(item, len(Cost._fields))
    return Cost(
        _time(sent, "sent"),
        whole(received, "received", sent, STILL),
        choice(kind, "kind", tuple(FAULTS)),
        counted_as(text(answer, "answer", NAME)),
    )


def _intervals(value: object) -> Intervals:
    width, first, rows = row(value, 3)
    whole(width, "width", FINEST, STILL)
    if width not in _WIDTHS:
        raise MessageError(f"expected {FINEST} doubled some times, got {width}").inside("width")
    whole(first, "first", 0, STILL // width)
    counts = dict(each(rows, "rows", _interval, MOST))
    if counts and first + max(counts) > STILL // width:
        raise MessageError("expected no time so late").inside("rows")
    return Intervals.of(width, {first + offset: mine for offset, mine in counts.items()})


def _interval(item: object) -> tuple[int, list[int]]:
    offset, *counts = row(item, 1 + len(KINDS))
    return whole(offset, "offset", 0, MOST - 1), [_visits(count, "count") for count in counts]


def _histogram(value: object) -> Histogram:
    histogram = Histogram()
    for bucket, count in each(value, "buckets", _bucket, _LAST_BUCKET + 1):
        _count(histogram, bucket, count)
    return histogram


def _bucket(item: object) -> tuple[int, int]:
    bucket, count = row(item, 2)
    return whole(bucket, "bucket", 0, _LAST_BUCKET), _visits(count, "count")


def _count(counter: Counter[Any], key: object, count: int) -> None:
    """Add to a counter that has no zeros: a made-up name without a visit leaves nothing behind."""
    if count:
        counter[key] += count


def _phase(value: object) -> int:
    return whole(value, "phase", 0, MOST_PHASES - 1)


def _visits(value: object, name: str) -> int:
    return whole(value, name, 0, MOST_VISITS)


def _time(value: object, name: str) -> int:
    return whole(value, name, 0, STILL)


def _last_bucket() -> int:
    longest = Histogram()
    longest.add(STILL)
    return max(longest)


def _keys(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_LAST_BUCKET = _last_bucket()

_WIDTHS = frozenset(FINEST << doubled for doubled in range(STILL.bit_length()) if FINEST << doubled <= STILL)

_TOLL = len(_keys(Toll))

_TALLY = tuple(_packed_tally(Tally()))

_READ: dict[str, tuple[type[Message], Callable[..., Message]]] = {
    "begin": (Begin, _begin),
    "catch up": (CatchUp, _catch_up),
    "start": (Start, _start),
    "open": (Open, _open),
    "know": (Know, _know),
    "know no more": (KnowNoMore, KnowNoMore),
    "close": (Close, _close),
    "ask": (Ask, Ask),
    "end": (End, End),
    "join": (Join, _join),
    "report": (Report, _report),
}
"""By its name on the way: the message, and what reads its fields."""

_NAMES = {kind: name for name, (kind, _) in _READ.items()}
