"""What is flipped and where its releases are: the checks that a link and a real folder share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from switcher.strategies import AWAY


class SiteError(ValueError):
    """The site on disk cannot be flipped; the text says what is wrong and where."""


class Place(Protocol):
    """`current`: the link, or a real folder that holds a copy of a release."""

    kind: ClassVar[str]
    """Its name in a message."""
    holds: ClassVar[str]
    """The first words of a message about what it holds."""
    broken: ClassVar[str]
    """The last words of that message if that is no release."""

    @property
    def path(self) -> str:
        """Where it is."""

    @property
    def targets(self) -> dict[str, str]:
        """By release name, its path relative to the folder of `path`."""

    def points_to(self) -> str | None:
        """The target that it holds now; None if it is missing, OSError if the switcher must not change it."""

    def release(self) -> str | None:
        """The name of the release that it holds, or what it holds instead; None if it is missing."""

    def name(self, target: str) -> str:
        """The name of the release with this target, or what it is instead."""

    def is_whole(self) -> bool:
        """Whether a visitor finds a release there."""

    def repair(self) -> None:
        """Make it hold the first release that still exists; OSError if that fails."""

    def spare(self) -> str:
        """A free name beside it."""

    def prepare(self, target: str, spare: str) -> None:
        """Do what a flip needs and its time must not include."""

    def settle(self, spare: str) -> None:
        """Remove what the flip has left at the spare names."""


def locate(root: str, name: str) -> str:
    """The path of `name` below `root`, with its folder resolved, but not the name itself; SiteError if it cannot be."""
    if not os.path.isdir(root):
        raise SiteError(f"root {root}: no such folder")
    real_root = os.path.realpath(root)
    path = os.path.normpath(os.path.join(real_root, name))
    folder = os.path.realpath(os.path.dirname(path))
    path = os.path.join(folder, os.path.basename(path))
    if not is_below(path, real_root):
        raise SiteError(f"link {name}: not below root {root}")
    if not os.path.isdir(folder):
        raise SiteError(f"link {name}: its folder {folder} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SiteError(f"{'root ' + root if folder == real_root else folder}: not writable")
    return path


def find_releases(root: str, path: str, releases: Sequence[str]) -> dict[str, str]:
    """By release, the path of its folder relative to that of `path`; SiteError unless they are two that differ."""
    if len(releases) < 2:
        raise SiteError(f"releases: expected at least two, got {len(releases)}")
    real_root = os.path.realpath(root)
    targets: dict[str, str] = {}
    places: dict[str, str] = {}
    for release in releases:
        place = os.path.normpath(os.path.join(real_root, release))
        if place == path:
            raise SiteError(f"release {release}: is the link itself")
        if not os.path.isdir(place):
            raise SiteError(f"release {release}: no such folder below root {root}")
        real = os.path.realpath(place)
        if not is_below(real, real_root):
            raise SiteError(f"release {release}: not below root {root}")
        if is_below(path, real):
            raise SiteError(f"link {os.path.relpath(path, real_root)}: is inside release {release}")
        if real in places:
            raise SiteError(f"release {release}: the same release as {places[real]}")
        places[real] = release
        # The real folder: a release that leads through the link would become a loop when the link points to it.
        targets[release] = os.path.relpath(real, os.path.dirname(path))
    return targets


def free_name(path: str, is_free: Callable[[str], bool]) -> str:
    """A free name beside `path` for something temporary; the name followed by AWAY is free as well."""
    folder, name = os.path.split(path)
    number = 0
    while True:
        spare = os.path.join(folder, f".{name}.switcher" + (f"-{number}" if number else ""))
        if is_free(spare) and is_free(spare + AWAY):
            return spare
        number += 1


def is_below(path: str, root: str) -> bool:
    """Whether the real path is inside the real folder."""
    return path != root and os.path.commonpath([path, root]) == root
