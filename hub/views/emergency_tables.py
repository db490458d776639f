"""Reads the tables of the 急変時 page (`data_emergency/*.csv`), once, checked when read."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache

from schemas.adapter import BASE
from schemas.tables import Row, Tables

__all__ = ["Row", "folded_word", "grouped", "keyed", "plain", "rows", "same"]
_TABLES = Tables("hub", "views/data_emergency")
rows, grouped = _TABLES.rows, _TABLES.grouped


@cache
def keyed(name: str, column: str) -> Mapping[str, Row]:
    """Give a table by the values of one column; the first row of a value holds."""
    return {value: found[0] for value, found in grouped(name, column).items()}


def same(system: str, wanted: str) -> bool:
    """Say whether a coding's system is the one of a table's row: `local` is this project's own, `*` any."""
    return wanted in {"*", system} or (wanted == "local" and (system.startswith(BASE) or not system))


def plain(text: str) -> str:
    """Fold width, case and blanks, so that two spellings of the same words compare equal."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(4_096)
def folded_word(word: str) -> str:
    """Fold a word of a table once for all persons; never for words of a person, which must not stay in memory."""
    return plain(word)
