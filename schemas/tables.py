"""Tables that an expert could review: CSV files of a package, read once and checked when read."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

Row = Mapping[str, str]


class Tables:
    """The tables of one folder of a package. With `sourced` each row must say where it comes from (column `source`)."""

    def __init__(self, package: str, folder: str, *, sourced: bool = True) -> None:
        self._package, self._folder, self._sourced = package, folder, sourced
        self.rows = cache(self._rows)
        self.keyed = cache(self._keyed)
        self.grouped = cache(self._grouped)

    def parse(self, name: str, text: str) -> tuple[Row, ...]:
        """Read a table from its text; raise ValueError when a row is ragged or names no source."""
        found = []
        for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
            if None in row or None in row.values() or (self._sourced and not row.get("source")):
                raise ValueError(f"{name}.csv line {number}: a column is missing, or there is no source")
            found.append(row)
        return tuple(found)

    def _rows(self, name: str) -> tuple[Row, ...]:
        """Give the rows of a table in the file's order."""
        return self.parse(name, files(self._package).joinpath(f"{self._folder}/{name}.csv").read_text(encoding="utf-8"))

    def _keyed(self, name: str, column: str) -> Mapping[str, Row]:
        """Give a table by the values of one column; raise ValueError when a value stands twice."""
        found: dict[str, Row] = {}
        for row in self.rows(name):
            if row[column] in found:
                raise ValueError(f"{name}.csv: {row[column]} stands twice")
            found[row[column]] = row
        return found

    def _grouped(self, name: str, column: str) -> Mapping[str, tuple[Row, ...]]:
        """Give a table's rows by the values of one column, in the file's order."""
        found: dict[str, tuple[Row, ...]] = {}
        for row in self.rows(name):
            found[row[column]] = (*found.get(row[column], ()), row)
        return found
