"""The base of the lab's servers: start, wait until ready, stop, and read the log."""

from __future__ import annotations

import random
import signal
import socket
import string
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import gevent

from locust_cutover.client.connection import Connection
from locust_cutover.servers.program import Program

READY_WITHIN = 15.0
"""Seconds to wait for the first page of a server."""


class ServerError(Exception):
    """The server is not installed or did not start; the message says why."""


class NotInstalledError(ServerError):
    """The server's program is not installed; the message names the package."""


class Server(ABC):
    """A web server on 127.0.0.1 that serves the site in `root` and writes only to `folder`."""

    name: ClassVar[str]
    """Its name in a scenario."""
    program: ClassVar[str] = ""
    """Its executable; empty: it is part of the project."""
    package: ClassVar[str] = ""
    """The package of its executable on Debian and Ubuntu."""
    needs: ClassVar[Sequence[Program]] = ()
    """Further programs that it needs."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root
        self.port = _free_port()
        self.log = folder / "server.log"
        self._leash: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL on which it listens."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def command(self) -> list[str]:
        """Write the configuration; return the command that runs the server in the foreground."""

    def companions(self) -> list[list[str]]:
        """Write their configuration; return the commands of programs that start before and end after the server."""
        return []

    @abstractmethod
    def version(self) -> str:
        """Name and version, for reports."""

    @classmethod
    def executable(cls) -> str:
        """The path of the server's program; NotInstalledError if it is not installed."""
        return cls.find(Program(cls.program, cls.package))

    @classmethod
    def check(cls) -> None:
        """Raise NotInstalledError if the server cannot run here."""
        programs = [Program(cls.program, cls.package)] if cls.program else []
        cls._require([*programs, *cls.needs])

    @classmethod
    def find(cls, program: Program) -> str:
        """The path of a program; NotInstalledError if it is not installed."""
        cls._require([program])
        return str(program.path())

    @classmethod
    def _require(cls, programs: Sequence[Program]) -> None:
        missing = [program for program in programs if program.path() is None]
        if missing:
            names = " and ".join(program.name for program in missing)
            packages = " ".join(program.package for program in missing)
            raise NotInstalledError(
                f"server {cls.name}: {names} {'is' if len(missing) == 1 else 'are'} not installed; "
                f"on Debian and Ubuntu: apt-get install {packages} (or: make servers)"
            )

    def start(self, remove: Path | None = None) -> None:
        """Start it; `remove` is a folder to remove if we are killed before stop()."""
        command = [sys.executable, "-m", "locust_cutover.servers.leash"]
        if remove is not None:
            command += ["--remove", str(remove)]
        for program in [*self.companions(), self.command()]:
            command += ["--", *program]
        with self.log.open("ab") as log:
            self._leash = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for Locust alone
            )

    def wait_until_ready(self, path: str) -> None:
        """Wait for a page at `path`; ServerError with the end of the log if there is none in time."""
        deadline = time.monotonic() + READY_WITHIN
        connection = Connection(self.url, timeout=READY_WITHIN)
        try:
            while not (answer := connection.exchange(path)).ok:
                if not self.alive():
                    raise ServerError(f"server {self.name}: ended while starting{self._last_lines()}")
                if time.monotonic() > deadline:
                    raise ServerError(f"server {self.name}: {path} gives {answer.name}{self._last_lines()}")
                gevent.sleep(0.01)
        finally:
            connection.close()

    def alive(self) -> bool:
        """Whether it runs."""
        return self._leash is not None and self._leash.poll() is None

    def stop(self) -> None:
        """Stop it and wait for its end; does nothing if it has ended."""
        leash, self._leash = self._leash, None
        if leash is None:
            return
        if leash.poll() is None:
            leash.send_signal(signal.SIGTERM)
        leash.wait()
        if leash.stdin is not None:
            leash.stdin.close()

    def death(self) -> str:
        """The message that the server ended, with the end of its log."""
        return f"server {self.name} ended{self._last_lines()}"

    def _last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-5:] if self.log.exists() else []
        return "".join(f"\n  {line}" for line in lines)


class Template(string.Template):
    """A configuration file with @name or @{name} for values; $ is left to the server's own variables."""

    delimiter = "@"


def fill(template: str, values: Mapping[str, object]) -> str:
    """The template file of this name, with the values filled in."""
    return Template((Path(__file__).parent / template).read_text()).substitute(values)


def _free_port() -> int:
    """A free port outside the ephemeral range, from which an outgoing connection could take it first."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerError("no free port on 127.0.0.1 between 20000 and 32000")
