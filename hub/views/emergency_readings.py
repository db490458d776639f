"""Reads measurements out of Observations: a sign, its time, its value in the table's unit, and whether the visit was an urgent one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from hub.views.ages import moment
from hub.views.emergency_read import Shelf, coded, codings, has_code, number, text, walk, words
from hub.views.emergency_tables import Row, keyed, rows
from hub.views.shapes import Known

TOGETHER = timedelta(hours=1)
"""Measurements within this time of the newest one are one set."""
_READ = frozenset({"final", "amended", "corrected", "preliminary"})
_JCS = re.compile(r"(?:JCS)?(?:(?:III|II|I)-)?(\d{1,3})[RIA]*")


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one key (`vitals.csv`, or jcs, acvpu, gcs, spo2_scale, o2_on), in the table's unit."""

    key: str
    at: datetime
    value: Decimal
    shown: str
    known: Known
    urgent: bool = False


def readings_of(shelf: Shelf, one: Known) -> Iterator[Reading]:
    """Give the values of one Observation and its components; what is undated, in the future, in an unknown unit or past all limits is none."""
    if text(one.body, "status") not in _READ:
        return
    at = _at(one)
    if at is None or at > shelf.now + TOGETHER:
        return
    urgent = _urgent(shelf, one)
    for part in [one.body, *walk(one.body, "component")]:
        for concept in walk(part, "code"):
            row = coded(concept, "vital_codes")
            if row is not None and (value := _value(row["key"], part)) is not None:
                yield Reading(row["key"], at, value[0], value[1], one, urgent)
                break


def _at(one: Known) -> datetime | None:
    for path in ("effectiveDateTime", "effectiveInstant", "effectivePeriod.start", "issued"):
        found = moment(text(one.body, path))
        if found is not None:
            return found.start
    return None


def _urgent(shelf: Shelf, one: Known) -> bool:
    visit = shelf.find(next(walk(one.body, "encounter"), None), one)
    return visit is not None and has_code(visit.body, "priority", "EM", "UR", "S")


def _value(key: str, part: Any) -> tuple[Decimal, str] | None:
    if key in {"jcs", "acvpu"}:
        return _stage(key, part)
    if key == "o2_on":
        said = _flag(part)
        return None if said is None else (Decimal(said), "")
    raw = number(part, "valueQuantity.value") or number(part, "valueInteger") or text(part, "valueString") or _code(part)
    try:
        value = Decimal(unicodedata.normalize("NFKC", raw))
    except InvalidOperation:
        return None
    if not value.is_finite() or text(part, "valueQuantity.comparator"):
        return None
    row = keyed("vitals", "key").get(key)
    if row is None:
        return value, f"{value.normalize():f}"
    unit = text(part, "valueQuantity.code") or text(part, "valueQuantity.unit")
    fits = [u for u in rows("vital_units") if u["key"] == key and u["unit"] in {unit, text(part, "valueQuantity.unit")}]
    if unit and not fits:
        return None
    if fits:
        value = value * Decimal(fits[0]["factor"]) + Decimal(fits[0]["offset"])
    if not Decimal(row["low"]) <= value <= Decimal(row["high"]):
        return None
    return value, rounded(value, row)


def rounded(value: Decimal, row: Row) -> str:
    """Write a value with the digits of its sign."""
    return str(value.quantize(Decimal(1).scaleb(-int(row["digits"])), rounding=ROUND_HALF_UP))


def _code(part: Any) -> str:
    return next((code for concept in walk(part, "valueCodeableConcept") for _, code, _ in codings(concept) if code), "")


def _flag(part: Any) -> int | None:
    for path in ("valueBoolean", "valueInteger"):
        for found in walk(part, path):
            return int(bool(found))
    said = (text(part, "valueString") or _code(part)).casefold()
    return {"1": 1, "true": 1, "y": 1, "0": 0, "false": 0, "n": 0}.get(said)


def _stage(scale: str, part: Any) -> tuple[Decimal, str] | None:
    said = [number(part, "valueInteger"), number(part, "valueQuantity.value"), text(part, "valueString"), _code(part)]
    said += [words(concept) for concept in walk(part, "valueCodeableConcept")]
    for raw in said:
        folded = unicodedata.normalize("NFKC", raw).upper().replace(" ", "").replace("‐", "-").replace("−", "-")
        matched = _JCS.fullmatch(folded) if scale == "jcs" else None
        wanted = matched.group(1) if matched else folded
        for row in rows("consciousness"):
            if row["scale"] == scale and row["text"] == wanted:
                return Decimal(row["rank"]), row["show"]
    return None
