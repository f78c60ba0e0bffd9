"""The locustfile of the pack, whose first worker reports that fewer visits than none were lost."""

from typing import Any

from locust import events, task

from locust_cutover import Visitor, install
from locust_cutover.wiring.hooks import _hooks

install()


def lie(data: dict[str, Any], **_: Any) -> None:
    """Change our part of the report, after it was added."""
    if _hooks.transport.node.worker_index == 0:
        data["cutover"]["tally"]["answers"].append([0, "lost", "404 Not Found", -5])


events.report_to_master.add_listener(lie)


class CurrentVisitor(Visitor):
    """Visits the page all the time."""

    @task
    def current(self) -> None:
        """One visit."""
        self.visit()
