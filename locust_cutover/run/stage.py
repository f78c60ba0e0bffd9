"""The stage of a run: its site, visited once before anything flips, and the folder for what the run makes."""

from __future__ import annotations

import logging
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from locust_cutover.client.answer import Answer
from locust_cutover.client.connection import Connection
from locust_cutover.client.marks import Marks
from locust_cutover.judging.answers import TLS_FAILED
from locust_cutover.judging.verdict import ExitCode
from locust_cutover.scenario.model import Phase, Scenario
from locust_cutover.venues.companion import Companion
from locust_cutover.venues.lab import Lab
from locust_cutover.venues.own_site import OwnSite, WatchedSite
from locust_cutover.venues.venue import SetUpError, Venue

logger = logging.getLogger("locust.cutover")


class Stage:
    """The venue that the scenario asks for.

    `host`: where visitors go instead of the venue's own URL. `timeout`: seconds for the first visit. `keep`: leave the
    folder. `commands`: the file for what commands print; without one it is in the folder.
    """

    def __init__(self, scenario: Scenario, host: str | None, timeout: float, keep: bool, commands: Path | None) -> None:
        self.url = ""
        self.venue: Venue
        self._scenario = scenario
        self._host = host
        self._timeout = timeout
        self._keep = keep
        self._commands = commands
        self._folder: Path | None = None
        self._steps = ExitStack()

    def set_up(self) -> Marks:
        """Make the site ready and visit it once; what its marks are. SetUpError, ServerError or OSError if it fails."""
        scenario = self._scenario
        self._folder = folder = Path(tempfile.mkdtemp(prefix="locust-cutover-"))
        self._steps.callback(self._clear_folder, folder)
        self.venue = venue = self._choose(folder)
        self._steps.callback(venue.clear_up)
        venue.set_up(folder, scenario.phases)
        self.url = self._host or venue.url
        if "@" in self.url:
            raise SetUpError(
                "host: expected no password in it, got one; name environment variables in site.auth instead",
                ExitCode.WRONG,
            )
        return venue.examine(self._visit(scenario.site.path), self.page)

    @property
    def page(self) -> str:
        """The URL of the page."""
        return self.url + self._scenario.site.path

    def companion(self, phase: Phase, seed: int) -> Companion:
        """What flips in this phase; it is stopped by `clear_up` at the latest."""
        assert self._folder is not None
        companion = self.venue.companion(phase, self._folder, seed)
        self._steps.callback(companion.stop)
        return companion

    def clear_up(self) -> None:
        """End what was started, last things first: each step, whatever becomes of the others."""
        self._steps.close()

    def _choose(self, folder: Path) -> Venue:
        site = self._scenario.site
        if site.external is None:
            return Lab(site, self._keep)
        if self._commands is None:
            self._commands = folder / "commands.log"
        watched = any(phase.watched for phase in self._scenario.phases)
        return (WatchedSite if watched else OwnSite)(site, self._commands)

    def _visit(self, path: str) -> Answer:
        access = self.venue.access
        try:
            connection = Connection(self.url, self._timeout, access.tls(), access.fields())
            answer = connection.exchange(path)
        except ValueError as error:
            raise SetUpError(str(error), ExitCode.WRONG) from None
        connection.close()
        if not answer.ok:
            raise SetUpError(f"{self.page}: {answer.name} before the first flip{_advice(answer)}", ExitCode.WRONG)
        return answer

    def _clear_folder(self, folder: Path) -> None:
        said = self._commands is not None and self._commands.exists()
        if said:
            logger.info("what the commands printed is in %s", self._commands)
        if self._keep:
            logger.info("the site and the logs are kept in %s", folder)
        elif said and self._commands is not None and self._commands.parent == folder:
            (folder / "switcher.log").unlink(missing_ok=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                logger.warning("could not remove %s", folder)


def _advice(answer: Answer) -> str:
    """What to look at when the first visit fails."""
    if answer.error == TLS_FAILED:
        return "; the certificate must match this host, or its Host header; name its authority in site.ca"
    if answer.error is None and 300 <= answer.status < 400:
        return f"; it redirects to {answer.headers.get('location', 'nowhere')}, and visitors follow no redirect"
    if answer.error is None and answer.status == 401:
        return "; site.auth names the environment variables with user and password"
    return ""
