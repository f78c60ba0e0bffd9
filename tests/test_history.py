"""A history holds what happened, one operation a line, and is found out when it does not hold all of it."""

from __future__ import annotations

import gzip
import json
import os
import re
from dataclasses import fields
from pathlib import Path

import pytest

from locust_cutover.history import (
    CUT_OFF,
    OPERATIONS,
    BlindLine,
    EndLine,
    History,
    HistoryError,
    NodeLine,
    OpenLine,
    Operation,
    StartLine,
    read,
    worker_path,
)
from locust_cutover.judging.timeline import STILL, Flip
from locust_cutover.judging.verdict import PhaseFacts, State
from locust_cutover.judging.visit import Visit
from tests.locust_process import ROOT
from tests.small_run import LOST, facts, owner, visit, write

NAMES = ["run.jsonl", "run.jsonl.gz"]

NO_OPERATION = "expected a JSON object with op, got "

GOLDEN = ROOT / "tests" / "history.jsonl"

FLIP = Flip(1, 2, "v2", 1000, STILL, 'the link points to "ü"\n')

VISIT = Visit(1, "GET", "/current/?q=ü", 1000, 2000, "200 OK", True, ("v1", "v2"), 2, 34)

EACH: list[Operation] = [
    *owner(LOST, visit(0, 2500, "b"), phases=[facts(), facts(state=State.CUT_SHORT)]),
    FLIP,
    VISIT,
    BlindLine(7900),
    NodeLine("r1", 0),
]
"""At least one operation of each kind."""


def lines(path: Path) -> list[str]:
    """The lines of a history, plain or compressed."""
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()


def refused(path: Path) -> str:
    """Why the file cannot be read."""
    with pytest.raises(HistoryError) as caught:
        list(read(path))
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_operations_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    """Each kind, whatever is in its texts, plain and compressed; the end counts the visits."""
    assert {type(operation) for operation in EACH} | {EndLine} == set(OPERATIONS.values())
    assert list(read(write(tmp_path / name, EACH))) == [*EACH, EndLine(3)]


def test_a_history_has_the_bytes_of_the_golden_file(tmp_path: Path) -> None:
    """Lines of JSON that grep and jq can read. To change the format, change tests/history.jsonl and docs/history.md."""
    assert write(tmp_path / "run.jsonl", EACH).read_bytes() == GOLDEN.read_bytes()


def test_only_the_wanted_operations_are_read(tmp_path: Path) -> None:
    """The end is looked for in any case."""
    path = write(tmp_path / "run.jsonl", EACH)
    assert list(read(path, {"node", "blind"})) == [BlindLine(7900), NodeLine("r1", 0)]


def test_the_document_names_each_operation_and_its_fields() -> None:
    """In its table: the operations in the first column, their fields in the last."""
    rows = [line.split("|")[1:-1] for line in (ROOT / "docs" / "history.md").read_text().splitlines() if "| `" in line]
    told = {op: set(re.findall(r"`(\w+)`", row[2])) for row in rows for op in re.findall(r"`(\w+)`", row[0])}
    written = {line.pop("op"): set(line) for line in map(json.loads, GOLDEN.read_text().splitlines())}
    written["over"] |= {field.name for field in fields(PhaseFacts)}
    assert told == written


def test_the_folder_is_made(tmp_path: Path) -> None:
    """Like that of the CSV files."""
    assert list(read(write(tmp_path / "not" / "yet" / "run.jsonl", [])))


def test_a_file_that_cannot_be_opened_is_an_error_at_once(tmp_path: Path) -> None:
    """Before the run and not after it."""
    with pytest.raises(IsADirectoryError):
        History(tmp_path)


def test_closing_twice_ends_it_once(tmp_path: Path) -> None:
    """The second time is harmless."""
    history = History(tmp_path / "run.jsonl")
    history.close()
    history.close()
    assert lines(tmp_path / "run.jsonl") == ['{"op":"end","visits":0}']


@pytest.mark.parametrize("name", NAMES)
def test_a_visit_after_the_end_is_left_out(tmp_path: Path, name: str) -> None:
    """It is judged after the run was over; it must not raise where visits are judged."""
    history = History(tmp_path / name)
    history.close()
    history.visit(VISIT)
    assert history.error == ""
    assert list(read(tmp_path / name)) == [EndLine(0)]


# What is not whole.


@pytest.mark.parametrize("name", NAMES)
def test_a_file_without_its_end_was_cut_off(tmp_path: Path, name: str) -> None:
    """The operations before are given, then the error names the line that should be there."""
    path = write(tmp_path / name, [StartLine("a"), OpenLine(0, 1)])
    data = "".join(f"{line}\n" for line in lines(path)[:-1]).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    found: list[Operation] = []
    with pytest.raises(HistoryError) as caught:
        found.extend(read(path))
    assert found == [StartLine("a"), OpenLine(0, 1)]
    assert str(caught.value) == f"{path}:3: {CUT_OFF}"


@pytest.mark.parametrize(
    ("size", "line", "problem"), [(0, 1, CUT_OFF), (40, 2, NO_OPERATION)], ids=["killed at once", "a full disk"]
)
def test_a_file_that_ends_within_a_line_is_named(tmp_path: Path, size: int, line: int, problem: str) -> None:
    """Before the first one, or in the middle."""
    path = write(tmp_path / "run.jsonl", [StartLine("a"), OpenLine(0, 1)])
    path.write_bytes(path.read_bytes()[:size])
    assert refused(path).startswith(f"{path}:{line}: {problem}")


@pytest.mark.parametrize("cut", [1, 9, 30, -1, -9])
def test_a_compressed_file_that_was_cut_off_anywhere_is_found_out(tmp_path: Path, cut: int) -> None:
    """In its head, its body or its checksum."""
    path = write(tmp_path / "run.jsonl.gz", [StartLine(f"release {i}") for i in range(50)])
    path.write_bytes(path.read_bytes()[:cut])
    assert refused(path).startswith(f"{path}:")


@pytest.mark.parametrize("line", ["nonsense", "", "5", "null", "[]", '"op"', "{}", '{"op": "end"', '{"OP": "end"}'])
def test_a_line_that_is_no_operation_is_named(tmp_path: Path, line: str) -> None:
    """By file and line; also one that is JSON."""
    path = tmp_path / "run.jsonl"
    path.write_text('{"op":"start","release":"a"}\n' + line + '\n{"op":"end","visits":0}\n')
    assert refused(path).startswith(f"{path}:2: {NO_OPERATION}")


@pytest.mark.parametrize(
    ("name", "problem"),
    [("run.jsonl", "No such file or directory"), ("run.jsonl.gz", "No such file or directory"), ("", "Is a directory")],
)
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, name: str, problem: str) -> None:
    """In the words of the system."""
    assert refused(tmp_path / name) == f"{tmp_path / name}:1: {problem}"


@pytest.mark.parametrize(
    "data",
    [
        b'{"op":"end","visits":0}\n',
        b"\x1f\x8b",
        gzip.compress(b'{"op":"end"}\n')[:10] + b"\xff" * 40,
        gzip.compress(b'{"op":"end"}\n')[:-8] + b"\0" * 8,
        gzip.compress(b'{"op":"end"}\n') + b"garbage",
    ],
    ids=["plain text", "head only", "broken body", "wrong checksum", "garbage behind"],
)
def test_what_is_not_compressed_well_is_named(tmp_path: Path, data: bytes) -> None:
    """The file and the line so far; never another kind of error."""
    path = tmp_path / "run.jsonl.gz"
    path.write_bytes(data)
    assert refused(path).startswith(f"{path}:")


def test_a_compressed_file_by_a_plain_name_is_named(tmp_path: Path) -> None:
    """Its bytes are no text."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(gzip.compress(b'{"op":"end"}\n'))
    assert refused(path).startswith(f"{path}:1: ")


# A full disk.


@pytest.fixture(params=NAMES)
def full(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file on a disk that is full."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    path = tmp_path / str(request.param)
    path.symlink_to("/dev/full")
    return path


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_ends_the_history_and_not_the_run(full: Path) -> None:
    """No call raises; the error says what was the matter, and stays the same."""
    history = History(full)
    texts = (os.urandom(500).hex() for _ in range(1000))  # nothing that could be compressed to nothing
    for text in texts:
        history.visit(VISIT._replace(path=text))
    assert history.error == f"{full}: No space left on device"
    history.say(FLIP)
    history.close()
    history.close()
    assert history.error == f"{full}: No space left on device"


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_disk_that_turns_out_full_at_the_end_is_said_too(full: Path) -> None:
    """A short history is written only when it is closed."""
    history = History(full)
    history.visit(VISIT)
    assert history.error == ""
    history.close()
    assert history.error == f"{full}: No space left on device"
    history.close()


# Names.


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("run.jsonl", "run-worker3.jsonl"),
        ("run.jsonl.gz", "run-worker3.jsonl.gz"),
        ("run", "run-worker3"),
        ("out.d/run.jsonl", "out.d/run-worker3.jsonl"),
        ("/tmp/my.run.jsonl.gz", "/tmp/my-worker3.run.jsonl.gz"),
    ],
)
def test_a_worker_writes_beside_the_owner(path: str, expected: str) -> None:
    """With the same endings, so that it is compressed as well."""
    assert worker_path(Path(path), 3) == Path(expected)


def test_each_worker_has_a_file_of_its_own() -> None:
    """None is the owner's."""
    path = Path("run.jsonl.gz")
    assert len({path, *(worker_path(path, worker) for worker in range(12))}) == 13
