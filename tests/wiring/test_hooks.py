"""What Locust is told of a judged visit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from locust_cutover.wiring.hooks import Experiment
from tests.histories import loss
from tests.tallies import alone


@pytest.mark.parametrize(("answer", "error"), [("404 Not Found", "404 Not Found"), ("my own", "other")])
def test_the_error_of_a_lost_visit_is_the_name_that_it_counts_as(answer: str, error: str) -> None:
    """So that Locust's tables have no more rows than ours."""
    fired: list[dict[str, Any]] = []
    experiment = Experiment()
    experiment.node.phases = ["forced"]
    request = SimpleNamespace(fire=lambda **event: fired.append(event))
    experiment.environment = SimpleNamespace(events=SimpleNamespace(request=request))  # type: ignore[assignment]
    experiment.fire(loss(10, 20, answer), alone("lost")._replace(answer=answer))
    assert [event["exception"] for event in fired] == [error]
