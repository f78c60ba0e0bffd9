"""Scenario files of a test: read whole, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_cutover.scenario import read as scenarios
from locust_cutover.scenario.document import DocumentError
from locust_cutover.scenario.model import Scenario


def load(folder: Path, text: str) -> Scenario:
    """The scenario with this text."""
    file = folder / "file.yaml"
    file.write_text(text)
    return scenarios.load(str(file))


def refusal(folder: Path, text: str) -> str:
    """Why a scenario with this text is refused: line, key and problem."""
    with pytest.raises(DocumentError) as error:
        load(folder, text)
    file, _, problem = str(error.value).partition(".yaml:")
    assert file == f"{folder}/file"
    return problem
