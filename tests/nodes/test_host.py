"""Whose clock a process has: the same name for all processes that share it, another one for all others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from locust_cutover.nodes import host
from locust_cutover.nodes.host import childrens_clock, this_clock
from tests.conftest import in_a_time_namespace

SAY = "from locust_cutover.nodes.host import this_clock; print(this_clock())"


def said(*command: str) -> str:
    """The one line that the command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.rstrip("\n")


def test_every_process_of_a_host_calls_its_clock_by_the_same_name() -> None:
    """A name that is there, and that another process finds too."""
    assert this_clock() == childrens_clock()
    assert said(sys.executable, "-c", SAY) == this_clock()


def test_a_process_in_another_time_namespace_has_another_clock() -> None:
    """Although the host is the same."""
    other = said(*in_a_time_namespace(), sys.executable, "-c", SAY)
    assert other != this_clock()
    assert other.split()[0] == this_clock().split()[0]


def test_the_clock_of_the_children_is_told_apart() -> None:
    """A process that makes a time namespace stays outside, and its children are inside."""
    in_a_time_namespace()
    program = (
        "import ctypes, subprocess, sys; from locust_cutover.nodes.host import this_clock, childrens_clock; "
        "assert ctypes.CDLL(None).unshare(0x80) == 0; "
        f"child = subprocess.run([sys.executable, '-c', {SAY!r}], capture_output=True, text=True).stdout.strip(); "
        "print(this_clock() == childrens_clock(), child == childrens_clock())"
    )
    assert said(sys.executable, "-c", program) == "False True"


def test_a_kernel_without_time_namespaces_has_one_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the host's name alone says it."""
    monkeypatch.setattr(host, "NAMESPACES", tmp_path)
    assert this_clock() == childrens_clock() == host.BOOT_ID.read_text().strip()
