"""A YAML document whose values know their file, line and key, for errors that say where."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

import yaml

from switcher.duration import parse_duration

T = TypeVar("T")

MOST = 2**53 - 1
"""The greatest whole number that all readers of JSON and YAML read alike."""

_KINDS = {
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "a boolean",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date",
}

CONSTRUCTOR = yaml.constructor.SafeConstructor()
"""Reads a scalar by its tag. (`yaml.safe_load` would parse the scalar's text as a document.)"""


class DocumentError(ValueError):
    """The document is wrong; the message names file, line and key."""


def expected(what: str, got: str) -> str:
    """The problem with a value of the wrong kind or size."""
    return f"expected {what}, got {got}"


def missing(key: str) -> str:
    """The problem with a mapping that lacks a key."""
    return f"missing key: {key}"


def duplicate(what: str, name: str) -> str:
    """The problem with a name that is used twice."""
    return f"duplicate {what}: {name}"


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """The problem with a word that is not one of the `known` ones."""
    return f"unknown {what} {word!r}; {did_you_mean(word, known)}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question with the nearest of the `known` words, or a list of all of them."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(known)}"


@dataclass(frozen=True)
class Value:
    """One value: its YAML node, its file and its dotted key."""

    path: Path
    key: str
    node: yaml.Node

    def wrong(self, problem: str) -> NoReturn:
        """Raise DocumentError for this value."""
        raise DocumentError(
            f"{self.path}:{self.node.start_mark.line + 1}: {self.key + ': ' if self.key else ''}{problem}"
        )

    def mapping(self, known: Iterable[str], required: Iterable[str] = ()) -> dict[str, Value]:
        """The values of the `known` keys; an unknown, duplicate or missing key is an error."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong(expected("a mapping", self._kind()))
        known = list(known)
        values: dict[str, Value] = {}
        for key_node, node in self.node.value:
            key = Value(self.path, self.key, key_node)
            name = key_node.value
            if not isinstance(name, str):
                key.wrong(expected("text as a key", key._kind()))
            if name not in known:
                key.wrong(unknown("key", name, known))
            if name in values:
                key.wrong(duplicate("key", name))
            values[name] = Value(self.path, f"{self.key}.{name}" if self.key else name, node)
        for name in required:
            if name not in values:
                self.wrong(missing(name))
        return values

    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.node, yaml.MappingNode)

    def is_list(self) -> bool:
        """Whether it has items."""
        return isinstance(self.node, yaml.SequenceNode)

    def items(self) -> Iterator[tuple[str, Value]]:
        """The values of a mapping whose keys can be any text."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong(expected("a mapping", self._kind()))
        for key_node, _ in self.node.value:
            Value(self.path, self.key, key_node).text()
        yield from self.mapping([key_node.value for key_node, _ in self.node.value]).items()

    def list(self) -> list[Value]:
        """The items of a list that is not empty."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.wrong(expected("a list", self._kind()))
        if not self.node.value:
            self.wrong(expected("at least one item", "an empty list"))
        return [Value(self.path, f"{self.key}[{number}]", node) for number, node in enumerate(self.node.value)]

    def text(self) -> str:
        """Text that is not blank and could be a path."""
        if self._kind() != "text":
            hint = f'; write "{self.node.value}"' if isinstance(self.node, yaml.ScalarNode) and self.node.value else ""
            self.wrong(expected("text", self._kind()) + hint)
        text = str(self.node.value)
        if not text.strip():
            self.wrong(expected("text", "blank text"))
        if "\0" in text:
            # No path and no argument of a command can contain it.
            self.wrong("the text contains the character \\0; remove it")
        return text

    def choice(self, known: Iterable[str]) -> str:
        """One of the `known` words."""
        known = list(known)
        word = self.text()
        if word not in known:
            self.wrong(unknown("value", word, known))
        return word

    def count(self) -> int:
        """A whole number above 0."""
        number = self._number()
        if not 1 <= number < float("inf") or number != int(number):
            self.wrong(expected("a whole number above 0", self.node.value))
        return int(number)

    def whole(self) -> int:
        """A whole number, 0 or more."""
        number = self._number()
        if not 0 <= number <= MOST or number != int(number):
            self.wrong(expected(f"a whole number from 0 to {MOST}", self.node.value))
        return int(number)

    def share(self) -> float:
        """A number from 0 to 1."""
        number = self._number()
        if not 0 <= number <= 1:
            self.wrong(expected("a number from 0 to 1", self.node.value))
        return number

    def rate(self) -> float:
        """A number above 0."""
        number = self._number()
        if not 0 < number < float("inf"):
            self.wrong(expected("a number above 0", self.node.value))
        return number

    def flag(self) -> bool:
        """True or false."""
        if self._kind() != "a boolean":
            self.wrong(expected("true or false", self._kind()))
        assert isinstance(self.node, yaml.ScalarNode)
        try:
            return bool(CONSTRUCTOR.construct_yaml_bool(self.node))
        except KeyError:  # the tag says boolean, the value is another word
            self.wrong(expected("true or false", self.node.value[:40]))

    def duration(self) -> int:
        """A duration in nanoseconds; 0 needs no unit."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.wrong(expected("a duration", self._kind()))
        return self._parsed(parse_duration, self.node.value)

    def _number(self) -> float:
        if self._kind() != "a number":
            self.wrong(expected("a number", self._kind()))
        assert isinstance(self.node, yaml.ScalarNode)
        whole = self.node.tag == "tag:yaml.org,2002:int"
        # "inf" and hexadecimal numbers are YAML numbers as well; its own constructor reads them all.
        read = CONSTRUCTOR.construct_yaml_int if whole else CONSTRUCTOR.construct_yaml_float
        try:
            number = float(read(self.node))
        except (ValueError, IndexError, OverflowError):
            number = float("nan")  # the tag says number, the value is text or has too many digits
        if number != number:
            self.wrong(expected("a number", self.node.value[:40]))
        return number

    def _parsed(self, parse: Callable[[str], T], text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            self.wrong(str(error))

    def _kind(self) -> str:
        # By its form first: a tag can stand before anything.
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.node, yaml.SequenceNode):
            return "a list"
        return _KINDS.get(self.node.tag, f"a {self.node.tag}")


def read_document(path: Path) -> Value:
    """The one document of a file; DocumentError when it is empty or not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DocumentError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise DocumentError(f"{path}:{line}: not YAML: the character {chr(error.character)!r} is not allowed") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = ", ".join(filter(None, [error.context, error.problem]))
        raise DocumentError(f"{path}:{line}: not YAML: {problem}") from None
    except RecursionError:
        raise DocumentError(f"{path}: the document is nested too deeply") from None
    if node is None:
        raise DocumentError(f"{path}:1: the file is empty")
    return Value(path, "", node)
