"""One cell: what each of its rounds plays."""

from __future__ import annotations

import json
from pathlib import Path

from locust_cutover.scenario import read as scenarios
from locust_cutover.servers.registry import SERVERS
from matrix.cell import FREQUENT, RARE, RARE_FLIPS
from matrix.strategies import load_strategies
from tests.matrix.cells import cell


def test_each_cell_is_a_scenario_that_locust_takes(tmp_path: Path) -> None:
    """All strategies on all servers; every kind of fault counts against it, and no control makes a phase longer."""
    for server in SERVERS:
        for strategy in load_strategies():
            file = tmp_path / "cell.yaml"
            file.write_text(json.dumps(cell(server, strategy).scenario()))
            scenario = scenarios.load(str(file))
            assert scenario.site.server == server
            assert [phase.name for phase in scenario.phases] == [RARE, FREQUENT]
            assert all(set(phase.expect.values()) == {"none"} for phase in scenario.phases)


def test_a_release_does_not_come_back_while_flips_are_rare() -> None:
    """Else an old page would be right again."""
    assert len(cell().scenario()["site"]["releases"]) > RARE_FLIPS
