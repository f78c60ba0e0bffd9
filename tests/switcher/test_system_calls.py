"""The system calls that a flip makes, as strace sees them: what a strategy is, and what the shell's tools are like."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from switcher.strategies import FOLDER_STRATEGIES, STRATEGIES
from tests.conftest import require_program
from tests.switcher.process import SWITCHER, Site

CHANGING = "symlink,symlinkat,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,link,linkat,openat"

CALLS = {
    "forced": ["unlink current", "symlink current"],
    "atomic": ["symlink spare", "rename spare current"],
    "exchange": ["symlink spare", "renameat2 spare current RENAME_EXCHANGE", "unlink spare"],
    "two-renames": ["symlink spare", "rename current spare.old", "rename spare current", "unlink spare.old"],
    "swap-folders": ["rename current spare.old", "rename spare current"],
    "in-place": [
        "openat spare O_EXCL",
        "rename spare current/index.html",
        "openat spare O_EXCL",
        "rename spare current/part.html",
    ],
    "in-place-truncate": ["openat current/index.html O_TRUNC", "openat current/part.html O_TRUNC"],
}


def traced(site: Site, folder: Path, command: list[str]) -> list[str]:
    """What the command changed in the site, call by call; the site's own names stand for the paths."""
    trace = folder / "trace"
    strace = [require_program("strace"), "-f", "-qq", "-s", "200", "-e", f"trace={CHANGING}", "-o", str(trace)]
    subprocess.run([*strace, *command], check=True, capture_output=True)
    calls = []
    for line in trace.read_text().splitlines():
        call = re.match(r"\d+ +(\w+)\((.*)\) += 0|\d+ +(openat)\((.*)\) += \d", line)
        if call is None or "site" not in line or ("openat" in line and "O_WRONLY" not in line):
            continue
        name, arguments = call[1] or call[3], call[2] or call[4]
        paths = [path for path in re.findall(r'"([^"]*)"', arguments) if path.startswith(str(site.root))]
        words = [path.removeprefix(f"{site.root}/").replace(".current.switcher", "spare") for path in paths]
        flags = re.findall(r"RENAME_EXCHANGE|O_TRUNC|O_EXCL", arguments)
        calls.append(" ".join([name, *words, *flags]))
    return calls


def switched(site: Site, folder: Path, strategy: str, *rest: str) -> list[str]:
    """What one flip of a switcher changed."""
    options = [*site.options("a", "b"), "--every", "0", "--flips", "1", *rest]
    return traced(site, folder, [*SWITCHER, strategy, *options])


def make_real(site: Site) -> None:
    """Let `current` be a real folder with a copy of release a; the releases have two files."""
    site.link.unlink()
    site.link.mkdir()
    for folder, text in ((site.root / "a", "a"), (site.root / "b", "b"), (site.link, "a")):
        for name in ("index.html", "part.html"):
            (folder / name).write_text(text)


def test_each_strategy_is_known_by_its_calls() -> None:
    """None is without its list."""
    assert set(CALLS) == {*STRATEGIES, *FOLDER_STRATEGIES}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_flip_of_the_link_makes_these_calls_and_no_other(site: Site, tmp_path: Path, strategy: str) -> None:
    """In this order."""
    assert switched(site, tmp_path, strategy) == CALLS[strategy]


@pytest.mark.parametrize("strategy", FOLDER_STRATEGIES)
def test_a_flip_of_a_folder_makes_these_calls(site: Site, tmp_path: Path, strategy: str) -> None:
    """In this order; swap-folders makes a copy before, and removes the old one afterwards."""
    make_real(site)
    calls = switched(site, tmp_path, strategy)
    if strategy == "swap-folders":
        before, after = calls.index("rename current spare.old"), calls.index("rename spare current")
        assert calls[:before] == ["mkdir spare", "openat spare/index.html O_EXCL", "openat spare/part.html O_EXCL"]
        assert calls[after + 1 :][-1] == "rmdir spare.old"
        calls = calls[before : after + 1]
    assert calls == CALLS[strategy]


@pytest.mark.parametrize("strategy", [*STRATEGIES, *FOLDER_STRATEGIES])
def test_the_docstring_names_the_calls(strategy: str) -> None:
    """What a reader of the registry is told is what strace sees."""
    way = STRATEGIES.get(strategy) or FOLDER_STRATEGIES[strategy]
    documented = (way.__doc__ or "").splitlines()[0]
    made = [call.split()[0].replace("openat", "open") for call in CALLS[strategy]]
    places = [documented.find(name) for name in dict.fromkeys(made)]
    assert -1 not in places, f"{documented!r} does not name all of {made}"
    assert places == sorted(places)


TOOLS = {
    "GNU ln": (["ln", "-sfn"], "coreutils", ["symlinkat", "renameat"]),
    "BusyBox ln": (["busybox", "ln", "-sfn"], "busybox", ["unlink", "symlink"]),
    "uutils ln": (["/usr/lib/cargo/bin/coreutils/ln", "-sfn"], "rust-coreutils", ["unlink", "symlink"]),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_ln_of_the_shell_renames_or_unlinks_first(site: Site, tmp_path: Path, tool: str) -> None:
    """GNU's makes a temporary link and renames it; BusyBox's and uutils' leave a moment without a link."""
    command, package, expected = TOOLS[tool]
    require_program(command[0], package)
    calls = traced(site, tmp_path, [*command, "b", str(site.link)])
    assert site.points_to() == "b"
    assert [call.split()[0] for call in calls] == expected
