"""What stands in for Locust in the tests of the wiring: runners that only remember, and an environment for them."""

from __future__ import annotations

from argparse import Namespace
from types import SimpleNamespace
from typing import Any

from locust.env import Environment
from locust.event import Events
from locust.runners import STATE_INIT, MasterRunner, WorkerRunner


class FakeRunner:
    """A runner that remembers what it was told; without workers."""

    def __init__(self) -> None:
        self.state = STATE_INIT
        self.greenlet = None  # Locust's looks at its own when it goes
        self.environment: Any = None
        self.ended: list[str] = []
        self.listeners: dict[str, Any] = {}
        self.sent: list[tuple[str, Any, str | None]] = []

    @property
    def stats(self) -> Any:
        """As Locust's: those of the environment."""
        return self.environment.stats

    def register_message(self, msg_type: str, listener: Any, concurrent: bool = False) -> None:
        """Remember the listener."""
        self.listeners[msg_type] = listener

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Remember the message."""
        self.sent.append((msg_type, data, client_id))

    def stop(self) -> None:
        """Remember that the test was stopped."""
        self.ended.append("stop")

    def quit(self) -> None:
        """Remember that Locust was ended."""
        self.ended.append("quit")


class FakeMaster(FakeRunner, MasterRunner):  # type: ignore[misc]
    """A master; `clients` are its workers."""

    def __init__(self, **states: str) -> None:
        FakeRunner.__init__(self)
        self.clients = {name: SimpleNamespace(id=name, state=state) for name, state in states.items()}  # type: ignore[assignment]


class FakeWorker(FakeRunner, WorkerRunner):  # type: ignore[misc]
    """The second worker of a master."""

    def __init__(self) -> None:
        FakeRunner.__init__(self)
        self.client_id = "w2"
        self.worker_index = 1


def environment(runner: FakeRunner | None = None, web_ui: Any = None, host: str | None = None, **given: Any) -> Any:
    """An environment of Locust with this runner and these options."""
    absent = dict.fromkeys(
        ("csv_prefix", "report", "junit", "summary", "history", "num_users", "spawn_rate", "processes", "web_base_path")
    )
    options = {**absent, "scenario": "atomic", "keep_site": False, "autostart": False, "autoquit": -1, **given}
    made: Any = Environment(events=Events(), host=host, parsed_options=Namespace(**options))
    made.runner = runner or FakeRunner()
    made.runner.environment = made
    made.web_ui = web_ui
    return made
