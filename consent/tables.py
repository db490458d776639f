"""Reads the tables of this package (`consent/data/`), once, checked when read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from schemas.tables import Row, Tables

__all__ = ["Row", "keyed", "meanings", "parse", "rows", "tree"]
_TABLES = Tables("consent", "data")
rows, keyed, parse = _TABLES.rows, _TABLES.keyed, _TABLES.parse


@cache
def meanings(kind: str) -> Mapping[str, str]:
    """Give a closed set of codes: `system|code` → its meaning here."""
    return {f"{row['system']}|{row['code']}": row["meaning"] for row in rows("codes") if row["set"] == kind}


@cache
def tree(name: str) -> Mapping[str, Any]:
    """Give a JSON file as its tree."""
    found: Mapping[str, Any] = json.loads(files("consent").joinpath(f"data/{name}.json").read_text(encoding="utf-8"))
    return found
