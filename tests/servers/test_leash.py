"""A server ends when its parent goes, however that goes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

from tests.servers.lab import PATIENCE

LEASH = (sys.executable, "-m", "locust_cutover.servers.leash")

WORKER = 'sh -c "echo ready; exec sleep 1000" & wait'
"""Says so when it can be ended: a child of a shell that is just forked loses a SIGTERM."""

SERVER = f'trap "echo bye; exit 7" TERM; {WORKER}'
"""Ends by SIGTERM, and leaves a worker behind that does not know."""


class Leashed(contextlib.ExitStack):
    """Shell scripts on a leash. All their processes share its standard output: when that ends, so have they."""

    def __init__(self, *scripts: str, remove: Path | None = None, leash: Sequence[str] = LEASH) -> None:
        super().__init__()
        options = [] if remove is None else ["--remove", str(remove)]
        commands = [word for script in scripts for word in ("--", "sh", "-c", script)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [*leash, *options, *commands], stdin=pipe, stdout=pipe, text=True, start_new_session=True
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.parent: IO[str] = self.process.stdin
        self.output: IO[str] = self.process.stdout
        self.watchdog = threading.Timer(PATIENCE, os.killpg, [self.process.pid, signal.SIGKILL])
        self.watchdog.start()
        # In the other order. Nothing is left of it after a test that passed; the leash ends what another left.
        for end in (self.output.close, self.in_time, self.process.wait, self.parent.close):
            self.callback(end)

    def in_time(self) -> None:
        """Fail if the watchdog had to end it."""
        self.watchdog.cancel()
        assert self.process.returncode != -signal.SIGKILL, "something went on after its time"

    def is_ready(self, programs: int = 1) -> None:
        """Wait for the workers of so many programs."""
        assert [self.output.readline() for _ in range(programs)] == ["ready\n"] * programs

    def ends(self, code: int | None = None) -> str:
        """All it still says, up to the end of its last process, and with this exit code."""
        said = self.output.read()
        assert code in (None, self.process.wait())
        return said


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """What is over by itself, with no parent to wait for."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 128 + signal.SIGKILL)])
def test_the_leash_ends_with_its_server(script: str, code: int) -> None:
    """With its exit code, or what a shell makes of its signal."""
    with Leashed(script) as leash:
        assert leash.ends(code) == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_its_workers(tmp_path: Path, number: signal.Signals) -> None:
    """The server can say goodbye. The folder stays: whoever sends a signal clears up by himself."""
    with Leashed(SERVER, remove=tmp_path) as leash:
        leash.is_ready()
        leash.process.send_signal(number)
        assert leash.ends(7) == "bye\n"
    assert tmp_path.exists()


@pytest.mark.parametrize("remove", [True, False], ids=["remove", "keep the site"])
def test_the_end_of_the_parent_ends_the_server_and_removes_the_folder(tmp_path: Path, remove: bool) -> None:
    """Nobody else is there to do it."""
    folder = tmp_path / "folder"
    (folder / "site").mkdir(parents=True)
    with Leashed(f"cd {folder}; {SERVER}", remove=folder if remove else None) as leash:
        leash.is_ready()
        leash.parent.close()
        assert leash.ends() == "bye\n"
        leash.process.wait()
    assert folder.exists() != remove
    assert tmp_path.exists()


def test_a_parent_that_says_something_is_not_gone(tmp_path: Path) -> None:
    """Whatever it says is not listened to: the signal after it finds a leash that is still on guard."""
    with Leashed(SERVER, remove=tmp_path) as leash:
        leash.is_ready()
        leash.parent.write("whatever\n")
        leash.parent.flush()
        leash.process.send_signal(signal.SIGTERM)
        assert leash.ends() == "bye\n"
    assert tmp_path.exists()


def test_a_parent_that_is_gone_before_the_server_started_is_noticed(tmp_path: Path) -> None:
    """It can be killed at any time."""
    folder = tmp_path / "folder"
    folder.mkdir()
    run(*LEASH, "--remove", str(folder), "--", "sleep", "1000")
    assert not folder.exists()


def test_a_server_that_is_deaf_to_sigterm_is_killed() -> None:
    """After some patience, here cut to a tenth of a second."""
    patience = "import sys; from locust_cutover.servers import leash; leash.PATIENCE = 0.1; sys.exit(leash.main())"
    deaf = 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    with Leashed(deaf, leash=(sys.executable, "-c", patience)) as leash:
        leash.is_ready()
        leash.process.send_signal(signal.SIGTERM)
        assert leash.ends(128 + signal.SIGKILL) == ""


def test_workers_of_a_server_that_was_killed_are_ended() -> None:
    """They hold its port; nothing else would end them."""
    with Leashed('sh -c "echo ready; kill -9 $$; exec sleep 1000" & wait') as leash:
        leash.is_ready()
        assert leash.ends(128 + signal.SIGKILL) == ""


def test_several_programs_are_one_server() -> None:
    """They are ended in the other order than they were started: the one in front must not find the other gone."""
    back, front = (f'trap "echo bye {name}; exit 7" TERM; {WORKER}' for name in ("back", "front"))
    with Leashed(back, front) as leash:
        leash.is_ready(2)
        leash.process.send_signal(signal.SIGTERM)
        assert leash.ends() == "bye front\nbye back\n"


def test_all_programs_end_when_one_does(tmp_path: Path) -> None:
    """With the exit code of that one; half a server is none."""
    os.mkfifo(tmp_path / "fifo")
    with Leashed(f"read word < {tmp_path}/fifo; exit 3", SERVER) as leash:
        leash.is_ready()
        (tmp_path / "fifo").write_text("now\n")
        assert leash.ends(3) == "bye\n"


def test_no_program_is_left_when_another_cannot_be_started() -> None:
    """The error is in the log."""
    leash = run(*LEASH, "--", "sleep", "1000", "--", "/no/such/program")
    assert "/no/such/program" in leash.stderr
    assert leash.returncode != 0


def test_a_leash_without_a_program_is_a_mistake() -> None:
    """It says how it is used."""
    leash = run(*LEASH, "--")
    assert leash.returncode == 2
    assert "usage: leash" in leash.stderr


def test_a_leash_in_somebody_elses_process_group_spares_it() -> None:
    """Run by hand in a script, it does not end the script."""
    assert run("sh", "-c", f"{' '.join(LEASH)} -- true; echo still here").stdout == "still here\n"
