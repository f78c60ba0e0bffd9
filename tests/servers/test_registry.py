"""Each name that a scenario can give has a server."""

from __future__ import annotations

from locust_cutover.servers.names import NAMES
from locust_cutover.servers.registry import SERVERS


def test_the_names_of_scenarios_are_those_of_the_registered_servers() -> None:
    """In the same order, each once: scenarios are read without importing a server."""
    assert tuple(SERVERS) == NAMES
    assert len(set(SERVERS.values())) == len(NAMES)
