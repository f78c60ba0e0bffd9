"""docs/your-own-site.md: every command, configuration and scenario in it is run, and what it says of them is true."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.locust_process import ROOT, LocustProcess
from tests.whole_runs.external.deploys import FAILURES, PLAYBOOK
from tests.whole_runs.external.guide import SHOP, TEXT, blocks
from tests.whole_runs.external.servers import nginx, php_fpm
from tests.whole_runs.runs import check_sums


def make_shop(folder: Path) -> Path:
    """The site, by the commands of the document."""
    root = folder / "shop"
    (root / "releases").mkdir(parents=True)
    subprocess.run(["sh", "-ec", blocks("sh")[0].replace(SHOP, str(root))], check=True)
    return root


def locust(folder: Path, command: str, scenario: str) -> LocustProcess:
    """The document's own command line, with this scenario; fewer flips prove the same."""
    program, *arguments = command.split()
    assert program == "locust"
    path = folder / "own-site.yaml"
    path.write_text(scenario.replace("flips: 250", "flips: 100"))
    places = {"own-site": str(path), "out/shop": str(folder / "report" / "run")}
    return LocustProcess(folder, *(places.get(argument, argument) for argument in arguments))


def test_each_scenario_in_the_document_is_run() -> None:
    """It is in a file of scenarios/ that a test runs, or is run below, or by the tests of own sites or of watching."""
    paths = [*sorted((ROOT / "scenarios").glob("own-*.yaml")), ROOT / "scenarios" / "watch.yaml"]
    files = [textwrap.dedent(path.read_text()) for path in paths]
    for block in blocks("yaml"):
        is_run_elsewhere = any(block in file for file in files) or block.strip() == PLAYBOOK.strip()
        assert is_run_elsewhere or "X-Release" in block or "SHOP_PASSWORD" in block, block


def test_static_files_by_nginx(tmp_path: Path) -> None:
    """Marks as comments, the document's server and scenario: the control loses, atomic holds."""
    root = make_shop(tmp_path)
    assert blocks("yaml")[0] in (ROOT / "scenarios" / "own-site.yaml").read_text()
    with nginx(tmp_path / "nginx", root, block=blocks("nginx")[0].replace(SHOP, str(root))) as port:
        scenario = blocks("yaml")[0].replace(SHOP, str(root)).replace(":8080", f":{port}")
        with locust(tmp_path, blocks("sh")[1].strip(), scenario) as process:
            assert process.wait() == 0, process.output
            assert process.leaves_nothing()
    assert os.readlink(root / "current") == "releases/1"
    answers = {(row["phase"], row["kind"], row["answer"]) for row in process.rows("answers")}
    assert ("forced", "lost", "404 Not Found") in answers
    assert not [key for key in answers if key[0] == "atomic" and key[1] != "ok"]
    assert {row["release"] for row in process.rows("flips")} == {"1", "2"}
    assert process.verdict()["server"].startswith("nginx/1.")
    check_sums(process)


@pytest.mark.parametrize(("number", "code"), [(1, 1), (2, 0)], ids=["document_root", "realpath_root"])
def test_php_by_nginx_and_php_fpm(tmp_path: Path, number: int, code: int) -> None:
    """Marks as headers: with the path through the link pages are stale, with the release's own they are not."""
    root = make_shop(tmp_path)
    for release in ("1", "2"):
        (root / "releases" / release / "index.php").write_text(blocks("php")[0])
    scenario = next(block for block in blocks("yaml") if "X-Release" in block)
    with php_fpm(tmp_path / "fpm") as socket:
        (tmp_path / "nginx").mkdir()
        shutil.copy("/etc/nginx/fastcgi_params", tmp_path / "nginx")
        block = blocks("nginx")[number].replace(SHOP, str(root)).replace("/run/php/php-fpm.sock", str(socket))
        with nginx(tmp_path / "nginx", root, block=block) as port:
            scenario = scenario.replace(SHOP, str(root)).replace(":8080", f":{port}")
            with locust(tmp_path, blocks("sh")[1].strip(), scenario) as process:
                assert process.wait() == code, process.output
                assert process.leaves_nothing()
    assert os.readlink(root / "current") == "releases/1"
    kinds = {row["kind"] for row in process.rows("answers")}
    assert kinds == ({"ok"} if code == 0 else {"ok", "stale"})


def test_the_variables_of_the_document_can_be_set_as_it_says(tmp_path: Path) -> None:
    """And their names are those of its scenario."""
    script = f"{blocks('sh')[2]}\n{sys.executable} -c 'import os; print(os.environ[\"SHOP_USER\"])'"
    assert subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True).stdout == "editor\n"
    names = re.findall(r"SHOP_\w+", next(block for block in blocks("yaml") if "auth:" in block))
    assert set(names) == set(re.findall(r"SHOP_\w+", blocks("sh")[2]))


def test_each_scenario_for_an_own_site_is_in_the_document() -> None:
    """A reader finds all of them."""
    for path in sorted((ROOT / "scenarios").glob("own-*.yaml")):
        assert f"](../scenarios/{path.name})" in TEXT


def test_what_the_report_says_of_a_deploy_that_fails_is_in_the_document() -> None:
    """In the words that the tests of failing deploys have seen."""
    for _, said in FAILURES.values():
        if said.startswith(("the command", "the link")) and "udce9" not in said:
            assert f"`{said.replace('than 1 s', 'than 30 s')}`" in TEXT
