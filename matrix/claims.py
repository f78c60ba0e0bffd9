"""The claims that a text makes about the table, and whether its rows bear them out.

A claim stands in the Markdown beside its sentence, as a comment that only we read:

    <!-- cells: nginx, apache × atomic, ln: lost == 0 -->

`*` means all of them; several conditions are separated by commas, and each must hold in every cell.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COMMENT = re.compile(r"<!-- cells: (.+?) × (.+?): (.+?) -->", re.DOTALL)

CONDITION = re.compile(r"(\w+) (==|!=|>|<) (.+)")

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Claim:
    """In every cell of these servers and ways the conditions (column, operator, value) hold."""

    servers: tuple[str, ...]
    ways: tuple[str, ...]
    conditions: tuple[tuple[str, str, str], ...]


def claims(text: str) -> list[Claim]:
    """The claims of a text; ValueError when a comment cannot be read."""
    found = []
    comments = COMMENT.findall(text)
    if len(comments) < text.count("<!-- cells"):
        raise ValueError("a claim is not of the form <!-- cells: SERVERS × WAYS: CONDITIONS -->")
    for servers, ways, conditions in comments:
        parts = [CONDITION.fullmatch(part.strip()) for part in conditions.split(",")]
        if not all(parts):
            raise ValueError(f"no condition: {conditions}")
        found.append(Claim(_names(servers), _names(ways), tuple(part.groups() for part in parts if part)))  # type: ignore[misc] # three groups
    return found


def refuted(claim: Claim, rows: Sequence[Mapping[str, str]]) -> list[str]:
    """A sentence for each cell that says otherwise, and one when there is no such cell."""
    cells = [row for row in rows if _has(claim.servers, row["server"]) and _has(claim.ways, row["way"])]
    sentences = [f"no cell of {name}" for name in _unknown(claim, rows)]
    columns = {column for column, _, _ in claim.conditions}
    if unknown := sorted(columns - set(rows[0] if rows else ())):
        return [*sentences, *(f"no column {column}" for column in unknown)]
    for row in cells:
        for column, sign, value in claim.conditions:
            if not OPERATORS[sign](*_alike(row[column], value)):
                sentences.append(f"{row['server']} × {row['way']}: {column} is {row[column]}, not {sign} {value}")
    return sentences


def _unknown(claim: Claim, rows: Sequence[Mapping[str, str]]) -> list[str]:
    servers, ways = {row["server"] for row in rows} | {"*"}, {row["way"] for row in rows} | {"*"}
    return [*sorted({*claim.servers} - servers), *sorted({*claim.ways} - ways)]


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
