"""Reads the tables of the synthetic region (`data/`), once; every person, office, street and number in them is invented."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

Row = Mapping[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Give the rows of `data/<name>.csv` in the file's order; raise ValueError when a row is ragged."""
    found = []
    text = files("hub").joinpath(f"demo/region/data/{name}.csv").read_text(encoding="utf-8")
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        if None in row or None in row.values():
            raise ValueError(f"{name}.csv line {number}: a column is missing or there is one too many")
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
def tree(name: str) -> Any:
    """Give the content of `data/<name>.json`. Not to be changed by whoever reads it."""
    return orjson.loads(files("hub").joinpath(f"demo/region/data/{name}.json").read_bytes())


@cache
def case_names() -> tuple[str, ...]:
    """Give the names of the persons of the story (`data/cases/*.json`) in their order."""
    folder = files("hub").joinpath("demo/region/data/cases")
    return tuple(sorted(one.name.removesuffix(".json") for one in folder.iterdir() if one.name.endswith(".json")))


def office(alias: str) -> Row:
    """Give an organization's row by the short name that the tables use."""
    return keyed("organizations", "alias")[alias]


def code(alias: str) -> str:
    """Give an organization's ten-character code."""
    return office(alias)["code"]
