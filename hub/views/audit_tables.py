"""Reads the tables of the officer's page and of AuditEvent (`data_audit/*.csv`), once, checked when read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from schemas.tables import Row, Tables

__all__ = ["Row", "keyed", "rows", "words"]
rows = Tables("hub", "views/data_audit").rows


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
