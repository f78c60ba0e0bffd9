"""A wrong document is refused with a sentence that says where and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from locust_cutover.scenario.document import DocumentError, Value, did_you_mean, read_document

DEEP = 3000 * "["


def value_of(tmp_path: Path, text: str) -> Value:
    """The value of `key` in a document with that one line."""
    file = tmp_path / "file.yaml"
    file.write_text(f"key: {text}\n")
    return read_document(file).mapping(["key"])["key"]


def test_a_value_knows_its_file_its_line_and_its_key(tmp_path: Path) -> None:
    """The dotted key leads through mappings and lists; lines count from 1."""
    file = tmp_path / "file.yaml"
    file.write_text("# a comment\nouter:\n  inner:\n    - one\n    - two\n")
    inner = read_document(file).mapping(["outer"])["outer"].mapping(["inner"])["inner"]
    with pytest.raises(DocumentError) as error:
        inner.list()[1].wrong("so it is")
    assert str(error.value) == f"{file}:5: outer.inner[1]: so it is"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ":1: the file is empty"),
        (b"# nothing but a comment\n", ":1: the file is empty"),
        (b"a: b\nx: \xff\n", ":2: not UTF-8 text; save the file as UTF-8"),
        (b"a: b\nx: \x07\n", r":2: not YAML: the character '\x07' is not allowed"),
        (
            b"a: 1\nb: [1, 2\n",
            ":3: not YAML: while parsing a flow sequence, expected ',' or ']', but got '<stream end>'",
        ),
        (b"a: b: c\n", ":1: not YAML: mapping values are not allowed here"),
        (b"a: 1\n\tb: 2\n", r":2: not YAML: while scanning for the next token, found character '\t' that cannot start"),
        (b"a: *b\n", ":1: not YAML: found undefined alias 'b'"),
        (b"a: 1\n---\na: 2\n", ":2: not YAML: expected a single document in the stream, but found another document"),
        (b"%YAML 3.0\n---\na: 1\n", ":1: not YAML: found incompatible YAML document (version 1.* is required)"),
    ],
)
def test_a_file_that_is_not_one_yaml_document_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    """The error names the file and the line where reading it ended."""
    file = tmp_path / "file.yaml"
    file.write_bytes(content)
    with pytest.raises(DocumentError) as error:
        read_document(file)
    assert str(error.value).startswith(f"{file}{problem}")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """They have no line; the system's own words say what is the matter."""
    with pytest.raises(DocumentError) as missing:
        read_document(tmp_path / "missing.yaml")
    assert str(missing.value) == f"{tmp_path}/missing.yaml: No such file or directory"
    with pytest.raises(DocumentError) as folder:
        read_document(tmp_path)
    assert str(folder.value) == f"{tmp_path}: Is a directory"


@pytest.mark.parametrize("text", ["\ufeffkey: a\n", "key: a\r\n", "---\nkey: a\n...\n"])
def test_a_mark_of_byte_order_other_line_ends_and_document_marks_are_fine(tmp_path: Path, text: str) -> None:
    """Editors on other systems write them."""
    file = tmp_path / "file.yaml"
    file.write_bytes(text.encode())
    assert read_document(file).mapping(["key"])["key"].text() == "a"


def read_mapping(value: Value) -> object:
    """With a key that must be there, and one that may."""
    return value.mapping(["users", "rate"], required=["users"])


def read_choice(value: Value) -> object:
    """Of two words."""
    return value.choice(["forced", "atomic"])


@pytest.mark.parametrize(
    ("read", "text", "problem"),
    [
        (read_mapping, "text", "expected a mapping, got text"),
        (read_mapping, "[users]", "expected a mapping, got a list"),
        (read_mapping, "", "expected a mapping, got nothing"),
        (read_mapping, "{rate: 1}", "missing key: users"),
        (read_mapping, "{users: 1, user: 2}", "unknown key 'user'; did you mean users?"),
        (read_mapping, "{users: 1, colour: 2}", "unknown key 'colour'; known: users, rate"),
        (read_mapping, "{users: 1, <<: {rate: 2}}", "unknown key '<<'; known: users, rate"),
        (read_mapping, "{users: 1, rate: 2, users: 3}", "duplicate key: users"),
        (read_mapping, "{[users]: 1}", "expected text as a key, got a list"),
        (Value.list, "text", "expected a list, got text"),
        (Value.list, "{a: b}", "expected a list, got a mapping"),
        (Value.list, "[]", "expected at least one item, got an empty list"),
        (Value.text, "[a]", "expected text, got a list"),
        (Value.text, "{a: b}", "expected text, got a mapping"),
        (Value.text, "", "expected text, got nothing"),
        (Value.text, "7", 'expected text, got a number; write "7"'),
        (Value.text, "1.5", 'expected text, got a number; write "1.5"'),
        (Value.text, "no", 'expected text, got a boolean; write "no"'),
        (Value.text, "2026-01-31", 'expected text, got a date; write "2026-01-31"'),
        (Value.text, "''", "expected text, got blank text"),
        (Value.text, "' '", "expected text, got blank text"),
        (Value.text, r'"cur\0rent"', r"the text contains the character \0; remove it"),
        (read_choice, "atomc", "unknown value 'atomc'; did you mean atomic?"),
        (read_choice, "xyz", "unknown value 'xyz'; known: forced, atomic"),
        (read_choice, "[atomic]", "expected text, got a list"),
        (Value.count, "0", "expected a whole number above 0, got 0"),
        (Value.count, "-3", "expected a whole number above 0, got -3"),
        (Value.count, "1.5", "expected a whole number above 0, got 1.5"),
        (Value.count, ".inf", "expected a whole number above 0, got .inf"),
        (Value.count, ".nan", "expected a number, got .nan"),
        (Value.count, "ten", "expected a number, got text"),
        (Value.count, "true", "expected a number, got a boolean"),
        (Value.count, "[1]", "expected a number, got a list"),
        (Value.count, "!!int '[1'", "expected a number, got [1"),
        pytest.param(Value.count, "1" + "0" * 400, f"expected a number, got 1{'0' * 39}", id="count-400-digits"),
        pytest.param(Value.count, "1" + "0" * 5000, f"expected a number, got 1{'0' * 39}", id="count-5000-digits"),
        (Value.rate, "0", "expected a number above 0, got 0"),
        (Value.rate, "-0.5", "expected a number above 0, got -0.5"),
        (Value.rate, ".inf", "expected a number above 0, got .inf"),
        (Value.rate, "fast", "expected a number, got text"),
        (Value.flag, '"true"', "expected true or false, got text"),
        (Value.flag, "1", "expected true or false, got a number"),
        (Value.duration, "10", "'10' is not a duration: write a number and a unit, such as 20ms, 1.5s or 2m"),
        (Value.duration, "-1s", "'-1s' is not a duration: write a number and a unit, such as 20ms, 1.5s or 2m"),
        (Value.duration, "", "'' is not a duration: write a number and a unit, such as 20ms, 1.5s or 2m"),
        (Value.duration, "[1s]", "expected a duration, got a list"),
        # A tag before another kind of value, which is looked up, not parsed as a document of its own.
        (Value.text, "!!str [a]", "expected text, got a list"),
        (Value.text, "!!str {a: b}", "expected text, got a mapping"),
        (Value.flag, "!!bool '['", "expected true or false, got ["),
        pytest.param(Value.flag, f"!!bool '{DEEP}'", f"expected true or false, got {DEEP[:40]}", id="flag-deep"),
        (Value.flag, "!!bool [true]", "expected true or false, got a list"),
    ],
)
def test_a_wrong_value_is_refused(tmp_path: Path, read: Callable[[Value], object], text: str, problem: str) -> None:
    """The error says what is due and what is there instead, or the nearest thing that is known."""
    value = value_of(tmp_path, text)
    with pytest.raises(DocumentError) as error:
        read(value)
    assert str(error.value) == f"{tmp_path}/file.yaml:1: key: {problem}"


@pytest.mark.parametrize(
    ("read", "text", "right"),
    [
        (Value.text, "a text", "a text"),
        (Value.text, '"7"', "7"),
        (Value.text, "!!str 7", "7"),
        (read_choice, "atomic", "atomic"),
        (Value.count, "12", 12),
        (Value.count, "1_000", 1000),
        (Value.count, "2.0", 2),
        (Value.rate, "0.5", 0.5),
        (Value.rate, "3", 3.0),
        (Value.flag, "true", True),
        (Value.flag, "no", False),
        (Value.duration, "0", 0),
        (Value.duration, "1.5s", 1_500_000_000),
        (Value.duration, "20ms", 20_000_000),
    ],
)
def test_a_right_value_is_read(tmp_path: Path, read: Callable[[Value], object], text: str, right: object) -> None:
    """As what the key needs, whatever YAML takes it for."""
    assert read(value_of(tmp_path, text)) == right


def test_the_nearest_word_is_proposed_and_without_one_all_are() -> None:
    """A user who mistyped gets the word, a user who guessed gets the list."""
    assert did_you_mean("duraton", ["duration", "flips"]) == "did you mean duration?"
    assert did_you_mean("xyz", ["duration", "flips"]) == "known: duration, flips"


@pytest.mark.parametrize("tag", ["int", "float"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (f"'{DEEP}'", "[[["),
        ("'['", "["),
        ("''", ""),
        ("'-'", "-"),
        ("'0x'", "0x"),
        ("[1]", "a list"),
        ("{a: 1}", "a mapping"),
    ],
)
def test_a_tag_before_what_is_no_number_is_refused(tmp_path: Path, tag: str, value: str, said: str) -> None:
    """Whatever is behind it: a bracket, nothing, a list."""
    number = value_of(tmp_path, f"!!{tag} {value}")
    for read in (number.count, number.rate):
        with pytest.raises(DocumentError, match=re.escape(f"file.yaml:1: key: expected a number, got {said}")):
            read()


@pytest.mark.parametrize("text", [DEEP, f"key: {DEEP}", f"{DEEP}: 1", "- " * 3000, "? " * 3000])
def test_what_is_nested_too_deeply_is_refused_wherever_it_is(tmp_path: Path, text: str) -> None:
    """One line, not a traceback of three thousand."""
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(DocumentError, match=r"file\.yaml.*(nested too deeply|not YAML)"):
        read_document(tmp_path / "file.yaml")
