"""The locustfile of the pack, with the planted servers among those a scenario can name."""

import os
import sys

import gevent
from locust import events, task

from locust_cutover import Visitor, install
from locust_cutover.scenario import read
from locust_cutover.servers.embedded import Embedded
from locust_cutover.servers.registry import SERVERS
from locust_cutover.wiring.hooks import _hooks
from tests.whole_runs.planted.pages import FAULTS


class Planted(Embedded):
    """A planted server; the file that it counts its answers in is named by the test."""

    fault = "none"

    def command(self) -> list[str]:
        """The planted program."""
        count = os.environ["PLANTED_COUNT"]
        return [
            sys.executable,
            "-m",
            "tests.whole_runs.planted.pages",
            self.fault,
            count,
            str(self.root),
            str(self.port),
        ]


for name in FAULTS:
    SERVERS[f"planted-{name}"] = type(name, (Planted,), {"name": f"planted-{name}", "fault": name})
# A scenario may name those of the lab only.
vars(read)["NAMES"] = tuple(SERVERS)


def take_time(**_: object) -> None:
    """A locustfile whose own set-up takes long, when the test wants that."""
    gevent.sleep(float(os.environ.get("SLOW_INIT", "0")))


events.init.add_listener(take_time)
# A process of this host that takes itself for one of another, when the test wants that.
_hooks.transport.node.clock = os.environ.get("OTHER_CLOCK", "")
install()


class CurrentVisitor(Visitor):
    """Visits the page all the time."""

    @task
    def current(self) -> None:
        """One visit."""
        self.visit("/current/")
