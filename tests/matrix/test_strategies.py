"""The ways to switch that the table compares."""

from __future__ import annotations

from matrix.ways import FOLDER_EVERY, LINK_EVERY, NAMES, load_way, load_ways
from switcher.strategies import FOLDER_STRATEGIES, STRATEGIES


def test_every_strategy_has_a_row() -> None:
    """A new one is in the table, or this fails."""
    assert {*STRATEGIES, *FOLDER_STRATEGIES} <= set(NAMES)


def test_a_way_is_the_phase_of_the_scenario_of_its_name() -> None:
    """A strategy by its name, a command with all that is said of it and with the pace that it can keep."""
    assert load_way("forced").strategy == "forced"
    assert (load_way("forced").every, load_way("in-place").every) == (LINK_EVERY, FOLDER_EVERY)
    rsync = load_way("rsync")
    assert rsync.strategy == {
        "command": ["rsync", "-a", "--delete", "{root}/{release}/", "{link}/"],
        "timeout": "30s",
        "folder": True,
    }
    assert (rsync.label, rsync.every) == ("rsync -a --delete", "100ms")


def test_no_two_ways_are_called_the_same() -> None:
    """Neither by name nor in the table."""
    ways = load_ways()
    assert len({way.name for way in ways}) == len({way.label for way in ways}) == len(ways)
