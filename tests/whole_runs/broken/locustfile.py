"""The locustfile of the pack, with the one part broken that the test names."""

import os
import sys
from typing import Any

from locust import events, task
from locust.exception import StopTest

import locust_cutover.nodes.owner
import locust_cutover.nodes.recorder
import locust_cutover.run.conductor
from locust_cutover import Visitor, install
from locust_cutover.nodes.owner import Nodes
from locust_cutover.run.play import Play
from locust_cutover.venues.lab import Lab

install()


class CurrentVisitor(Visitor):
    """Visits the page all the time."""

    @task
    def current(self) -> None:
        """One visit."""
        self.visit("/current/")


def fail(*_: Any, **__: Any) -> Any:
    """What was not thought of."""
    raise RuntimeError("planted")


def clear_up(lab: Lab) -> None:
    """Clear up, and fail then."""
    own_clear_up(lab)
    fail()


def stop(**_: Any) -> None:
    """As a listener may."""
    raise StopTest("planted")


def leave(**_: Any) -> None:
    """As Locust does for much that is no violation."""
    sys.exit(1)


own_clear_up = Lab.clear_up
match os.environ["BROKEN"]:
    case "the verdict of a phase":
        locust_cutover.run.conductor.judge_phase = fail  # type: ignore[attr-defined]
    case "the judge":
        locust_cutover.nodes.recorder.judge = fail  # type: ignore[attr-defined]
    case "the taking of a report":
        Nodes.take = fail  # type: ignore[method-assign]
    case "the play of a phase":
        Play.play = fail  # type: ignore[method-assign]
    case "the hearing of the switcher":
        Play._hear = fail  # type: ignore[method-assign]
    case "the clearing up":
        Lab.clear_up = clear_up  # type: ignore[method-assign, assignment]
    case "the spawning of users":
        CurrentVisitor.__init__ = fail  # type: ignore[method-assign]
    case "a listener of request":
        events.request.add_listener(stop)
    case "a listener of init":
        events.init.add_listener(fail)
    case "a listener of spawning_complete":
        events.spawning_complete.add_listener(leave)
    case "a listener of quit":
        events.quit.add_listener(leave)
    case "the locustfile":
        fail()
