"""What judging costs: the same visitors with the judge on and off, in turn, in requests per CPU-second of theirs.

Off: a plain Locust user whose request events fire at once. On: every visit is recorded, judged
against fifty flips a second and counted, and its event fires then. The server is nginx, whose own
CPU time does not count.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import gevent
from locust.env import Environment

from locust_cutover import Visitor
from locust_cutover.client.marks import Marks
from locust_cutover.judging.timeline import STILL, Flip
from locust_cutover.nodes.recorder import Recorder
from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.site import MARK, MARKS, PAGE, build_site

VISITORS = 10
SECONDS = 2.0
ROUNDS = 7


def measure(url: str, judging: bool) -> float:
    """Requests per CPU-second of one round."""

    class Current(Visitor):
        host = url

    environment = Environment(user_classes=[Current])
    environment.create_local_runner()
    recorder = Recorder(
        lambda visit, judgment: environment.events.request.fire(
            request_type=visit.method,
            name="phase",
            response_time=(visit.received - visit.sent) / 1e6,
            response_length=visit.length,
            exception=None if judgment.kind == "ok" else judgment.kind,
            context={},
            url=visit.path,
            start_time=visit.sent / 1e9,
        )
    )
    recorder.begin(PAGE, Marks(MARK, MARKS), ["a", "b"])
    recorder.open(0)
    recorder.judge.start("a")
    Visitor.recorder = recorder if judging else None
    end = time.monotonic() + SECONDS

    def visit() -> None:
        visitor = Current(environment)
        while time.monotonic() < end:
            assert visitor.visit(PAGE).ok
        visitor.on_stop()

    def flip() -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            now = time.monotonic_ns()
            # To the release that is there: the page does not change, the work is the same.
            recorder.judge.know([Flip(0, number, "a", now - 50_000, now)], now)
            gevent.sleep(0.02)

    started = time.process_time()
    greenlets = [gevent.spawn(visit) for _ in range(VISITORS)]
    if judging:
        greenlets.append(gevent.spawn(flip))
    gevent.joinall(greenlets, raise_error=True)
    recorder.judge.know([], STILL)
    recorder.drain(10)
    requests: int = environment.stats.total.num_requests
    assert environment.stats.total.num_failures == 0
    return requests / (time.process_time() - started)


def main() -> None:
    """Print the ratio of each pair of rounds and their median."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_site(folder / "site", ["a", "b"])
        server = SERVERS["nginx"](folder, folder / "site")
        server.start()
        try:
            server.wait_until_ready(PAGE)
            measure(server.url, judging=True)  # warm up
            ratios = []
            for _ in range(ROUNDS):
                on, off = measure(server.url, judging=True), measure(server.url, judging=False)
                ratios.append(on / off)
                print(f"judging on {on:6.0f}, off {off:6.0f} requests/CPU-second, ratio {on / off:.3f}")
            print(f"median ratio {statistics.median(ratios):.3f}")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
