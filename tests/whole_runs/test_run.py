"""Whole runs, as a user starts them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from locust_cutover.servers.nginx import Nginx
from tests.conftest import require
from tests.locust_process import LocustProcess, processes, until
from tests.whole_runs.runs import LONG, WebUI, check_sums, headless, write

SHORT = """
description: A short run.
site: {{server: {server}}}
load: {{users: 5, spawn_rate: 50}}
phases:
  - strategy: forced
    every: 0
    flips: 20000
    expect: {{lost: some, torn: any}}
  - strategy: atomic
    every: 2ms
    flips: 500
    expect: {{torn: any}}
"""


@pytest.fixture(scope="module", params=[0, 2])
def short_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LocustProcess:
    """A short run that is over, with so many workers."""
    folder = tmp_path_factory.mktemp("short")
    arguments = processes(request.param) if request.param else []
    with headless(folder, write(folder, SHORT.format(server="embedded")), *arguments) as locust:
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    return locust


def test_forced_loses_and_atomic_does_not_on_the_embedded_server(short_run: LocustProcess) -> None:
    """The main job: forced gives 404 and 500, atomic loses nothing, all counts agree, exit code 0."""
    locust = short_run
    assert locust.output.count("embedded serves") == 1
    answers = {(row["phase"], row["kind"], row["answer"]): int(row["count"]) for row in locust.rows("answers")}
    assert answers["forced", "lost", "404 Not Found"] > 0
    assert answers["forced", "lost", "500 Internal Server Error"] > 0
    assert answers["atomic", "ok", "200 OK"] > 0
    assert not [key for key in answers if key[:2] == ("atomic", "lost")]
    check_sums(locust)
    flips = {row["phase"]: int(row["flips"]) for row in locust.rows("verdict")}
    assert flips == {"forced": 20000, "atomic": 500}
    failures = {(row["Name"], row["Error"]) for row in locust.rows("failures")}
    assert {("forced", "404 Not Found"), ("forced", "500 Internal Server Error")} <= failures


def test_the_same_scenario_runs_on_nginx(tmp_path: Path) -> None:
    """Forced loses with 404 on a real nginx, atomic loses nothing."""
    require(Nginx)
    with headless(tmp_path, write(tmp_path, SHORT.format(server="nginx"))) as locust:
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    answers = {(row["phase"], row["kind"], row["answer"]) for row in locust.rows("answers")}
    assert ("forced", "lost", "404 Not Found") in answers
    assert not [key for key in answers if key[:2] == ("atomic", "lost")]
    assert locust.verdict()["server"].startswith("nginx 1.")
    check_sums(locust)


def test_the_terminal_shows_phases_answers_and_expectations(short_run: LocustProcess) -> None:
    """The last thing on the terminal is our report, in the manner of a load tool and within 80 columns."""
    locust = short_run
    report = locust.output[locust.output.index("scenario on gevent.pywsgi") :].splitlines()
    assert all(len(line) <= 80 for line in report)
    text = "\n".join(report)
    assert "forced: " in text
    assert "requests/s, 20,000 flips" in text
    assert "[200]" in text
    assert "[404]" in text
    assert "outage per flip" in text
    assert "; expected: some" in text
    assert report[-2].startswith("next: --report FILE.html")
    assert report[-1] == "verdict: held (exit code 0)"
    assert "\033" not in locust.output


def test_a_positive_control_that_saw_nothing_is_exit_code_3(tmp_path: Path) -> None:
    """Atomic that was expected to lose something proves nothing, after it has gone on to five times its length."""
    text = "phases: [{strategy: atomic, every: 2ms, duration: 300ms, expect: {lost: some, torn: any}}]"
    with headless(tmp_path, write(tmp_path, text)) as locust:
        assert locust.wait() == 3, locust.output
    assert "the control lost no request, so this run proves nothing; add flips or users" in locust.output
    assert "the control was extended 4 times, since it had not shown each expected fault" in locust.output
    (phase,) = locust.verdict()["phases"]
    assert (phase["extended"], phase["flips"]) == (4, 5 * 150)


LATE = """
load: {users: 10, spawn_rate: 100}
phases:
  - name: a gap from the third flip on
    strategy: {command: [sh, -c, "SCRIPT"]}
    every: 1ms
    flips: 2
    expect: {lost: some, torn: any}
""".replace(
    "SCRIPT",
    "if [ -e {root}/seen ]; then rm {link}; sleep 0.1; fi; "
    "ln -sfn {target} {link}; [ {release} = b ] || touch {root}/seen",
)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_control_goes_on_until_it_has_shown_what_it_must(tmp_path: Path, workers: int) -> None:
    """And no longer: for as long again, in the same phase, whose flips and visits all count."""
    arguments = processes(workers) if workers else []
    with headless(tmp_path, write(tmp_path, LATE), *arguments) as locust:
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    (phase,) = locust.verdict()["phases"]
    assert (phase["extended"], phase["flips"]) == (1, 4)
    assert [row["flip"] for row in locust.rows("flips")] == ["1", "2", "3", "4"]


def test_a_cut_ends_a_control_that_goes_on(tmp_path: Path) -> None:
    """Ctrl-C is not for its next schedule."""
    text = "phases: [{strategy: atomic, every: 2ms, duration: 1s, expect: {lost: some, torn: any}}]"
    with headless(tmp_path, write(tmp_path, text)) as locust:
        locust.wait_for("the control has not shown its faults yet; it goes on")
        locust.signal(signal.SIGINT)
        assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing()
    (phase,) = locust.verdict()["phases"]
    assert "cut short" in phase["troubles"]
    assert phase["extended"] < 4


def test_a_command_that_flips_nothing_is_never_a_pass(tmp_path: Path) -> None:
    """`mv` without -T moves the new link into the old release and ends with 0: the run says that nothing flipped."""
    script = "ln -s {target} {root}/tmp && mv {root}/tmp {link}; rm -f {link}/tmp"
    text = f"""
phases:
  - name: mv without -T
    strategy: {{command: [sh, -c, "{script}"], timeout: 5s}}
    every: 20ms
    flips: 10
    expect: {{torn: any}}
"""
    with headless(tmp_path, write(tmp_path, text)) as locust:
        assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing()
    assert "all 10 flips failed" in locust.output
    assert {row["outcome"] for row in locust.rows("flips")} == {"the link points to a"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("moment", ["Starting Locust", "embedded serves", "Ramping", "users spawned", "phase forced"])
def test_a_run_that_is_interrupted_ends_clean_and_inconclusive(tmp_path: Path, moment: str, number: int) -> None:
    """Ctrl-C or SIGTERM at any moment: exit code 3 once a run had begun, and no process, port or folder is left."""
    with headless(tmp_path, write(tmp_path, LONG)) as locust:
        locust.wait_for(moment)
        locust.signal(number)
        code = locust.wait()
        assert locust.leaves_nothing(), locust.output
        assert "Traceback" not in locust.output
    if moment == "Starting Locust":
        # SIGTERM has no handler so early.
        assert code in (3, -number if number == signal.SIGTERM else 3), locust.output
    else:
        assert code == 3, locust.output
        assert "(exit code 3): " in locust.lines[-1]
        assert {row["verdict"] for row in locust.rows("verdict")} <= {"inconclusive", "violated"}
        assert "was not run" in locust.output
    if moment == "phase forced":
        assert "cut short" in locust.output
        check_sums(locust)


def test_a_run_time_cuts_the_run_short(tmp_path: Path) -> None:
    """With -t shorter than the phases what was seen is reported, and the run is inconclusive."""
    with headless(tmp_path, write(tmp_path, LONG), "-t", "3s") as locust:
        assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing()
    assert "cut short" in locust.output
    assert sum(int(row["count"]) for row in locust.rows("answers")) > 0
    check_sums(locust)


def test_ctrl_c_in_a_terminal_reaches_workers_too_and_the_counts_still_agree(tmp_path: Path) -> None:
    """With --processes the terminal interrupts every process at once; no visit is lost between them."""
    with headless(tmp_path, write(tmp_path, LONG), *processes(2)) as locust:
        locust.wait_for("phase forced")
        locust.signal_group(signal.SIGINT)
        assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing(), locust.output
    check_sums(locust)


def test_a_killed_locust_leaves_nothing_behind(tmp_path: Path) -> None:
    """After SIGKILL the switcher and the server end by themselves, and the site's folder goes."""
    with headless(tmp_path, write(tmp_path, LONG)) as locust:
        locust.wait_for("phase forced")
        locust.signal(signal.SIGKILL)
        locust.wait()
        assert locust.leaves_nothing()


@pytest.mark.parametrize("child", ["switcher", "locust_cutover.servers.pages"])
def test_a_companion_that_is_killed_makes_the_run_inconclusive(tmp_path: Path, child: str) -> None:
    """When the switcher or the server dies, the run ends at once and says so."""
    with headless(tmp_path, write(tmp_path, LONG)) as locust:
        locust.wait_for("phase forced")
        for pid in locust.processes():
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if child.encode() in command and b"locust_cutover.servers.leash" not in command:
                os.kill(pid, signal.SIGKILL)
        code = locust.wait()
        assert locust.leaves_nothing()
    # Visits that the dead server lost are lost: that is a violation where none were expected.
    assert code == 3, locust.output
    assert ("the switcher died" if child == "switcher" else "server embedded ended") in locust.output


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("http://127.0.0.1:9", "http://127.0.0.1:9/current/: connection refused before the first flip"),
        ("garbage", "host 'garbage': a URL such as"),
    ],
)
def test_a_host_on_the_command_line_is_visited_instead(tmp_path: Path, host: str, said: str) -> None:
    """-H wins. One that cannot be visited is told before anything flips, with exit code 2."""
    with headless(tmp_path, write(tmp_path, LONG), "-H", host) as locust:
        assert locust.wait() == 2, locust.output
        assert locust.leaves_nothing()
    assert said in locust.output


def test_a_site_that_goes_away_under_the_run_ends_it(tmp_path: Path) -> None:
    """Nobody waits for a run that cannot go on: it ends by itself, and never as a pass."""
    text = SHORT.format(server="embedded").replace("flips: 20000", "duration: 2s")
    with headless(tmp_path, write(tmp_path, text)) as locust:
        locust.wait_for("phase forced")
        (folder,) = locust.temp.glob("locust-cutover-*")
        folder.rename(locust.temp / "gone")
        assert locust.wait() in (1, 3), locust.output
        assert locust.leaves_nothing()


def test_a_switcher_that_is_stuck_does_not_keep_ctrl_c_waiting(tmp_path: Path) -> None:
    """It is killed after a while, and the run says that it died."""
    with headless(tmp_path, write(tmp_path, LONG)) as locust:
        locust.wait_for("phase forced")
        for pid in locust.processes():
            if b"switcher" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGSTOP)
        locust.signal(signal.SIGINT)
        assert locust.wait() == 3, locust.output
        assert locust.leaves_nothing()


def test_the_site_can_be_kept(tmp_path: Path) -> None:
    """With --keep-site the folder stays, with the logs, and its place is said."""
    text = "phases: [{strategy: atomic, every: 2ms, flips: 10, expect: {torn: any}}]"
    with headless(tmp_path, write(tmp_path, text), "--keep-site") as locust:
        locust.wait()
        assert not locust.processes()
    folder = Path(locust.wait_for("are kept in").rpartition(" ")[2])
    assert {"site", "server.log", "switcher.log"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("arguments", [[], ["-f", "locustfiles/current.py"]])
def test_plain_locust_in_the_repository_does_the_default_run(tmp_path: Path, arguments: list[str]) -> None:
    """`locust --headless` finds the locustfile and the scenario by itself."""
    with LocustProcess(tmp_path, "--headless", *arguments, "-t", "2s") as locust:
        locust.wait_for("scenario forced-vs-atomic: embedded serves")
        locust.signal(signal.SIGINT)
        assert locust.wait() == 3


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--scenario", "atomi", "did you mean atomic?"), ("--csv", "{file}/run", "{file} is not a folder")],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    tmp_path: Path, option: str, value: str, said: str, workers: int
) -> None:
    """It is refused before anything starts, workers included, and before Locust opens its own files."""
    file = write(tmp_path, LONG)
    arguments = processes(workers) if workers else []
    with LocustProcess(tmp_path, "--headless", option, value.format(file=file), *arguments) as locust:
        assert locust.wait() == 2
        assert locust.leaves_nothing()
    (line,) = locust.lines
    assert said.format(file=file) in line


@pytest.mark.parametrize("workers", [0, 2])
def test_the_web_ui_starts_stops_and_starts_again_five_times(
    tmp_path: Path, free_port: Callable[[], int], workers: int
) -> None:
    """Runs that end by themselves and runs that are stopped follow each other; each reports, none is confused."""
    scenario = write(tmp_path, SHORT.format(server="embedded"))
    arguments = ["--scenario", scenario, "--web-host", "127.0.0.1", "--web-port", str(free_port())]
    if workers:
        arguments += processes(workers)
    with LocustProcess(tmp_path, *arguments) as locust:
        ui = WebUI(locust)
        if workers:
            locust.wait_for("2 workers connected")
        assert '"scenario": {"choices": [' in ui.get("/")
        host = ""
        for turn in range(5):
            locust.lines.clear()
            form = {"user_count": "4", "spawn_rate": "40", "host": host, "scenario": scenario}
            assert ui.post("/swarm", **form)["success"]
            if turn % 2:
                locust.wait_for("phase forced")
                ui.post("/stop")
                locust.wait_for("verdict: inconclusive (exit code 3)")
            else:
                locust.wait_for("verdict: held (exit code 0)")
            # The form keeps the URL of the run that is over.
            host = locust.wait_for("embedded serves").split("serves ")[1].removesuffix("/current/")
            until(lambda: json.loads(ui.get("/stats/requests"))["state"] in ("stopped", "ready"))
        locust.signal(signal.SIGINT)
        locust.wait()
        assert locust.leaves_nothing()
