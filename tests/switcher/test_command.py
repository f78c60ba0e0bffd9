"""The strategy that runs a command of the user's."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from switcher.command import check_program, run_command
from switcher.place import SiteError
from tests.switcher.process import PATIENCE, Site

LONG = 60_000_000_000


def is_dead(pid: int) -> bool:
    """Whether the process has ended; a zombie that its new parent has not waited for is dead, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def flip(site: Site, *arguments: str, timeout: int = LONG) -> None:
    """One flip to release b by the command."""
    command = run_command(arguments, timeout, str(site.root), {"b": "release-b"})
    command(str(site.link), "b", str(site.root / ".spare"))


def test_the_placeholders_are_replaced_and_nothing_else(site: Site) -> None:
    """Target, release, link and root; other braces and the shell's signs stay as they are."""
    out = site.root / "out"
    write = "import sys; open(sys.argv[1], 'w').write(chr(10).join(sys.argv[2:]))"
    arguments = ["{target}", "{release}", "{link}", "{root}/x", "{other}", "$HOME; *"]
    flip(site, sys.executable, "-c", write, str(out), *arguments)
    assert out.read_text().split("\n") == [
        "b",
        "release-b",
        str(site.link),
        f"{site.root}/x",
        "{other}",
        "$HOME; *",
    ]


def test_a_command_that_flips_flips(site: Site) -> None:
    """GNU ln is such a command."""
    flip(site, "ln", "-sfn", "{target}", "{link}")
    assert site.points_to() == "b"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sh", "-c", "exit 7"], "exit code 7"),
        (["sh", "-c", "kill -KILL $$"], "killed by SIGKILL"),
        (["sh", "-c", "kill -35 $$"], "killed by signal 35"),  # a real-time signal has no name
        (["no-such-program-anywhere"], "No such file or directory"),
    ],
)
def test_a_command_that_fails_is_a_failure(site: Site, arguments: list[str], said: str) -> None:
    """And the text says how."""
    with pytest.raises(OSError, match=said):
        flip(site, *arguments)


def test_a_command_that_hangs_is_killed_with_its_children(site: Site) -> None:
    """After the time-out nothing of it is left that could still flip."""
    pids = site.root / "pids"
    with pytest.raises(OSError, match=r"longer than 0\.3 s"):
        flip(site, "sh", "-c", f"sleep 1000 & echo $! >{pids}; wait", timeout=300_000_000)
    child = int(pids.read_text())
    # The kill is on its way when the strategy returns.
    deadline = time.monotonic() + PATIENCE
    while not is_dead(child):
        assert time.monotonic() < deadline


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_command_that_may_not_be_killed_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy under sudo is another user's: the outcome says that it still runs."""
    killpg = os.killpg
    groups = []

    def refuse(group: int, number: int) -> None:
        groups.append(group)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "killpg", refuse)
    try:
        with pytest.raises(OSError, match=r"longer than 0\.3 s, could not be killed and still runs"):
            flip(site, "sleep", "1000", timeout=300_000_000)
        assert not is_dead(groups[0])
    finally:
        for group in groups:
            killpg(group, signal.SIGKILL)
            os.waitpid(group, 0)


# The program is looked for before anything is flipped


def refusal(site: Site, program: str) -> str:
    """What is said of a program that is not there."""
    with pytest.raises(SiteError) as caught:
        check_program([program, "{target}"], str(site.link), str(site.root), {"a": "one", "b": "two"})
    return str(caught.value)


def script(path: Path, mode: int = 0o755) -> Path:
    """A program that does nothing."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_a_program_that_the_system_finds_is_let_be(site: Site) -> None:
    """By its name, by its path, and by one that the site completes."""
    script(site.root / "deploy")
    script(site.root / "a" / "flip")
    script(site.root / "b" / "flip")
    for program in ("ln", sys.executable, "{root}/deploy", "{link}/flip", "{root}/{target}/flip"):
        check_program([program], str(site.link), str(site.root), {"a": "a", "b": "b"})


def test_a_mistyped_program_is_told_with_where_it_was_looked_for(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A name in PATH, a path where it leads to, a relative one from the folder that it was started in."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    assert refusal(site, "lnn") == "command: expected a program, got 'lnn': not found in PATH (/usr/bin:/bin)"
    assert refusal(site, "{root}/deploy") == f"command: expected a program, got '{site.root}/deploy': no such file"
    assert refusal(site, "bin/deploy") == (
        f"command: expected a program, got 'bin/deploy': no such file, seen from {tmp_path}"
    )


def test_what_cannot_be_executed_is_no_program(site: Site) -> None:
    """A folder, and a file without the permission."""
    assert refusal(site, "{root}/a") == f"command: expected a program, got '{site.root}/a': it is a folder"
    plain = script(site.root / "plain", 0o644)
    assert refusal(site, str(plain)) == f"command: expected a program, got '{plain}': it is not an executable file"


def test_a_program_of_the_release_must_be_in_each(site: Site) -> None:
    """The flip to the one without it would fail."""
    script(site.root / "a" / "flip")
    assert refusal(site, "{root}/{target}/flip").endswith(f"got '{site.root}/b/flip': no such file")
    script(site.root / "one" / "flip")
    assert refusal(site, "{root}/{release}/flip").endswith(f"got '{site.root}/two/flip': no such file")
