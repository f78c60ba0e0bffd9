"""The claims that a text makes about the table, and whether its rows confirm them.

A claim is an invisible comment beside its sentence in the Markdown:

    <!-- cells: nginx, apache × atomic, ln: lost == 0 -->

`*` means all of them. Commas separate conditions, and each condition must hold in every round of every cell. For a
number, the least and the greatest of the rounds are checked; for `worst` and `verdict`, those of each round.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matrix.table import BETWEEN, GREATEST, LEAST

COMMENT = re.compile(r"<!-- cells: (.+?) × (.+?): (.+?) -->", re.DOTALL)

CONDITION = re.compile(r"(\w+) (==|!=|>|<) (.+)")

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}

EACH = {"worst": "classes", "verdict": "verdicts"}
"""The columns that have the words of each round."""


@dataclass(frozen=True)
class Claim:
    """In every cell of these servers and strategies the conditions (column, operator, value) hold."""

    servers: tuple[str, ...]
    strategies: tuple[str, ...]
    conditions: tuple[tuple[str, str, str], ...]


def claims(text: str) -> list[Claim]:
    """The claims of a text; ValueError if a comment cannot be read."""
    found = []
    comments = COMMENT.findall(text)
    if len(comments) < text.count("<!-- cells"):
        raise ValueError("expected every claim to be of the form <!-- cells: SERVERS × STRATEGIES: CONDITIONS -->")
    for servers, strategies, conditions in comments:
        parts = [CONDITION.fullmatch(part.strip()) for part in conditions.split(",")]
        if not all(parts):
            raise ValueError(f"expected COLUMN OPERATOR VALUE, got: {conditions}")
        found.append(Claim(_names(servers), _names(strategies), tuple(part.groups() for part in parts if part)))  # type: ignore[misc] # three groups
    return found


def covers(claim: Claim, server: str, strategy: str) -> bool:
    """Whether the claim is about this cell."""
    return _has(claim.servers, server) and _has(claim.strategies, strategy)


def refuted(claim: Claim, rows: Sequence[Mapping[str, str]]) -> list[str]:
    """A sentence for each condition that a round of a cell contradicts, and for each unknown cell."""
    cells = [row for row in rows if covers(claim, row["server"], row["strategy"])]
    sentences = [f"no cell of {name}" for name in _unknown(claim, rows)]
    columns = {column for column, _, _ in claim.conditions}
    if unknown := sorted(columns - set(rows[0] if rows else ())):
        return [*sentences, *(f"no column {column}" for column in unknown)]
    for row in cells:
        for column, sign, value in claim.conditions:
            if not holds(row, column, sign, value):
                found = _said(of_rounds(row, column))
                sentences.append(f"{row['server']} × {row['strategy']}: {column} is {found}, not {sign} {value}")
    return sentences


def holds(row: Mapping[str, str], column: str, sign: str, value: str) -> bool:
    """Whether the condition holds in all rounds of a cell."""
    if sign == "!=" and f"{column}{LEAST}" in row:
        # The rounds between the least and the greatest are unknown.
        return holds(row, column, "<", value) or holds(row, column, ">", value)
    return all(found != "" and OPERATORS[sign](*_alike(found, value)) for found in of_rounds(row, column))


def of_rounds(row: Mapping[str, str], column: str) -> list[str]:
    """The values of a column in the rounds of a cell, of a number only the least and the greatest."""
    if column in EACH:
        return row[EACH[column]].split(BETWEEN)
    if f"{column}{LEAST}" in row:
        return [row[f"{column}{LEAST}"], row[f"{column}{GREATEST}"]]
    return [row[column]]


def _said(values: Sequence[str]) -> str:
    return " to ".join(dict.fromkeys(values)) or "empty"


def _unknown(claim: Claim, rows: Sequence[Mapping[str, str]]) -> list[str]:
    servers, strategies = {row["server"] for row in rows} | {"*"}, {row["strategy"] for row in rows} | {"*"}
    return [*sorted({*claim.servers} - servers), *sorted({*claim.strategies} - strategies)]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _has(names: Sequence[str], name: str) -> bool:
    return "*" in names or name in names


def _alike(cell: str, value: str) -> tuple[float | str, float | str]:
    """As numbers where the claim has one, else as words."""
    try:
        return float(cell), float(value)
    except ValueError:
        return cell, value
