"""Messages arrive as they were sent; one that cannot be true is rejected, whatever is wrong with it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_cutover.client.access import Access
from locust_cutover.client.marks import Marks
from locust_cutover.judging.answers import NAMES, OTHER
from locust_cutover.judging.faults import FAULTS
from locust_cutover.judging.fliptable import FlipTable
from locust_cutover.judging.judge import judge
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import STILL, Flip, Timeline
from locust_cutover.judging.verdict import PhaseFacts, judge_phase
from locust_cutover.judging.visit import KINDS, Visit
from locust_cutover.nodes.host import this_clock
from locust_cutover.nodes.messages import (
    Ask,
    Begin,
    CatchUp,
    Close,
    End,
    Join,
    Know,
    KnowNoMore,
    Open,
    Order,
    Packed,
    Report,
    Start,
    check_order,
    check_report,
    run_of,
    unpack,
)
from locust_cutover.nodes.node import Node
from locust_cutover.nodes.owner import Nodes
from locust_cutover.nodes.packed import MessageError
from locust_cutover.nodes.recorder import Recorder
from locust_cutover.scenario.model import Load, Phase, Scenario, Site
from tests.histories import RELEASES, flips, loss, page, visits
from tests.tallies import travel

PHASES = 2

PATIENCE = 10.0
"""Seconds for what must happen; only a failing test takes that long."""

FLIPS = [
    Flip(0, 1, "b", 100, 110),
    Flip(0, 2, "a", 200, 210, "the link points to ü", "b", True, 3),
    Flip(0, 0, "b", 300, 310),
    Flip(1, 1, "a", 400, 410),
    Flip(1, 2, "b", 500, 510),
]

VISITS = [
    page(10, 20, "a", "a"),
    loss(95, 105),
    page(120, 130, "b", "a")._replace(apart=7),
    page(140, 150, "a", "a"),
    page(160, 170, "b", "b"),
    page(205, 215, "a", "b"),
    loss(350, 360, "connection closed"),
    page(405, 415, "a", "a")._replace(phase=1, apart=1 << 40),
    page(420, 430, "b", "b")._replace(phase=1),
    page(505, 506, "x", "x")._replace(phase=1),
    page(540, 550, "b", "b")._replace(phase=1),
]
"""Of every kind, before, at and after flips of their own phase and of the phase before."""

BEGIN = Begin(
    run="r",
    clock="h",
    phases=("forced", "fast"),
    releases=("a", "b"),
    page="/current/",
    mark="mark: (.)",
    marks=1,
    head=False,
    access=Access({"Accept-Language": "de"}, "ca.pem", "SHOP_USER", "SHOP_PASSWORD"),
    history="run.jsonl",
)

ORDERS: list[Order] = [
    BEGIN,
    Start("a"),
    Open(1),
    Know((*FLIPS,), 1 << 61),
    KnowNoMore(),
    Close(0),
    Ask(),
    End(),
    CatchUp(BEGIN, Start("a"), Know((*FLIPS[1:],), 0), Open(1)),
    CatchUp(BEGIN, None, Know((), 0), None),
]


def tally_of(flips: Sequence[Flip], visits: Sequence[Visit]) -> Tally:
    """What these visits are counted as."""
    timeline = Timeline(RELEASES)
    timeline.start("a")
    for flip in flips:
        timeline.add(flip)
    tally = Tally()
    for visit in visits:
        tally.add(visit, judge(visit, timeline))
    return tally


def tables_of(flips: Sequence[Flip], sparse: bool = False) -> list[FlipTable]:
    """The owner's tables with these flips and nothing counted."""
    tables = [FlipTable(phase, sparse) for phase in range(PHASES)]
    for flip in flips:
        tables[flip.phase].add(flip)
    return tables


def report(flips: Sequence[Flip] = FLIPS, visits: Sequence[Visit] = VISITS) -> Report:
    """A report of these visits."""
    tally = tally_of(flips, visits)
    return Report("r", tally, tally.answers.total(), 1, "", None)


def believed(packed: object, tables: Sequence[FlipTable], counted: int = 0, visits: int = 0) -> Report:
    """The report, if it is one that the owner takes."""
    found = unpack(packed, Report)
    check_report(found, tables, counted, visits)
    return found


# As they were sent.


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_an_order_arrives_as_it_was_sent(order: Order) -> None:
    """With flips, names beyond ASCII and nanoseconds beyond 32 bits."""
    arrived = unpack(travel(order), Order)
    assert arrived == order
    check_order(arrived, PHASES)


def test_a_join_arrives() -> None:
    """It is no order."""
    assert unpack(travel(Join("1.0")), Join) == Join("1.0")
    with pytest.raises(MessageError, match=r"expected a message 'begin' or 'catch up' or .*, got 'join'"):
        unpack(travel(Join("1.0")), Order)


def test_a_report_arrives_as_it_was_sent() -> None:
    """All counts of all kinds of visits."""
    sent = report()
    assert {kind for _, kind, _ in sent.tally.answers} == set(KINDS)
    assert {place for _, _, place in sent.tally.places} == {"at", "after", "none"}
    arrived = believed(travel(sent), tables_of(FLIPS))
    assert vars(arrived.tally) == vars(sent.tally)
    assert (arrived.run, arrived.visits, arrived.drained, arrived.trouble) == ("r", len(VISITS), 1, "")


def test_a_report_of_nothing_arrives() -> None:
    """A node without visits reports, too."""
    assert vars(believed(travel(report(visits=())), tables_of([])).tally) == vars(Tally())


@settings(max_examples=500, deadline=None)
@given(flips(), visits(), st.integers(0, 140), st.sampled_from([1, 7_000_000, 1 << 50]), st.booleans())
def test_no_true_report_is_rejected(
    flips: list[Flip], visits: list[Visit], border: int, tick: int, sparse: bool
) -> None:
    """Whatever the flips and the visits are, in two phases, and in two reports; the counts arrive."""
    flips = [flip._replace(phase=int(flip.invoked > border)) for flip in flips]
    first = sum(not flip.phase for flip in flips)
    flips = [flip._replace(number=flip.number - first * flip.phase) for flip in flips]
    closed = max([border, *(flip.completed for flip in flips if not flip.phase)])
    opened = min([1000, *(flip.invoked for flip in flips if flip.phase)])
    visits = [
        one._replace(phase=int(one.sent > closed)) for one in visits if one.sent > closed or one.received < opened
    ]
    flips = [flip._replace(invoked=flip.invoked * tick, completed=flip.completed * tick) for flip in flips]
    visits = [one._replace(sent=one.sent * tick, received=one.received * tick, apart=one.sent) for one in visits]
    tables = tables_of(flips, sparse)
    counted = 0
    for part in (visits[:7], visits[7:]):
        sent = Report("r", tally_of(flips, part), counted + len(part), 0, "", None)
        assert vars(believed(travel(sent), tables, counted, counted).tally) == vars(sent.tally)
        counted += len(part)


# As nobody would send them.

ABSENT: Any = object()
"""In place of a value: none."""


def changed(packed: Packed, path: Sequence[Any], value: Any) -> Packed:
    """The message with another value at the end of the path; a function makes it of the one that is there."""
    packed = copy.deepcopy(packed)
    place: Any = packed
    for step in path[:-1]:
        place = place[step]
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = value(place[path[-1]]) if callable(value) else value
    return packed


def more(*rows: Any) -> Callable[[list[Any]], list[Any]]:
    """A list with these at its end."""
    return lambda there: [*there, *rows]


def doubled(there: list[Any]) -> list[Any]:
    """A list with its first item twice."""
    return [there[0], *there]


T = "tally"

LIES: list[tuple[list[Any], Any, str]] = [
    ([T, "answers", 0, 3], -5, r"tally.answers\[0\].count: expected a whole number from 0 to \d+, got -5"),
    ([T, "answers", 0, 3], True, r"got True"),
    ([T, "answers", 0, 3], 2.5, r"got 2.5"),
    ([T, "answers", 0, 3], "many", r"got 'many'"),
    ([T, "answers", 0, 3], 1 << 63, r"got 9223372036854775808"),
    ([T, "answers", 0, 3], 1000, r"tally.phase 0: "),
    ([T, "answers", 0, 0], -1, r"tally.answers\[0\].phase: expected"),
    ([T, "answers", 0, 0], 10_000, r"tally.answers\[0\].phase: expected"),
    ([T, "answers", 0, 1], "fine", r"tally.answers\[0\].kind: expected one of ok, lost, torn, stale, unjudged"),
    ([T, "answers", 0, 2], "x" * 101, r"tally.answers\[0\].answer: expected text of at most 100 characters"),
    ([T, "answers", 0, 2], 200, r"tally.answers\[0\].answer: expected text"),
    ([T, "answers", 0], [0, "ok"], r"tally.answers\[0\]: expected a list of 4 values"),
    ([T, "answers"], {}, r"tally.answers: expected a list"),
    ([T, "answers"], more([0, "ok", "200 OK", 1]), r"tally.phase 0: response times: expected"),
    ([T, "answers"], more([0, "lost", "404 Not Found", 1]), r"lost visits by place: expected 3 by the answers, got 2"),
    ([T, "places", 0, 2], "before", r"tally.places\[0\].place: expected one of at, after, none"),
    ([T, "places", 0, 1], "ok", r"tally.places\[0\].kind: expected one of lost, torn, stale"),
    ([T, "places", 0, 3], 2, r"visits by place: expected"),
    ([T, "places"], [], r"visits by place: expected 2 by the answers, got 0"),
    ([T, "calm", 0, 2], 1000, r"calm \w+ visits: expected at most \d, got 1000"),
    ([T, "calm", 0, 1], "fine", r"tally.calm\[0\].kind: expected one of"),
    ([T, "calm"], more([0, "lost", 1]), r"calm visits and those that met a flip: expected at most 7, got 8"),
    ([T, "meetings", 0, 1], 1000, r"calm visits and those that met a flip: expected at most 7"),
    ([T, "meetings"], [], r"phases with flips that were met"),
    ([T, "meetings"], more([1, -1]), r"tally.meetings\[2\].count: expected"),
    ([T, "longest_stale"], [], r"phases with an age"),
    ([T, "longest_stale", 0, 1], -1, r"tally.longest_stale\[0\].age: expected"),
    ([T, "longest_stale"], doubled, r"tally.longest_stale: expected each phase once"),
    ([T, "met", 0, 1, 0, 0], 0, r"tally.met\[0\]\[0\].first: expected"),
    ([T, "met", 0, 1, 0], [2, 1], r"tally.met\[0\]\[0\].last: expected"),
    ([T, "met", 0, 1], [[2, 2], [1, 1]], r"tally.met\[0\]: expected ranges in order"),
    ([T, "met", 0, 1], [[1, 1 << 31]], r"tally.met of phase 0.flip: expected a whole number from 1 to 2"),
    ([T, "met"], [], r"phases with flips that were met"),
    ([T, "flips", 0, 1, 0], 1, r"tally.flip.phase: expected a whole number from 0 to 0, got 1"),
    ([T, "flips", 0, 1, 1], 7, r"tally.flip.number: expected a whole number from 0 to 2, got 7"),
    ([T, "flips", 0, 1, 1], 1 << 31, r"tally.flip.number: expected a whole number from 0 to 2"),
    ([T, "flips", 0, 1, 2], "z", r"tally.flip: expected flip \d as the switcher told it"),
    ([T, "flips", 0, 1, 3], 1, r"tally.flip: expected flip \d as the switcher told it"),
    ([T, "flips", 0, 1, 4], 0, r"tally.flips\[0\].completed: expected"),
    ([T, "flips", 0, 1, 3], -1, r"tally.flips\[0\].invoked: expected"),
    ([T, "flips", 0, 1, 5], "x" * 10_001, r"tally.flips\[0\].outcome: expected text"),
    ([T, "flips", 0, 1, 8], -1, r"tally.flips\[0\].cpu: expected"),
    ([T, "flips", 0, 1, 7], 1, r"tally.flips\[0\].opaque: expected true or false"),
    ([T, "flips", 0, 2, 0], 0, r"tally.flips\[0\]: faults of a flip: expected at most 0"),
    ([T, "flips", 0, 2, 0], 1000, r"visits that count for flips: expected at most 7"),
    ([T, "flips", 0, 2, 1], [0, 0, 0], r"visits at flips: expected \d by the answers, got"),
    ([T, "flips", 0, 2, 2], [0, 0], r"tally.flips\[0\]: expected a list of 3 values"),
    ([T, "flips", 0, 2, 3], 1000, r"visits that could have shown an old release: expected at most"),
    ([T, "flips", 0, 2, 4], -1, r"tally.flips\[0\].fresh: expected"),
    ([T, "flips"], doubled, r"tally.flips: expected each flip once"),
    ([T, "flips"], [], r"visits at flips: expected 0 by|visits at flips: expected 1 by the answers, got 0"),
    ([T, "spacings", 0, 1], [[5, 1000]], r"times between visits: expected at most 7, got 1000"),
    ([T, "spacings", 0, 1], [[5000, 1]], r"tally.spacings\[0\].buckets\[0\].bucket: expected"),
    ([T, "strips", 0, 1, 0, 0], 1_000_001, r"tally.strips\[0\].intervals.width: expected 1000000 doubled some times"),
    ([T, "strips", 0, 1, 0, 1], 1 << 62, r"tally.strips\[0\].intervals.first: expected"),
    ([T, "strips", 0, 1, 0, 2, 0, 0], 512, r"tally.strips\[0\].intervals.rows\[0\].offset: expected"),
    ([T, "strips", 0, 1, 0, 2, 0, 1], 1000, r"ok visits by time: expected 2 by the answers, got 1000"),
    ([T, "strips", 0, 1, 0, 2], [[0] * 6] * 513, r"tally.strips\[0\].intervals.rows: expected at most 512 items"),
    ([T, "strips", 0, 1, 1], [], r"response times: expected 7 by the answers, got 0"),
    ([T, "strips", 0, 1, 2], lambda there: there * 13, r"tally.strips\[0\].closeups: expected at most 12 items"),
    ([T, "strips", 0, 1, 2, 0, 1], lambda there: there * 13, r"closeups\[0\].costs: expected at most 12 items"),
    ([T, "strips", 0, 1, 2, 0, 1, 0, 1], 0, r"closeups\[0\].costs\[0\].received: expected"),
    ([T, "strips"], doubled, r"tally.strips: expected each phase once"),
    (
        [T, "strips"],
        more([2, [[1_000_000, 0, []], [], []]]),
        r"tally.phase: expected a whole number from 0 to 1, got 2",
    ),
    ([T, "surprises"], [], r"tally: expected the keys answers, places, .*, got"),
    ([T, "met"], ABSENT, r"tally: expected the keys answers, places, .*, got"),
    ([T], [], r"tally: expected a dictionary, got \[\]"),
    (["visits"], 3, r"visits: expected a whole number from 11 to \d+, got 3"),
    (["visits"], -1, r"visits: expected"),
    (["visits"], ABSENT, r"expected the keys do, run, tally, visits, drained, trouble, history, got"),
    (["drained"], 2, r"drained: expected a whole number from -1 to 1, got 2"),
    (["drained"], -2, r"drained: expected"),
    (["trouble"], "x" * 1001, r"trouble: expected text of at most 1000 characters"),
    (["trouble"], None, r"trouble: expected text"),
    (["history"], 5, r"history: expected text"),
    (["run"], 5, r"run: expected text"),
    (["do"], "begin", r"expected a message 'report', got 'begin'"),
    (["do"], [], r"expected a message 'report', got '\[\]'"),
]
"""What is changed in a true report, and what the owner says."""


@pytest.mark.parametrize(("path", "value", "said"), LIES)
def test_a_lie_is_rejected_with_its_place(path: list[Any], value: Any, said: str) -> None:
    """Types, ranges, names and sums; the report has visits of every kind."""
    with pytest.raises(MessageError, match=said):
        believed(changed(travel(report()), path, value), tables_of(FLIPS))


def test_the_visits_of_a_node_never_become_fewer() -> None:
    """Nor are they fewer than those that were counted."""
    packed = travel(report())
    believed(packed, tables_of(FLIPS), counted=0, visits=11)
    for counted, said in ((0, 12), (1, 1)):
        with pytest.raises(MessageError, match=r"^visits: expected a whole number from 12"):
            believed(packed, tables_of(FLIPS), counted, said)


@pytest.mark.parametrize("junk", [None, 5, "report", [], {}, {"do": "report"}, {"do": None}, {5: 5}, b"\0", [{}] * 9])
def test_what_is_no_message_is_rejected(junk: object) -> None:
    """On both sides."""
    for kind in (Order, Report, Join):
        with pytest.raises(MessageError):
            unpack(junk, kind)


@pytest.mark.parametrize(
    ("order", "path", "value", "said"),
    [
        (Open(0), ["phase"], 2, "phase: expected a whole number from 0 to 1, got 2"),
        (Open(0), ["phase"], False, "phase: expected"),
        (Close(0), ["phase"], -1, "phase: expected"),
        (Start("a"), ["release"], None, "release: expected text"),
        (ORDERS[3], ["flips", 0, 0], 2, "phase: expected"),
        (ORDERS[3], ["flips", 0, 1], -1, r"flips\[0\].number: expected"),
        (ORDERS[3], ["flips", 1, 4], 5, r"flips\[1\].completed: expected a whole number from 200"),
        (ORDERS[3], ["flips", 1], [0, 1], r"flips\[1\]: expected a list of 9 values"),
        (ORDERS[3], ["watermark"], -1, "watermark: expected"),
        (ORDERS[3], ["watermark"], STILL + 1, "watermark: expected"),
        (BEGIN, ["phases"], "forced", "phases: expected a list"),
        (BEGIN, ["phases", 1], 1, r"phases\[1\]: expected text"),
        (BEGIN, ["mark"], "(", "mark: expected a regular expression"),
        (BEGIN, ["marks"], -1, "marks: expected"),
        (BEGIN, ["head"], 1, "head: expected true or false"),
        (BEGIN, ["access", "headers"], [], "access.headers: expected a dictionary"),
        (BEGIN, ["access", "headers", "Host"], 5, "access.headers: expected text"),
        (BEGIN, ["access", "password"], ABSENT, "access: expected the keys"),
        (BEGIN, ["history"], ABSENT, "expected the keys do, run, "),
        (ORDERS[8], ["begin"], None, "begin: expected a message 'begin'"),
        (ORDERS[8], ["know"], travel(Ask()), "know: expected a message 'know', got 'ask'"),
        (ORDERS[8], ["open", "phase"], 9, "phase: expected"),
        (Ask(), ["urgent"], True, "expected the keys do, got"),
        (Ask(), ["do"], "stop", "expected a message 'begin' or .*, got 'stop'"),
        (Ask(), ["do"], "report", "expected a message 'begin' or .*, got 'report'"),
    ],
)
def test_an_order_that_makes_no_sense_is_rejected(order: Order, path: list[Any], value: Any, said: str) -> None:
    """On the node; the owner may be of another version."""
    with pytest.raises(MessageError, match=said):
        check_order(unpack(changed(travel(order), path, value), Order), PHASES)


def test_a_message_says_which_run_it_is_of_when_the_rest_of_it_is_spoiled() -> None:
    """So that an old report is no lie, and a node can tell the owner that it did not understand."""
    assert run_of({"do": "report", "run": "r"}) == "r"
    assert run_of({"do": "catch up", "begin": {"run": "r"}}) == "r"
    junks: list[object] = [None, [], {}, {"run": 5}, {"begin": []}]
    for junk in junks:
        assert run_of(junk) is None


# Bounded.


def test_six_hundred_thousand_answers_are_a_few_names() -> None:
    """On the node that counts them; what is no status and none of our words is other."""
    tally = Tally()
    timeline = Timeline(RELEASES)
    for number in range(600_000):
        lost = loss(number, number, f"answer {number}")
        tally.add(lost, judge(lost, timeline))
    assert tally.answers == {(0, "lost", OTHER): 600_000}
    assert len(tally.flips) == 0


def test_six_hundred_thousand_answers_of_a_report_are_a_few_names() -> None:
    """On the owner, in whatever order they come; the counts add up, and only names take room."""
    sent = report(visits=[loss(10, 20)] * 900)
    names = [f"{number} Pass auf" for number in range(100, 1000)] + [f"answer {number}" for number in range(600_000)]
    packed = travel(sent)
    packed["tally"]["answers"] = [[0, "lost", name, int(number < 900)] for number, name in enumerate(names)]
    found = believed(packed, tables_of(FLIPS)).tally
    assert len(found.answers) == 900
    assert {name for _, _, name in found.answers} < NAMES
    packed["tally"]["answers"] = [[0, "lost", name, int(number < 900)] for number, name in enumerate(reversed(names))]
    assert believed(packed, tables_of(FLIPS)).tally.answers == {(0, "lost", OTHER): 900}


# By chance.

VALUES: st.SearchStrategy[Any] = st.one_of(
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.integers(-2, 12),
    st.sampled_from([*KINDS, "at", "after", "none", "", "x" * 200, True, False, None, 2.0, b"", [], {}, [[]], 1 << 62]),
)


@st.composite
def spoiled(draw: st.DrawFn) -> Packed:
    """A true report with a few values changed, removed or repeated somewhere."""
    packed = travel(report())
    for _ in range(draw(st.integers(1, 3))):
        place: Any = packed
        path = []
        while isinstance(place, dict | list) and place:
            steps = sorted(place) if isinstance(place, dict) else range(len(place))
            path.append(draw(st.sampled_from(steps)))
            place = place[path[-1]]
            if draw(st.integers(0, 5)) == 0:
                break
        repeat = st.just(doubled) if isinstance(place, list) and place else VALUES
        value = draw(st.one_of(VALUES, st.just(ABSENT), repeat))
        packed = changed(packed, path, value)
        if "tally" not in packed:
            break
    return packed


def totals(tables: Sequence[FlipTable], tally: Tally) -> None:
    """What is true of the counts of every run, whatever was reported; nothing of them raises."""
    for phase, table in enumerate(tables):
        by_kind = {kind: tally.visits(phase, kind) for kind in KINDS}
        assert min(by_kind.values()) >= 0
        assert sum(by_kind.values()) == tally.visits(phase)
        rows = list(table.rows())
        for fault in FAULTS:
            none = tally.places[phase, fault, "none"]
            assert none >= 0
            assert sum(row.count(fault) for row in rows) + none == by_kind[fault]
        verdict = judge_phase(SCENARIO.phases[phase], phase, PhaseFacts(seconds=1, flips=2), tally, table)
        assert verdict.met_flips <= 2
        assert min(verdict.longest_stale, verdict.convergence.seen, verdict.convergence.unseen) >= 0
        assert all(0 <= expectation.harmful_flips <= 5 for expectation in verdict.expectations)


@settings(max_examples=500, deadline=None)
@given(spoiled())
def test_a_spoiled_report_is_rejected_or_adds_up(packed: Packed) -> None:
    """Nothing else: no other exception, no count below zero, no sum that does not add up."""
    nodes = owner()
    nodes.run = "r"
    nodes.hear("one", packed)
    totals(nodes.flips, nodes.tally)
    if nodes.tally.answers:
        assert nodes.tally.answers.total() == len(VISITS)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(ORDERS), st.data())
def test_a_spoiled_order_is_rejected_or_obeyed(order: Order, data: st.DataObject) -> None:
    """Nothing else: an exception would leave the visitors in."""
    packed = travel(order)
    key = data.draw(st.sampled_from(sorted(packed)))
    packed[key] = data.draw(VALUES)
    try:
        check_order(unpack(packed, Order), PHASES)
    except MessageError as error:
        assert str(error)


# What becomes of a bad message.

SCENARIO = Scenario(
    "two",
    Path("two.yaml"),
    "",
    Site("embedded", RELEASES),
    Load(),
    tuple(Phase(name, name, 1000, None, 5, {"lost": "any", "torn": "any", "stale": "any"}) for name in BEGIN.phases),
)


def owner(*present: str) -> Nodes:
    """The owner in the middle of a run, with the flips; nobody hears it."""
    nodes = Nodes(lambda order, name: None, lambda: present)
    nodes.begin(SCENARIO, Marks("mark: (.)", 1), None)
    nodes.know(FLIPS, 600)
    return nodes


def of(nodes: Nodes, counted: Sequence[Visit] = VISITS, **changes: Any) -> Packed:
    """A report of this run as it arrives, but for these."""
    return {**travel(report(visits=counted)), "run": nodes.run, **changes}


def test_a_bad_report_is_told_with_its_node_and_the_others_count() -> None:
    """The run goes on to its end, and nothing of the bad one is counted."""
    nodes = owner("one", "two")
    nodes.close(1)
    nodes.hear("one", of(nodes))
    nodes.hear("two", changed(of(nodes), [T, "answers", 0, 3], -5))
    assert nodes.collect(1, PATIENCE) == [
        "worker two: its report was rejected: "
        f"tally.answers[0].count: expected a whole number from 0 to {1 << 40}, got -5"
    ]
    assert nodes.tally.answers.total() == len(VISITS)
    totals(nodes.flips, nodes.tally)


def test_a_rejected_report_is_not_waited_for() -> None:
    """Its visits will never come; a report before it that was good counts, and so does one after it."""
    nodes = owner("one")
    nodes.hear("one", of(nodes, VISITS[:3], visits=3, drained=-1))
    nodes.hear("one", of(nodes, VISITS[3:5], visits=-1, drained=-1))
    nodes.close(1)
    collecting = gevent.spawn(nodes.collect, 1, 10 * PATIENCE)
    gevent.idle()
    assert not collecting.ready()
    nodes.hear("one", of(nodes, VISITS[5:], visits=len(VISITS)))
    assert [said.partition(": visits")[0] for said in collecting.get(timeout=PATIENCE)] == [
        "worker one: its report was rejected"
    ]
    assert nodes.tally.answers.total() == len(VISITS) - 2


def test_a_node_that_only_lies_is_not_waited_for() -> None:
    """What it says after the close is its last report, as far as anybody can tell."""
    nodes = owner("one")
    nodes.hear("one", None)
    nodes.close(0)
    collecting = gevent.spawn(nodes.collect, 0, 10 * PATIENCE)
    gevent.idle()
    assert not collecting.ready()
    nodes.hear("one", None)
    assert collecting.get(timeout=PATIENCE) == [
        "worker one: its report was rejected: expected a message 'report', got 'None'"
    ]


def test_a_control_that_goes_on_does_not_wait_for_a_node_that_lies() -> None:
    """Its visits are behind for ever."""
    nodes = owner("one")
    nodes.hear("one", of(nodes, VISITS[:3], visits=3))
    waiting = gevent.spawn(nodes.catch_up, 10 * PATIENCE)
    gevent.idle()
    assert not waiting.ready()
    nodes.hear("one", of(nodes, VISITS[:3], visits=-1))
    waiting.get(timeout=PATIENCE)


def test_the_end_of_the_history_of_a_node_that_lies_is_not_waited_for(tmp_path: Path) -> None:
    """It is not known whether all of it was written."""
    nodes = owner("one")
    nodes.begin(SCENARIO, Marks("mark: (.)", 1), tmp_path / "run.jsonl")
    ending = gevent.spawn(nodes.end, 10 * PATIENCE)
    gevent.idle()
    assert not ending.ready()
    nodes.hear("one", of(nodes, history=5))
    said = ending.get(timeout=PATIENCE)
    assert said == ["the history of worker one is not complete: its report was rejected"]


def test_of_a_node_that_lies_all_the_time_the_first_lie_is_told() -> None:
    """However many there are, they take no room."""
    nodes = owner("one")
    for number in range(100):
        nodes.hear("one", of(nodes, visits=-number - 1))
    nodes.close(0)
    nodes.hear("one", of(nodes, visits="many"))
    (said,) = nodes.collect(0, PATIENCE)
    assert said.endswith("got -1")


def test_a_new_run_begins_without_the_lies_of_the_old_one() -> None:
    """And a spoiled report of the old one is no lie in the new one."""
    nodes = owner("one")
    late = of(nodes, visits=-1)
    nodes.hear("one", late)
    nodes.begin(SCENARIO, Marks("mark: (.)", 1), None)
    nodes.hear("one", late)
    nodes.know(FLIPS, 600)
    nodes.close(1)
    nodes.hear("one", of(nodes))
    assert nodes.collect(1, PATIENCE) == []


LOST = "it does not understand the owner, so there are no visitors on it: "


class Lonely:
    """A node with what it said to its owner."""

    def __init__(self) -> None:
        self.said: list[Report] = []
        self.recorder = Recorder(lambda visit, judgment: None)
        self.node = Node(self.recorder, lambda: self.said.append(self.node.report()))
        self.begin = travel(replace(BEGIN, clock=this_clock(), access=Access(), history=""))

    def lets_in(self) -> bool:
        """Whether a visitor would be let in now."""
        visitor = gevent.spawn(self.recorder.enter)
        gevent.idle()
        entered = visitor.ready()
        visitor.kill()
        return entered


@pytest.fixture
def lonely() -> Iterator[Lonely]:
    """Its greenlet does not outlive the test."""
    lonely = Lonely()
    yield lonely
    if lonely.recorder._worker is not None:
        lonely.recorder._worker.kill()


def test_a_node_lets_nobody_in_after_an_order_that_it_does_not_understand(lonely: Lonely) -> None:
    """And says so at once, in every report, until the next run."""
    lonely.node.hear(lonely.begin)
    lonely.node.hear(travel(Open(0)))
    assert lonely.lets_in()
    lonely.node.hear({**travel(Know((), 5)), "watermark": -5})
    assert not lonely.lets_in()
    lonely.node.hear(travel(Open(1)))
    assert not lonely.lets_in()
    trouble = f"{LOST}watermark: expected a whole number from 0 to {STILL}, got -5"
    assert [said.trouble for said in lonely.said] == [trouble]
    assert lonely.node.report().trouble == trouble
    lonely.node.hear({**lonely.begin, "run": "next"})
    lonely.node.hear(travel(Open(0)))
    assert lonely.lets_in()
    assert lonely.node.report().trouble == ""


def test_a_node_tells_of_a_run_that_it_could_not_begin(lonely: Lonely) -> None:
    """Its report is of that run, so that the owner takes it, and counts nothing of the run before."""
    lonely.node.hear(lonely.begin)
    lonely.node.hear(travel(Open(0)))
    lonely.recorder.leave(lonely.recorder.enter(), VISITS[0])
    lonely.node.hear({**lonely.begin, "run": "next", "surprise": 1})
    lonely.node.hear(travel(Open(0)))
    assert not lonely.lets_in()
    lonely.node.hear(travel(Close(0)))
    lonely.node.hear(travel(Ask()))
    said = lonely.said[-1]
    assert (said.run, said.visits) == ("next", 0)
    assert said.trouble.startswith(f"{LOST}expected the keys do, run, clock, ")


def test_a_node_that_hears_the_middle_of_a_run_waits_for_its_beginning(lonely: Lonely) -> None:
    """It was not there when that began, and the owner will repeat it: no trouble, and nobody is let in until then."""
    for order in (Know((*FLIPS,), 600), Open(1), Close(7)):
        lonely.node.hear(travel(order))
    assert not lonely.lets_in()
    assert lonely.node.report().trouble == ""
