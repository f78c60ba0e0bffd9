"""The files beside Locust's own: their columns are a contract, and their rows add up whatever their texts are."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from locust_cutover.judging.verdict import PhaseFacts
from locust_cutover.reports.outputs import Outputs
from locust_cutover.result import Result
from locust_cutover.scenario.model import Load, Scenario, Site
from tests.adding_up import files_add_up
from tests.reports.counts import Run, flip, phase, run
from tests.reports.runs import Told, lived_on, result
from tests.reports.texts import STRANGE


def written(result: Result, folder: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of each CSV file, read back."""
    Outputs(csv=str(folder / "run")).write(result)
    rows = {}
    for name in ("answers", "flips", "verdict"):
        with (folder / f"run_{name}.csv").open(newline="", encoding="utf-8") as file:
            rows[name] = list(csv.DictReader(file, strict=True))
    return rows


def as_json(folder: Path) -> dict[str, Any]:
    """The JSON file, read back."""
    found: dict[str, Any] = json.loads((folder / "run_verdict.json").read_text(encoding="utf-8"))
    return found


# All four.


def test_four_files_are_written_and_named(tmp_path: Path) -> None:
    """By the prefix, whose folder is made; a second time they are replaced."""
    for _ in range(2):
        Outputs(csv=str(tmp_path / "not" / "yet" / "run")).write(run().result())
        assert sorted(path.name for path in (tmp_path / "not" / "yet").iterdir()) == [
            "run_answers.csv",
            "run_flips.csv",
            "run_verdict.csv",
            "run_verdict.json",
        ]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("answers", "phase,kind,answer,count,share"),
        ("flips", "phase,flip,release,invoked_s,completed_s,took_us,outcome,visits,lost,torn,stale,flip_phase,cpu"),
        (
            "verdict",
            "phase,expectation,observed,verdict,visits,flips,harmful_flips,harmful_upper95,outage_us,outage_us_upper95,"
            "at_flips,after_flips,at_none,met_flips,tried_flips,outage_us_lower95,background_lost,background_visits,"
            "late_flips,longest_stale_ms,convergence_ms,not_converged_ms,not_converged_until",
        ),
    ],
)
def test_the_columns_are_those_that_scripts_rely_on(tmp_path: Path, name: str, columns: str) -> None:
    """Names and order are a contract; lines end as Unix lines do, for cut and awk."""
    Outputs(csv=str(tmp_path / "run")).write(run().result())
    data = (tmp_path / f"run_{name}.csv").read_bytes()
    assert data.split(b"\n")[0].decode() == columns
    assert b"\r" not in data


# Answers.


def test_each_answer_has_its_count_and_its_share(tmp_path: Path) -> None:
    """Phase by phase, the most frequent first."""
    rows = written(run().result(), tmp_path)["answers"]
    assert [tuple(row.values()) for row in rows] == [
        ("forced", "ok", "200 OK", "904", "0.985823"),
        ("forced", "lost", "404 Not Found", "7", "0.007634"),
        ("forced", "torn", "200 OK", "3", "0.003272"),
        ("forced", "stale", "200 OK", "2", "0.002181"),
        ("forced", "lost", "connection closed", "1", "0.001091"),
        ("fast", "ok", "200 OK", "50", "0.980392"),
        ("fast", "lost", "403 Forbidden", "1", "0.019608"),
    ]


def test_counts_and_shares_add_up(tmp_path: Path) -> None:
    """To the phase's visits, and to 1."""
    rows = written(run().result(), tmp_path)
    for name in ("forced", "fast"):
        mine = [row for row in rows["answers"] if row["phase"] == name]
        assert sum(float(row["share"]) for row in mine) == pytest.approx(1, abs=1e-5)
        visits = {int(row["visits"]) for row in rows["verdict"] if row["phase"] == name}
        assert visits == {sum(int(row["count"]) for row in mine)}


# Flips.


def test_each_flip_has_its_times_and_its_visits(tmp_path: Path) -> None:
    """Times from the start of the run, to the nanosecond; a failed flip says why."""
    rows = [row for row in written(run().result(), tmp_path)["flips"] if row["phase"] == "forced"]
    assert [tuple(row.values())[1:] for row in rows] == [
        ("1", "b", "1.520000000", "1.520040250", "40.250", "ok", "7", "7", "0", "0", "forced", ""),
        ("2", "a", "1.540000000", "1.540040250", "40.250", "ok", "6", "0", "0", "2", "forced", ""),
        ("3", "b", "1.560000000", "1.560040250", "40.250", "Permission denied", "3", "0", "3", "0", "forced", ""),
    ]


def test_of_a_phase_as_fast_as_possible_only_harmful_flips_are_written(tmp_path: Path) -> None:
    """There may be a million; the number of all is in the verdict."""
    rows = written(run().result(), tmp_path)
    assert [(row["flip"], row["lost"]) for row in rows["flips"] if row["phase"] == "fast"] == [("4", "1")]
    assert {row["flips"] for row in rows["verdict"] if row["phase"] == "fast"} == {"5"}


def test_the_files_add_up(tmp_path: Path) -> None:
    """Faults at flips, after flips and near none are all faults, and harmful flips are counted."""
    written(run().result(), tmp_path)
    files_add_up(tmp_path / "run")


def test_a_flip_of_an_earlier_phase_names_that_phase(tmp_path: Path) -> None:
    """It stands under the phase of the visits that it made stale, so that this phase's rows add up."""
    rows = written(lived_on(), tmp_path)["flips"]
    assert [(row["phase"], row["flip"], row["stale"], row["flip_phase"]) for row in rows] == [
        ("first", "1", "0", "first"),
        ("first", "2", "6", "first"),
        ("second", "2", "12", "first"),
        ("second", "0", "0", "second"),
        ("second", "1", "4", "second"),
    ]
    files_add_up(tmp_path / "run")


# The verdict.


def test_each_expectation_has_a_row(tmp_path: Path) -> None:
    """With what was expected and seen, and the numbers of its phase."""
    rows = written(run().result(), tmp_path)["verdict"]
    assert [tuple(row.values())[:7] for row in rows] == [
        ("forced", "lost: some", "8", "inconclusive", "917", "3", "1"),
        ("forced", "torn: any", "3", "inconclusive", "917", "3", "1"),
        ("forced", "stale: none", "2", "violated", "917", "3", "1"),
        ("fast", "lost: some", "1", "held", "51", "5", "1"),
        ("fast", "torn: any", "0", "held", "51", "5", "0"),
        ("fast", "stale: none", "0", "held", "51", "5", "0"),
    ]


def test_the_numbers_of_a_row_are_the_verdicts(tmp_path: Path) -> None:
    """To as many digits as make sense."""
    result = run().result()
    outage = result.phases[0].outage
    assert outage is not None
    row = written(result, tmp_path)["verdict"][0]
    # Seven at flips, less what the background of one in 901 explains of the 14 visits that met a flip.
    assert float(row["outage_us"]) == pytest.approx((7 - 14 / 901) / 917 * 2e6 / 3, abs=0.001)
    assert float(row["outage_us_upper95"]) == pytest.approx(outage.upper95, abs=0.001)
    assert float(row["outage_us_lower95"]) == pytest.approx(outage.lower95, abs=0.001)
    assert (row["background_lost"], row["background_visits"]) == ("1", "901")
    assert float(row["harmful_upper95"]) == pytest.approx(0.864650, abs=1e-6)  # 1 of 3, Clopper-Pearson


def test_where_faults_were_and_what_was_tried_is_in_each_row(tmp_path: Path) -> None:
    """At flips, after flips and near none; the flips that were met and those that could have shown the fault."""
    rows = written(run().result(), tmp_path)["verdict"]
    columns = ("at_flips", "after_flips", "at_none", "met_flips", "tried_flips")
    assert [tuple(row[column] for column in columns) for row in rows[:3]] == [
        ("7", "0", "1", "3", "3"),
        ("3", "0", "0", "3", "3"),
        ("0", "2", "0", "3", "2"),
    ]


def test_an_outage_without_a_bound_has_an_empty_cell(tmp_path: Path) -> None:
    """Not infinity, and not 0."""
    one = Run(phase("forced")).flips(flip(1)).visits("ok", "200 OK", 2, at=flip(1))
    row = written(one.result(), tmp_path)["verdict"][0]
    assert (row["outage_us"], row["outage_us_lower95"], row["outage_us_upper95"]) == ("0.000", "0.000", "")
    assert as_json(tmp_path)["phases"][0]["outage_us"] == {"us": 0.0, "lower95": 0.0, "upper95": None}


def test_convergence_is_written_only_where_it_was_seen(tmp_path: Path) -> None:
    """Else for how long it was not, and what came before it could be."""
    columns = ("longest_stale_ms", "convergence_ms", "not_converged_ms", "not_converged_until")
    keys = ("longest_stale_ns", "convergence_ns", "not_converged_ns", "not_converged_until")
    rows = written(lived_on(), tmp_path)["verdict"]
    assert [tuple(row[column] for column in columns) for row in rows[::3]] == [
        ("39.940", "", "40.440", "the phase ended"),
        ("1715.940", "", "1717.940", "the next flip came"),
    ]
    assert [tuple(one[key] for key in keys) for one in as_json(tmp_path)["phases"]] == [
        (39_940_000, None, 40_440_000, "the phase ended"),
        (1_715_940_000, None, 1_717_940_000, "the next flip came"),
    ]
    over = result(Told("over", {"stale": "any"}).flip(100).visit(110, "a", "a").visit(150, "b", "b", times=2))
    row = written(over, tmp_path)["verdict"][0]
    assert [row[column] for column in columns] == ["9.940", "11.940", "", ""]
    assert [as_json(tmp_path)["phases"][0][key] for key in keys] == [9_940_000, 11_940_000, None, None]


def test_a_phase_that_was_not_run_has_no_outage(tmp_path: Path) -> None:
    """Its cells are empty, not 0; nothing is divided by its visits."""
    nothing = Run(phase("forced"))
    nothing.facts = [PhaseFacts(trouble="was not run")]
    rows = written(nothing.result(), tmp_path)
    assert rows["answers"] == rows["flips"] == []
    assert {(row["visits"], row["outage_us"], row["outage_us_upper95"]) for row in rows["verdict"]} == {("0", "", "")}
    (said,) = as_json(tmp_path)["phases"]
    assert (said["outage_us"], said["trouble"]) == (None, "was not run")


# JSON.


def test_the_json_file_says_what_the_run_was(tmp_path: Path) -> None:
    """Scenario, times, server, users, versions and machine, so that the file is enough by itself."""
    told = {"versions": {"python": "3.11.2", "locust": "2.47"}, "machine": {"system": "Linux", "cpus": 2}}
    written(run().result(**told, seed=4711), tmp_path)
    found = as_json(tmp_path)
    assert found["seed"] == 4711
    assert (found["verdict"], found["exit_code"]) == ("violated", 1)
    assert found["scenario"] == {"name": "two", "path": "scenarios/two.yaml", "description": "Does it lose?"}
    assert (found["server"], found["users"], found["url"]) == ("nginx 1.22.1", 10, "http://127.0.0.1:8080")
    times = [datetime.fromisoformat(found[key]) for key in ("started", "ended")]
    assert (times[1] - times[0]).total_seconds() == 20
    assert {key: found[key] for key in told} == told


def test_the_json_file_has_what_the_csv_files_have(tmp_path: Path) -> None:
    """The same answers and expectations, and the troubles besides."""
    rows = written(run().result(), tmp_path)
    phases = as_json(tmp_path)["phases"]
    assert [
        (phase["name"], answer["kind"], answer["answer"], str(answer["count"]))
        for phase in phases
        for answer in phase["answers"]
    ] == [(row["phase"], row["kind"], row["answer"], row["count"]) for row in rows["answers"]]
    assert [
        (phase["name"], f"{fault}: {one['expected']}", str(one["observed"]), one["verdict"], str(phase["flips"]))
        for phase in phases
        for fault, one in phase["expectations"].items()
    ] == [
        tuple(row[key] for key in ("phase", "expectation", "observed", "verdict", "flips")) for row in rows["verdict"]
    ]
    assert phases[0]["troubles"] == ["1 of 3 flips failed"]
    assert phases[0]["trouble"] == "", "it was played to its end"
    assert (phases[0]["failed_flips"], phases[0]["late_flips"], phases[0]["seconds"]) == (1, 0, 2.0)
    assert (phases[0]["longest_stale_ns"], phases[0]["convergence_ns"]) == (7000, None)
    assert (phases[0]["not_converged_ns"], phases[0]["not_converged_until"]) == (9000, "the next flip came")
    assert phases[0]["met_flips"] == 3
    assert (phases[0]["background"]["lost"], phases[0]["background"]["visits"]) == (1, 901)
    lost = phases[0]["expectations"]["lost"]
    assert [lost[key] for key in ("at_flips", "after_flips", "at_none", "tried_flips")] == [7, 0, 1, 3]
    assert [phase["extended"] for phase in phases] == [0] * len(phases)
    assert set(phases[0]["outage_us"]) == {"us", "lower95", "upper95"}


# Strange texts.


@pytest.mark.parametrize("text", STRANGE)
def test_any_text_survives(tmp_path: Path, text: str) -> None:
    """In a phase's name, a release and an outcome, and no answer has one; the rows around it stay whole."""
    odd = flip(2, outcome=text, release=text)
    one = Run(phase(text)).flips(flip(1), odd, flip(3)).visits("ok", "200 OK", 5).visits("lost", text, 2, at=odd)
    rows = written(one.result(), tmp_path)
    assert [(row["phase"], row["answer"], row["count"]) for row in rows["answers"]] == [
        (text, "200 OK", "5"),
        (text, "other", "2"),
    ]
    assert [(row["phase"], row["flip"], row["release"], row["outcome"], row["stale"]) for row in rows["flips"]] == [
        (text, "1", "b", "ok", "0"),
        (text, "2", text, text, "0"),
        (text, "3", "b", "ok", "0"),
    ]
    assert [row["phase"] for row in rows["verdict"]] == [text] * 3
    found = as_json(tmp_path)["phases"][0]
    assert (found["name"], found["answers"][1]["answer"]) == (text, "other")


def test_text_beyond_ascii_can_be_read_in_the_files(tmp_path: Path) -> None:
    """Not as escapes."""
    Outputs(csv=str(tmp_path / "run")).write(Run(phase("Blaugrün")).result())
    assert "Blaugrün" in (tmp_path / "run_verdict.json").read_text(encoding="utf-8")


def test_bytes_of_a_path_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    """A link may point anywhere; the report must not fail for it at the end of a long run."""
    name = b"caf\xe9".decode(errors="surrogateescape")
    odd = flip(1, outcome=f"the link points to {name}")
    one = Run(phase("forced")).flips(odd).visits("ok", "200 OK")
    scenario = Scenario(name, Path(name), "", Site(), Load(), one.phases)
    rows = written(one.result(scenario=scenario), tmp_path)
    assert rows["flips"][0]["outcome"] == r"the link points to caf\udce9"
    assert as_json(tmp_path)["scenario"]["path"] == name
