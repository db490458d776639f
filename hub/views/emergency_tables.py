"""Reads the tables of the 急変時 page (`data_emergency/*.csv`), once, checked when read."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from schemas.adapter import BASE

Row = Mapping[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Give the rows of a table in the file's order; raise ValueError when a row is ragged or names no source."""
    text = files("hub").joinpath(f"views/data_emergency/{name}.csv").read_text(encoding="utf-8")
    found = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        if None in row or None in row.values() or not row.get("source"):
            raise ValueError(f"{name}.csv line {number}: a column is missing, or there is no source")
        found.append(row)
    return tuple(found)


@cache
def keyed(name: str, column: str) -> Mapping[str, Row]:
    """Give a table by the values of one column; the first row of a value holds."""
    found: dict[str, Row] = {}
    for row in rows(name):
        found.setdefault(row[column], row)
    return found


@cache
def grouped(name: str, column: str) -> Mapping[str, tuple[Row, ...]]:
    """Give a table's rows by the values of one column, in the file's order."""
    found: dict[str, tuple[Row, ...]] = {}
    for row in rows(name):
        found[row[column]] = (*found.get(row[column], ()), row)
    return found


def same(system: str, wanted: str) -> bool:
    """Say whether a coding's system is the one of a table's row: `local` is this project's own, `*` any."""
    return wanted in {"*", system} or (wanted == "local" and (system.startswith(BASE) or not system))


def plain(text: str) -> str:
    """Fold width, case and blanks, so that two spellings of the same words compare equal."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
