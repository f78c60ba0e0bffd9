"""Our part of Locust's web UI: what the form answers, what the tabs poll, and the downloads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from gevent import GreenletExit
from gevent.event import Event
from locust.env import Environment
from locust.web import WebUI

from locust_cutover.result import Result
from locust_cutover.wiring.web_ui import Pages
from tests.reports.counts import Run, phase, run
from tests.reports.texts import STRANGE


class Standing:
    """A run that stands still, in whatever state a test wants."""

    def __init__(self) -> None:
        self.decided = Event()
        self.trouble = ""
        self.result: Result | None = None
        self.reason = ""

    def so_far(self) -> Result | None:
        """As set."""
        return self.result

    def refusal(self, scenario: str) -> str:
        """As set."""
        return f"{scenario}: {self.reason}" if self.reason else ""


@pytest.fixture
def standing() -> Standing:
    """A run of the test's own making."""
    return Standing()


@pytest.fixture
def ui(standing: Standing) -> Iterator[WebUI]:
    """Locust's web UI with our part in it, which listens on no port."""
    environment = Environment()
    ui = WebUI(environment, "127.0.0.1", 0, delayed_start=True)
    runner = environment.create_local_runner()  # not before: Locust would parse the test's command line
    Pages(ui, standing).register("")
    yield ui
    runner.quit()


def client(ui: WebUI) -> FlaskClient:
    """What asks its pages."""
    assert ui.app is not None
    return ui.app.test_client()


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("ready", "ready"),
        ("spawning", "spawning"),
        ("running", "running"),
        ("cleanup", "running"),
        ("stopping", "running"),
        ("stopped", "stopped"),
    ],
)
def test_the_page_is_kept_asking_until_the_test_has_stopped(ui: WebUI, state: str, shown: str) -> None:
    """It asks again while users spawn or run, and else never: told that they stop, it would not see the end."""
    assert ui.environment.runner is not None
    ui.environment.runner.state = state
    for _ in range(2):  # the second answer is one that Locust keeps for two seconds
        assert client(ui).get("/stats/requests").get_json()["state"] == shown


def test_the_tables_are_of_now_though_locust_keeps_its_answer(ui: WebUI, standing: Standing) -> None:
    """Locust gives the same answer for two seconds; a verdict within them is shown."""
    assert client(ui).get("/stats/requests").get_json()["extended_stats"][2]["data"] == []
    standing.result = run().result()
    tables = client(ui).get("/stats/requests").get_json()["extended_stats"]
    assert [table["key"] for table in tables] == ["answers", "flips", "verdict"]
    assert tables[2]["data"][0]["verdict"] == "violated"


def test_a_refused_start_starts_nothing(ui: WebUI, standing: Standing) -> None:
    """The line is the answer to the form, and Locust does not hear of it."""
    standing.reason = "no such thing"
    started = []
    ui.environment.events.test_start.add_listener(lambda **_: started.append(1))
    answer = client(ui).post("/swarm", data={"user_count": "1", "spawn_rate": "1", "scenario": "x"})
    assert answer.get_json() == {"success": False, "message": "x: no such thing", "host": None}
    assert not started


def test_the_form_waits_until_it_is_known_whether_there_is_a_run(ui: WebUI, standing: Standing) -> None:
    """What is found out while the site is set up is an answer to the form, too."""

    def decide(**_: object) -> None:
        standing.trouble = "nobody serves"
        standing.decided.set()
        raise GreenletExit

    standing.decided.set()  # of the run before
    ui.environment.events.test_start.add_listener(decide)
    answer = client(ui).post("/swarm", data={"user_count": "1", "spawn_rate": "1"}).get_json()
    assert (answer["success"], answer["message"]) == (False, "nobody serves")


def test_a_start_that_locust_refuses_is_not_waited_for(ui: WebUI) -> None:
    """Nobody would ever say what came of it."""
    answer = client(ui).post("/swarm", data={"user_count": "many", "spawn_rate": "1"}).get_json()
    assert answer["message"].startswith("Invalid user_count value")


def test_before_a_run_the_downloads_are_empty_and_the_report_says_so(ui: WebUI) -> None:
    """A CSV file has its columns all the same."""
    assert client(ui).get("/cutover/answers/csv").text == "phase,kind,answer,count,share\n"
    report = client(ui).get("/cutover/report")
    assert (report.status_code, report.text) == (404, "There is no report before a run.")
    assert client(ui).get("/cutover/no-such-table/csv").status_code == 404


@pytest.mark.parametrize("text", STRANGE)
def test_strange_texts_survive_the_download(ui: WebUI, standing: Standing, text: str) -> None:
    """The file has them as they are, and its name does no harm."""
    changed = Run(phase(text)).visits("lost", "404 Not Found", 3)
    result = changed.result()
    standing.result = replace(result, scenario=replace(result.scenario, name=text))
    answer = client(ui).get("/cutover/answers/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""), strict=True)
    assert (row["phase"], row["answer"], row["count"]) == (text, "404 Not Found", "3")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert client(ui).get("/cutover/report").status_code == 200


def test_with_a_login_our_pages_ask_for_it_too(standing: Standing) -> None:
    """Neither the downloads nor the report nor what the form says goes to anybody else."""
    standing.reason = "wrong"
    environment = Environment()
    ui = WebUI(environment, "127.0.0.1", 0, web_login=True, delayed_start=True)
    assert ui.app is not None
    ui.app.config["SECRET_KEY"] = "for this test alone"
    ui.login_manager.user_loader(lambda name: None)
    Pages(ui, standing).register("")
    for path in ("/cutover/report", "/cutover/answers/csv", "/stats/requests"):
        assert client(ui).get(path).location.startswith("/login?"), path
    assert client(ui).post("/swarm", data={"scenario": "wrong"}).location.startswith("/login?")
