"""A server ends when its parent goes, however that goes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.servers.lab import PATIENCE

LEASH = (sys.executable, "-m", "locust_cutover.servers.leash")

WORKER = 'sh -c "echo ready; exec sleep 1000" & wait'
"""Says so when it can be ended: a child of a shell that is just forked loses a SIGTERM."""

SERVER = f'trap "echo bye; exit 7" TERM; {WORKER}'
"""Ends by SIGTERM, and leaves a worker behind that does not know."""


@contextlib.contextmanager
def leashed(*scripts: str, remove: Path | None = None, leash: Sequence[str] = LEASH) -> Iterator[subprocess.Popen[str]]:
    """Shell scripts on a leash. All their processes share its standard output: when that ends, so have they."""
    options = [] if remove is None else ["--remove", str(remove)]
    commands = [word for script in scripts for word in ("--", "sh", "-c", script)]
    with subprocess.Popen(
        [*leash, *options, *commands],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        hung = threading.Event()

        def kill() -> None:
            hung.set()
            os.killpg(process.pid, signal.SIGKILL)

        watchdog = threading.Timer(PATIENCE, kill)
        watchdog.start()
        try:
            yield process
        finally:
            # Nothing is left of it after a test that passed; the leash ends what another left.
            if process.stdin is not None:
                process.stdin.close()
            process.wait()
            watchdog.cancel()
        assert not hung.is_set(), "something went on after its time"


def rest(process: subprocess.Popen[str]) -> str:
    """All it still says, up to the end of its last process."""
    assert process.stdout is not None
    return process.stdout.read()


def line(process: subprocess.Popen[str]) -> str:
    """The next line it says."""
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 128 + signal.SIGKILL)])
def test_the_leash_ends_with_its_server(script: str, code: int) -> None:
    """With its exit code, or what a shell makes of its signal."""
    with leashed(script) as process:
        assert rest(process) == ""
        assert process.wait() == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_its_workers(tmp_path: Path, number: signal.Signals) -> None:
    """The server can say goodbye. The folder stays: whoever sends a signal clears up by himself."""
    with leashed(SERVER, remove=tmp_path) as process:
        assert line(process) == "ready\n"
        process.send_signal(number)
        assert rest(process) == "bye\n"
        assert process.wait() == 7
    assert tmp_path.exists()


def test_the_end_of_the_parent_ends_the_server_and_removes_the_folder(tmp_path: Path) -> None:
    """Nobody else is there to do it."""
    folder = tmp_path / "folder"
    (folder / "site").mkdir(parents=True)
    with leashed(SERVER, remove=folder) as process:
        assert line(process) == "ready\n"
        assert process.stdin is not None
        process.stdin.close()
        assert rest(process) == "bye\n"
        process.wait()
    assert not folder.exists()
    assert tmp_path.exists()


def test_a_parent_that_says_something_is_not_gone(tmp_path: Path) -> None:
    """Whatever it says is not listened to: the signal after it finds a leash that is still on guard."""
    with leashed(SERVER, remove=tmp_path) as process:
        assert line(process) == "ready\n"
        assert process.stdin is not None
        process.stdin.write("whatever\n")
        process.stdin.flush()
        process.send_signal(signal.SIGTERM)
        assert rest(process) == "bye\n"
    assert tmp_path.exists()


def test_without_a_folder_to_remove_none_is_removed(tmp_path: Path) -> None:
    """As with --keep-site."""
    with leashed(f"cd {tmp_path}; {SERVER}") as process:
        assert line(process) == "ready\n"
        assert process.stdin is not None
        process.stdin.close()
        assert rest(process) == "bye\n"
    assert tmp_path.exists()


def test_a_parent_that_is_gone_before_the_server_started_is_noticed(tmp_path: Path) -> None:
    """It can be killed at any time."""
    folder = tmp_path / "folder"
    folder.mkdir()
    subprocess.run(
        [*LEASH, "--remove", str(folder), "--", "sleep", "1000"],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        timeout=30,
        check=False,
    )
    assert not folder.exists()


def test_a_server_that_is_deaf_to_sigterm_is_killed() -> None:
    """After some patience, here cut to a tenth of a second."""
    patience = "import sys; from locust_cutover.servers import leash; leash.PATIENCE = 0.1; sys.exit(leash.main())"
    deaf = 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
    with leashed(deaf, leash=(sys.executable, "-c", patience)) as process:
        assert line(process) == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert rest(process) == ""
        assert process.wait() == 128 + signal.SIGKILL


def test_workers_of_a_server_that_was_killed_are_ended() -> None:
    """They hold its port; nothing else would end them."""
    with leashed('sh -c "echo ready; kill -9 $$; exec sleep 1000" & wait') as process:
        assert line(process) == "ready\n"
        assert rest(process) == ""
        assert process.wait() == 128 + signal.SIGKILL


def test_several_programs_are_one_server() -> None:
    """They are ended in the other order than they were started: the one in front must not find the other gone."""
    back, front = (f'trap "echo bye {name}; exit 7" TERM; {WORKER}' for name in ("back", "front"))
    with leashed(back, front) as process:
        assert [line(process), line(process)] == ["ready\n", "ready\n"]
        process.send_signal(signal.SIGTERM)
        assert rest(process) == "bye front\nbye back\n"


def test_all_programs_end_when_one_does(tmp_path: Path) -> None:
    """With the exit code of that one; half a server is none."""
    os.mkfifo(tmp_path / "fifo")
    with leashed(f"read word < {tmp_path}/fifo; exit 3", SERVER) as process:
        assert line(process) == "ready\n"
        (tmp_path / "fifo").write_text("now\n")
        assert rest(process) == "bye\n"
        assert process.wait() == 3


def test_no_program_is_left_when_another_cannot_be_started() -> None:
    """The error is in the log."""
    command = [*LEASH, "--", "sleep", "1000", "--", "/no/such/program"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert "/no/such/program" in said
    assert process.returncode != 0


def test_a_leash_without_a_program_is_a_mistake() -> None:
    """It says how it is used."""
    leash = subprocess.run([*LEASH, "--"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert leash.returncode == 2
    assert "usage: leash" in leash.stderr


def test_a_leash_in_somebody_elses_process_group_spares_it() -> None:
    """Run by hand in a script, it does not end the script."""
    command = " ".join([*LEASH, "--", "true"])
    script = subprocess.run(
        ["sh", "-c", f"{command}; echo still here"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=30,
        check=False,
    )
    assert script.stdout == "still here\n"
