"""A site of the user's own: somebody else's nginx, flipped, judged, and left as it was."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.external.servers import free_port, nginx
from tests.external.site import MARK, Shop
from tests.locust_process import LocustProcess
from tests.test_run import check_sums, headless, write

SITE = f"""
site:
  server: external
  url: http://127.0.0.1:{{port}}/
  root: {{root}}
  releases: [releases/1, releases/2]
  mark: "{MARK}"
load: {{{{users: 5, spawn_rate: 50}}}}
"""

TWO_PHASES = """
phases:
  - strategy: forced
    every: 2ms
    flips: 500
    expect: {lost: some}
  - strategy: atomic
    every: 2ms
    flips: 300
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The user's site."""
    return Shop(tmp_path / "shop")


@pytest.fixture
def port(tmp_path: Path, shop: Shop) -> Iterator[int]:
    """Where the user's nginx serves it."""
    with nginx(tmp_path / "nginx", shop.link) as port:
        yield port


def run(folder: Path, shop: Shop, port: int, phases: str, site: str = SITE) -> LocustProcess:
    """A headless Locust on the shop."""
    return headless(folder, write(folder, site.format(port=port, root=shop.root) + phases))


def test_forced_loses_and_atomic_does_not_on_a_server_that_somebody_else_runs(tmp_path: Path) -> None:
    """The main job, at the user's own site; at the end the link is where it was and nothing else has changed."""
    shop = Shop(tmp_path / "shop")
    with nginx(tmp_path / "nginx", shop.link) as port, run(tmp_path, shop, port, TWO_PHASES) as locust:
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    assert shop.is_as_it_was()
    answers = {(row["phase"], row["kind"], row["answer"]): int(row["count"]) for row in locust.rows("answers")}
    assert answers["forced", "lost", "404 Not Found"] > 0
    assert not [key for key in answers if key[0] == "atomic" and key[1] != "ok"]
    assert {row["release"] for row in locust.rows("flips")} == {"1", "2"}
    assert locust.verdict()["server"].startswith("nginx/1.")
    check_sums(locust)


LONG = """
phases:
  - strategy: atomic
    every: 2ms
    duration: 10m
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_however_the_run_ends_the_link_is_where_it_was(tmp_path: Path, number: int) -> None:
    """After Ctrl-C and after SIGKILL: that is the switcher's part, which outlives Locust for a moment."""
    shop = Shop(tmp_path / "shop")
    with nginx(tmp_path / "nginx", shop.link) as port, run(tmp_path, shop, port, LONG) as locust:
        locust.wait_for("phase atomic")
        locust.signal(number)
        locust.wait()
        while locust.processes():
            pass
        assert shop.is_as_it_was()


def test_a_url_where_nobody_listens_is_one_line_before_any_flip(tmp_path: Path) -> None:
    """Exit code 2, and the site was not touched."""
    shop = Shop(tmp_path / "shop")
    with run(tmp_path, shop, port := free_port(), LONG) as locust:
        assert locust.wait() == 2, locust.output
    assert f"http://127.0.0.1:{port}/: connection refused before the first flip" in locust.output
    assert shop.is_as_it_was()
