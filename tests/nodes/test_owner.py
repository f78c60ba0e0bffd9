"""The owner and its nodes, wired together by messages: all are told what they need, and every visit is counted once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

import locust_cutover.nodes.gate
import locust_cutover.nodes.late_judge
import locust_cutover.nodes.node
from locust_cutover.client.marks import Marks
from locust_cutover.history import EndLine, NodeLine, read
from locust_cutover.judging.judge import Judgment
from locust_cutover.judging.tally import Tally
from locust_cutover.judging.timeline import STILL, Flip
from locust_cutover.judging.visit import Visit
from locust_cutover.nodes.gate import Ticket
from locust_cutover.nodes.messages import Begin, CatchUp, Know, Open, Order, Report, Start, pack
from locust_cutover.nodes.node import ELSEWHERE, Node
from locust_cutover.nodes.owner import STRANGER, VERSION, Nodes
from locust_cutover.nodes.recorder import Recorder
from locust_cutover.scenario.model import Load, Phase, Scenario, Site
from tests.tallies import travel

PATIENCE = 10.0
"""Seconds for what must happen; only a failing test takes that long."""

MARK = "mark: (.)"

SCENARIO = Scenario(
    "two",
    Path("two.yaml"),
    "",
    Site("embedded", ("a", "b")),
    Load(),
    tuple(
        Phase(name, name, every, None, 5, {"lost": "any", "torn": "any", "stale": "any"})
        for name, every in [("forced", 1000), ("fast", 0)]
    ),
)
"""Two phases; of the second only the harmful flips are kept."""


def flip(number: int, release: str, invoked: int, phase: int = 0, outcome: str = "ok") -> Flip:
    """A flip that took 10 ns."""
    return Flip(phase, number, release, invoked, invoked + 10, outcome)


def visit(sent: int, *marks: str, phase: int = 0) -> Visit:
    """A visit of 20 ns with one mark due; it is lost when it has none."""
    name = "200 OK" if marks else "404 Not Found"
    return Visit(phase, "GET", "/current/", sent, sent + 20, name, bool(marks), marks, 1, 9)


def settle() -> None:
    """Let every greenlet run that can."""
    for _ in range(5):
        gevent.idle()


class Worker:
    """A node of a process with visitors."""

    def __init__(self, name: str, nodes: Nodes, index: int | None = None) -> None:
        self.name = name
        self.heard: list[Order] = []
        self.judged: list[Judgment] = []
        self.deaf = False
        self.mute = False
        self._nodes = nodes
        self.recorder = Recorder(lambda _, judgment: self.judged.append(judgment))
        self.node = Node(self.recorder, self.send)
        self.node.worker_index = index

    def hear(self, order: Order) -> None:
        """Obey, unless nothing arrives any more."""
        if not self.deaf:
            self.heard.append(order)
            self.node.hear(travel(order))

    def send(self) -> None:
        """Report, unless nothing leaves any more."""
        if not self.mute:
            self._nodes.hear(self.name, travel(self.node.report()))

    def visits(self, *visits: Visit) -> None:
        """Its visitors make these, one after another."""
        for one in visits:
            self.recorder.leave(self.recorder.enter(), one)

    def said(self) -> list[str]:
        """What it was told to do, in order."""
        return [pack(order)["do"] for order in self.heard]


class Cluster:
    """The owner with some workers; those in `workers` are present."""

    def __init__(self, *names: str) -> None:
        self.workers: dict[str, Worker] = {}
        self.nodes = Nodes(self._send, lambda: list(self.workers))
        for name in names:
            self.add(name)

    def add(self, name: str, index: int | None = None) -> Worker:
        """One more worker is present."""
        worker = self.workers[name] = Worker(name, self.nodes, index)
        return worker

    def play(self, *flips: Flip, phase: int = 0, before: Callable[[], object] = lambda: None) -> list[str]:
        """A phase with these flips and what happens `before` it is closed; returns what is missing."""
        self.nodes.open(phase)
        self.nodes.start("a")
        self.nodes.know(list(flips), max((one.completed for one in flips), default=0))
        before()
        self.nodes.know_all()
        self.nodes.close(phase)
        return self.nodes.collect(phase, PATIENCE)

    def _send(self, order: Order, name: str | None) -> None:
        for worker in [*self.workers.values()] if name is None else [self.workers[name]]:
            worker.hear(order)


Make = Callable[..., Cluster]


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes forget no flip: the times here are small, and small ones are long ago to a clock that runs."""
    clock = SimpleNamespace(monotonic=time.monotonic, monotonic_ns=lambda: 1)
    monkeypatch.setattr(locust_cutover.nodes.gate, "time", clock)


@pytest.fixture
def cluster() -> Iterable[Make]:
    """Makes clusters at the begin of a run; their greenlets do not outlive the test."""
    made: list[Cluster] = []

    def make(*names: str, history: Path | None = None) -> Cluster:
        cluster = Cluster(*names)
        made.append(cluster)
        cluster.nodes.begin(SCENARIO, Marks(MARK, 1), history)
        return cluster

    yield make
    for one in made:
        for worker in one.workers.values():
            worker.recorder.judge.stop()


def counts(nodes: Nodes, phase: int = 0) -> list[tuple[int, ...]]:
    """Of each flip in the table: number, visits, lost, torn, stale."""
    return [(row.flip.number, row.visits, *row.faults) for row in nodes.flips[phase].rows()]


# One run.


def test_every_node_is_told_the_same_in_order(cluster: Make) -> None:
    """What to do, and nothing twice."""
    owner = cluster("one", "two")
    owner.play(flip(1, "b", 100))
    owner.nodes.end()
    for worker in owner.workers.values():
        assert worker.said() == ["begin", "open", "start", "know", "know", "close", "end"]


def test_the_visits_of_all_nodes_add_up(cluster: Make) -> None:
    """By phase and answer, and flip by flip, whichever node saw it."""
    owner = cluster("one", "two")
    one, two = owner.workers.values()

    def visits() -> None:
        one.visits(visit(90, "a"), visit(95), visit(200, "a"))
        two.visits(visit(95), visit(105, "b"), visit(250, "b"))

    assert owner.play(flip(1, "b", 100), flip(2, "a", 300), before=visits) == []
    assert owner.nodes.tally.of_phase(0) == [
        ("ok", "200 OK", 3),
        ("lost", "404 Not Found", 2),
        ("stale", "200 OK", 1),
    ]
    assert counts(owner.nodes) == [(1, 5, 2, 0, 1), (2, 0, 0, 0, 0)]
    assert owner.nodes.tally.longest_stale == {0: 90}


def test_reports_between_add_up_too(cluster: Make) -> None:
    """Nodes report on their own every few seconds, and when they are asked."""
    owner = cluster("one", "two")
    one, two = owner.workers.values()

    def visits() -> None:
        for number in range(10):
            one.visits(visit(90 + number))
            two.visits(visit(200, "b"))
            owner.nodes.know([], 300)
            settle()
            owner.nodes.ask()
            one.send()

    owner.play(flip(1, "b", 100), before=visits)
    assert owner.nodes.tally.visits(0) == 20
    assert counts(owner.nodes) == [(1, 10, 10, 0, 0)]


def test_while_a_phase_runs_its_visits_can_be_followed(cluster: Make) -> None:
    """After a report: those that are judged so far."""
    owner = cluster("one")
    owner.nodes.open(0)
    owner.nodes.start("a")
    owner.workers["one"].visits(visit(10, "a"), visit(40, "a"))
    owner.nodes.know([], 50)
    settle()
    assert owner.nodes.tally.visits(0) == 0
    owner.nodes.ask()
    assert owner.nodes.tally.visits(0) == 1


def test_the_counts_are_waited_for_while_visitors_go_on(cluster: Make) -> None:
    """Of all nodes those visits that were made when they were asked; later ones are not waited for."""
    owner = cluster("one", "two")
    one, two = owner.workers.values()
    owner.nodes.open(0)
    owner.nodes.start("a")
    one.visits(visit(10, "a"), visit(40, "a"))
    two.visits(visit(50, "a"))
    waiting = gevent.spawn(owner.nodes.catch_up, PATIENCE)
    settle()
    one.visits(visit(500, "a"))
    assert not waiting.ready()
    owner.nodes.know([], 100)
    waiting.join(PATIENCE)
    assert waiting.ready()
    assert owner.nodes.tally.visits(0) == 3


def test_the_counts_of_a_node_that_has_gone_are_not_waited_for(cluster: Make) -> None:
    """What it knew is lost, and is said at the end of the phase."""
    owner = cluster("one", "two")
    owner.nodes.open(0)
    owner.nodes.start("a")
    owner.workers["two"].visits(visit(50, "a"))
    waiting = gevent.spawn(owner.nodes.catch_up, PATIENCE)
    settle()
    assert not waiting.ready()
    del owner.workers["two"]
    waiting.join(PATIENCE)
    assert waiting.ready()


def test_phases_follow_each_other(cluster: Make) -> None:
    """Each is collected by itself; of a sparse one only the harmful flips are in the table."""
    owner = cluster("one")
    one = owner.workers["one"]
    assert owner.play(flip(1, "b", 100), before=lambda: one.visits(visit(95))) == []
    fast = [flip(1, "a", 500, phase=1), flip(2, "b", 600, phase=1), flip(3, "a", 700, phase=1)]

    def visits() -> None:
        one.visits(visit(495, "a", phase=1), visit(595, phase=1), visit(695, "a", phase=1))

    assert owner.play(*fast, phase=1, before=visits) == []
    assert counts(owner.nodes, 0) == [(1, 1, 1, 0, 0)]
    assert counts(owner.nodes, 1) == [(2, 1, 1, 0, 0)]
    assert owner.nodes.tally.visits(1) == 3


def test_of_a_sparse_phase_a_harmful_flip_has_the_visits_of_all_nodes(cluster: Make) -> None:
    """Those before its harm, and those that came to no harm and were reported later or by another node."""
    owner = cluster("one", "two")
    one, two = owner.workers.values()
    lost, right = visit(95, phase=1), visit(95, "b", phase=1)

    def visits() -> None:
        for worker, made in [(two, right), (one, right), (one, lost), (one, right), (two, right)]:
            worker.visits(made)
            owner.nodes.know([], 300)
            settle()
            owner.nodes.ask()

    owner.play(flip(1, "b", 100, phase=1), phase=1, before=visits)
    assert counts(owner.nodes, 1) == [(1, 5, 1, 0, 0)]


def test_after_the_close_no_node_lets_a_visitor_in(cluster: Make) -> None:
    """Who comes then waits for the next phase."""
    owner = cluster("one", "two")
    owner.play()
    waiting = [gevent.spawn(worker.recorder.enter) for worker in owner.workers.values()]
    settle()
    assert not [greenlet for greenlet in waiting if greenlet.ready()]
    gevent.killall(waiting)


def test_only_the_first_start_of_a_run_counts(cluster: Make) -> None:
    """Each phase's switcher says where the link is; by then there were flips."""
    owner = cluster("one")
    owner.nodes.start("a")
    owner.nodes.start("b")
    assert [order for order in owner.workers["one"].heard if isinstance(order, Start)] == [Start("a")]


def test_the_nodes_learn_the_marks_and_the_phases_of_the_run(cluster: Make) -> None:
    """What to look for in an answer, and how the requests are called."""
    owner = cluster("one")
    one = owner.workers["one"]
    assert one.node.phases == ["forced", "fast"]
    assert one.recorder.marks.due == 1
    assert isinstance(one.heard[0], Begin)
    assert one.heard[0].releases == ("a", "b")


def test_after_the_switchers_death_the_nodes_judge_what_they_can(cluster: Make) -> None:
    """Nothing waits for flips that will not come."""
    owner = cluster("one")
    owner.nodes.open(0)
    owner.nodes.start("a")
    owner.workers["one"].visits(visit(10, "a"), visit(200, "a"), visit(210))
    owner.nodes.know([], 100)
    owner.nodes.know_no_more()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, PATIENCE) == []
    assert sorted(kind for kind, _, _ in owner.nodes.tally.of_phase(0)) == ["lost", "ok", "unjudged"]


def test_a_local_run_has_its_one_node_in_the_same_process() -> None:
    """Then messages are not packed, and go both ways at once."""
    nodes: Nodes
    recorder = Recorder(lambda visit, judgment: None)
    node = Node(recorder, lambda: nodes.take("local", node.report()))
    nodes = Nodes(lambda message, name: node.obey(message), lambda: ["local"])
    nodes.begin(SCENARIO, Marks(MARK, 1), None)
    nodes.open(0)
    nodes.start("a")
    recorder.leave(recorder.enter(), visit(95))
    nodes.know([flip(1, "b", 100)], 120)
    nodes.know_all()
    nodes.close(0)
    assert nodes.collect(0, PATIENCE) == []
    assert counts(nodes) == [(1, 1, 1, 0, 0)]


# Runs that follow each other.


def test_a_new_run_has_nothing_counted(cluster: Make) -> None:
    """On the owner as on the nodes; its visits count from 0 again."""
    owner = cluster("one")
    one = owner.workers["one"]
    owner.play(flip(1, "b", 100), before=lambda: one.visits(visit(95)))
    first = owner.nodes.run
    owner.nodes.end()
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    assert owner.nodes.run != first
    assert owner.nodes.tally.visits(0) == 0
    assert counts(owner.nodes) == []
    assert owner.play(before=lambda: one.visits(visit(20, "a"))) == []
    assert owner.nodes.tally.of_phase(0) == [("ok", "200 OK", 1)]


def test_a_phase_of_a_new_run_is_not_drained_by_that_of_the_old_one(cluster: Make) -> None:
    """Both have a phase 0; what a node reports while the new one is open says nothing of its end."""
    owner = cluster("one")
    one = owner.workers["one"]
    assert owner.play() == []
    owner.nodes.end()
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    owner.nodes.open(0)
    owner.nodes.ask()
    one.mute = True
    owner.nodes.close(0)
    assert owner.nodes.collect(0, 0.01) == ["worker one did not report all its visits"]


def test_a_report_of_another_run_is_ignored(cluster: Make) -> None:
    """It was on its way when the new run began."""
    owner = cluster("one")
    one = owner.workers["one"]
    owner.nodes.open(0)
    owner.nodes.start("a")
    one.visits(visit(95))
    owner.nodes.know([flip(1, "b", 100)], 200)
    settle()
    late = one.node.report()
    assert late.visits == 1
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    owner.nodes.take("one", late)
    assert owner.nodes.tally.visits(0) == 0
    assert counts(owner.nodes) == []
    assert owner.play() == []


def test_a_node_that_joins_twice_goes_on_as_it_was(cluster: Make) -> None:
    """It is repeated for workers that came later; the others go on as they were."""
    owner = cluster("one")
    one = owner.workers["one"]
    owner.nodes.open(0)
    owner.nodes.start("a")
    one.visits(visit(10, "a"))
    owner.nodes.know([], 50)
    settle()
    owner.nodes.join("one")
    one.visits(visit(60, "a"))
    owner.nodes.know_all()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, PATIENCE) == []
    assert owner.nodes.tally.of_phase(0) == [("ok", "200 OK", 2)]


def test_a_phase_of_the_run_before_that_is_drained_late_says_nothing_of_this_one(cluster: Make) -> None:
    """A visitor hung, the owner gave up; its phase 0 is not the phase 0 that is open now."""
    owner = cluster("one")
    one = owner.workers["one"]
    owner.nodes.open(0)
    hanging = one.recorder.enter()
    owner.nodes.know_all()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, 0.01)
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    owner.nodes.open(0)
    one.recorder.leave(hanging, None)
    settle()
    one.recorder.enter()
    owner.nodes.know_all()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, 0.01) == ["worker one did not report all its visits"]


# Late joiners.


def test_a_late_joiner_is_told_what_it_needs(cluster: Make) -> None:
    """The run, where the link was, the flip that changed that, the last to each release, and that visitors may come."""
    owner = cluster("one")
    owner.nodes.open(0)
    owner.nodes.start("a")
    flips = [flip(number, "ba"[number % 2], 100 * number) for number in range(1, 8)]
    owner.nodes.know(flips, 750)
    late = owner.add("late")
    owner.nodes.join("late")
    (joined,) = late.heard
    assert isinstance(joined, CatchUp)
    assert (joined.begin, joined.start, joined.open) == (owner.workers["one"].heard[0], Start("a"), Open(0))
    assert joined.know.flips == (flips[0], *flips[-2:])
    assert owner.workers["one"].said() == ["begin", "open", "start", "know"]


def test_a_late_joiners_visits_are_judged_and_counted(cluster: Make) -> None:
    """Against the flips before it came and after: ok, stale and lost, as on any other node."""
    owner = cluster("one")
    owner.nodes.open(0)
    owner.nodes.start("a")
    owner.nodes.know([flip(1, "b", 100), flip(2, "a", 200), flip(3, "b", 300)], 350)
    late = owner.add("late")
    owner.nodes.join("late")
    late.visits(visit(400, "b"), visit(410, "a"), visit(500))
    owner.nodes.know([flip(4, "a", 510)], 600)
    owner.nodes.know_all()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, PATIENCE) == []
    assert owner.nodes.tally.of_phase(0) == [
        ("lost", "404 Not Found", 1),
        ("ok", "200 OK", 1),
        ("stale", "200 OK", 1),
    ]
    assert counts(owner.nodes) == [(1, 0, 0, 0, 0), (2, 0, 0, 0, 0), (3, 1, 0, 0, 1), (4, 1, 1, 0, 0)]


def test_a_joiner_between_two_phases_waits_for_the_next(cluster: Make) -> None:
    """Nobody is let in when no phase is open."""
    owner = cluster("one")
    owner.play(flip(1, "b", 100))
    late = owner.add("late")
    owner.nodes.join("late")
    (joined,) = late.heard
    assert isinstance(joined, CatchUp)
    assert (joined.start, joined.open) == (Start("a"), None)
    assert owner.play(flip(1, "a", 900, phase=1), phase=1, before=lambda: late.visits(visit(950, "a", phase=1))) == []
    assert owner.nodes.tally.visits(1) == 1


def test_a_joiner_before_the_first_flip_is_not_told_of_flips(cluster: Make) -> None:
    """Nor where the link points to when nobody has said so yet."""
    owner = cluster("one")
    late = owner.add("late")
    owner.nodes.join("late")
    (joined,) = late.heard
    assert isinstance(joined, CatchUp)
    assert joined.start is None
    assert owner.play(flip(1, "b", 100), before=lambda: late.visits(visit(95))) == []
    assert counts(owner.nodes) == [(1, 1, 1, 0, 0)]


def test_a_joiner_before_any_run_and_after_one_is_told_nothing(cluster: Make) -> None:
    """It hears of the next run when that begins."""
    idle = Cluster("one")
    idle.nodes.join("one")
    assert idle.workers["one"].heard == []
    owner = cluster("one")
    owner.play()
    owner.nodes.end()
    late = owner.add("late")
    owner.nodes.join("late")
    assert late.heard == []


@pytest.mark.parametrize("runs_before", [0, 1])
def test_a_joiner_is_waited_for_like_the_others(cluster: Make, runs_before: int) -> None:
    """It is let in while the phase is open, so it must report; what was closed in a run before is another matter."""
    owner = cluster("one")
    for _ in range(runs_before):
        owner.play()
        owner.nodes.end()
        owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    owner.nodes.open(0)
    owner.add("late").mute = True
    owner.nodes.join("late")
    owner.nodes.know_all()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, 0.01) == ["worker late did not report all its visits"]


def test_a_joiner_of_a_new_run_is_not_told_of_the_old_flips(cluster: Make) -> None:
    """They are of another site."""
    owner = cluster("one")
    owner.play(flip(1, "b", 100))
    owner.nodes.end()
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    owner.nodes.open(0)
    late = owner.add("late")
    owner.nodes.join("late")
    (joined,) = late.heard
    assert isinstance(joined, CatchUp)
    assert (joined.start, joined.know) == (None, Know((), 0))


def test_a_worker_that_joins_though_it_was_there_goes_on(cluster: Make) -> None:
    """It was among those that heard the begin, and says that it listens a moment later."""
    owner = cluster("one")
    one = owner.workers["one"]
    owner.nodes.join("one")
    owner.play(flip(1, "b", 100), before=lambda: one.visits(visit(95), visit(200, "b")))
    assert owner.nodes.tally.visits(0) == 2
    assert counts(owner.nodes) == [(1, 1, 1, 0, 0)]


def test_a_worker_that_joins_though_it_knows_the_flips_counts_as_before(cluster: Make) -> None:
    """The flips that it is told again change nothing."""
    owner = cluster("one")
    one = owner.workers["one"]
    owner.nodes.open(0)
    owner.nodes.start("a")
    owner.nodes.know([flip(1, "b", 100), flip(2, "a", 200), flip(3, "b", 300)], 320)
    owner.nodes.join("one")
    one.visits(visit(195, "a"), visit(290, "a"), visit(330, "a"))
    owner.nodes.know_all()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, PATIENCE) == []
    assert counts(owner.nodes) == [(1, 0, 0, 0, 0), (2, 1, 0, 0, 0), (3, 2, 0, 0, 1)]


def test_a_joiner_while_a_phase_is_collected_is_not_waited_for(cluster: Make) -> None:
    """It made no visit of that phase."""
    owner = cluster("one")
    one = owner.workers["one"]
    owner.nodes.open(0)
    owner.nodes.start("a")
    ticket = one.recorder.enter()
    owner.nodes.know_all()
    owner.nodes.close(0)
    collecting = gevent.spawn(owner.nodes.collect, 0, 0.2)
    settle()
    owner.add("late")
    owner.nodes.join("late")
    one.recorder.leave(ticket, visit(10, "a"))
    collecting.join(PATIENCE)
    assert collecting.value == []


# Another host.


def test_a_node_on_another_host_lets_no_visitor_in_and_says_so(cluster: Make) -> None:
    """Its clock began at another boot: it would call a stale answer ok, and nothing would show it."""
    owner = Cluster("one", "far")
    owner.workers["far"].node.clock = "elsewhere"
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    waiting: list[gevent.Greenlet[..., Ticket]] = []

    def visits() -> None:
        owner.workers["one"].visits(visit(200, "b"))
        waiting.append(gevent.spawn(owner.workers["far"].recorder.enter))
        settle()

    missing = owner.play(flip(1, "b", 100), before=visits)
    assert not waiting[0].ready()
    gevent.killall(waiting)
    assert missing == [f"worker far: {ELSEWHERE}"]
    assert owner.nodes.tally.of_phase(0) == [("ok", "200 OK", 1)]


def test_a_node_on_another_host_that_joins_late_lets_no_visitor_in_either(cluster: Make) -> None:
    """It joins while a phase is open."""
    owner = cluster("one")

    def join() -> None:
        far = owner.add("far")
        far.node.clock = "elsewhere"
        owner.nodes.join("far")
        waiting = gevent.spawn(far.recorder.enter)
        settle()
        assert not waiting.ready()
        waiting.kill()

    assert owner.play(flip(1, "b", 100), before=join) == [f"worker far: {ELSEWHERE}"]


# Workers that do not fit.

UNJUDGED = f"worker strange: {STRANGER}"


def test_a_worker_without_our_part_in_its_report_is_a_trouble_of_every_phase(cluster: Make) -> None:
    """Its users visit, and nobody judges them. It is not waited for: it does not hear us."""
    owner = Cluster("one", "strange")
    owner.workers["strange"].deaf = True
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    owner.nodes.stranger("strange")
    assert owner.play(flip(1, "b", 100)) == [UNJUDGED]
    owner.nodes.stranger("strange")
    assert owner.play(flip(1, "a", 900, phase=1), phase=1) == [UNJUDGED]


def test_a_stranger_that_comes_late_and_leaves_again_is_one_too(cluster: Make) -> None:
    """While it was there it had some of the users."""
    owner = cluster("one")

    def visits() -> None:
        owner.add("strange").deaf = True
        owner.nodes.stranger("strange")
        del owner.workers["strange"]

    assert owner.play(flip(1, "b", 100), before=visits) == [UNJUDGED]


def test_a_stranger_is_one_in_the_next_run_too_unless_it_is_gone(cluster: Make) -> None:
    """Also when that is over before its next report."""
    owner = cluster("one")
    owner.add("strange").deaf = True
    owner.nodes.stranger("strange")
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    assert owner.play() == [UNJUDGED]
    del owner.workers["strange"]
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    assert owner.play() == []


def test_a_worker_of_which_nothing_was_heard_is_waited_for(cluster: Make) -> None:
    """Whether it is a stranger its first report says; without one it is no node whose visits are counted."""
    owner = cluster("one")
    owner.nodes.open(0)
    owner.add("new").deaf = True
    owner.nodes.know_all()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, 0.01) == ["worker new did not report all its visits"]
    with gevent.Timeout(PATIENCE):
        collecting = gevent.spawn(owner.nodes.collect, 0, 10 * PATIENCE)
        settle()
        owner.nodes.stranger("new")
        assert collecting.get() == [f"worker new: {STRANGER}"]


def test_a_worker_that_is_still_getting_ready_is_no_trouble(cluster: Make) -> None:
    """It has our part in its reports before it joins, and until then its visitors wait."""
    owner = cluster("one")
    ready = owner.add("slow")
    ready.deaf = True
    ready.send()
    assert owner.play() == []


@pytest.mark.parametrize("before", [True, False])
def test_a_worker_with_another_version_is_a_trouble_that_names_both(cluster: Make, before: bool) -> None:
    """Whether it was there before the run or came late: what it counts may be another thing."""
    owner = cluster("one")
    if before:
        owner.add("old")
        owner.nodes.join("old", "0.0.1")
        owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)

    def visits() -> None:
        if not before:
            owner.add("old")
            owner.nodes.join("old", "0.0.1")

    (said,) = owner.play(flip(1, "b", 100), before=visits)
    assert said == (f"worker old: it runs locust-cutover 0.0.1, the master runs {VERSION}; install one version on both")


# Errors of our own.


def test_a_node_that_fails_says_so_with_its_counts(cluster: Make) -> None:
    """The first reason is told; a new run begins without it."""
    owner = cluster("one")
    owner.workers["one"].node.fail("so it is")
    owner.workers["one"].node.fail("and so")
    assert owner.play() == ["worker one: so it is"]
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    assert owner.play() == []


def test_a_judge_that_fails_is_told_and_the_next_run_has_one_again(
    cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever for visits that nobody judges."""
    owner = cluster("one")
    one = owner.workers["one"]

    def fail(*_: Any) -> None:
        raise RuntimeError("so it is")

    with monkeypatch.context() as broken:
        broken.setattr(locust_cutover.nodes.late_judge, "judge", fail)
        owner.nodes.open(0)
        owner.nodes.start("a")
        one.visits(visit(10, "a"))
        owner.nodes.know_all()
        owner.nodes.close(0)
        said = owner.nodes.collect(0, 0.1)
    assert said == ["worker one: a visit could not be judged: RuntimeError('so it is')", INCOMPLETE]
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    assert owner.play(before=lambda: one.visits(visit(10, "a"))) == []


def test_a_report_that_cannot_be_taken_is_told_once(cluster: Make) -> None:
    """Whatever comes after it."""
    owner = cluster("one")
    owner.nodes.fail("one", "so it is")
    owner.nodes.fail("one", "so it is")
    assert owner.play() == ["worker one: so it is"]


# Collecting.

INCOMPLETE = "worker one did not report all its visits"


def test_collecting_waits_for_all_nodes(cluster: Make) -> None:
    """For the visitors that are still inside, on each of them."""
    owner = cluster("one", "two")
    tickets: dict[str, Ticket] = {}
    owner.nodes.open(0)
    owner.nodes.start("a")
    for name, worker in owner.workers.items():
        tickets[name] = worker.recorder.enter()
    owner.nodes.know_all()
    owner.nodes.close(0)
    collecting = gevent.spawn(owner.nodes.collect, 0, PATIENCE)
    for name, worker in owner.workers.items():
        settle()
        assert not collecting.ready()
        worker.recorder.leave(tickets[name], visit(10, "a"))
    collecting.join(PATIENCE)
    assert collecting.value == []
    assert owner.nodes.tally.visits(0) == 2


def test_a_node_that_does_not_report_is_told(cluster: Make) -> None:
    """It is there, but its visitors do not come out, or its reports do not come in."""
    owner = cluster("one", "two")
    owner.workers["two"].mute = True
    owner.nodes.open(0)
    owner.nodes.know_all()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, 0.01) == ["worker two did not report all its visits"]


def test_a_node_that_died_is_told_and_not_waited_for(cluster: Make) -> None:
    """However much patience there is; the others' visits are counted."""
    owner = cluster("one", "two", "three")
    owner.nodes.open(0)
    owner.nodes.start("a")
    owner.workers["three"].visits(visit(10, "a"))
    del owner.workers["one"], owner.workers["two"]
    owner.nodes.know_all()
    owner.nodes.close(0)
    with gevent.Timeout(PATIENCE):
        assert owner.nodes.collect(0, 10 * PATIENCE) == ["worker one died", "worker two died"]
    assert owner.nodes.tally.visits(0) == 1


def test_a_node_that_left_after_it_had_reported_everything_is_not_missed(cluster: Make) -> None:
    """Its counts are here."""
    owner = cluster("one", "two")
    owner.nodes.open(0)
    owner.nodes.start("a")
    owner.workers["one"].visits(visit(10, "a"))
    owner.nodes.know_all()
    owner.nodes.close(0)
    settle()
    del owner.workers["one"]
    assert owner.nodes.collect(0, PATIENCE) == []
    assert owner.nodes.tally.visits(0) == 1


def test_a_node_that_was_gone_before_the_run_is_not_missed(cluster: Make) -> None:
    """A new run counts on those that are there."""
    owner = cluster("one", "two")
    owner.nodes.end()
    del owner.workers["two"]
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    assert owner.play() == []


def report(owner: Cluster, visits: int, drained: int = 0) -> Report:
    """The report of a node that has counted one visit, and says that it made so many."""
    tally = Tally()
    tally.answers[0, "ok", "200 OK"] = 1
    return Report(owner.nodes.run, tally, visits, drained, "", None)


@pytest.mark.parametrize("visits", [2, 0])
def test_counts_that_do_not_add_up_are_told(cluster: Make, visits: int) -> None:
    """A report got lost, or came twice: the node made another number of visits than arrived."""
    owner = cluster()
    owner.workers["one"] = Worker("one", owner.nodes)
    owner.nodes.take("one", report(owner, visits))
    assert owner.nodes.collect(0, 0.01) == ["worker one did not report all its visits"]


def test_counts_that_come_in_two_reports_add_up(cluster: Make) -> None:
    """The first one says already how many there will be."""
    owner = cluster()
    owner.workers["one"] = Worker("one", owner.nodes)
    owner.nodes.take("one", report(owner, 2, drained=-1))
    collecting = gevent.spawn(owner.nodes.collect, 0, PATIENCE)
    settle()
    assert not collecting.ready()
    owner.nodes.take("one", report(owner, 2))
    settle()
    assert collecting.ready()  # at once: it need not look again after a while
    assert collecting.value == []


def test_a_phase_that_was_drained_says_nothing_of_the_next(cluster: Make) -> None:
    """A node must report each."""
    owner = cluster("one")
    assert owner.play() == []
    owner.workers["one"].mute = True
    owner.nodes.open(1)
    owner.nodes.know_all()
    owner.nodes.close(1)
    assert owner.nodes.collect(1, 0.01) == ["worker one did not report all its visits"]


def test_without_nodes_nothing_is_missing(cluster: Make) -> None:
    """That nobody visited is another trouble."""
    assert cluster().play() == []


def test_a_node_with_a_visitor_that_hangs_says_so_in_the_end(cluster: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the visitor's own time-out and some patience it reports what it has: not all."""
    owner = cluster("one")
    one = owner.workers["one"]
    one.node.visit_timeout = 0.01
    monkeypatch.setattr(locust_cutover.nodes.node, "OVERTIME", 0.0)
    owner.nodes.open(0)
    owner.nodes.start("a")
    one.visits(visit(10, "a"))
    one.recorder.enter()
    owner.nodes.know_all()
    settle()
    owner.nodes.close(0)
    assert owner.nodes.collect(0, 0.1) == ["worker one did not report all its visits"]
    assert one.node.report().drained == -1
    assert owner.nodes.tally.visits(0) == 1


# The history of a worker's visits.


def operations(path: Path) -> list[type]:
    """What a history holds."""
    return [type(operation) for operation in read(path)]


def test_a_worker_writes_its_visits_beside_the_owners_history(cluster: Make, tmp_path: Path) -> None:
    """In a file of its own with the run's name, closed when the run is over."""
    owner = Cluster()
    one = owner.add("one", index=0)
    two = owner.add("two", index=1)
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), tmp_path / "run.jsonl")
    visits = [visit(95), visit(200, "b")]

    def make() -> None:
        one.visits(*visits)
        two.visits(visit(300, "b"))

    owner.play(flip(1, "b", 100), before=make)
    owner.nodes.end()
    found = list(read(tmp_path / "run-worker0.jsonl"))
    assert found[0] == NodeLine(owner.nodes.run, 0)
    assert found[1:-1] == visits
    assert operations(tmp_path / "run-worker1.jsonl") == [NodeLine, Visit, EndLine]


def test_the_owners_own_node_writes_no_file(cluster: Make, tmp_path: Path) -> None:
    """The owner writes its visits into its own history."""
    owner = cluster("local", history=tmp_path / "run.jsonl")
    kept: list[Visit] = []
    owner.workers["local"].recorder.keep = kept.append
    owner.play(before=lambda: owner.workers["local"].visits(visit(10, "a")))
    assert list(tmp_path.iterdir()) == []
    assert len(kept) == 1


def test_a_run_without_a_history_keeps_none(cluster: Make, tmp_path: Path) -> None:
    """Not even after one that had one."""
    owner = Cluster()
    one = owner.add("one", index=0)
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), tmp_path / "run.jsonl")
    owner.play()
    owner.nodes.end()
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), None)
    owner.play(before=lambda: one.visits(visit(10, "a")))
    owner.nodes.end()
    assert operations(tmp_path / "run-worker0.jsonl") == [NodeLine, EndLine]
    assert one.recorder.keep is None
    assert owner.nodes.tally.visits(0) == 1


def test_a_second_run_begins_the_file_again(cluster: Make, tmp_path: Path) -> None:
    """The history is that of the last run."""
    owner = Cluster()
    one = owner.add("one", index=0)
    for _ in range(2):
        owner.nodes.begin(SCENARIO, Marks(MARK, 1), tmp_path / "run.jsonl.gz")
        owner.play(before=lambda: one.visits(visit(10, "a")))
        owner.nodes.end()
    assert next(read(tmp_path / "run-worker0.jsonl.gz")) == NodeLine(owner.nodes.run, 0)
    assert operations(tmp_path / "run-worker0.jsonl.gz") == [NodeLine, Visit, EndLine]


def test_a_history_that_cannot_be_written_does_not_end_the_run(
    cluster: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker says so, and visits; the owner hears it before there is a verdict."""
    (tmp_path / "run-worker0.jsonl").mkdir()
    owner = Cluster()
    one = owner.add("one", index=0)
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), tmp_path / "run.jsonl")
    assert owner.play(before=lambda: one.visits(visit(10, "a"))) == []
    assert owner.nodes.end(PATIENCE) == [
        f"the history of worker one is not complete: {tmp_path}/run-worker0.jsonl: Is a directory"
    ]
    assert "no history of this worker's visits" in caplog.text
    assert owner.nodes.tally.visits(0) == 1


def test_a_full_disk_is_said_at_the_end(tmp_path: Path) -> None:
    """The run itself is not harmed; the owner hears it before there is a verdict."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / "run-worker0.jsonl").symlink_to("/dev/full")
    owner = Cluster()
    one = owner.add("one", index=0)
    owner.nodes.begin(SCENARIO, Marks(MARK, 1), tmp_path / "run.jsonl")
    assert owner.play(before=lambda: one.visits(*[visit(10, "a")] * 200)) == []
    assert owner.nodes.end(PATIENCE) == [
        f"the history of worker one is not complete: {tmp_path}/run-worker0.jsonl: No space left on device"
    ]
    assert owner.nodes.tally.visits(0) == 200


def test_the_ends_of_the_histories_are_waited_for(tmp_path: Path) -> None:
    """A worker that says nothing has perhaps written nothing; without a history nobody is waited for."""
    owner = Cluster()
    one, two = owner.add("one", index=0), owner.add("two", index=1)
    for history, said in [
        (tmp_path / "run.jsonl", ["the history of worker two is not complete: it did not say whether it is"]),
        (None, []),
    ]:
        two.mute = False
        owner.nodes.begin(SCENARIO, Marks(MARK, 1), history)
        assert owner.play(before=lambda: one.visits(visit(10, "a"))) == []
        two.mute = True
        assert owner.nodes.end(0.01) == said
    assert (tmp_path / "run-worker0.jsonl").read_text().endswith('{"op":"end","visits":1}\n')


def test_know_all_is_past_every_time(cluster: Make) -> None:
    """So that the last visits need not wait for a flip that will not come."""
    owner = cluster("one")
    owner.nodes.know_all()
    assert owner.workers["one"].heard[-1] == Know((), STILL)
