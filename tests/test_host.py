"""Which host this is: the same name for all processes that share its clock."""

from __future__ import annotations

import subprocess
import sys

from locust_cutover.host import this_host


def test_every_process_of_a_host_calls_it_by_the_same_name() -> None:
    """A name that is there, and that another process finds too."""
    other = subprocess.run(
        [sys.executable, "-c", "from locust_cutover.host import this_host; print(this_host())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert len(this_host()) == 36
    assert other == f"{this_host()}\n"
