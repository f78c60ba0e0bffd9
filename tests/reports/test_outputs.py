"""The files that are asked for: refused before the run where possible, and each written whatever befalls another."""

from __future__ import annotations

import argparse
import csv
import errno
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pytest

from locust_cutover.judging.verdict import ExitCode, Verdict, worst
from locust_cutover.reports import console, files, html, junit, outputs, summary
from locust_cutover.reports.outputs import Outputs
from locust_cutover.reports.refusal import Refusal
from locust_cutover.result import Result
from tests.locust_process import ROOT
from tests.reports.runs import Told, held, result
from tests.reports.schema import SCHEMA


def options(*arguments: str) -> argparse.Namespace:
    """The options of a command line."""
    parser = argparse.ArgumentParser()
    outputs.add_options(parser)
    return parser.parse_args(arguments)


def asked(folder: Path) -> Outputs:
    """All four, below a folder that is not there yet."""
    place = folder / "not" / "yet"
    return Outputs(str(place / "run"), str(place / "r.html"), str(place / "j.xml"), str(place / "s.md"))


def test_every_file_that_is_asked_for_is_written(tmp_path: Path) -> None:
    """Their folder is made; nothing else is written."""
    assert asked(tmp_path).write(result(held())).problems == ()
    assert sorted(path.name for path in (tmp_path / "not" / "yet").iterdir()) == [
        "j.xml",
        "r.html",
        "run_answers.csv",
        "run_flips.csv",
        "run_verdict.csv",
        "run_verdict.json",
        "s.md",
    ]


def test_nothing_is_written_that_was_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an option there is no file."""
    monkeypatch.chdir(tmp_path)
    wanted = Outputs.of(SimpleNamespace(csv_prefix=None, report=None, junit=None, summary=None))
    assert wanted.write(result(held())).problems == ()
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_replaces_the_report_and_adds_to_the_summary(tmp_path: Path) -> None:
    """A job page collects the summaries of its steps."""
    wanted = asked(tmp_path)
    Path(wanted.summary).parent.mkdir(parents=True)
    Path(wanted.summary).write_text("the step before\n")
    asked(tmp_path).write(result(held()))
    asked(tmp_path).write(result(Told("never", trouble="was not run")))
    assert "Inconclusive" in Path(wanted.report).read_text()
    assert "Held" not in Path(wanted.report).read_text()
    summary = Path(wanted.summary).read_text()
    assert summary.startswith("the step before\n")
    assert summary.index("✅ Held") < summary.index("❔ Inconclusive")


def test_what_cannot_be_written_is_told_and_the_rest_is_written(tmp_path: Path) -> None:
    """One line each, with option, file and reason."""
    place = tmp_path / "file"
    place.write_text("")
    wanted = Outputs(str(place / "run"), str(place / "r.html"), str(tmp_path / "j.xml"), "/dev/full")
    csv_files = [f"--csv cannot be written: {path}: File exists" for path in files.paths(str(place / "run"))]
    assert wanted.write(result(held())).problems == (
        *csv_files,
        f"--report cannot be written: {place / 'r.html'}: File exists",
        "--summary cannot be written: /dev/full: No space left on device",
    )
    assert "<testsuites" in (tmp_path / "j.xml").read_text()


FILES = ("run_answers.csv", "run_flips.csv", "run_verdict.csv", "run_verdict.json", "r.html", "j.xml", "s.md")


def verdicts(folder: Path) -> dict[str, str]:
    """What each file says that can be read and has a verdict: held, violated or inconclusive."""
    found: dict[str, str] = {}
    for name in FILES:
        path = folder / name
        # Never the endless zeros of /dev/full.
        if not path.is_file() or not (text := path.read_text()):
            continue
        match name:
            case "run_verdict.csv":
                rows = {row["verdict"] for row in csv.DictReader(text.splitlines())}
                found[name] = worst([cast("Verdict", row) for row in rows])
            case "run_verdict.json":
                facts = json.loads(text)
                found[name] = facts["verdict"]
                assert facts["exit_code"] == ExitCode[facts["verdict"].upper()]
            case "r.html":
                (found[name],) = re.findall(r"<title>two: (\w+)</title>", text)
            case "j.xml":
                suites = ElementTree.fromstring(text)
                counts = {name: int(suites.get(name, "")) for name in ("failures", "errors")}
                found[name] = "violated" if counts["failures"] else "inconclusive" if counts["errors"] else "held"
            case "s.md":
                (word,) = re.findall(r"### . (\w+)", text)
                found[name] = word.lower()
    return found


def in_one_folder(folder: Path) -> Outputs:
    """Every file that can be asked for, with the names of `FILES`."""
    return Outputs(str(folder / "run"), str(folder / "r.html"), str(folder / "j.xml"), str(folder / "s.md"))


def break_render(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the text of this one file fail to be made."""
    modules = {"r.html": html, "j.xml": junit, "s.md": summary}
    table = name.removeprefix("run_").removesuffix(".csv")

    def fail(*_: Any) -> str:
        raise RuntimeError("so it is")

    if name in modules:
        monkeypatch.setattr(modules[name], "render", fail)
    elif table in files.TABLES:
        monkeypatch.setitem(files.TABLES, table, (files.TABLES[table][0], fail))
    else:
        monkeypatch.setattr(files, "verdict", fail)


VIOLATED = Told("torn").flip(100, "b").visit(50, "a", "a", times=20).visit(99.5, "a", "b").visit(200, "b", "b")


@pytest.mark.parametrize("obstacle", ["a folder", "/dev/full", "an error of the report"])
@pytest.mark.parametrize("name", FILES)
def test_what_cannot_be_written_is_in_the_verdict_of_every_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, obstacle: str
) -> None:
    """A run that held is inconclusive then; the files, the exit code and the terminal agree."""
    if obstacle == "a folder":
        (tmp_path / name).mkdir()
    elif obstacle == "/dev/full":
        (tmp_path / name).symlink_to("/dev/full")
    else:
        break_render(name, monkeypatch)
    settled = in_one_folder(tmp_path).write(result(held()))
    (problem,) = settled.problems
    assert problem.startswith("--")
    assert settled.exit_code == 3
    told = verdicts(tmp_path)
    assert set(told.values()) == {"inconclusive"}
    assert set(told) == set(FILES[2:]) - {name}
    for other in {"run_verdict.json", "r.html", "j.xml", "s.md"} - {name}:
        assert problem in unescape((tmp_path / other).read_text()).replace("\\", "")
    said = console.render(settled)
    assert problem in " ".join(said.split())
    assert "verdict: inconclusive (exit code 3)" in said


@pytest.mark.parametrize("name", FILES)
def test_what_was_violated_stays_so_whatever_cannot_be_written(tmp_path: Path, name: str) -> None:
    """The problem is told beside it."""
    (tmp_path / name).mkdir()
    settled = in_one_folder(tmp_path).write(result(VIOLATED))
    assert settled.exit_code == 1
    assert len(settled.problems) == 1
    assert set(verdicts(tmp_path).values()) == {"violated"}


def test_a_file_that_cannot_be_written_any_more_changes_those_that_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full only when the last text was to be written."""
    turns = 0

    def fail(_: Result) -> str:
        nonlocal turns
        turns += 1
        if turns > 1:
            raise RuntimeError("so it is")
        return "as long as it was"

    monkeypatch.setattr(summary, "render", fail)
    (tmp_path / "s.md").write_text("the step before")
    settled = in_one_folder(tmp_path).write(result(held()))
    assert settled.problems == (f"--summary cannot be made: {tmp_path}/s.md: RuntimeError('so it is')",)
    assert (tmp_path / "s.md").read_text() == "the step before"
    (tmp_path / "s.md").unlink()
    assert set(verdicts(tmp_path).values()) == {"inconclusive"}


def test_a_result_that_is_told_again_takes_the_place_of_what_was_told(tmp_path: Path) -> None:
    """In the summary, too: something failed after all was written."""
    wanted = in_one_folder(tmp_path)
    (tmp_path / "s.md").write_text("the step before\n")
    settled = wanted.write(result(held()))
    assert set(verdicts(tmp_path).values()) == {"held"}
    wanted.write(settled.with_problems(["so it is"]))
    assert set(verdicts(tmp_path).values()) == {"inconclusive"}
    wanted.write_refusal(Refusal("two", "and so", 3, began=True))
    assert (tmp_path / "s.md").read_text() == (
        "the step before\n\n### ❔ two: the run ended without a result\n\nand so\n\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["j.xml", "r.html", "run_verdict.json", "s.md"]


def test_an_interruption_while_files_are_written_leaves_no_pass_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first text of each file is that of a run whose files were not written."""

    def interrupt(_: Result) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(junit, "render", interrupt)
    with pytest.raises(KeyboardInterrupt):
        in_one_folder(tmp_path).write(result(held()))
    assert set(verdicts(tmp_path).values()) == {"inconclusive"}


def test_a_device_gets_one_text(tmp_path: Path) -> None:
    """A pipe, say: what was written into it is read already."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    settled = replace(in_one_folder(tmp_path), junit=f"/dev/fd/{write}").write(result(held()))
    assert settled.problems == ()
    SCHEMA.validate(os.read(read, 65536).decode())
    with pytest.raises(BlockingIOError):
        os.read(read, 1)
    os.close(read)
    os.close(write)


def test_bytes_of_a_path_that_are_no_text_do_not_spoil_the_report(tmp_path: Path) -> None:
    """A link may point anywhere."""
    told = Told("forced").flip(100, outcome="the link points to caf\udce9")
    assert asked(tmp_path).write(result(told.visit(99.5, answer="404 Not Found"))).problems == ()


def test_what_an_earlier_run_left_is_removed_but_for_the_summary(tmp_path: Path) -> None:
    """And for files that are not ours, whose names are like it; a second time there is nothing to remove."""
    wanted = asked(tmp_path)
    wanted.write(result(held()))
    folder = tmp_path / "not" / "yet"
    (folder / "run_stats.csv").write_text("Locust's own")
    wanted.clear()
    wanted.clear()
    assert sorted(path.name for path in folder.iterdir()) == ["run_stats.csv", "s.md"]
    Outputs().clear()


def test_a_device_or_a_link_is_not_removed(tmp_path: Path) -> None:
    """The terminal's own, say, is a link to whatever it is."""
    (tmp_path / "file").write_text("as it was")
    (tmp_path / "link").symlink_to("file")
    Outputs(report=str(tmp_path / "link"), junit="/dev/null").clear()
    assert (tmp_path / "link").read_text() == "as it was"
    assert Path("/dev/null").is_char_device()


def test_a_file_that_can_be_written_but_not_removed_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a container mounts it."""

    def busy(path: Path) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))

    path = tmp_path / "r.html"
    path.write_text("of the run before")
    monkeypatch.setattr(Path, "unlink", busy)
    Outputs(report=str(path)).clear()
    assert path.read_text() == ""


def test_a_run_that_never_began_is_told_where_it_can_be(tmp_path: Path) -> None:
    """There is no table then; what cannot be written is told."""
    wanted = asked(tmp_path)
    why = Refusal("shop", "nobody listens", 2)
    assert wanted.write_refusal(why) == []
    assert sorted(path.name for path in (tmp_path / "not" / "yet").iterdir()) == [
        "j.xml",
        "r.html",
        "run_verdict.json",
        "s.md",
    ]
    assert Outputs().write_refusal(why) == []
    assert Outputs(csv=f"{wanted.junit}/run", summary="/dev/full").write_refusal(why) == [
        f"--csv cannot be written: {wanted.junit}/run_verdict.json: File exists",
        "--summary cannot be written: /dev/full: No space left on device",
    ]


@pytest.mark.parametrize("name", ["report", "junit", "summary"])
def test_a_file_that_can_be_written_is_taken_and_not_touched(tmp_path: Path, name: str) -> None:
    """One that is there, one that is not, one in a folder to be made; also a device."""
    (tmp_path / "there").write_text("as it was")
    for path in (tmp_path / "there", tmp_path / "new", tmp_path / "a" / "b" / "new", Path("/dev/null"), Path("new")):
        assert getattr(options(f"--{name}", str(path)), name) == str(path)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").read_text() == "as it was"


@pytest.mark.parametrize("name", ["report", "junit", "summary"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("{folder}", "{folder}: is a folder"),
        ("{folder}/file/x", "{folder}/file/x: {folder}/file is not a folder"),
        ("{folder}/" + 300 * "x", "File name too long"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, path: str, reason: str
) -> None:
    """Nobody runs for an hour to hear it then: the command line is wrong, exit code 2."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        options(f"--{name}", path.format(folder=tmp_path))
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert f"argument --{name}: " in error
    assert reason.format(folder=tmp_path) in error


@pytest.mark.skipif(os.geteuid() != 0, reason="gives itself another user's rights")
def test_a_folder_of_somebody_else_is_refused() -> None:
    """As nobody, who may write neither there nor into a folder below it."""
    program = (
        "import os, sys; from locust_cutover.reports.outputs import add_options; import argparse; "
        "parser = argparse.ArgumentParser(); add_options(parser); os.setuid(65534); "
        "parser.parse_args(['--report', '/etc/report/r.html'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.endswith("argument --report: /etc/report/r.html: Permission denied\n")
