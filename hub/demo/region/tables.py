"""Reads the tables of the synthetic region (`data/`), once; every person, office, street and number in them is invented."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from schemas.tables import Row, Tables

__all__ = ["Row", "case_names", "code", "keyed", "office", "rows", "tree"]
_TABLES = Tables("hub", "demo/region/data", sourced=False)
rows, keyed = _TABLES.rows, _TABLES.keyed


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
