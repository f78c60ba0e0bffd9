"""The examples for CI in docs/ci.md: they parse, their commands exist, and what they keep is what a run writes."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from locust_cutover.scenario import read as scenarios
from tests.locust_process import PATIENCE, ROOT, LocustProcess

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")

EXAMPLES: list[dict[Any, Any]] = [
    yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
]

VARIABLES = {"$GITHUB_STEP_SUMMARY": "summary.md", "$CI_PROJECT_DIR": "scenarios"}

TINY = "phases: [{strategy: atomic, every: 2ms, flips: 20, expect: {torn: any}}]"


def github() -> dict[Any, Any]:
    """The job of the workflow."""
    (example,) = [example for example in EXAMPLES if "jobs" in example]
    # YAML 1.1 takes `on` for true.
    assert set(example) == {"name", True, "jobs"}
    (job,) = example["jobs"].values()
    assert set(job) == {"runs-on", "timeout-minutes", "steps"}
    assert isinstance(job["timeout-minutes"], int)
    return dict(job)


def gitlab() -> list[dict[Any, Any]]:
    """The jobs of all pipelines."""
    jobs = [job for example in EXAMPLES if "jobs" not in example for job in example.values()]
    for job in jobs:
        assert set(job) == {"image", "timeout", "script", "artifacts"}
        assert set(job["artifacts"]) == {"when", "expose_as", "paths", "reports"}
        assert job["artifacts"]["when"] == "always"
    return jobs


def commands() -> Iterator[str]:
    """Every line that an example runs."""
    yield from (step["run"] for step in github()["steps"] if "run" in step)
    for job in gitlab():
        yield from job["script"]


def made(command: str) -> list[str]:
    """What `make run …` would run, as make itself says."""
    for variable, value in VARIABLES.items():
        command = command.replace(variable, value)
    words = [word for word in shlex.split(command) if word not in ("-C", "cutover")]
    done = subprocess.run([*words, "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    # In front of it may stand what sets up the virtual environment.
    shown = done.stdout[done.stdout.rindex(".venv/bin/locust") :].replace("\\\n", " ")
    program, *arguments = shlex.split(shown)
    assert Path(program).name == "locust"
    return arguments


def written(command: str) -> dict[str, str]:
    """The files of a command by the option that asks for them."""
    arguments = made(command)
    options = ("--csv", "--report", "--junit", "--summary", "--scenario")
    return {option: arguments[arguments.index(option) + 1] for option in options if option in arguments}


def test_there_is_an_example_for_each_service() -> None:
    """One for GitHub Actions, two for GitLab CI."""
    assert len(EXAMPLES) == 3
    assert len(gitlab()) == 2


def test_only_commands_that_exist_are_run() -> None:
    """make with targets of the Makefile, and git to fetch us."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    found = []
    for command in commands():
        program, *words = shlex.split(command)
        found.append(program)
        if program == "make":
            words = words[2:] if words[0] == "-C" else words
            assert words[0] in targets, command
            assert {word.partition("=")[0] for word in words[1:]} <= {"SCENARIO", "ARGS"}
        else:
            assert program == "git"
    assert found.count("make") == 5


@pytest.mark.parametrize("command", [command for command in commands() if " run " in command])
def test_the_scenario_is_there_and_so_are_the_programs_that_it_needs(command: str) -> None:
    """An example that asks for a server of the lab installs the servers first; `deploy.yaml` is the user's."""
    name = written(command)["--scenario"]
    if name.endswith("deploy.yaml"):
        return
    assert scenarios.load(name).site.server != "embedded"
    lists = [[step.get("run") for step in github()["steps"]], *(job["script"] for job in gitlab())]
    for steps in lists:
        if command in steps:
            assert steps.index("make servers") < steps.index(command)


def test_github_keeps_what_the_run_writes() -> None:
    """The reports as an artifact, whatever the verdict; the summary on the job's page."""
    steps = github()["steps"]
    (command,) = [step["run"] for step in steps if " run " in step.get("run", "")]
    upload = steps[-1]
    assert upload["uses"].startswith("actions/upload-artifact@v")
    assert upload["if"] == "always()"
    files = written(command)
    assert files.pop("--summary") == VARIABLES["$GITHUB_STEP_SUMMARY"]
    files.pop("--scenario")
    assert all(path.startswith(upload["with"]["path"]) for path in files.values())


@pytest.mark.parametrize("job", gitlab(), ids=lambda job: str(job["script"][-1]))
def test_gitlab_keeps_what_the_run_writes(job: dict[Any, Any]) -> None:
    """The reports below the paths of the artifacts, and the JUnit file where GitLab looks for it."""
    command = job["script"][-1]
    folder = "cutover/" if "-C cutover" in command else ""
    files = written(command)
    files.pop("--scenario")
    (kept,) = job["artifacts"]["paths"]
    assert all(f"{folder}{path}".startswith(kept) for path in files.values())
    assert job["artifacts"]["reports"] == {"junit": folder + files["--junit"]}


def test_the_command_that_make_runs_writes_these_files(tmp_path: Path) -> None:
    """In earnest, with a small scenario: exactly the files that the examples keep are there."""
    scenario = tmp_path / "deploy.yaml"
    scenario.write_text(TINY)
    arguments = made(f'make run SCENARIO={scenario} ARGS="--summary reports/deploy.md"')
    there = [argument.replace("reports/", f"{tmp_path}/reports/") for argument in arguments]
    with LocustProcess(tmp_path, *there) as locust:
        assert locust.wait() == 0, locust.output
    names = {path.name for path in (tmp_path / "reports").iterdir()}
    assert {"deploy.html", "deploy.xml", "deploy.md", "deploy_answers.csv", "deploy_verdict.json"} <= names


def test_the_page_names_every_option_and_every_exit_code() -> None:
    """What a job can rely on."""
    for said in (
        "--report",
        "--junit",
        "--summary",
        "--csv",
        "0 held",
        "1 violated",
        "2 wrong input",
        "3 inconclusive",
    ):
        assert said in PAGE
