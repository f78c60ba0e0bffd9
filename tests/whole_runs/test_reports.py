"""The reports of whole runs, as a user asks for them."""

from __future__ import annotations

import re
import signal
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from tests.adding_up import files_add_up
from tests.locust_process import ROOT, LocustProcess, processes

RUN = """
load: {users: 5, spawn_rate: 50}
phases:
  - name: forced
    # Slow enough to be met by visitors on any machine.
    strategy: {command: [sh, -c, "rm -f {link}; sleep 0.03; ln -s {target} {link}"]}
    every: 60ms
    flips: 20
    expect: {lost: some, torn: any}
  - strategy: atomic
    every: 2ms
    flips: 400
    expect: {torn: any}
"""

LOCUSTFILE = """
from locust import events
from locustfiles.current import *

@events.init_command_line_parser.add_listener
def add(parser):
    parser.add_argument("--api-token", is_secret=True)
"""

LONG = RUN.replace("flips: 20\n", "duration: 10m\n")


def headless(folder: Path, text: str, *arguments: str) -> LocustProcess:
    """A run of this scenario with every report that there is."""
    scenario = folder / "scenario.yaml"
    scenario.write_text(text)
    prefix = folder / "report" / "run"
    reports = ["--report", f"{prefix}.html", "--junit", f"{prefix}.xml", "--summary", f"{prefix}.md"]
    return LocustProcess(folder, "--headless", "--scenario", str(scenario), "--csv", str(prefix), *reports, *arguments)


def page(locust: LocustProcess) -> ElementTree.Element:
    """The report."""
    text = locust.prefix.with_suffix(".html").read_text(encoding="utf-8")
    return ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))


def counted(locust: LocustProcess) -> Counter[str]:
    """The visits of each phase by the CSV file."""
    counts = Counter[str]()
    for row in locust.rows("answers"):
        counts[row["phase"]] += int(row["count"])
    return counts


@pytest.mark.parametrize("workers", [0, 2])
def test_all_reports_of_a_run_agree_and_have_no_secret(tmp_path: Path, workers: int) -> None:
    """Whatever node counted a visit, it is in the CSV file, on the time line, in JUnit XML and in the summary.

    They say how to run it again, without the value of an option of the locustfile that is secret.
    """
    locustfile = tmp_path / "locustfile.py"
    locustfile.write_text(LOCUSTFILE)
    arguments = ["-f", str(locustfile), "--api-token", "s3cret", "--only-summary"]
    with headless(tmp_path, RUN, *arguments, *(processes(workers) if workers else [])) as locust:
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    visits = counted(locust)
    assert set(visits) == {"forced", "atomic"}
    root = page(locust)
    drawn = re.findall(
        r"Time line of (\w+): ([\d,]+) answers, (20|400) flips",
        " ".join(svg.get("aria-label", "") for svg in root.iter("svg")),
    )
    assert {phase: int(count.replace(",", "")) for phase, count, _ in drawn} == visits
    lost = sum(int(row["count"]) for row in locust.rows("answers") if row["kind"] == "lost")
    text = " ".join(root.itertext())
    assert f"{lost:,} of {visits['forced']:,} visits lost" in text
    assert "close up" in text
    assert "No flip did harm." not in text
    assert f"locust --headless --scenario {tmp_path}/scenario.yaml --csv {locust.prefix} --report" in text
    assert "--api-token ... --only-summary" in text
    for path in (tmp_path / "report").iterdir():
        assert b"s3cret" not in path.read_bytes()
    # The scenario that was run can be read in it.
    assert RUN in text
    junit = locust.prefix.with_suffix(".xml").read_text()
    xmlschema.XMLSchema(ROOT / "tests" / "reports" / "junit-10.xsd").validate(junit)
    assert f"<system-out>the control showed {lost:,} of {visits['forced']:,} visits lost" in junit
    files_add_up(locust.prefix)
    # Each report says how many flips could still be harmful.
    for told in (locust.output, text, junit, locust.prefix.with_suffix(".md").read_text()):
        assert "flips harmful; at most" in " ".join(told.split())
    assert locust.output.splitlines()[-1] == "verdict: held (exit code 0)"
    assert f"| {lost:,} of {visits['forced']:,} visits lost" in locust.prefix.with_suffix(".md").read_text()


def test_ctrl_c_leaves_all_reports_behind(tmp_path: Path) -> None:
    """Of what was seen until then, and of a phase that was never run; all say that nothing was proved."""
    with headless(tmp_path, LONG) as locust:
        locust.wait_for("phase forced")
        locust.signal(signal.SIGINT)
        assert locust.wait() == 3, locust.output
    text = " ".join(page(locust).itertext())
    assert "Inconclusive: forced: cut short; atomic: was not run." in text
    assert f"{counted(locust)['forced']:,} visits" in text
    assert locust.prefix.with_suffix(".xml").read_text().count('message="inconclusive: was not run"') == 3
    assert "❔ Inconclusive" in locust.prefix.with_suffix(".md").read_text()


@pytest.mark.parametrize(("option", "workers"), [("--report", 0), ("--history", 2)])
def test_a_file_that_cannot_be_written_is_one_line_and_exit_code_2(tmp_path: Path, option: str, workers: int) -> None:
    """Before anything starts."""
    with headless(tmp_path, LONG, option, str(tmp_path), *(processes(workers) if workers else [])) as locust:
        assert locust.wait() == 2
        assert locust.leaves_nothing()
    (line,) = locust.lines
    assert line.endswith(f": error: argument {option}: {tmp_path}: is a folder")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_disk_is_told_everywhere_and_is_no_pass(tmp_path: Path, workers: int) -> None:
    """A report that is missing at the end, or a history that cannot be checked again, also of one worker alone."""
    name = "history-worker1.jsonl" if workers else "history.jsonl"
    (tmp_path / name).symlink_to("/dev/full")
    full = [] if workers else ["--report", "/dev/full"]
    arguments = [*full, "--history", str(tmp_path / "history.jsonl"), *(processes(workers) if workers else [])]
    with headless(tmp_path, RUN, *arguments) as locust:
        assert locust.wait() == 3, locust.output
    problem = f"is not complete: {tmp_path}/{name}: No space left on device"
    assert locust.lines[-1].startswith("verdict: inconclusive (exit code 3): ")
    assert problem in locust.lines[-1]
    assert (locust.verdict()["verdict"], locust.verdict()["exit_code"]) == ("inconclusive", 3)
    assert {row["verdict"] for row in locust.rows("verdict")} == {"inconclusive"}
    assert problem in locust.prefix.with_suffix(".xml").read_text()
    assert "❔ Inconclusive" in locust.prefix.with_suffix(".md").read_text()
    if workers:
        assert problem in " ".join(page(locust).itertext())
    else:
        said = "--report cannot be written: /dev/full: No space left on device"
        assert said in locust.lines[-1]
        assert said in locust.output


def test_a_run_that_never_begins_leaves_the_history_of_the_run_before_but_not_its_verdict(tmp_path: Path) -> None:
    """Nobody listens there. That is in each file that has a word for it; what was said of the run before has gone."""
    before = "of the run before"
    history = tmp_path / "history.jsonl"
    history.write_text(before)
    (tmp_path / "report").mkdir()
    names = ["run.html", "run.xml", "run.md", "run_answers.csv", "run_flips.csv", "run_verdict.csv", "run_verdict.json"]
    for name in names:
        (tmp_path / "report" / name).write_text(before)
    with headless(tmp_path, RUN, "-H", "http://127.0.0.1:9", "--history", str(history)) as locust:
        assert locust.wait() == 2, locust.output
    assert history.read_text() == before
    left = {path.name for path in (tmp_path / "report").iterdir()} & set(names)
    assert left == {"run.html", "run.xml", "run.md", "run_verdict.json"}
    said = "http://127.0.0.1:9/current/: connection refused before the first flip"
    verdict = locust.verdict()
    assert (verdict["verdict"], verdict["exit_code"], verdict["trouble"]) == ("inconclusive", 2, said)
    assert locust.lines[-1] == f"verdict: none (exit code 2): {said}"
    assert f"The run did not begin: {said}" in " ".join(page(locust).itertext())
    assert f'message="the run did not begin: {said}"' in (tmp_path / "report" / "run.xml").read_text()
    summary = (tmp_path / "report" / "run.md").read_text()
    assert summary.startswith(before)
    assert "the run did not begin" in summary
