"""A site of the user's own: somebody else set it up, and it is left as it was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from locust_cutover.client.access import Access, AccessError
from locust_cutover.client.answer import Answer
from locust_cutover.client.marks import Marks
from locust_cutover.judging.verdict import ExitCode
from locust_cutover.scenario.model import Phase, Site
from locust_cutover.venues.companion import Companion
from locust_cutover.venues.idle import Idle
from locust_cutover.venues.switcher_process import SwitcherProcess, flipping, watching
from locust_cutover.venues.venue import SetUpError, check_commands
from switcher.link import Link, open_link
from switcher.original import Original, remember
from switcher.place import SiteError
from switcher.watch import open_watched

logger = logging.getLogger("locust.cutover")


class OwnSite:
    """The site of the scenario; what the commands print is appended to the file `commands`."""

    def __init__(self, site: Site, commands: Path) -> None:
        assert site.external is not None
        self._site = site
        self._external = site.external
        self._commands = commands
        self._link: Link | None = None
        self._original: Original | None = None
        self._name: Callable[[str], str] = _as_it_is
        self._names: dict[str, str] = {}
        self.restores = site.flips
        self.access: Access = site.external.access
        self.url = site.external.url
        self.name = "your own site"
        self.version = "a server of your own"

    def set_up(self, folder: Path, phases: Sequence[Phase]) -> None:
        """See that visitors have what they need, and that the link can be put back, by doing it once."""
        try:
            self.access.fields()
            self.access.tls()
            if self._site.flips:
                self._link = link = self._open()
                self._check_mark_files()
                releases = {target: name for name, target in link.targets.items()}
                check_commands(phases, link.path, str(Path(self._external.root).absolute()), releases)
        except (AccessError, SiteError) as error:
            raise SetUpError(str(error), ExitCode.WRONG) from None
        self._commands.parent.mkdir(parents=True, exist_ok=True)
        self._commands.unlink(missing_ok=True)  # of the run before
        if self._original is not None:
            try:
                self._original.rehearse()
            except OSError as error:
                message = f"link {self._original.link.path}: cannot be put back: {error.strerror}"
                raise SetUpError(message, ExitCode.WRONG) from None

    def examine(self, answer: Answer, page: str) -> Marks:
        """See that the page says which release it is of.

        A mark is what `mark_file` of the release says, or without one its path or the name of its folder.
        """
        self.version = f"{answer.headers.get('server', 'a server')} (external)"
        external = self._external
        if not external.mark:
            return Marks("(?!)", 0)
        marks = Marks(external.mark, external.marks, head=True)
        found = marks.read(answer)
        if not found:
            raise SetUpError(f"site.mark: expected a match of {external.mark!r} in {page}, found none", ExitCode.WRONG)
        if len(found) < external.marks:
            raise SetUpError(
                f"site.mark: expected {external.marks} matches of {external.mark!r} in {page} (site.marks), "
                f"found {len(found)}",
                ExitCode.WRONG,
            )
        if len(found) > external.marks:
            logger.warning("%s has %d marks; set site.marks: %d to detect a missing one", page, len(found), len(found))
        self._name = self._naming(found, page)
        return marks

    def _naming(self, found: tuple[str, ...], page: str) -> Callable[[str], str]:
        """How the marks call the releases, by what the page has; SetUpError when it has that of no release."""
        assert self._link is not None
        now = self._link.release() or ""
        known = [now, *(release for release in self._site.releases if release != now)]
        namings = [self._from_file] if self._external.mark_file else [_as_it_is, _folder_of]
        for naming in namings:
            names = [naming(release) for release in known]
            if not set(found) <= set(names):
                continue
            if set(found) != {names[0]}:
                raise SetUpError(
                    f"{page} is of release {_list(found)}, but link {self._link.path} points to {names[0]}: "
                    "the server, or a cache before it, still gives an old release",
                    ExitCode.INCONCLUSIVE,
                )
            if len(set(names)) < len(names):
                raise SetUpError(
                    f"site.releases: expected a mark of its own for each release, got {_list(names)}", ExitCode.WRONG
                )
            return naming
        names = [naming(now) for naming in namings]
        raise SetUpError(
            f"site.mark: expected the mark of a release in {page}, found {_list(found)}: "
            f"link {self._link.path} points to {now}"
            + (f", whose {self._external.mark_file} says {names[0]}" if self._external.mark_file else "")
            + ("; or the server still gives an old release" if self._external.discover else ""),
            ExitCode.WRONG,
        )

    def companion(self, phase: Phase, folder: Path, seed: int) -> Companion:
        """The switcher, which puts the link back; or nobody."""
        if phase.unflipped:
            assert phase.duration is not None
            return Idle(phase.duration / 1e9)
        root, link = Path(self._external.root), self._external.link
        arguments = flipping(phase, root, link, self._releases, seed=seed, commands=self._commands, restore=True)
        return SwitcherProcess(phase, arguments, folder / "switcher.log")

    def release(self, name: str) -> str:
        """What the marks call it."""
        if name not in self._names:
            self._names[name] = self._name(name)
        return self._names[name]

    def trouble(self) -> str:
        """Nobody here knows more about the server than its visitors."""
        return ""

    def clear_up(self) -> None:
        """Put the link back where a switcher that was killed could not."""
        original, self._original = self._original, None
        if original is None:
            return
        try:
            if original.put_back():
                logger.warning("link %s was put back on %s", original.link.path, original.target)
        except OSError as error:
            logger.error("link %s: cannot be put back on %s: %s", original.link.path, original.target, error.strerror)

    def _open(self) -> Link:
        """Find the link and remember where it is; SiteError when it cannot be flipped."""
        link = open_link(self._external.root, self._external.link, self._releases)
        self._original = remember(link)
        return link

    @property
    def _releases(self) -> tuple[str, ...] | None:
        return None if self._external.discover else self._site.releases

    def _check_mark_files(self) -> None:
        for release in self._site.releases if self._external.mark_file else ():
            file = Path(self._external.root) / release / self._external.mark_file
            if not file.is_file():
                raise SiteError(f"site.mark_file: {file}: no such file")

    def _from_file(self, release: str) -> str:
        try:
            text = (Path(self._external.root) / release / self._external.mark_file).read_text(errors="replace")
        except OSError:
            text = ""
        return text.strip() or release  # it has gone already, or never had one: no mark will be taken for it


class WatchedSite(OwnSite):
    """The same where somebody else flips: it is only looked at, and its root may be read-only."""

    def __init__(self, site: Site, commands: Path) -> None:
        super().__init__(site, commands)
        self.restores = False

    def companion(self, phase: Phase, folder: Path, seed: int) -> Companion:
        """The switcher, which only watches."""
        arguments = watching(phase, Path(self._external.root), self._external.link)
        return SwitcherProcess(phase, arguments, folder / "switcher.log")

    def _open(self) -> Link:
        watched, _, _ = open_watched(self._external.root, self._external.link, ear=False)
        return watched.link


def _as_it_is(release: str) -> str:
    return release


def _folder_of(release: str) -> str:
    return Path(release).name


def _list(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(sorted(set(names)))
