"""Sites to flip and ways to run the switcher, for every test of it."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from switcher.__main__ import main
from switcher.stop import SIGNALS
from switcher.tree import copy
from tests.switcher.process import Run, Site, events_of

Here = Callable[..., Run]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Three releases and a link to the first of them."""
    root = tmp_path / "site"
    for release in ("a", "b", "c"):
        (root / release).mkdir(parents=True)
        (root / release / "index.html").write_text(release)
    link = root / "current"
    link.symlink_to("a")
    return Site(root, link)


@pytest.fixture
def real(site: Site) -> Site:
    """The site with a copy of release a where its link was; the releases differ in content, names and kinds."""
    for release in ("a", "b", "c"):
        folder = site.root / release
        (folder / "part.html").write_text(f"part of {release}")
        (folder / f"only-{release}" / "deep").mkdir(parents=True)
        (folder / f"only-{release}" / "deep" / "file").write_text(release)
        (folder / "newest").symlink_to(f"only-{release}/deep/file")
    (site.root / "a" / "either").write_text("a file")
    (site.root / "b" / "either").mkdir()
    site.link.unlink()
    copy(str(site.root / "a"), str(site.link))
    return site


@pytest.fixture
def closed_site() -> Iterator[Site]:
    """A good site that everybody can see and only its owner can change: pytest's own folders only their owner sees."""
    with tempfile.TemporaryDirectory(prefix="switcher-") as folder:
        root = Path(folder)
        for release in ("a", "b"):
            (root / release).mkdir()
        (root / "current").symlink_to("a")
        root.chmod(0o555)
        yield Site(root, root / "current")
        root.chmod(0o755)


@pytest.fixture
def restored() -> Iterator[None]:
    """What a switcher changes of its process comes back afterwards: signal handlers and processors."""
    handlers, usable = [signal.getsignal(number) for number in SIGNALS], os.sched_getaffinity(0)
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in zip(SIGNALS, handlers, strict=True):
        signal.signal(number, handler)
    os.sched_setaffinity(0, usable)


@pytest.fixture
def here(restored: None, capfd: pytest.CaptureFixture[str]) -> Here:
    """Runs the switcher's command line in this process."""

    def run(*arguments: str) -> Run:
        usable = os.sched_getaffinity(0)
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(str(end.code))
        os.sched_setaffinity(0, usable)
        output, errors = capfd.readouterr()
        return Run(code, events_of(output), errors.splitlines())

    return run
