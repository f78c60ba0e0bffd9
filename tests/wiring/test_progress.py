"""The progress of a phase: one line on a terminal, few lines in a log."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace

import pytest

from locust_cutover.run.conductor import Progress
from locust_cutover.wiring.progress import ProgressLine
from tests.reports.runs import Told

PROGRESS = Progress(Told("forced").phase(), 1, 2, 0.5, 10, 20, 300, 4, over=False)

LINE = "phase forced (1 of 2): 50 %, 10 of 20 flips, 300 visits, 4 lost"


def test_a_log_gets_a_line_now_and_then_and_the_last_one(caplog: pytest.LogCaptureFixture) -> None:
    """A phase without an end has no share."""
    caplog.set_level(logging.INFO, "locust.cutover")
    line = ProgressLine()
    line.show(PROGRESS)
    line.show(PROGRESS)
    line.show(replace(PROGRESS, share=None, planned=None, over=True))
    assert caplog.messages == [LINE, "phase forced (1 of 2): 10 flips, 300 visits, 4 lost"]


def test_a_terminal_gets_each_in_the_same_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one ends it."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line = ProgressLine()
    line.show(PROGRESS)
    line.show(replace(PROGRESS, over=True))
    assert capsys.readouterr().err == f"\r{LINE:<78}\r{LINE:<78}\n"
