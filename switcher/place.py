"""What is flipped and where its releases are: the checks that the link and the real folder have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from switcher.strategies import AWAY


class SiteError(ValueError):
    """The site on disk is not one that can be flipped; the text says what is wrong and where."""


class Place(Protocol):
    """`current`: the link, or a real folder that holds a copy of a release."""

    kind: ClassVar[str]
    """What it is called in a sentence."""
    holds: ClassVar[str]
    """The beginning of the sentence that says what it holds."""
    broken: ClassVar[str]
    """The end of that sentence when it is no release."""

    @property
    def path(self) -> str:
        """Where it is."""

    @property
    def targets(self) -> dict[str, str]:
        """Per release name, the way to it from the folder of `path`."""

    def points_to(self) -> str | None:
        """The target that it holds now; None when there is nothing, OSError when it is not ours to change."""

    def release(self) -> str | None:
        """The name of the release that it holds, or what it holds instead; None when there is nothing."""

    def name(self, target: str) -> str:
        """The name of the release with this target, or what it is instead."""

    def is_whole(self) -> bool:
        """Whether a visitor finds a release there."""

    def repair(self) -> None:
        """Make it hold the first release that is there; OSError when that fails."""

    def spare(self) -> str:
        """A free name beside it."""

    def prepare(self, target: str, spare: str) -> None:
        """What a flip needs and its time is not to contain."""

    def settle(self, spare: str) -> None:
        """Take away what the flip has left at the spare names."""


def locate(root: str, name: str) -> str:
    """The path of `name` below `root`: its folder is followed, itself it is not. SiteError when it cannot be there."""
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
    """Per release the way to its folder from that of `path`; SiteError when they are not two that differ."""
    if len(releases) < 2:
        raise SiteError("releases: a flip needs at least two")
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
        # The real folder: a release that leads through the link would become a loop with the flip to it.
        targets[release] = os.path.relpath(real, os.path.dirname(path))
    return targets


def free_name(path: str, is_free: Callable[[str], bool]) -> str:
    """A name beside `path` for what is temporary, that is free and is so with AWAY behind it."""
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
