"""What the table was made on."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.machine import file_system, machine, programs, tools, version
from matrix.strategies import load_strategies
from tests.conftest import require_program

MOUNTS = r"""
/dev/vda / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
/dev/vdb /srv/my\040sites xfs rw 0 0
overlay /srv/my\040sites overlay rw 0 0
""".lstrip()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/home/x", "ext4"), ("/run/locust", "tmpfs"), ("/srv/my sites/a", "overlay"), ("/srv", "ext4")],
)
def test_the_file_system_is_that_of_the_nearest_mount(folder: str, kind: str) -> None:
    """The last one of several at one place."""
    assert file_system(Path(folder), MOUNTS) == kind


def test_kernel_and_file_system_are_named() -> None:
    """On any Linux."""
    facts = machine()
    assert facts["kernel"].startswith("Linux ")
    assert facts["file system"] != "?"


def test_the_programs_of_a_command_are_found() -> None:
    """Also those of a shell's script; a built-in strategy has none."""
    assert programs([]) == []
    assert programs(["ln", "-sfn"]) == ["ln"]
    assert programs(["sh", "-c", 'ln -s "$1" "$2.new" && mv -T "$2.new" "$2"', "sh"]) == ["ln", "mv"]


def test_every_tool_of_the_table_says_its_version() -> None:
    """GNU's, BusyBox, uutils, rsync."""
    for name, package in (("busybox", ""), ("/usr/lib/cargo/bin/coreutils/ln", "rust-coreutils"), ("rsync", "")):
        require_program(name, package)
    said = tools(load_strategies())
    assert "GNU coreutils" in said["ln"]
    assert "GNU coreutils" in said["mv"]
    assert said["busybox"].startswith("BusyBox v1.")
    assert said["rsync"].startswith("rsync ")
    assert "0." in said["/usr/lib/cargo/bin/coreutils/ln"]


def test_a_tool_that_is_not_there_is_named_so() -> None:
    """It is no error: its cells say that nothing flips."""
    assert version("no-such-tool") == "not installed"
