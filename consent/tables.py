"""Reads the tables of this package (`consent/data/`), once, checked when read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from schemas.tables import Row, Tables

__all__ = ["Row", "keyed", "meanings", "parse", "rows"]
_TABLES = Tables("consent", "data")
rows, keyed, parse = _TABLES.rows, _TABLES.keyed, _TABLES.parse


@cache
def meanings(kind: str) -> Mapping[str, str]:
    """Give a closed set of codes: `system|code` → its meaning here."""
    return {f"{row['system']}|{row['code']}": row["meaning"] for row in rows("codes") if row["set"] == kind}
