"""The hosts that users visit: chosen by the user, or the site of a run."""

from __future__ import annotations

from locust.env import Environment


class Hosts:
    """Where Locust sends its users, and which of these URLs are sites that our own runs set up."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._on_command_line = environment.host
        self._in_locustfile = {user: user.host for user in environment.user_classes}
        self._own: set[str] = set()

    def chosen(self) -> str | None:
        """The host that the user chose; None for the site that the run sets up."""
        host = self._environment.host
        # The web UI's form repeats the URL of the previous run, whose server is gone.
        return None if host in self._own else host or None

    def visit(self, url: str) -> None:
        """Send users to this URL."""
        if url != self.chosen():
            self._own.add(url)
        self._environment.host = url

    def restore(self) -> None:
        """Go back to the hosts of the command line and the locustfile.

        In Locust's form a typed host cannot be deleted, so a host that failed must not come back in a new form.
        """
        self._environment.host = self._on_command_line
        for user, host in self._in_locustfile.items():
            user.host = host
