"""Reads the tables of this package (`consent/data/`), once, checked when read."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Row = Mapping[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Give the rows of a table in the file's order; raise ValueError when a row is ragged or names no source."""
    return parse(name, files("consent").joinpath(f"data/{name}.csv").read_text(encoding="utf-8"))


def parse(name: str, text: str) -> tuple[Row, ...]:
    """Read a table from its text; see `rows`."""
    found = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        if None in row or None in row.values() or not row.get("source"):
            raise ValueError(f"{name}.csv line {number}: a column is missing, or there is no source")
        found.append(row)
    return tuple(found)


@cache
def keyed(name: str, column: str) -> Mapping[str, Row]:
    """Give a table by the values of one column; raise ValueError when a value stands twice."""
    found: dict[str, Row] = {}
    for row in rows(name):
        if row[column] in found:
            raise ValueError(f"{name}.csv: {row[column]} stands twice")
        found[row[column]] = row
    return found


@cache
def meanings(kind: str) -> Mapping[str, str]:
    """Give a closed set of codes: `system|code` → its meaning here."""
    return {f"{row['system']}|{row['code']}": row["meaning"] for row in rows("codes") if row["set"] == kind}


@cache
def tree(name: str) -> Mapping[str, Any]:
    """Give a JSON file as its tree."""
    found: Mapping[str, Any] = json.loads(files("consent").joinpath(f"data/{name}.json").read_text(encoding="utf-8"))
    return found
