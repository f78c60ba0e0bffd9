"""The venue: where a run takes place, the lab's site or one of the user's own; what the conductor asks of either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from locust_cutover.client.access import Access
from locust_cutover.client.answer import Answer
from locust_cutover.client.marks import Marks
from locust_cutover.judging.verdict import ExitCode
from locust_cutover.scenario.model import Phase
from locust_cutover.venues.companion import Companion
from switcher.command import check_program
from switcher.place import SiteError


class SetUpError(Exception):
    """The run could not begin; WRONG where the scenario asks for what is not there, else INCONCLUSIVE."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Venue(Protocol):
    """One site for one run; `clear_up` is called however the run ends."""

    restores: bool
    """Whether the link is put back at the end of each phase, when no visitor is there any more."""

    @property
    def url(self) -> str:
        """Where its visitors go, without the path of a page."""

    @property
    def name(self) -> str:
        """What serves it, in a word."""

    @property
    def version(self) -> str:
        """What serves it, for the report; known after `examine`."""

    @property
    def access(self) -> Access:
        """What its visitors need besides the URL."""

    def set_up(self, folder: Path, phases: Sequence[Phase]) -> None:
        """Make it ready for its first visitor and these phases, or see that it is.

        SetUpError, ServerError or OSError when it is not.
        """

    def examine(self, answer: Answer, page: str) -> Marks:
        """What the marks of the page are, by a visit before the first flip; SetUpError when they make no sense."""

    def companion(self, phase: Phase, folder: Path, seed: int) -> Companion:
        """What flips in this phase."""

    def release(self, name: str) -> str:
        """What the marks call the release that the companion calls so."""

    def trouble(self) -> str:
        """Why the run cannot go on; empty while it can."""

    def clear_up(self) -> None:
        """End what was started; leave what was there as it was. Harmless a second time."""


def check_commands(phases: Sequence[Phase], link: str, root: str, releases: Mapping[str, str]) -> None:
    """See that the program of each phase's command is there, before anything flips; SetUpError when one is not.

    `releases` are the names by target.
    """
    for phase in phases:
        if phase.command is not None:
            try:
                check_program(phase.command.arguments, link, root, releases)
            except SiteError as error:
                raise SetUpError(f"phase {phase.name}: {error}", ExitCode.WRONG) from None
