"""To which class of data a resource belongs (consent-and-audit facts §1.11): S summary, C clinical detail, K care data, F family, D directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from consent.labels import group_of
from consent.tables import rows

_KEPT = 16_384


@dataclass(frozen=True, slots=True)
class DataClass:
    """A class and the part of it: `C` and `lab`."""

    name: str
    part: str


@cache
def _by_type() -> Mapping[str, DataClass]:
    return {kind: DataClass(row["class"], row["part"]) for row in rows("classes") if not row["system"] for kind in row["types"].split("|")}


@cache
def _by_code() -> Mapping[str, tuple[tuple[str, frozenset[str], DataClass], ...]]:
    found: dict[str, tuple[tuple[str, frozenset[str], DataClass], ...]] = {}
    for row in rows("classes"):
        if row["system"]:
            made = (row["system"], frozenset(row["codes"].split()), DataClass(row["class"], row["part"]))
            for kind in row["types"].split("|"):
                found[kind] = (*found.get(kind, ()), made)
    return found


def data_class(resource_type: str, codes: frozenset[str]) -> DataClass | None:
    """Give the class of a resource by type and `system|code`; None when no row names its type."""
    if resource_type in _by_code():
        return _coded(resource_type, codes)
    return _by_type().get(resource_type)


@lru_cache(maxsize=_KEPT)
def _coded(resource_type: str, codes: frozenset[str]) -> DataClass | None:
    for system, wanted, made in _by_code()[resource_type]:
        for text in codes:
            url, _, code = text.rpartition("|")
            if group_of(url) == system and ("*" in wanted or code in wanted):
                return made
    return _by_type().get(resource_type)
