"""A visit is one request and one event, in any locustfile and in the experiment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event
from locust import FastHttpUser, task
from locust.env import Environment
from locust.exception import StopTest

from locust_cutover.client.answer import Answer
from locust_cutover.client.connection import Connection
from locust_cutover.client.marks import Marks
from locust_cutover.judging.visit import Visit
from locust_cutover.nodes.gate import Ticket
from locust_cutover.nodes.recorder import Recorder
from locust_cutover.servers.site import MARK, MARKS
from locust_cutover.wiring.visitor import Visitor
from tests.wire import Peer, Wire, always, once

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\nHello World from a! and Hello World from b!"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"


class Plain(Visitor):
    """A visitor of a locustfile."""

    def context(self) -> dict[str, str]:
        """Whatever a user tells about itself."""
        return {"visitor": "seven"}


class Events(list[dict[str, Any]]):
    """The request events of an environment."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        environment.events.request.add_listener(lambda **event: self.append(event))


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorder and host are set on the classes: undo what another test in this process did, and what this one does."""
    monkeypatch.setattr(Visitor, "recorder", None)
    monkeypatch.setattr(Plain, "host", None)


def plain(wire: Wire, kind: type[Visitor] = Plain) -> tuple[Visitor, Events]:
    """A visitor of that server, and the events of its visits."""
    environment = Environment(user_classes=[kind])
    kind.host = wire.url  # as a runner does it with -H
    return kind(environment), Events(environment)


# In any locustfile.


def test_a_visit_fires_one_event_at_once() -> None:
    """When it returns, Locust has counted it, with all that a listener may want to know."""
    with Wire(always(PAGE)) as wire:
        visitor, events = plain(wire)
        answer = visitor.visit("/current/")
        visitor.on_stop()
        assert answer.body.startswith(b"Hello World from a!")
        [event] = events
        assert event["request_type"] == "GET"
        assert event["name"] == event["url"] == "/current/"
        assert event["response_length"] == 43
        assert event["response_time"] == (answer.received - answer.sent) / 1e6
        assert event["exception"] is None
        assert event["context"] == {"visitor": "seven"}


def test_a_visit_can_have_a_name() -> None:
    """Paths with a number in them make one row of Locust's table."""
    with Wire(always(PAGE)) as wire:
        visitor, events = plain(wire)
        visitor.visit("/item?id=1", name="/item")
        visitor.visit("/item?id=2", name="/item")
        visitor.on_stop()
        assert [(event["name"], event["url"]) for event in events] == [("/item", "/item?id=1"), ("/item", "/item?id=2")]


def test_method_headers_and_body_are_sent() -> None:
    """A visit can be any request."""
    with Wire(always(PAGE)) as wire:
        visitor, events = plain(wire)
        visitor.visit("/form", "POST", {"Content-Type": "text/plain"}, b"hello")
        visitor.on_stop()
        request = wire.requests[0]
        assert (request.line, request.header("Content-Type"), request.body) == (
            "POST /form HTTP/1.1",
            ["text/plain"],
            b"hello",
        )
        assert events[0]["request_type"] == "POST"


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (MISSING, "404 Not Found"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "302 Found"),
        (b"HTTP/1.1 500 Oh No\r\nContent-Length: 0\r\n\r\n", "500 Internal Server Error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\nHello", "truncated answer"),
        (b"Hello", "bad answer"),
    ],
)
def test_a_lost_visit_fires_one_event_with_a_plain_name(packet: bytes, error: str) -> None:
    """The name is a text, so that Locust's failures are told apart by it and by nothing else."""
    with Wire(once(packet)) as wire:
        visitor, events = plain(wire)
        answer = visitor.visit("/current/")
        visitor.on_stop()
        assert answer.name == error
        assert [event["exception"] for event in events] == [error]
        assert len(wire.requests) == 1


def test_a_time_out_is_the_users_own() -> None:
    """Set on the class, as everything about a Locust user."""

    class Impatient(Plain):
        timeout = 0.1

    def hang(peer: Peer) -> None:
        peer.read()
        peer.wait_until_gone()

    with Wire(hang) as wire:
        visitor, events = plain(wire, Impatient)
        visitor.visit("/")
        assert [event["exception"] for event in events] == ["timed out"]


def test_a_request_that_cannot_be_written_is_no_visit() -> None:
    """It is a mistake in the locustfile: an exception there, and no event."""
    with Wire(always(PAGE)) as wire:
        visitor, events = plain(wire)
        with pytest.raises(ValueError, match="quote the path"):
            visitor.visit("/a b")
        assert (events, wire.requests) == ([], [])


def test_without_a_host_the_test_is_stopped() -> None:
    """With a sentence that says what to do."""
    with pytest.raises(StopTest, match=r"^no host to visit: give one with -H, or as the user class's host$"):
        Plain(Environment(user_classes=[Plain]))


def test_a_host_that_is_no_url_stops_the_test() -> None:
    """And is named."""
    Plain.host = "127.0.0.1:8080"
    with pytest.raises(
        StopTest, match=r"^host: expected a URL such as http://127\.0\.0\.1:8080, got '127\.0\.0\.1:8080'$"
    ):
        Plain(Environment(user_classes=[Plain]))


def test_the_connection_is_closed_when_the_user_stops() -> None:
    """Locust calls on_stop; the server must not be left with it."""
    with Wire(always(PAGE)) as wire:
        visitor, _ = plain(wire)
        visitor.visit("/")
        visitor.on_stop()
        wire.wait_until_quiet()


def test_each_user_has_a_connection_of_its_own() -> None:
    """And keeps it."""
    with Wire(always(PAGE)) as wire:
        visitors = [plain(wire)[0] for _ in range(3)]
        for visitor in visitors * 2:
            visitor.visit("/")
        for visitor in visitors:
            visitor.on_stop()
        assert (len(wire.requests), wire.connections) == (6, 3)


def test_a_local_runner_counts_what_the_server_saw() -> None:
    """No visit is lost on the way into Locust's statistics, the failed ones included."""
    enough = Event()

    class Runs(Plain):
        @task
        def look(self) -> None:
            self.visit("/current/", name="current")
            if len(wire.requests) >= 20:
                enough.set()
                gevent.sleep(60)  # until it is stopped

    answers = iter([PAGE, MISSING] * 1000)

    def talk(peer: Peer) -> None:
        while True:
            peer.read()
            peer.send(next(answers))

    with Wire(talk) as wire:
        environment = Environment(user_classes=[Runs], host=wire.url)
        runner = environment.create_local_runner()
        runner.start(2, spawn_rate=2)
        assert enough.wait(10)
        runner.quit()
        entry = environment.stats.get("current", "GET")
        assert entry.num_requests == len(wire.requests)
        assert entry.num_failures == len(wire.requests) // 2
        assert [(error.error, error.occurrences) for error in environment.stats.errors.values()] == [
            ("404 Not Found", entry.num_failures)
        ]


# Why there is a Visitor at all.


def close(peer: Peer) -> None:
    """Read a request and close without an answer, as a server that crashes."""
    peer.read()


def test_a_server_that_closes_without_an_answer_is_one_request_and_one_loss() -> None:
    """Visit by visit."""
    with Wire(close) as wire:
        visitor, events = plain(wire)
        for visit in range(1, 4):
            assert visitor.visit("/").name == "connection closed"
            assert len(wire.requests) == len(events) == visit
        assert [event["exception"] for event in events] == ["connection closed"] * 3


def test_locusts_own_user_hides_such_losses() -> None:
    """FastHttpUser's client sends the request again and again, and Locust hears of one."""

    class Fast(FastHttpUser):
        pass

    with Wire(close) as wire:
        Fast.host = wire.url
        environment = Environment(user_classes=[Fast])
        events = Events(environment)
        Fast(environment).client.get("/")
        assert len(events) == 1
        assert len(wire.requests) > 1


def test_locusts_own_user_calls_a_visit_good_that_was_lost_first() -> None:
    """One request without an answer, then one with: FastHttpUser reports no failure, a visitor one."""

    class Fast(FastHttpUser):
        pass

    talks = iter([close, once(PAGE), close, once(PAGE)])
    with Wire(lambda peer: next(talks)(peer)) as wire:
        Fast.host = wire.url
        environment = Environment(user_classes=[Fast])
        events = Events(environment)
        Fast(environment).client.get("/")
        assert [event["exception"] for event in events] == [None]
        assert len(wire.requests) == 2

        visitor, events = plain(wire)
        visitor.visit("/")
        visitor.visit("/")
        visitor.on_stop()
        assert [event["exception"] for event in events] == ["connection closed", None]
        assert len(wire.requests) == 4


# In the experiment.


class Keeping(Recorder):
    """The recorder, that also keeps what the visitors handed in."""

    def __init__(self) -> None:
        super().__init__(lambda visit, judgment: None)
        self.marks = Marks(MARK, MARKS)
        self.kept: list[Visit | None] = []

    def leave(self, ticket: Ticket, visit: Visit | None) -> None:
        """Keep it."""
        self.kept.append(visit)
        super().leave(ticket, visit)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeping]:
    """The recorder that all visitors hand their visits to."""
    recorder = Keeping()
    monkeypatch.setattr(Visitor, "recorder", recorder)
    yield recorder
    recorder.close()


def test_a_visit_is_recorded_instead_of_reported(recorder: Keeping) -> None:
    """Its event is fired when it is judged, and not by the visitor."""
    with Wire(always(PAGE)) as wire:
        visitor, events = plain(wire)
        recorder.open(3)
        answer = visitor.visit("/current/", name="not used here")
        visitor.on_stop()
        assert recorder.kept == [
            Visit(
                phase=3,
                method="GET",
                path="/current/",
                sent=answer.sent,
                received=answer.received,
                answer="200 OK",
                whole=True,
                marks=("a", "b"),
                due=2,
                length=43,
            )
        ]
        assert events == []


@pytest.mark.parametrize(
    ("method", "marks", "read", "due"),
    [
        ("GET", None, ("a", "b"), 2),
        ("GET", 3, ("a", "b"), 3),
        ("GET", 0, (), 0),
        ("HEAD", None, (), 0),
        ("HEAD", 2, (), 0),
    ],
)
def test_how_many_marks_are_due_is_said_by_the_page(
    recorder: Keeping, method: str, marks: int | None, read: tuple[str, ...], due: int
) -> None:
    """By default the scenario's number; 0 means not to judge them, and an answer to HEAD has none to judge."""
    page = PAGE if method == "GET" else PAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    with Wire(always(page)) as wire:
        visitor, _ = plain(wire)
        recorder.open(0)
        visitor.visit("/current/", method, marks=marks)
        visitor.on_stop()
        [visit] = recorder.kept
        assert visit is not None
        assert (visit.marks, visit.due) == (read, due)


@pytest.mark.parametrize(
    ("packet", "answer"),
    [(MISSING, "404 Not Found"), (PAGE[:60], "truncated answer"), (PAGE + b"!", "bad answer")],
)
def test_a_lost_visit_is_recorded_without_marks(recorder: Keeping, packet: bytes, answer: str) -> None:
    """What there is of its body was not served as a page."""
    with Wire(once(packet)) as wire:
        visitor, _ = plain(wire)
        recorder.open(0)
        visitor.visit("/current/")
        visitor.on_stop()
        [visit] = recorder.kept
        assert visit is not None
        assert (visit.answer, visit.whole, visit.marks) == (answer, False, ())


def test_a_visit_waits_until_a_phase_is_open(recorder: Keeping) -> None:
    """Between the phases nobody visits, and a visit belongs to the phase that let it in."""
    with Wire(always(PAGE)) as wire:
        visitor, _ = plain(wire)
        waiting = gevent.spawn(visitor.visit, "/waited")
        # Somebody who need not wait asks and is answered: there was time for the other one, too.
        free = Connection(wire.url, 10)
        assert free.exchange("/free").ok
        free.close()
        assert [request.line for request in wire.requests] == ["GET /free HTTP/1.1"]
        assert recorder.kept == []

        recorder.open(1)
        answer = waiting.get(timeout=10)
        assert isinstance(answer, Answer)
        assert wire.requests[1].line == "GET /waited HTTP/1.1"
        assert [visit and visit.phase for visit in recorder.kept] == [1]
        visitor.on_stop()


def test_a_closed_phase_waits_for_the_visits_under_way(recorder: Keeping) -> None:
    """They still belong to it; nobody else is let in."""
    asked, say = Event(), Event()

    def talk(peer: Peer) -> None:
        peer.read()
        asked.set()
        say.wait(10)
        peer.send(PAGE)
        peer.wait_until_gone()

    with Wire(talk) as wire:
        visitor, _ = plain(wire)
        recorder.open(0)
        under_way = gevent.spawn(visitor.visit, "/")
        assert asked.wait(10)
        recorder.close()
        assert not recorder.drain(0.01), "one visitor is inside"
        say.set()
        under_way.get(timeout=10)
        assert [visit and visit.answer for visit in recorder.kept] == ["200 OK"]
        visitor.on_stop()


def test_a_visitor_that_is_stopped_in_a_visit_ends_after_it(recorder: Keeping) -> None:
    """The answer is counted as the server counts it, and only then the user ends."""
    asked, answer = Event(), Event()

    def wait(peer: Peer) -> None:
        peer.read()
        asked.set()
        assert answer.wait(10)
        peer.send(PAGE)
        peer.wait_until_gone()

    with Wire(wait) as wire:
        visitor, _ = plain(wire)
        recorder.open(0)
        visit = gevent.spawn(visitor.visit, "/")
        assert asked.wait(10)
        visit.kill(block=False)
        answer.set()
        assert isinstance(visit.get(timeout=10), gevent.GreenletExit)
        assert [kept and kept.answer for kept in recorder.kept] == ["200 OK"]
        visitor.on_stop()


def test_a_visitor_that_is_stopped_while_it_waits_for_a_phase_makes_no_visit(recorder: Keeping) -> None:
    """It sends nothing, and nobody waits for it."""
    with Wire(always(PAGE)) as wire:
        visitor, _ = plain(wire)
        waiting = gevent.spawn(visitor.visit, "/")
        gevent.idle()
        waiting.kill()
        assert recorder.kept == []
        assert wire.requests == []


def test_a_request_that_cannot_be_written_is_not_recorded(recorder: Keeping) -> None:
    """The visitor leaves, and the mistake goes to the locustfile."""
    with Wire(always(PAGE)) as wire:
        visitor, _ = plain(wire)
        recorder.open(0)
        with pytest.raises(ValueError):
            visitor.visit("no slash")
        assert recorder.kept == [None]
        assert recorder.drain(0)


def test_in_the_experiment_the_host_may_come_later(recorder: Keeping) -> None:
    """The server of the lab has a port when the run begins; a host that never comes stops the test."""
    environment = Environment(user_classes=[Plain])
    visitor = Plain(environment)
    recorder.open(0)
    with pytest.raises(StopTest, match="no host to visit"):
        visitor.visit("/")
    with Wire(always(PAGE)) as wire:
        visitor.host = wire.url
        assert visitor.visit("/").ok
        visitor.on_stop()
