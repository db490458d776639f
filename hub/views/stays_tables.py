"""Reads the tables of the 入退院 view (`data_stays/*.csv`), once, checked when read."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from hub.views.emergency_tables import Row


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Give the rows of a table in the file's order; raise ValueError when a row is ragged or names no source."""
    text = files("hub").joinpath(f"views/data_stays/{name}.csv").read_text(encoding="utf-8")
    found = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        if None in row or None in row.values() or not row.get("source"):
            raise ValueError(f"{name}.csv line {number}: a column is missing, or there is no source")
        found.append(row)
    return tuple(found)


@cache
def keyed(name: str, column: str) -> Mapping[str, Row]:
    """Give a table by the values of one column; raise ValueError when a value stands twice."""
    found = {row[column]: row for row in rows(name)}
    if len(found) != len(rows(name)):
        raise ValueError(f"{name}.csv: a value of {column} stands twice")
    return found
