"""Reads the tables of the officer's page and of AuditEvent (`data_audit/*.csv`), once, checked when read."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

Row = Mapping[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Give the rows of a table in the file's order; raise ValueError when a row is ragged or names no source."""
    text = files("hub").joinpath(f"views/data_audit/{name}.csv").read_text(encoding="utf-8")
    found = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        if None in row or None in row.values() or not row.get("source"):
            raise ValueError(f"{name}.csv line {number}: a column is missing, or there is no source")
        found.append(row)
    return tuple(found)


@cache
def keyed(name: str, *columns: str) -> Mapping[tuple[str, ...], Row]:
    """Give a table by the values of some columns; raise ValueError when they stand twice."""
    found = {tuple(row[column] for column in columns): row for row in rows(name)}
    if len(found) != len(rows(name)):
        raise ValueError(f"{name}.csv: values of {' and '.join(columns)} stand twice")
    return found


def words(name: str, key: str) -> str:
    """Say a code in Japanese by a table's first column; a code that the table lacks is said as it is, never left out."""
    column = next(iter(rows(name)[0]))
    row = keyed(name, column).get((key,))
    return row["ja"] if row else key
