"""Our part of Locust's web UI: three tabs, the downloads, and the reason in the start form why a run cannot start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from flask import Blueprint, Response, g, jsonify, make_response, request
from gevent.event import Event
from locust.runners import STATE_CLEANUP, STATE_RUNNING, STATE_SPAWNING, STATE_STOPPING, Runner
from locust.web import WebUI

from locust_cutover.reports import files, html, web
from locust_cutover.result import Result

SET_UP_LIMIT = 60.0
"""Seconds that the start form waits for the site; a server that fails gives up sooner."""


class Run(Protocol):
    """What the pages ask about the current run."""

    decided: Event
    """Set as soon as a start has led to a run, or to the trouble why there is none."""

    @property
    def trouble(self) -> str:
        """Why there is no run or no result; empty otherwise."""

    def so_far(self) -> Result | None:
        """What is known of the run; None without one."""

    def refusal(self, scenario: str) -> str:
        """Why a run of this scenario cannot be started now; empty when it can."""


class Pages:
    """Adds our tabs and downloads to Locust's pages, and our data to the answers that the pages poll.

    Locust's Reset button does not clear our tabs. They are the evidence of the verdict and count the whole run.
    """

    def __init__(self, web_ui: WebUI, run: Run) -> None:
        self._web_ui = web_ui
        self._run = run
        self._guarded: Callable[[Callable[..., Any]], Callable[..., Any]] = web_ui.auth_required_if_enabled
        self._update: Callable[[], None] = web_ui.update_template_args

    def register(self, base_path: str) -> None:
        """Add our part to Locust's app; `base_path` is the value of --web-base-path."""
        guarded = self._guarded
        self._web_ui.template_args |= web.template_args()
        self._web_ui.template_args["extended_csv_files"] = [
            {"href": f"./cutover/{table}/csv", "title": f"Download {table} CSV"} for table in files.TABLES
        ] + [{"href": "./cutover/report", "title": "Open the cutover report"}]
        self._web_ui.update_template_args = self._update_template_args  # type: ignore[method-assign] # no event for it
        pages = Blueprint("cutover", __name__, url_prefix=f"{base_path}/cutover")
        pages.add_url_rule("/report", view_func=guarded(self._report))
        pages.add_url_rule("/<table>/csv", view_func=guarded(self._download))
        app = self._web_ui.app
        assert app is not None
        app.register_blueprint(pages)
        app.before_request(self._before)
        app.after_request(self._after)

    @property
    def _runner(self) -> Runner:
        runner = self._web_ui.environment.runner
        assert runner is not None
        return runner

    def _update_template_args(self) -> None:
        """Correct Locust's page: no host is needed, since the scenario names a server, and our label is short."""
        self._update()
        args = self._web_ui.template_args
        args["missing_host_warning"] = False
        args["extra_options"]["scenario"]["help_text"] = "a file in scenarios/"

    def _download(self, table: str) -> Response:
        if table not in files.TABLES:
            return make_response(f"no such table: {table}", 404)
        result = self._run.so_far()
        response = make_response(files.table(table, result).encode(errors=files.LENIENT))
        response.mimetype = "text/csv"
        name = f"{' '.join(result.scenario.name.split())}_{table}.csv" if result else f"{table}.csv"
        response.headers.set("Content-Disposition", "attachment", filename=name)
        return response

    def _report(self) -> Response:
        result = self._run.so_far()
        if result is None:
            return make_response("There is no report before a run.", 404)
        return make_response(html.render(result).encode(errors=files.LENIENT))

    def _before(self) -> Response | None:
        if request.endpoint != "locust.swarm":
            return None
        response: Response | None = self._guarded(self._refuse)()
        return response

    def _refuse(self) -> Response | None:
        """Answer the start form with what is wrong, before Locust starts anything."""
        reason = self._run.refusal(request.form.get("scenario", ""))
        if reason:
            return self._failed(reason)
        runner = self._runner
        starts = runner.state not in (STATE_SPAWNING, STATE_RUNNING) and getattr(runner, "worker_count", 0) > 0
        if starts:
            self._run.decided.clear()
        g.starts = starts
        return None

    def _after(self, response: Response) -> Response:
        if response.status_code == 200 and response.is_json:
            if request.endpoint == "locust.swarm":
                return self._started(response)
            if request.endpoint == "locust.request_stats":
                return self._with_tables(response)
        return response

    def _started(self, response: Response) -> Response:
        """Answer the form when the site is ready, or with the reason why there is no run."""
        answer: dict[str, Any] = response.get_json()
        if not (g.get("starts") and answer["success"]):
            return response
        self._run.decided.wait(SET_UP_LIMIT)
        return self._failed(self._run.trouble) if self._run.trouble else response

    def _failed(self, reason: str) -> Response:
        return jsonify({"success": False, "message": reason, "host": self._web_ui.environment.host})

    def _with_tables(self, response: Response) -> Response:
        report: dict[str, Any] = response.get_json()
        report["extended_stats"] = web.extended_stats(self._run.so_far(), self._run.trouble)
        # The page polls only while users spawn or run. If it heard that they stop, it would not poll again, and show
        # neither the end of the run nor the button for a new one.
        state = self._runner.state
        report["state"] = STATE_RUNNING if state in (STATE_CLEANUP, STATE_STOPPING) else state
        return jsonify(report)
