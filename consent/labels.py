"""How sensitive a resource is: from its codes, by `data/labels.csv`, and from the sender's own label. What no row names is unknown, not N.

Rows of the table: with a system they speak of a code, without one of a resource type as such. Of the rows that fit a code the most exact
holds (a longer code before a shorter, a code before a range, a narrow range before a wide one); over several codes the highest. `?` says
that the code may reveal what the table cannot tell: the resource stays unknown whatever its other codes are.

The table is dated: a row holds from the edition `since` (empty = the first) and until the one before `until` (empty = it still does). Editions
are named for their first day and listed in `data/label_editions.csv`; earlier ones are kept, so that what was decided by them can be decided
again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from consent.ask import Labels
from consent.rules import CONFIDENTIALITY
from consent.tables import rows
from schemas.fhir.facts import values

_ICD = re.compile(r"[A-Z][0-9]{2}(\.?[0-9A-Z]{1,4})?")
_CATEGORY = 3
_HIGH = {"R", "V"}
_KEPT = 16_384


@dataclass(frozen=True, slots=True)
class _Row:
    """One pattern of a row. `exact` sorts: the largest holds."""

    types: frozenset[str]
    kinds: frozenset[str]
    low: str
    high: str
    """Range of ICD-10 categories; equal to `low` where it is none."""
    whole: bool
    """The code must be equal; otherwise it begins so."""
    exact: tuple[int, int]
    confidentiality: str
    sensitivities: frozenset[str]

    def fits(self, resource_type: str, kind: str, code: str) -> bool:
        if (self.types and resource_type not in self.types) or (self.kinds and kind not in self.kinds):
            return False
        if self.low != self.high:
            return self.low <= code[:_CATEGORY] <= self.high
        return code == self.low if self.whole else code.startswith(self.low)


@cache
def editions() -> tuple[str, ...]:
    """Give the editions of the table, oldest first."""
    return tuple(row["edition"] for row in rows("label_editions"))


def newest_edition() -> str:
    """Give the edition that holds now."""
    return editions()[-1]


def stricter(one: Labels, two: Labels) -> Labels:
    """Give the label that shows no more than either: unknown where one is unknown, else the higher level and all sensitivities of both."""
    if one == two:
        return one
    levels = (one.confidentiality, two.confidentiality)
    kinds = (one.sensitivities, two.sensitivities)
    return Labels(
        None if None in levels else _highest(frozenset(x for x in levels if x is not None)),
        None if None in kinds else frozenset[str]().union(*(x for x in kinds if x is not None)),
    )


def label(resource_type: str, *, codes: frozenset[str], security: frozenset[str], custodian_kind: str = "", edition: str = "") -> Labels:
    """Give the label of a resource. `codes` and `security` (meta.security) are `system|code`; `edition` empty = the newest.

    The sender's label raises what the table says and never lowers it; where the table is silent, the sender's confidentiality holds and
    the sensitivities stay unknown unless the sender named some.
    """
    # a hospital's own codes are in no table, and many: without them the same few thousand questions come again
    spoken = frozenset([text for text in codes if group_of(text.rpartition("|")[0])])
    return _labelled(resource_type, spoken, security, custodian_kind, edition or newest_edition())


@lru_cache(maxsize=_KEPT)
def _labelled(resource_type: str, codes: frozenset[str], security: frozenset[str], custodian_kind: str, edition: str) -> Labels:
    levels, kinds, told = _by_table(resource_type, codes, custodian_kind, edition)
    stated, sensitive, understood = _by_sender(security)
    if not understood:
        return Labels(None, None)
    if "?" in levels:
        return Labels(_highest(stated), sensitive or None) if stated & _HIGH else Labels(None, None)
    if told:
        return Labels(_highest(levels | stated), kinds | sensitive)
    return Labels(_highest(stated), sensitive or None) if stated else Labels(None, None)


def label_codes(resource_type: str, body: Mapping[str, Any]) -> frozenset[str]:
    """Give `system|code` of the codings that a label hangs on besides the main code: reasons, departments, categories (`data/label_paths.csv`)."""
    return frozenset(
        [
            f"{coding.get('system', '')}|{coding['code']}"
            for path in _paths().get(resource_type, ())
            for concept in values(body, path)
            if isinstance(concept, dict)
            for coding in concept.get("coding", (concept,))
            if isinstance(coding, dict) and isinstance(coding.get("code"), str)
        ]
    )


def harms(tags: frozenset[str]) -> bool:
    """Say whether a tag (`system|code` of meta.tag) keeps a resource from the person: not told yet, or flagged by a doctor (Art. 33(2))."""
    return not tags.isdisjoint(_harmful())


def _by_table(resource_type: str, codes: frozenset[str], kind: str, edition: str) -> tuple[frozenset[str], frozenset[str], bool]:
    """Give confidentialities, sensitivities, and whether any row spoke."""
    levels: set[str] = set()
    kinds: set[str] = set()
    found = list(_of_type(resource_type, kind, edition))
    for text in codes:
        system, _, code = text.rpartition("|")
        row = _of_code(resource_type, kind, group_of(system), code, edition)
        if row is not None:
            found.append(row)
    for row in found:
        levels.add(row.confidentiality)
        kinds |= row.sensitivities
    return frozenset(levels), frozenset(kinds), bool(found)


@lru_cache(_KEPT)
def _of_type(resource_type: str, kind: str, edition: str) -> tuple[_Row, ...]:
    """Give the rows that speak of a type as such."""
    return tuple(row for row in _table(edition).get("", ()) if row.fits(resource_type, kind, ""))


@lru_cache(_KEPT)
def _of_code(resource_type: str, kind: str, group: str, code: str, edition: str) -> _Row | None:
    """Give the most exact row that fits one code; a few thousand codes come again and again."""
    if group == "icd10":
        code = code.upper()
        if not _ICD.fullmatch(code):
            return None
        code = code.replace(".", "")
    return max(
        (row for row in _table(edition).get(group, ()) if row.fits(resource_type, kind, code)), key=lambda row: row.exact, default=None
    )


def _by_sender(security: frozenset[str]) -> tuple[frozenset[str], frozenset[str], bool]:
    """Give confidentialities and sensitivities that the sender stated, and whether all of its labels are known."""
    levels: set[str] = set()
    kinds: set[str] = set()
    for text in security:
        row = _security().get(text)
        if row is None:
            return frozenset(), frozenset(), False
        levels |= {row["confidentiality"]} - {""}
        kinds |= set(row["sensitivities"].split("|")) - {""}
    return frozenset(levels), frozenset(kinds), True


def _highest(levels: frozenset[str]) -> str:
    return max(levels, key=CONFIDENTIALITY.__getitem__)


@lru_cache(_KEPT)
def group_of(system: str) -> str:
    """Give the group of a code system (`icd10`, `yj` …) by `data/systems.csv`; empty when it is in none."""
    longest, found = -1, ""
    for row in rows("systems"):
        fits = system == row["url"] if row["match"] == "exact" else system.startswith(row["url"])
        if fits and len(row["url"]) > longest:
            longest, found = len(row["url"]), row["group"]
    return found


@cache
def _table(edition: str) -> Mapping[str, tuple[_Row, ...]]:
    """Give the rows of an edition by group of code system; the group `` holds those that speak of a type as such."""
    found: dict[str, list[_Row]] = {}
    for row in rows("labels"):
        if row["since"] > edition or (row["until"] and row["until"] <= edition):
            continue
        for pattern in row["codes"].split() or [""]:
            found.setdefault(row["system"], []).append(_row(row, pattern))
    return {group: tuple(made) for group, made in found.items()}


def _row(row: Mapping[str, str], pattern: str) -> _Row:
    low, _, high = pattern.partition("-") if row["system"] == "icd10" else (pattern, "", "")
    begins = low.removesuffix("*")
    return _Row(
        types=frozenset() if row["types"] == "*" else frozenset(row["types"].split("|")),
        kinds=frozenset(filter(None, row["custodian_kinds"].split("|"))),
        low=begins,
        high=high or begins,
        whole=row["system"] not in {"icd10", ""} and begins == low,
        exact=(1, -_width(low, high)) if high else (2, len(begins) + (begins == low)),
        confidentiality=row["confidentiality"],
        sensitivities=frozenset(filter(None, row["sensitivities"].split("|"))),
    )


def _width(low: str, high: str) -> int:
    return (ord(high[0]) - ord(low[0])) * 100 + int(high[1:]) - int(low[1:])


@cache
def _security() -> Mapping[str, Mapping[str, str]]:
    return {f"{row['system']}|{row['code']}": row for row in rows("security")}


@cache
def _harmful() -> frozenset[str]:
    return frozenset(row["tag"] for row in rows("harm"))


@cache
def _paths() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in rows("label_paths"):
        found[row["type"]] = (*found.get(row["type"], ()), row["path"])
    return found
