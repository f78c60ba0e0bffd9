"""Deploys as people have them, against a server that the pack does not know: Ansible, Capistrano, a shell script."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import require_program
from tests.locust_process import LocustProcess, processes
from tests.whole_runs.external.deploys import FAILURES, PLAYBOOK
from tests.whole_runs.external.servers import nginx
from tests.whole_runs.external.site import SITE, Shop, scenario
from tests.whole_runs.runs import headless, write

CAPFILE = """
require "capistrano/setup"
require "capistrano/deploy"
require "capistrano/scm/git"
install_plugin Capistrano::SCM::Git
"""

DEPLOY_RB = """
set :application, "shop"
set :repo_url, "{repository}"
set :branch, "main"
set :deploy_to, "{root}"
set :tmp_dir, "{tmp}"
set :sshkit_backend, SSHKit::Backend::Local
set :format, :simpletext
after "deploy:updating", :stamp do
  on roles(:web) do
    within release_path do
      execute :sed, "-i", "'s/REVISION/#{{fetch(:current_revision)}}/'", "index.html"
    end
  end
end
"""


def flips(locust: LocustProcess, phase: str) -> list[dict[str, str]]:
    """The rows of one phase."""
    return [row for row in locust.rows("flips") if row["phase"] == phase]


def test_an_ansible_task_holds(tmp_path: Path, shop: Shop, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """`file: state=link` renames a temporary link over the old one: nothing is lost, torn or stale."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    require_program("ansible-playbook", "ansible-core")
    monkeypatch.setenv("ANSIBLE_PYTHON_INTERPRETER", sys.executable)
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "ansible"))
    (tmp_path / "deploy.yml").write_text(PLAYBOOK)
    arguments = scenario(tmp_path, "own-ansible", port, shop.root, **{"every: 5s": "every: 0", "flips: 5": "flips: 3"})
    with LocustProcess(tmp_path, *arguments, cwd=tmp_path) as locust:
        assert locust.wait() == 0, locust.output
        assert locust.leaves_nothing()
    assert shop.is_as_it_was()
    assert [phase["flips"] for phase in locust.verdict()["phases"]] == [3]
    assert (tmp_path / "report" / "run_commands.log").read_text().count("Point the link at the release") == 3


def test_capistrano_deploys_releases_that_nobody_named_and_rolls_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each deploy is a new release, found by the link and known by its revision; then the link is where it was."""
    cap, git = require_program("cap", "capistrano"), require_program("git")
    monkeypatch.setenv("LANG", "C.UTF-8")
    root, repository, home = tmp_path / "shop", tmp_path / "repository", tmp_path / "app"
    repository.mkdir()
    (repository / "index.html").write_text("<!-- revision REVISION -->\n<p>Welcome.</p>\n")

    subprocess.run([git, "init", "-qb", "main"], cwd=repository, check=True)

    def commit(text: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@shop.example"]
        for command in (["add", "."], [*identity, "commit", "-qm", text, "--allow-empty"]):
            subprocess.run([git, *command], cwd=repository, check=True)

    (home / "config" / "deploy").mkdir(parents=True)
    (home / "Capfile").write_text(CAPFILE)
    (home / "config" / "deploy.rb").write_text(DEPLOY_RB.format(repository=repository, root=root, tmp=tmp_path))
    (home / "config" / "deploy" / "production.rb").write_text('server "localhost", roles: %w[web]\n')
    for text in ("one", "two"):
        commit(text)
        subprocess.run([cap, "production", "deploy"], cwd=home, check=True, capture_output=True)
        # Capistrano names a release by the second, and two of the same second are one.
        while os.readlink(root / "current").endswith(time.strftime("%Y%m%d%H%M%S", time.gmtime())):
            pass
    commit("three")
    before = os.readlink(root / "current")

    with nginx(tmp_path / "nginx", root / "current") as port:
        arguments = scenario(
            tmp_path, "own-capistrano", port, root, **{"every: 10s": "every: 2s", "flips: 3": "flips: 2"}
        )
        with LocustProcess(tmp_path, *arguments, cwd=home) as locust:
            assert locust.wait() == 0, locust.output
            assert locust.leaves_nothing()
    assert os.readlink(root / "current") == before
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True)
    assert {row["release"] for row in flips(locust, "deploy")} == {revision.stdout.strip()}
    (rollback,) = flips(locust, "rollback")
    assert rollback["outcome"] == "ok"
    # Capistrano goes to the newest but one of its releases, whatever the link points to.
    assert rollback["release"] == revision.stdout.strip()
    assert {row["kind"] for row in locust.rows("answers")} == {"ok"}
    assert "what the commands printed is in" in locust.output


def test_a_script_that_removes_the_link_first_is_violated(tmp_path: Path, shop: Shop, port: int) -> None:
    """`rm -f current && ln -s` loses requests, and the answers say how."""
    arguments = scenario(tmp_path, "own-script", port, shop.root, **{"flips: 100": "flips: 30"})
    with LocustProcess(tmp_path, *arguments) as locust:
        assert locust.wait() == 1, locust.output
        assert locust.leaves_nothing()
    assert shop.is_as_it_was()
    assert ("lost", "404 Not Found") in {(row["kind"], row["answer"]) for row in locust.rows("answers")}
    assert {row["kind"] for row in locust.rows("answers")} <= {"ok", "lost"}


GAP = """
import os, sys, time
link, target, log = sys.argv[1:]
os.unlink(link)
begin = time.monotonic_ns()
while time.monotonic_ns() < begin + 5_000_000:
    pass
os.symlink(target, link)
with open(log, "a") as file:
    file.write(f"{time.monotonic_ns() - begin}\\n")
"""


def deploy(folder: Path, shop: Shop, port: int, *command: str, flips: int) -> LocustProcess:
    """A headless run of a command of the test's own."""
    phase = f"{{name: deploy, strategy: {{command: {[*command]}}}, every: 100ms, flips: {flips}}}"
    return headless(folder, write(folder, SITE.format(port=port, root=shop.root) + f"phases: [{phase}]"))


def test_a_planted_gap_of_5_ms_is_violated_and_measured_within_a_factor_of_two(
    tmp_path: Path, shop: Shop, port: int
) -> None:
    """The outage per flip is the time without a link, as the script itself has measured it."""
    script, log = tmp_path / "deploy.py", tmp_path / "gaps"
    script.write_text(GAP)
    command = [sys.executable, str(script), "{link}", "{target}", str(log)]
    with deploy(tmp_path, shop, port, *command, flips=40) as locust:
        assert locust.wait() == 1, locust.output
    assert shop.is_as_it_was()
    planted = statistics.mean(int(line) for line in log.read_text().splitlines()) / 1e3
    (phase,) = locust.verdict()["phases"]
    assert planted / 2 < phase["outage_us"]["us"] < planted * 2


def test_deploys_that_fail_are_told_in_plain_words_and_never_held(tmp_path: Path, shop: Shop, port: int) -> None:
    """Each by its reason, with what it printed; after each the link is put back, which the next one begins with."""
    phases = "".join(
        f"  - name: {name}\n    strategy: {{command: {json.dumps(command)}, timeout: 1s}}\n"
        "    every: 100ms\n    flips: 2\n"
        for name, (command, _) in FAILURES.items()
    )
    text = SITE.format(port=port, root=shop.root) + f"phases:\n{phases}"
    # With a worker, to which all that is told must be able to travel.
    with headless(tmp_path, write(tmp_path, text), *processes(1)) as locust:
        # A page that was gone meanwhile is a loss.
        assert locust.wait() == 1, locust.output
        assert locust.leaves_nothing()
    assert shop.is_as_it_was()
    assert {row["kind"] for row in locust.rows("answers")} == {"ok", "lost"}
    report = " ".join(locust.output.split())
    for phase in locust.verdict()["phases"]:
        command, said = FAILURES[phase["name"]]
        lost = next(row for row in locust.rows("verdict") if row["phase"] == phase["name"])["observed"]
        assert phase["verdict"] == ("violated" if int(lost) else "inconclusive")
        assert phase["troubles"] == [f"both flips failed: {said}"]
        assert f"! {phase['troubles'][0]}" in report
        assert phase["said"] == (["Cannot reach the database"] if "echo" in " ".join(command) else [])
    assert "| Cannot reach the database" in report
    assert (tmp_path / "report" / "run_commands.log").read_text().count("Cannot reach the database\n") == 4


def test_a_release_that_the_deploy_has_cleaned_away_is_told(tmp_path: Path, shop: Shop, port: int) -> None:
    """Then the link cannot be where it was: it stays on a release that is there, and the run does not hold."""
    command = ["sh", "-c", "ln -sfn {target} {link}; rm -rf {root}/releases/1"]
    with deploy(tmp_path, shop, port, *command, flips=1) as locust:
        assert locust.wait() == 3, locust.output
    assert os.readlink(shop.link) == "releases/2"
    assert "cannot be put back on releases/1: releases/1 is not there any more" in " ".join(locust.output.split())
