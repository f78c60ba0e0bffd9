"""Runs that watch what somebody else does with a link: a deploy on an nginx of their own, and flips without end."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from locust_cutover.check import main as check
from locust_cutover.judging.verdict import UNPROBED
from locust_cutover.run.play import TICK
from locust_cutover.servers.site import MARK as SITE_MARK
from locust_cutover.servers.site import MARKS, build_site
from switcher.strategies import STRATEGIES
from tests.locust_process import PATIENCE, ROOT, LocustProcess, processes
from tests.switcher.process import FLIPPER
from tests.whole_runs.external.guide import SHOP, blocks
from tests.whole_runs.external.servers import SLOW, free_port, nginx, running
from tests.whole_runs.external.site import MARK, Shop
from tests.whole_runs.runs import check_sums, headless, write

SCENARIO = """
site:
  server: external
  url: http://127.0.0.1:{port}/current/
  root: {root}
  releases: discover
  mark: "{mark}"
  marks: {marks}
load: {{users: 5, spawn_rate: 50}}
phases:
  - {{watch: true{more}}}
"""


PACED = """
from locust import constant_pacing, task
from locust_cutover import Visitor, install

install()

class PacedVisitor(Visitor):
    wait_time = constant_pacing(0.01)

    @task
    def current(self):
        self.visit()
"""
"""Visits that are spread evenly over the time, as an estimate of the outage wants them."""


def watching(
    folder: Path, root: Path, port: int, *arguments: str, more: str = "", mark: str = MARK, marks: int = 1
) -> LocustProcess:
    """A run that watches `root`; its phase has no end of its own unless `more` says so."""
    text = SCENARIO.format(port=port, root=root, mark=mark, marks=marks, more=more and f", {more}")
    return headless(folder, write(folder, text), "--history", str(folder / "history.jsonl"), *arguments)


def deploy(shop: Shop, release: str) -> None:
    """What somebody else does."""
    STRATEGIES["atomic"](str(shop.link), f"releases/{release}", str(shop.root / "spare"))


def deploy_with_a_gap(shop: Shop, release: str, gap: float) -> float:
    """What somebody else does badly, with a gap of about so many seconds; how long it was."""
    shop.link.unlink()
    gone = time.monotonic()
    time.sleep(gap)
    shop.link.symlink_to(f"releases/{release}")
    return time.monotonic() - gone


def judged_again(folder: Path) -> int:
    """The exit code of the history."""
    return check([str(path) for path in folder.glob("history*.jsonl")])


def test_an_atomic_deploy_of_somebody_else_is_held_and_the_run_ends_with_the_last_flip(tmp_path: Path) -> None:
    """It need not know the releases; each flip is told when it is seen."""
    shop = Shop(tmp_path / "shop", padding=1500)
    with (
        nginx(tmp_path / "nginx", shop.root, http=SLOW) as port,
        watching(tmp_path, shop.root, port, more="flips: 2") as locust,
    ):
        assert "it points to release 1" in locust.wait_for("watching ")
        locust.wait_for("phase watch (1 of 1)")
        deploy(shop, "2")
        assert "to release 2, seen within" in locust.wait_for("flip 1: ")
        time.sleep(TICK)  # the log tells of no other flip before
        deploy(shop, "3")
        locust.wait_for("flip 2: to release 3")
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    assert [row["release"] for row in locust.rows("flips")] == ["2", "3"]
    assert {row["kind"] for row in locust.rows("answers")} == {"ok"}
    check_sums(locust)
    assert judged_again(tmp_path) == 0
    assert shop.link.readlink() == Path("releases/3")  # it is left where it is


def test_the_gap_of_somebody_elses_deploy_is_found_and_measured(tmp_path: Path) -> None:
    """Violated; each loss is at a flip, and the outage is the gap within a factor of two."""
    shop = Shop(tmp_path / "shop")
    (tmp_path / "locustfile.py").write_text(PACED)
    gaps = []
    with (
        nginx(tmp_path / "nginx", shop.root) as port,
        watching(tmp_path, shop.root, port, "-f", str(tmp_path / "locustfile.py"), more="flips: 5") as locust,
    ):
        locust.wait_for("phase watch (1 of 1)")
        for flip, release in enumerate("23123", start=1):
            gaps.append(deploy_with_a_gap(shop, release, 0.1))
            locust.wait_for(f"flip {flip}: to release {release}")
            time.sleep(TICK)  # the log tells of no other flip before
        assert locust.wait() == 1, locust.output
    phase = locust.verdict()["phases"][0]
    lost = phase["expectations"]["lost"]
    assert (lost["harmful_flips"], lost["at_none"]) == (5, 0)
    assert phase["expectations"]["stale"]["observed"] == phase["expectations"]["torn"]["observed"] == 0
    (outage,) = {float(row["outage_us"]) for row in locust.rows("verdict")}
    gap_us = sum(gaps) / len(gaps) * 1e6
    assert gap_us / 2 < outage < gap_us * 2
    check_sums(locust)
    assert judged_again(tmp_path) == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_a_phase_without_an_end_is_ended_by_ctrl_c_and_judged_by_what_it_saw(tmp_path: Path, workers: int) -> None:
    """That is no cut: it has no other end. (By -t: see the last tests.) In a terminal it reaches the workers, too."""
    shop = Shop(tmp_path / "shop", padding=1500)
    arguments = processes(workers) if workers else []
    with (
        nginx(tmp_path / "nginx", shop.root, http=SLOW) as port,
        watching(tmp_path, shop.root, port, *arguments) as locust,
    ):
        locust.wait_for("watching ")  # with its first visit
        deploy(shop, "2")
        locust.wait_for("flip 1: to release 2")
        for _ in range(5):  # as long as these take, each visitor has made a visit after the flip, too
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/current/", timeout=PATIENCE) as page:
                assert b"release 2" in page.read()
        locust.signal_group(signal.SIGINT)
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    assert "cut short" not in locust.output
    assert locust.verdict()["phases"][0]["flips"] == 1
    check_sums(locust)
    assert judged_again(tmp_path) == 0


@pytest.mark.parametrize("by", ["inotify", "polling"])
def test_a_correct_server_is_not_accused_while_somebody_flips_without_end(
    tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There and back, several times between two looks, with gaps: every loss is at a flip, nothing is torn or stale."""
    site = tmp_path / "site"
    build_site(site, ["a", "b", "c"])
    if by == "polling":
        (tmp_path / "sitecustomize.py").write_text(
            "import errno, switcher.inotify\n"
            "def none(*_): raise OSError(errno.EMFILE, 'Too many open files')\n"
            "switcher.inotify.Inotify.__init__ = none\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    port = free_port()
    server = [
        sys.executable,
        "-m",
        "locust_cutover.servers.pages",
        "--root",
        str(site),
        "--port",
        str(port),
        "--pinned",
    ]
    with (
        running(server, port, tmp_path / "log"),
        watching(tmp_path, site, port, "-t", "5s", mark=SITE_MARK, marks=MARKS, more="expect: {lost: any}") as locust,
    ):
        assert f" by {by}; " in locust.wait_for("watching ")
        flipper = subprocess.Popen([sys.executable, "-c", FLIPPER, str(site / "current"), "0.02"])
        try:
            code = locust.wait()
        finally:
            flipper.kill()
            flipper.wait()
    # Where the cutovers, as far as they are known, follow each other without a pause, no page can be called old.
    # And the last look can fall into a gap: then the last flip, and no other, has failed.
    failed = [row["flip"] for row in locust.rows("flips") if row["outcome"] != "ok"]
    assert failed in ([], [str(locust.verdict()["phases"][0]["flips"])])
    assert code in ((0,) if by == "inotify" and not failed else (0, 3)), locust.output
    if code and not failed:
        # Some visits came before the first flip: the watch is announced when there are visits.
        assert locust.verdict()["phases"][0]["troubles"] == [UNPROBED]
    kinds = Counter[str]()
    for row in locust.rows("answers"):
        kinds[row["kind"]] += int(row["count"])
    assert set(kinds) <= {"ok", "lost"}
    assert kinds["ok"] > 500
    assert locust.verdict()["phases"][0]["flips"] > 20
    assert locust.verdict()["phases"][0]["expectations"]["lost"]["at_none"] == 0
    check_sums(locust)
    assert judged_again(tmp_path) == code


def document(folder: Path, shop: Shop, port: int) -> list[str]:
    """The commands of the document's section, for this shop; its scenario is written where they look for it."""
    text = (ROOT / "docs" / "your-own-site.md").read_text().split("Watch a deploy that somebody else makes\n", 1)[1]
    text = text.replace("/var/www/shop", str(shop.root)).replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    (scenario,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (folder / "watch.yaml").write_text(scenario)
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def test_the_commands_of_the_document_do_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From two terminals, and in a CI job."""
    shop = Shop(tmp_path / "shop", padding=1500)
    monkeypatch.setenv("LOCUST_LOCUSTFILE", str(ROOT / "locustfiles" / "current.py"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    server = blocks("nginx")[0].replace(SHOP, str(shop.root))
    with nginx(tmp_path / "nginx", shop.root, block=server, http=SLOW) as port:
        start, by_hand, job = document(tmp_path, shop, port)
        with LocustProcess(tmp_path, *shlex.split(start)[1:], cwd=tmp_path) as locust:
            assert f"watching {shop.link} by inotify; it points to release 1" in locust.wait_for("watching ")
            locust.wait_for("phase watch (1 of 1)")
            subprocess.run(["sh", "-c", by_hand], check=True)
            assert "flip 1: to release 2, seen within" in locust.wait_for("flip 1: ")
            assert locust.wait() == 0, locust.output
        (tmp_path / "deploy.sh").write_text(f"ln -sfn releases/3 {shop.link}\n")
        ended = subprocess.run(["sh", "-c", job], cwd=tmp_path, timeout=PATIENCE, check=False)
    assert ended.returncode == 0, (tmp_path / "watch.log").read_text()
    assert "failures" in (tmp_path / "watch.xml").read_text()
