"""The tables in `data/`: read once, looked up by their first column."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

Row = Mapping[str, str]


@cache
def rows(table: str) -> tuple[Row, ...]:
    """Give the rows of `data/<table>.csv` in their order; raise ValueError when a row has too few or too many columns."""
    text = files("adapters.hospital").joinpath(f"data/{table}.csv").read_text(encoding="utf-8")
    found = tuple(csv.DictReader(text.splitlines()))
    if any(None in row or None in row.values() for row in found):
        raise ValueError(f"{table}.csv has a row of another width")
    return found


@cache
def keyed(table: str) -> Mapping[str, Row]:
    """Give the rows of a table by the value of its first column; raise ValueError when one stands twice."""
    found = {next(iter(row.values())): row for row in rows(table)}
    if len(found) < len(rows(table)):
        raise ValueError(f"{table}.csv names something twice")
    return found


def look(table: str, code: str, column: str) -> str:
    """Give one cell; empty when the code is in no row."""
    row = keyed(table).get(code)
    return row[column] if row else ""
