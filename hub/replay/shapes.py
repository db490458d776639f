"""Tables as their definitions tell of them: columns and primary key, read in the order of that key, and compared row for row.

Both sides may lie in different engines: PostgreSQL and SQLite order integers, bytes and our texts alike (`hub.log.dialect`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from types import ModuleType
from typing import Any

from hub.log.store import Tx

BATCH = 2_000
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*)\)(?: WITHOUT ROWID)?\s*", re.DOTALL)
_KEY = re.compile(r"PRIMARY KEY \((.*)\)")
_PARTS = re.compile(r",\s*(?![^()]*\))")
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: its columns as statements name them, and those of its primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


def shape(definition: str) -> Shape | None:
    """Read the definition of a table; None for any other statement."""
    match = _TABLE.fullmatch(definition.strip())
    if match is None:
        return None
    columns, key = [], ()  # type: tuple[list[str], tuple[str, ...]]
    for part in _PARTS.split(match[2]):
        if found := _KEY.fullmatch(part.strip()):
            key = tuple(c.strip() for c in found[1].split(","))
        elif not part.strip().startswith("UNIQUE"):
            name = part.split()[0]
            columns.append(name)
            if "PRIMARY KEY" in part:
                key = (name,)
    return Shape(match[1], tuple(columns), key)


def of_view(view: ModuleType) -> list[Shape]:
    """Give the tables of a view."""
    return [made for made in map(shape, view.SCHEMA) if made is not None and made.name in view.TABLES]


def definitions(view: ModuleType) -> list[str]:
    """Give the statements that make a view's tables and their indexes; others of the same module are not its own."""
    names = "|".join(view.TABLES)
    return [s for s in view.SCHEMA if re.search(rf"(?:EXISTS|ON) (?:{names}) \(", s)]


def indexes(view: ModuleType) -> list[str]:
    """Give those of them that make an index."""
    return [s for s in definitions(view) if shape(s) is None]


def batches(tx: Tx, table: Shape) -> Iterator[list[Row]]:
    """Give all rows in the order of the primary key, some at a time."""
    columns, key = ", ".join(table.columns), ", ".join(table.key)
    at = [table.columns.index(name) for name in table.key]
    begin = f"SELECT {columns} FROM {table.name}"
    further = f"{begin} WHERE ({key}) > ({','.join('?' * len(at))})"
    rows = tx.all(f"{begin} ORDER BY {key} LIMIT ?", (BATCH,))
    while rows:
        yield [tuple(row) for row in rows]
        rows = tx.all(f"{further} ORDER BY {key} LIMIT ?", (*(rows[-1][i] for i in at), BATCH)) if len(rows) == BATCH else []


def differing(one: Tx, other: Tx, table: Shape) -> tuple[int, int]:
    """Count the rows of `other`, and the primary keys under which the two hold different rows or only one holds a row."""
    at = [table.columns.index(name) for name in table.key]

    def key(row: Row) -> Row:
        return tuple(row[i] for i in at)

    left, right = batches(one, table), batches(other, table)
    old, new = next(left, []), next(right, [])
    alike = 0
    while old == new and old:  # as far as all is well, batch by batch
        alike += len(old)
        old, new = next(left, []), next(right, [])
    count, unlike = _merged(chain(old, chain.from_iterable(left)), chain(new, chain.from_iterable(right)), key)
    return alike + count, unlike


def _merged(left: Iterator[Row], right: Iterator[Row], key: Callable[[Row], Row]) -> tuple[int, int]:
    count = unlike = 0
    old, new = next(left, None), next(right, None)
    while old is not None or new is not None:
        if new is None or (old is not None and key(old) < key(new)):
            old, unlike = next(left, None), unlike + 1
        elif old is None or key(new) < key(old):
            new, unlike, count = next(right, None), unlike + 1, count + 1
        else:
            unlike += old != new
            old, new, count = next(left, None), next(right, None), count + 1
    return count, unlike
