"""What tests wait for comes, or the test fails: it never hangs."""

from __future__ import annotations

import pytest

import tests.locust_process
from tests.locust_process import until


def test_waiting_ends_when_it_has_happened() -> None:
    """However often it must look."""
    looks = iter([False, False, True])
    until(lambda: next(looks))
    assert not list(looks)


def test_waiting_for_what_does_not_happen_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A regression must not spin a core for ever."""
    monkeypatch.setattr(tests.locust_process, "PATIENCE", 0.02)
    with pytest.raises(AssertionError, match=r"it did not happen within 0\.02 s"):
        until(lambda: False)
