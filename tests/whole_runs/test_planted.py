"""Faults planted in real servers under load are found, and a correct server is not accused."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from locust_cutover.check import main as check
from tests.conftest import in_a_time_namespace
from tests.locust_process import LocustProcess, processes
from tests.whole_runs.planted.pages import AGE
from tests.whole_runs.runs import check_sums

SCENARIO = """
site: {{server: {server}}}
load: {{users: 10, spawn_rate: 100}}
phases:
  - strategy: atomic
    every: {every}
    duration: {duration}
    expect: {{{expect}}}
"""


def scenario(folder: Path, server: str, every: str = "10ms", duration: str = "2s", expect: str = "") -> str:
    """A scenario of one atomic phase."""
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO.format(server=server, every=every, duration=duration, expect=expect))
    return str(path)


def planted(folder: Path, path: str, *arguments: str, kind: str = "--headless") -> LocustProcess:
    """Locust with the planted servers; the server's count goes to `count`, the history to `history.jsonl.gz`."""
    os.environ["PLANTED_COUNT"] = str(folder / "count")
    options = ["-f", "tests/whole_runs/planted/locustfile.py", kind, "--scenario", path]
    options += ["--csv", str(folder / "report" / "run"), "--history", str(folder / "history.jsonl.gz")]
    return LocustProcess(folder, *options, *arguments)


def kinds(locust: LocustProcess) -> Counter[str]:
    """How many visits of each kind, by our own CSV."""
    count = Counter[str]()
    for row in locust.rows("answers"):
        count[row["kind"]] += int(row["count"])
    return count


def test_a_server_with_a_reading_of_the_link_that_is_300_ms_old_is_stale(tmp_path: Path) -> None:
    """Status 200, one release, long replaced: stale, with its age and the flip that replaced it."""
    with planted(tmp_path, scenario(tmp_path, "planted-stale", every="1s", duration="3s")) as locust:
        assert locust.wait() == 1, locust.output
    assert set(kinds(locust)) == {"ok", "stale"}
    phase = locust.verdict()["phases"][0]
    # The oldest reading is as old as AGE and one round of reading; on a busy machine a round takes long.
    assert AGE * 0.9e9 < phase["longest_stale_ns"] < 1e9
    assert (phase["convergence_ns"] or phase["not_converged_ns"]) >= phase["longest_stale_ns"]
    assert phase["expectations"]["stale"]["after_flips"] == phase["expectations"]["stale"]["observed"]
    stale = {row["flip"]: int(row["stale"]) for row in locust.rows("flips")}
    assert all(stale[flip] > 0 for flip in ("1", "2", "3"))
    check_sums(locust)


def test_losses_that_no_flip_explains_are_told_apart(tmp_path: Path) -> None:
    """A server that closes every 500th connection loses visits between the flips, and is no positive control."""
    path = scenario(tmp_path, "planted-closing", every="500ms", expect="lost: some")
    with planted(tmp_path, path) as locust:
        assert locust.wait() == 3, locust.output
    assert {(row["kind"], row["answer"]) for row in locust.rows("answers")} == {
        ("ok", "200 OK"),
        ("lost", "connection closed"),
    }
    lost = locust.verdict()["phases"][0]["expectations"]["lost"]
    assert lost["at_none"] > 0
    assert lost["at_none"] >= 0.5 * lost["observed"]
    assert " not near any flip; expected: some (the control)" in " ".join(locust.output.split())
    assert "background: " in locust.output
    check_sums(locust)


@pytest.mark.parametrize("fault", ["torn", "part-missing"])
def test_mixed_pages_and_pages_with_a_part_missing_are_torn(tmp_path: Path, fault: str) -> None:
    """Status 200 hides neither."""
    with planted(tmp_path, scenario(tmp_path, f"planted-{fault}")) as locust:
        assert locust.wait() == 1, locust.output
    assert set(kinds(locust)) == {"ok", "torn"}
    assert {row["Error"] for row in locust.rows("failures")} == {"torn"}
    check_sums(locust)


def test_a_release_that_nobody_has_makes_the_run_inconclusive(tmp_path: Path) -> None:
    """It is no proof against the server, and no pass either."""
    with planted(tmp_path, scenario(tmp_path, "planted-unknown")) as locust:
        assert locust.wait() == 3, locust.output
    assert set(kinds(locust)) == {"ok", "unjudged"}
    assert "could not be judged: site.releases" in " ".join(locust.output.split())
    check_sums(locust)


def test_a_correct_server_is_not_accused_in_200_000_visits(tmp_path: Path) -> None:
    """embedded-pinned with atomic, a thousand flips a second and many users: not one accusation."""
    visits = 0
    for _ in range(20):
        path = scenario(tmp_path, "embedded-pinned", every="1ms", duration="20s")
        with planted(tmp_path, path, "-u", "50", "-r", "1000") as locust:
            assert locust.wait() == 0, locust.output
        assert set(kinds(locust)) == {"ok"}
        visits += kinds(locust).total()
        if visits >= 200_000:
            return
    pytest.fail(f"only {visits} visits in 20 runs")


@pytest.mark.parametrize("workers", [0, 2])
def test_locust_and_the_server_and_we_count_the_same(tmp_path: Path, workers: int) -> None:
    """To the last visit, and the history says it again."""
    arguments = processes(workers) if workers else []
    with planted(tmp_path, scenario(tmp_path, "planted-none"), *arguments) as locust:
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    check_sums(locust)
    # Two more, before the run: the page that was waited for, and the one that was looked at.
    assert (tmp_path / "count").stat().st_size == kinds(locust).total() + 2
    histories = [str(path) for path in tmp_path.glob("history*.jsonl.gz")]
    assert len(histories) == 1 + workers
    assert check([*histories, "--csv", str(tmp_path / "again")]) == 0
    for report in ("answers", "flips", "verdict"):
        again = (tmp_path / f"again_{report}.csv").read_text()
        assert again == Path(f"{locust.prefix}_{report}.csv").read_text()
    said = json.loads((tmp_path / "again_verdict.json").read_text())
    assert {"python", "locust", "locust-cutover", "gevent", "geventhttpclient"} <= set(said["versions"])
    assert {"system", "kernel", "arch", "cpus", "processors"} == set(said["machine"])
    for key in ("versions", "machine"):
        assert said[key] == locust.verdict()[key]


def test_a_master_and_its_workers_count_the_same(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """Separate processes, with a fault in each worker's visits."""
    port = str(free_port())
    path = scenario(tmp_path, "planted-torn", expect="torn: some")
    master = planted(tmp_path, path, "--master", "--master-bind-port", port, "--expect-workers", "2")
    with master as locust:
        workers = [
            LocustProcess(tmp_path, "-f", "tests/whole_runs/planted/locustfile.py", "--worker", "--master-port", port)
            for _ in range(2)
        ]
        with workers[0], workers[1]:
            # Pages are mixed at random, so the flips have nothing to do with it.
            assert (code := locust.wait()) == 3, locust.output
            assert [worker.wait() for worker in workers] == [0, 0]
    check_sums(locust)
    assert kinds(locust)["torn"] > 0
    assert (tmp_path / "count").stat().st_size == kinds(locust).total() + 2
    assert check([str(path) for path in tmp_path.glob("history*.jsonl.gz")]) == code


def test_a_worker_that_joins_late_gets_what_it_needs(
    tmp_path: Path, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its visits are judged like the others', none is unjudged."""
    port = str(free_port())
    path = scenario(tmp_path, "planted-none", duration="12s")
    arguments = ["--worker", "--master-port", port]
    with (
        planted(tmp_path, path, "--master", "--master-bind-port", port, "--expect-workers", "1") as locust,
        LocustProcess(tmp_path, "-f", "tests/whole_runs/planted/locustfile.py", *arguments) as first,
    ):
        locust.wait_for("phase atomic")
        # Locust tells a late worker to begin while it is still setting itself up.
        monkeypatch.setenv("SLOW_INIT", "0.5")
        with LocustProcess(tmp_path, "-f", "tests/whole_runs/planted/locustfile.py", *arguments) as second:
            assert locust.wait() == 0, locust.output
            assert (first.wait(), second.wait()) == (0, 0), second.output
    assert set(kinds(locust)) == {"ok"}
    check_sums(locust)
    assert (tmp_path / "count").stat().st_size == kinds(locust).total() + 2
    assert len(list(tmp_path.glob("history-worker*"))) == 2


def test_a_worker_that_dies_makes_the_run_inconclusive_and_is_named(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """Its last counts are missing; nobody may call that a pass."""
    port = str(free_port())
    path = scenario(tmp_path, "planted-none", duration="8s")
    arguments = ["--worker", "--master-port", port]
    with planted(tmp_path, path, "--master", "--master-bind-port", port, "--expect-workers", "2") as locust:
        with (
            LocustProcess(tmp_path, "-f", "tests/whole_runs/planted/locustfile.py", *arguments),
            LocustProcess(tmp_path, "-f", "tests/whole_runs/planted/locustfile.py", *arguments) as victim,
        ):
            locust.wait_for("phase atomic")
            victim.signal(signal.SIGKILL)
            assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing()
    assert "died" in locust.wait_for("! worker ")


@pytest.mark.parametrize("where", ["another host", "another time namespace"])
def test_a_worker_with_another_clock_makes_the_run_inconclusive_and_visits_nothing(
    tmp_path: Path, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Its times cannot be compared with those of the flips. What the others saw is counted."""
    port = str(free_port())
    path = scenario(tmp_path, "planted-none")
    arguments = ["-f", "tests/whole_runs/planted/locustfile.py", "--worker", "--master-port", port]
    inside = in_a_time_namespace() if where == "another time namespace" else []
    with (
        planted(tmp_path, path, "--master", "--master-bind-port", port, "--expect-workers", "2") as locust,
        LocustProcess(tmp_path, *arguments) as near,
    ):
        if where == "another host":
            monkeypatch.setenv("OTHER_CLOCK", "elsewhere")
        with LocustProcess(tmp_path, *arguments, inside=inside) as far:
            assert locust.wait() == 3, locust.output
            assert (near.wait(), far.wait()) == (0, 0), far.output
    assert ": it is on another host or in another time namespace" in " ".join(locust.output.split())
    assert "no visitors here: it is on another host" in far.output
    assert "no visitors here" not in near.output
    assert set(kinds(locust)) == {"ok"}
    check_sums(locust)
