"""A YAML document in which every value knows its file, line and key, for errors that say where."""

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
"""The greatest whole number that every reader of JSON and YAML agrees on."""

_KINDS = {
    "tag:yaml.org,2002:str": "a text",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "a truth value",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date",
}

CONSTRUCTOR = yaml.constructor.SafeConstructor()
"""Reads a scalar by its tag. (`yaml.safe_load` would parse the text of the scalar as a document of its own.)"""


class DocumentError(ValueError):
    """The document is not what it must be; the text names file, line and key."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question with the nearest of the `known` words, or else all of them."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(known)}"


@dataclass(frozen=True)
class Value:
    """One value: its YAML node, the file it is in and the dotted key that leads to it."""

    path: Path
    key: str
    node: yaml.Node

    def wrong(self, problem: str) -> NoReturn:
        """Raise DocumentError for this value."""
        raise DocumentError(
            f"{self.path}:{self.node.start_mark.line + 1}: {self.key + ': ' if self.key else ''}{problem}"
        )

    def mapping(self, known: Iterable[str], required: Iterable[str] = ()) -> dict[str, Value]:
        """The values below the `known` keys; an unknown, a repeated or a missing key is an error."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong(f"a mapping is due, not {self._kind()}")
        known = list(known)
        values: dict[str, Value] = {}
        for key_node, node in self.node.value:
            key = Value(self.path, self.key, key_node)
            name = key_node.value
            if not isinstance(name, str):
                key.wrong(f"a key is a text, not {key._kind()}")
            if name not in known:
                key.wrong(f"unknown key {name!r}; {did_you_mean(name, known)}")
            if name in values:
                key.wrong(f"the key {name} stands here twice")
            values[name] = Value(self.path, f"{self.key}.{name}" if self.key else name, node)
        for name in required:
            if name not in values:
                self.wrong(f"the key {name} is missing")
        return values

    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.node, yaml.MappingNode)

    def is_list(self) -> bool:
        """Whether it has items."""
        return isinstance(self.node, yaml.SequenceNode)

    def items(self) -> Iterator[tuple[str, Value]]:
        """The values below keys that may be any texts."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong(f"a mapping is due, not {self._kind()}")
        for key_node, _ in self.node.value:
            Value(self.path, self.key, key_node).text()
        yield from self.mapping([key_node.value for key_node, _ in self.node.value]).items()

    def list(self) -> list[Value]:
        """The items of a list that is not empty."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.wrong(f"a list is due, not {self._kind()}")
        if not self.node.value:
            self.wrong("the list is empty")
        return [Value(self.path, f"{self.key}[{number}]", node) for number, node in enumerate(self.node.value)]

    def text(self) -> str:
        """A text that is not empty, and that a path could be."""
        if self._kind() != "a text":
            hint = f'; write "{self.node.value}"' if isinstance(self.node, yaml.ScalarNode) and self.node.value else ""
            self.wrong(f"a text is due, not {self._kind()}{hint}")
        text = str(self.node.value)
        if not text.strip():
            self.wrong("the text is empty")
        if "\0" in text:
            # Nor in an argument of a command.
            self.wrong("the text has the character \\0 in it, which no path can have")
        return text

    def choice(self, known: Iterable[str]) -> str:
        """One of the `known` words."""
        known = list(known)
        word = self.text()
        if word not in known:
            self.wrong(f"{word!r} is not known; {did_you_mean(word, known)}")
        return word

    def count(self) -> int:
        """A whole number above 0."""
        number = self._number()
        if not 1 <= number < float("inf") or number != int(number):
            self.wrong(f"a whole number above 0 is due, not {self.node.value}")
        return int(number)

    def whole(self) -> int:
        """A whole number, 0 or more."""
        number = self._number()
        if not 0 <= number <= MOST or number != int(number):
            self.wrong(f"expected a whole number from 0 to {MOST}, got {self.node.value}")
        return int(number)

    def share(self) -> float:
        """A number from 0 to 1."""
        number = self._number()
        if not 0 <= number <= 1:
            self.wrong(f"expected a number from 0 to 1, got {self.node.value}")
        return number

    def rate(self) -> float:
        """A number above 0."""
        number = self._number()
        if not 0 < number < float("inf"):
            self.wrong(f"a number above 0 is due, not {self.node.value}")
        return number

    def flag(self) -> bool:
        """True or false."""
        if self._kind() != "a truth value":
            self.wrong(f"true or false is due, not {self._kind()}")
        assert isinstance(self.node, yaml.ScalarNode)
        try:
            return bool(CONSTRUCTOR.construct_yaml_bool(self.node))
        except KeyError:  # a tag that says truth value before another word
            self.wrong(f"true or false is due, not {self.node.value[:40]}")

    def duration(self) -> int:
        """A duration in nanoseconds; 0 needs no unit."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.wrong(f"a duration is due, not {self._kind()}")
        return self._parsed(parse_duration, self.node.value)

    def _number(self) -> float:
        if self._kind() != "a number":
            self.wrong(f"a number is due, not {self._kind()}")
        assert isinstance(self.node, yaml.ScalarNode)
        whole = self.node.tag == "tag:yaml.org,2002:int"
        # "inf" and hexadecimal numbers are YAML numbers as well; its own constructor reads them all.
        read = CONSTRUCTOR.construct_yaml_int if whole else CONSTRUCTOR.construct_yaml_float
        try:
            number = float(read(self.node))
        except (ValueError, IndexError, OverflowError):
            number = float("nan")  # a tag that says number before a text, or too many digits
        if number != number:
            self.wrong(f"a number is due, not {self.node.value[:40]}")
        return number

    def _parsed(self, parse: Callable[[str], T], text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            self.wrong(str(error))

    def _kind(self) -> str:
        # By its form first: a tag can be put before anything.
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.node, yaml.SequenceNode):
            return "a list"
        return _KINDS.get(self.node.tag, f"a {self.node.tag}")


def read_document(path: Path) -> Value:
    """The one document of the file; DocumentError when there is none or it is not YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DocumentError(f"{path}:{line}: not a text in UTF-8") from None
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
        raise DocumentError(f"{path}: not a document that people write: it is nested too deeply") from None
    if node is None:
        raise DocumentError(f"{path}:1: the file is empty")
    return Value(path, "", node)
