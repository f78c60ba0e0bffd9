"""Users who visit the page behind `current` while the scenario flips it."""

from locust import task

from locust_cutover import Visitor, install

install()


class CurrentVisitor(Visitor):
    """Requests the page again as soon as it has the response."""

    @task
    def current(self) -> None:
        """Visit the page once."""
        self.visit()
