"""The lab: a site that is built for one run, on a server that is started for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from locust_cutover.client.access import Access
from locust_cutover.client.answer import Answer
from locust_cutover.client.marks import Marks
from locust_cutover.scenario.model import Phase, Site
from locust_cutover.servers.registry import SERVERS
from locust_cutover.servers.server import Server, ServerError
from locust_cutover.servers.site import LINK, MARK, MARKS, PAGE, build_site, set_current
from locust_cutover.venues.companion import Companion
from locust_cutover.venues.switcher_process import SwitcherProcess, flipping
from locust_cutover.venues.venue import check_commands


class Lab:
    """A throw-away site; with `keep_site` its folder outlives a Locust that is killed, too."""

    restores: bool = False
    access = Access()

    def __init__(self, site: Site, keep_site: bool) -> None:
        self._site = site
        self._keep_site = keep_site
        self._server: Server | None = None
        self.url = ""
        self.name = site.server
        self.version = ""

    def set_up(self, folder: Path, phases: Sequence[Phase]) -> None:
        """Build the site, start the server and wait for it."""
        root = folder / "site"
        build_site(root, self._site.releases)
        check_commands(phases, str(root / LINK), str(root), {release: release for release in self._site.releases})
        self._server = SERVERS[self._site.server](folder, root)
        self._server.start(remove=None if self._keep_site else folder)
        self._server.wait_until_ready(PAGE)
        self.url = self._server.url
        self.version = self._server.version()

    def examine(self, answer: Answer, page: str) -> Marks:
        """As many marks as the page has; the two-part page has two."""
        marks = len(Marks(MARK, 0).read(answer))
        if self._site.path == PAGE and marks != MARKS:
            raise ServerError(f"{page} has {marks} marks instead of {MARKS}")
        return Marks(MARK, marks)

    def companion(self, phase: Phase, folder: Path, seed: int) -> Companion:
        """The switcher on the releases that were built; `current` becomes the link or the folder that it flips."""
        set_current(folder / "site", self._site.releases, phase.folder)
        arguments = flipping(phase, folder / "site", LINK, self._site.releases, seed=seed)
        return SwitcherProcess(phase, arguments, folder / "switcher.log")

    def release(self, name: str) -> str:
        """The pages were made with these names."""
        return name

    def trouble(self) -> str:
        """A server that died."""
        return self._server.death() if self._server is not None and not self._server.alive() else ""

    def clear_up(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.stop()
