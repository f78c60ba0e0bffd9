"""The strategies that the table compares."""

from __future__ import annotations

from matrix.strategies import COMMAND_EVERY, FOLDER_EVERY, LINK_EVERY, NAMES, load_strategies, load_strategy
from switcher.strategies import FOLDER_STRATEGIES, STRATEGIES


def test_every_strategy_of_the_switcher_has_a_row() -> None:
    """A new one is in the table, or this fails."""
    assert {*STRATEGIES, *FOLDER_STRATEGIES} <= set(NAMES)


def test_a_strategy_is_the_phase_of_the_scenario_of_its_name() -> None:
    """A built-in one by its name, a command with all that is said of it and with the pace that it can keep."""
    assert load_strategy("forced").definition == "forced"
    assert (load_strategy("forced").every, load_strategy("in-place").every) == (LINK_EVERY, FOLDER_EVERY)
    assert load_strategy("ln").every == COMMAND_EVERY
    rsync = load_strategy("rsync")
    assert rsync.definition == {
        "command": ["rsync", "-a", "--delete", "{root}/{release}/", "{link}/"],
        "timeout": "30s",
        "folder": True,
    }
    assert (rsync.label, rsync.every) == ("rsync -a --delete", "100ms")
    assert (load_strategy("forced").command, rsync.command[0]) == ([], "rsync")


def test_no_two_strategies_are_called_the_same() -> None:
    """Neither by name nor in the table."""
    strategies = load_strategies()
    assert len({one.name for one in strategies}) == len({one.label for one in strategies}) == len(strategies)
