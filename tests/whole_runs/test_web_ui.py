"""Our part of Locust's web UI in a real browser: from the form to the verdict, the downloads and the report."""

from __future__ import annotations

import csv
import json
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser import Browser
from tests.locust_process import ROOT, LocustProcess, processes, until
from tests.whole_runs.runs import LONG, WebUI

QUICK = """
load: {users: 5, spawn_rate: 50}
phases:
  - strategy: forced
    every: 0
    flips: 3000
    expect: {lost: some, torn: any}
  - name: then atomic
    strategy: atomic
    every: 2ms
    flips: 300
    expect: {torn: any}
"""

HOSTILE = """
load: {users: 5, spawn_rate: 50}
site: {releases: [<script>, b]}
phases:
  - name: "<img src=x onerror=alert(1)>"
    strategy: forced
    every: 0
    flips: 2000
    expect: {lost: any, torn: any, stale: any}
"""

LOCUSTFILE = ROOT / "locustfiles" / "current.py"


class Lab:
    """A Locust with its web UI in a folder with scenarios, and a page that shows it."""

    def __init__(self, locust: LocustProcess, page: Page) -> None:
        self.locust = locust
        self.page = page

    def start(self, scenario: str) -> None:
        """Choose a scenario in the form and press Start."""
        self.page.get_by_role("button", name="Custom parameters").click()
        self.page.get_by_label("Scenario").select_option(scenario)
        self.page.get_by_role("button", name="Start", exact=True).click()

    def stop(self) -> None:
        """Press Stop."""
        self.page.get_by_role("button", name="Stop").click()

    def wait_until_over(self) -> None:
        """The button for a new test is there."""
        expect(self.page.get_by_role("button", name="New")).to_be_visible()

    def table(self, tab: str) -> Locator:
        """The rows of a tab."""
        self.page.get_by_role("tab", name=tab).click()
        return self.page.locator("tbody tr")

    def cells(self, tab: str) -> list[list[str]]:
        """The texts of a tab's table, row by row, all of one moment."""
        texts = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
        cells: list[list[str]] = self.table(tab).evaluate_all(texts)
        return cells

    def download(self, link: str) -> list[dict[str, str]]:
        """The rows of a CSV file behind a link of the tab with the downloads."""
        self.page.get_by_role("tab", name="Download data").click()
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name=link).click()
        with download.value.path().open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file, strict=True))


Open = Callable[..., Lab]


@pytest.fixture
def open_lab(tmp_path: Path, free_port: Callable[[], int], browser: Browser) -> Iterator[Open]:
    """Starts a Locust in a folder with these scenarios, the first one named on its command line, and opens its page."""
    with ExitStack() as stack:

        def open_lab(*arguments: str, locustfile: Path = LOCUSTFILE, base_path: str = "", **scenarios: str) -> Lab:
            folder = tmp_path / "scenarios"
            folder.mkdir()
            for name, text in scenarios.items():
                (folder / f"{name}.yaml").write_text(text)
            port = str(free_port())
            locust = stack.enter_context(
                LocustProcess(
                    tmp_path,
                    *("-f", str(locustfile), "--scenario", next(iter(scenarios)), "--web-host", "127.0.0.1"),
                    *("--web-port", port, "--web-base-path", base_path, *arguments),
                    cwd=tmp_path,
                )
            )
            stack.callback(browser.close_pages)
            ui = WebUI(locust)
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(f"{ui.url}/" if base_path else ui.url)
            return Lab(locust, page)

        yield open_lab


@pytest.mark.parametrize("workers", [0, 2])
def test_from_the_form_to_the_verdict_the_downloads_and_the_report(open_lab: Open, workers: int) -> None:
    """A run that is stopped and one that ends by itself: the tabs fill, follow, and agree with Locust's own counts.

    1. Started from the form, the tabs show the run while it lasts, and no verdict.
    2. Reset clears Locust's tables, and not the evidence.
    3. Stopped, the verdict is there without a reload, and says that the run was cut short.
    4. Another scenario, in the same page, runs to its end.
    5. The CSV files add up to what Locust counted, and the report is one click away.
    """
    arguments = processes(workers) if workers else []
    lab = open_lab(*arguments, base_path="/lab" if workers else "", endless=LONG, quick=QUICK)
    # 1.
    lab.start("endless")
    expect(lab.table("Answers").filter(has_text="404 Not Found")).to_contain_text("forced")
    expect(lab.table("Flips").filter(has_text="lost")).not_to_have_count(0)
    flips = lab.cells("Flips")
    assert [float(row[2]) for row in flips] == sorted((float(row[2]) for row in flips), reverse=True)
    assert all(re.search("lost|torn|stale", row[5]) for row in flips)
    rows = lab.table("Verdict")
    expect(rows.nth(0)).to_contain_text("is running")
    expect(rows.nth(1)).to_contain_text("is running")
    expect(rows.nth(4)).to_contain_text("not started")
    # 2.
    before = sum(int(row[3]) for row in lab.cells("Answers"))
    with lab.page.expect_response("**/stats/reset"):
        lab.page.get_by_role("button", name="Reset").click()
    assert sum(int(row[3]) for row in lab.cells("Answers")) >= before
    # 3.
    lab.stop()
    lab.wait_until_over()
    rows = lab.table("Verdict")
    expect(rows.nth(0)).to_contain_text("inconclusive")
    expect(rows.nth(1)).to_contain_text("cut short")
    expect(rows.nth(4)).to_contain_text("was not run")
    # 4.
    lab.page.get_by_role("button", name="New").click()
    lab.start("quick")
    expect(lab.table("Verdict").nth(0)).to_contain_text("quick on")
    lab.wait_until_over()
    expect(lab.table("Verdict").nth(0)).to_contain_text("held")
    assert [row[4] for row in lab.cells("Verdict")] == ["held"] * 7
    # 5.
    answers, verdict = lab.download("Download answers CSV"), lab.download("Download verdict CSV")
    flips_csv = lab.download("Download flips CSV")
    total = lab.download("Download requests CSV")[-1]
    assert total["Name"] == "Aggregated"
    assert sum(int(row["count"]) for row in answers) == int(total["Request Count"])
    faults = [row for row in answers if row["kind"] != "ok"]
    assert sum(int(row["count"]) for row in faults) == int(total["Failure Count"]) > 0
    shown = lab.cells("Answers")
    assert [(row["phase"], row["kind"], row["answer"], row["count"]) for row in answers] == [
        tuple(row[:4]) for row in shown
    ]
    assert {row["phase"]: row["flips"] for row in verdict} == {"forced": "3000", "then atomic": "300"}
    assert [row["flip"] for row in flips_csv if row["phase"] == "then atomic"] == [
        str(number) for number in range(1, 301)
    ]
    lab.page.get_by_role("tab", name="Download data").click()
    lab.page.get_by_role("link", name="Open the cutover report").click()
    expect(lab.page).to_have_title("quick: held")
    # And the process is still a good one.
    lab.locust.signal(signal.SIGINT)
    lab.locust.wait()
    assert lab.locust.leaves_nothing()


def test_what_prevents_a_run_is_said_in_the_form_and_the_next_start_is_good(open_lab: Open, tmp_path: Path) -> None:
    """A scenario that became wrong, a server that is not installed, a host that nobody serves: one line each.

    On a master, whose workers get no users then.
    """
    locustfile = tmp_path / "lab.py"
    locustfile.write_text(
        f"""
import locust_cutover.servers.nginx
locust_cutover.servers.nginx.Nginx.program = "no-such-nginx"
exec(open({str(LOCUSTFILE)!r}).read())
"""
    )
    nginx = f"site: {{server: nginx}}\n{QUICK}"
    lab = open_lab(*processes(2), locustfile=locustfile, quick=QUICK, nginx=nginx, wrong=QUICK)
    (tmp_path / "scenarios" / "wrong.yaml").write_text(QUICK.replace("every", "evry", 1))
    alert = lab.page.get_by_role("alert")
    lab.start("wrong")
    expect(alert).to_have_text("scenarios/wrong.yaml:5: phases[0]: unknown key 'evry'; did you mean every?")
    lab.page.get_by_label("Scenario").select_option("nginx")
    expect(alert).to_have_count(0)
    lab.page.get_by_role("button", name="Start", exact=True).click()
    expect(alert).to_contain_text("no-such-nginx is not installed; on Debian and Ubuntu: apt-get install nginx")
    lab.page.get_by_label("Scenario").select_option("quick")
    lab.page.get_by_label("Host").fill("http://127.0.0.1:9")
    lab.page.get_by_role("button", name="Start", exact=True).click()
    expect(alert).to_have_text("http://127.0.0.1:9/current/: connection refused before the first flip")
    lab.page.reload()
    expect(lab.page.get_by_label("Host")).to_have_value("")
    lab.start("quick")
    lab.wait_until_over()
    expect(lab.table("Verdict").nth(0)).to_contain_text("held")
    lab.locust.signal(signal.SIGINT)
    lab.locust.wait()
    assert lab.locust.leaves_nothing()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_start_that_is_stopped_while_its_site_is_set_up_leaves_nothing(
    tmp_path: Path, free_port: Callable[[], int], workers: int
) -> None:
    """No site without users, no users without a site; and the next start is a good one."""
    locustfile = tmp_path / "slow.py"
    locustfile.write_text(
        f"""
from locust_cutover.wiring import hooks
from locust_cutover.servers.embedded import Embedded

wait_until_ready = Embedded.wait_until_ready

def slow(self, page):
    print("first set-up", flush=True)
    hooks._hooks._runs._conductor._cut.wait()
    Embedded.wait_until_ready = wait_until_ready
    self.wait_until_ready(page)

Embedded.wait_until_ready = slow
exec(open({str(LOCUSTFILE)!r}).read())
"""
    )
    arguments = ["-f", str(locustfile), "--scenario", "atomic-pinned", "--web-host", "127.0.0.1"]
    arguments += processes(workers) if workers else []
    with LocustProcess(tmp_path, *arguments, "--web-port", str(free_port())) as locust:
        ui = WebUI(locust)
        if workers:
            locust.wait_for(f"{workers} workers connected")
        form = {"user_count": "4", "spawn_rate": "40", "host": "", "scenario": "atomic-pinned"}
        with ThreadPoolExecutor() as threads:
            first = threads.submit(ui.post, "/swarm", **form)
            locust.wait_for("first set-up")
            assert ui.post("/swarm", **form)["message"] == "a run is being set up"
            ui.post("/stop")
            assert first.result()
        locust.wait_for("was not run")
        assert len(locust.processes()) == 1 + workers
        locust.lines.clear()
        until(lambda: json.loads(ui.get("/stats/requests"))["state"] in ("stopped", "ready"))
        assert ui.post("/swarm", **form)["success"]
        locust.wait_for("phase atomic")
        locust.signal(signal.SIGINT)
        locust.wait()
        assert locust.leaves_nothing()


def test_hostile_texts_show_as_text(open_lab: Open, tmp_path: Path) -> None:
    """A release, a server's version, an error and a phase that would be markup, with quotes and newlines."""
    locustfile = tmp_path / "hostile.py"
    locustfile.write_text(
        f"""
from dataclasses import replace
from locust_cutover.scenario import read
from locust_cutover.client.connection import Connection
from locust_cutover.servers.embedded import Embedded

read._release = lambda value: value.text()
Embedded.version = lambda self: 'Server "1" <b>bold</b>'
exchange = Connection.exchange

def hostile(*arguments, **options):
    answer = exchange(*arguments, **options)
    return answer if answer.ok else replace(answer, error='<script>alert("1")</script>\\nsecond line')

Connection.exchange = hostile
exec(open({str(LOCUSTFILE)!r}).read())
"""
    )
    lab = open_lab(locustfile=locustfile, hostile=HOSTILE)
    dialogs: list[Dialog] = []
    lab.page.on("dialog", lambda dialog: dialogs.append(dialog))
    lab.start("hostile")
    lab.wait_until_over()
    lost = next(row for row in lab.cells("Answers") if row[1] == "lost")
    assert lost[0] == "<img src=x onerror=alert(1)>"
    assert lost[2] == "other"
    assert "<script>" in {row[3] for row in lab.cells("Flips")}
    assert lab.cells("Verdict")[0][1] == 'hostile on Server "1" <b>bold</b>, 5 users'
    assert lab.download("Download answers CSV")[-1]["phase"] == lost[0]
    lab.page.get_by_role("link", name="Open the cutover report").click()
    expect(lab.page).to_have_title(re.compile("hostile"))
    assert "<img src=x onerror=alert(1)>" in lab.page.inner_text("body")
    assert lab.page.locator("img, b").count() == 0
    assert dialogs == []
