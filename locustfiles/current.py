"""Visitors of the page behind `current`, while the scenario's strategies flip it."""

from locust import task

from locust_cutover import Visitor, install

install()


class CurrentVisitor(Visitor):
    """Asks for the page again as soon as it has its answer."""

    @task
    def current(self) -> None:
        """One visit."""
        self.visit()
