"""A site of the user's own: somebody else's nginx, flipped, judged, and left as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from tests.locust_process import LocustProcess, until
from tests.whole_runs.external.servers import free_port
from tests.whole_runs.external.site import SITE, Shop, scenario
from tests.whole_runs.runs import headless, write


def run(folder: Path, shop: Shop, port: int, phases: str, site: str = SITE) -> LocustProcess:
    """A headless Locust on the shop."""
    return headless(folder, write(folder, site.format(port=port, root=shop.root) + phases))


LONG = """
phases:
  - strategy: atomic
    every: 2ms
    duration: 10m
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_however_the_run_ends_the_link_is_where_it_was(tmp_path: Path, shop: Shop, port: int, number: int) -> None:
    """After Ctrl-C and after SIGKILL: that is the switcher's part, which outlives Locust for a moment."""
    with run(tmp_path, shop, port, LONG) as locust:
        locust.wait_for("phase atomic")
        locust.signal(number)
        locust.wait()
        until(lambda: not locust.processes())
        assert shop.is_as_it_was()


def test_a_url_where_nobody_listens_is_one_line_before_any_flip(tmp_path: Path) -> None:
    """Exit code 2, and the site was not touched."""
    shop = Shop(tmp_path / "shop")
    with run(tmp_path, shop, port := free_port(), LONG) as locust:
        assert locust.wait() == 2, locust.output
    assert f"http://127.0.0.1:{port}/: connection refused before the first flip" in locust.output
    assert shop.is_as_it_was()


def test_what_was_not_judged_is_said_in_every_report(tmp_path: Path, shop: Shop, port: int) -> None:
    """Without a link and a mark only losses are seen, and no deploy: all reports say it, and the run never holds."""
    url = scenario(tmp_path, "own-url", port, None, **{"duration: 1m": "duration: 500ms"})
    reports = {name: tmp_path / "report" / f"run.{name}" for name in ("html", "xml", "md")}
    options = zip(("--report", "--junit", "--summary"), map(str, reports.values()), strict=True)
    history = tmp_path / "report" / "history.jsonl"
    with LocustProcess(tmp_path, *url, *chain(*options), "--history", str(history)) as locust:
        assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing()
    assert shop.is_as_it_was()
    notes = [
        "nothing was flipped by this run: the scenario has no site.root",
        "torn and stale were not judged: the scenario has no site.mark",
    ]
    again = subprocess.run(
        [sys.executable, "-m", "locust_cutover.check", str(history)], capture_output=True, text=True, check=False
    ).stdout
    for note in [*notes, "no deploy could be seen, so this shows only that the site answered"]:
        for text in (locust.output, again, *(path.read_text() for path in reports.values())):
            assert note in " ".join(text.split())
    assert locust.verdict()["notes"] == notes
    rows = {row["expectation"]: (row["observed"], row["verdict"]) for row in locust.rows("verdict")}
    assert rows == {
        "lost: none": ("0", "inconclusive"),
        "torn: none": ("", "not judged"),
        "stale: none": ("", "not judged"),
    }


def test_a_switcher_that_is_killed_leaves_the_link_to_locust(tmp_path: Path, shop: Shop, port: int) -> None:
    """Who is left puts it back; the run is inconclusive."""
    with run(tmp_path, shop, port, LONG) as locust:
        locust.wait_for("phase atomic")
        for pid in locust.processes():
            if b"switcher" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
        assert locust.wait() == 3, locust.output
    assert "the switcher died" in locust.output
    assert shop.link.readlink() == Path("releases/1")


def test_a_deploy_that_hangs_while_locust_is_killed_does_not_keep_the_link(
    tmp_path: Path, shop: Shop, port: int
) -> None:
    """The switcher waits for its time-out, ends it and puts the link back."""
    command = '{command: [sh, -c, "ln -sfn {target} {link}; touch {root}/flipped; exec sleep 1000"], timeout: 2s}'
    with run(tmp_path, shop, port, f"phases: [{{name: deploy, strategy: {command}, every: 0, flips: 1}}]") as locust:
        locust.wait_for("phase deploy")
        until((shop.root / "flipped").exists)
        assert shop.link.readlink() == Path("releases/2")
        locust.signal(signal.SIGKILL)
        until(lambda: not locust.processes())
    (shop.root / "flipped").unlink()
    assert shop.is_as_it_was()


def test_ctrl_c_waits_for_the_deploy_in_hand_and_begins_no_other(tmp_path: Path, shop: Shop, port: int) -> None:
    """It says what it waits for; a deploy that is cut in half would be worse."""
    script = "echo flip >>{root}/log; ln -sfn {target} {link}; until [ -e {root}/go ]; do :; done"
    command = f'{{command: [sh, -c, "{script}"], timeout: 1m}}'
    with run(tmp_path, shop, port, f"phases: [{{name: deploy, strategy: {command}, every: 0, flips: 3}}]") as locust:
        locust.wait_for("phase deploy")
        until((shop.root / "log").exists)
        locust.signal(signal.SIGINT)
        locust.wait_for("waiting for the command in hand, at most 65 s")
        (shop.root / "go").touch()
        assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing()
    assert (shop.root / "log").read_text() == "flip\n"
    assert "cut short" in locust.output
    for name in ("log", "go"):
        (shop.root / name).unlink()
    assert shop.is_as_it_was()


def test_a_control_that_goes_on_leaves_the_link_as_it_was(tmp_path: Path, shop: Shop, port: int) -> None:
    """It is put back once, at the very end: the releases go round robin all the time."""
    phases = "phases: [{strategy: atomic, every: 2ms, flips: 5, expect: {lost: some}}]"
    with run(tmp_path, shop, port, phases) as locust:
        assert locust.wait() == 3, locust.output
    (phase,) = locust.verdict()["phases"]
    assert (phase["extended"], phase["flips"]) == (4, 25)
    releases = [row["release"] for row in locust.rows("flips")]
    assert releases == [str(2 - number % 2) for number in range(25)]
    assert shop.is_as_it_was()


def test_a_mistyped_command_is_one_line_before_any_flip(tmp_path: Path, shop: Shop, port: int) -> None:
    """Also of a later phase; exit code 2."""
    deploy = "{name: deploy, strategy: {command: [capp, production, deploy]}, every: 1s, flips: 1}"
    phases = f"phases: [{{strategy: atomic, every: 2ms, flips: 5}}, {deploy}]"
    with run(tmp_path, shop, port, phases) as locust:
        assert locust.wait() == 2, locust.output
    assert "phase deploy: command: expected a program, got 'capp': not found in PATH (" in locust.output
    assert "phase atomic" not in locust.output
    assert shop.is_as_it_was()
