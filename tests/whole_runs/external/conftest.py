"""A site as a user has it, and a server of the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole_runs.external.servers import nginx
from tests.whole_runs.external.site import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The user's site."""
    return Shop(tmp_path / "shop")


@pytest.fixture
def port(tmp_path: Path, shop: Shop) -> Iterator[int]:
    """Where the user's nginx serves it."""
    with nginx(tmp_path / "nginx", shop.link) as port:
        yield port
