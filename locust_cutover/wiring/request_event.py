"""Locust's `request` event: how a visit reaches Locust's tables."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from locust.env import Environment

EPOCH = time.time() - time.monotonic()
"""Seconds to add to CLOCK_MONOTONIC for a wall-clock time."""


def fire(
    environment: Environment,
    method: str,
    path: str,
    name: str,
    sent: int,
    received: int,
    length: int,
    error: str | None,
    context: Mapping[str, Any],
) -> None:
    """Tell Locust of one request; times are CLOCK_MONOTONIC nanoseconds, `name` is its row in Locust's tables."""
    environment.events.request.fire(
        request_type=method,
        name=name,
        response_time=(received - sent) / 1e6,
        response_length=length,
        exception=error,
        context=context,
        url=path,
        start_time=EPOCH + sent / 1e9,
    )
