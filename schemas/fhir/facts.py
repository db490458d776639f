"""What search and the consent decision need to know of a resource, read by tables: data/fhir/facts.json, compartments.json, search.json."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import orjson

JST = timezone(timedelta(hours=9), "JST")
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_LEAP_SECOND = re.compile(r"(T\d{2}:\d{2}):60")
_TO_PATIENT = re.compile(
    r"(?:https?://\S+/)?Patient(?:/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?|\?\S+)|urn:(?:uuid|oid|tsunagu:Patient):\S+"
)
_TYPED = re.compile(
    r"(?:.*/)?([A-Z][A-Za-z]+)(?:/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?|\?\S+)|urn:tsunagu:([A-Za-z]+):\S+"
)
_UNTYPED = re.compile(r"urn:(?:uuid|oid):\S+")

Days = tuple[date | None, date | None]
Steps = tuple[str, ...]


@cache
def _table(name: str) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(files("schemas").joinpath(f"data/fhir/{name}.json").read_bytes())
    return read


def at(value: Any, path: str, place: str = "") -> Iterator[tuple[str, Any]]:
    """Follow a path of element names through objects and lists: (place, what stands there), in the order of the text."""
    name, _, rest = path.partition(".")
    here = value.get(name) if isinstance(value, dict) else None
    if here is None:
        return
    where = f"{place}.{name}" if place else name
    found = [(f"{where}[{i}]", one) for i, one in enumerate(here)] if isinstance(here, list) else [(where, here)]
    for spot, one in found:
        if rest:
            yield from at(one, rest, spot)
        elif one is not None:
            yield spot, one


@cache
def _steps(path: str) -> Steps:
    return tuple(path.split("."))


@cache
def _rows(table: str, name: str, resource_type: str) -> tuple[Steps, ...]:
    """Give a table's paths for a type, taken apart once."""
    rows = _table(table)[name]
    return tuple(_steps(path) for path in rows.get(resource_type, rows.get("*", ())))


def values(value: Any, path: str) -> list[Any]:
    """Give what stands at a path as `at` does, without the places: most callers need none, and it is five times as fast."""
    if not isinstance(value, dict) or (steps := _steps(path))[0] not in value:
        return []
    return _found(value, steps)


def _found(value: dict[str, Any], steps: Steps) -> list[Any]:
    here = value.get(steps[0])
    if here is None:
        return []
    found = [i for i in here if i is not None] if isinstance(here, list) else [here]
    for name in steps[1:]:
        deeper: list[Any] = []
        for one in found:
            if isinstance(one, dict) and (inner := one.get(name)) is not None:
                if isinstance(inner, list):
                    deeper += [i for i in inner if i is not None]
                else:
                    deeper.append(inner)
        found = deeper
    return found


def patient_references(resource_type: str, value: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the references that put a resource in a Patient compartment (R4 compartment definition; Task and documents by this hub's rule).

    Only such as point to a Patient or, being a URN, may: (`subject`, `Patient/1`). Authors and receivers are among them: whose data it
    is say `subject_references`.
    """
    return _patients(resource_type, value, "member")


def subject_references(resource_type: str, value: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the references that say whose data the resource is: subject, patient, beneficiary, for."""
    return _patients(resource_type, value, "about")


def _patients(resource_type: str, value: dict[str, Any], kind: str) -> list[tuple[str, str]]:
    if resource_type == "Bundle":
        return _of_document(value, kind)
    found: list[tuple[str, str]] = []
    for steps in _rows("compartments", kind, resource_type):
        if steps[0] not in value:
            continue
        texts = _plain(value, steps)
        if not any(map(_may_be_patient, texts)):
            continue
        if len(steps) == 1 and isinstance(value[steps[0]], dict):  # `subject` and its like: the place is the path
            found.append((steps[0], texts[0]))
        else:
            found += [(place, text) for place, text in _texts(value, ".".join(steps)) if _may_be_patient(text)]
    return found


@lru_cache(4_096)
def _may_be_patient(text: str) -> bool:
    return _TO_PATIENT.fullmatch(text) is not None


def _of_document(value: dict[str, Any], kind: str) -> list[tuple[str, str]]:
    """Take a document for its Composition's, which stands first (R4 §2.2, bdl-11)."""
    entries = value.get("entry")
    first = entries[0].get("resource") if value.get("type") == "document" and entries else None
    if not isinstance(first, dict) or first.get("resourceType") != "Composition":
        return []
    return [(f"entry[0].resource.{place}", text) for place, text in _patients("Composition", first, kind)]


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    for place, reference in at(value, path):
        text = reference.get("reference") if isinstance(reference, dict) else None
        if isinstance(text, str):
            yield place, text


def _plain(value: dict[str, Any], steps: Steps) -> list[str]:
    here = value.get(steps[0])
    if here is None:
        return []
    found = [here] if len(steps) == 1 and isinstance(here, dict) else _found(value, steps)
    return [text for one in found if isinstance(one, dict) and isinstance(text := one.get("reference"), str)]


def identifiers(value: dict[str, Any]) -> list[tuple[str, str]]:
    """Give (system, value) of the identifiers by which search finds the resource; system is empty when it has none."""
    return [
        (str(one.get("system", "")), one["value"])
        for steps in _identifying(str(value.get("resourceType")))
        if steps[0] in value
        for one in _found(value, steps)
        if isinstance(one, dict) and isinstance(one.get("value"), str)
    ]


@lru_cache(512)
def _identifying(resource_type: str) -> tuple[Steps, ...]:
    row = _table("search").get(resource_type, {}).get("identifier", {"paths": ["identifier"]})
    return tuple(_steps(path) for path in row["paths"])


def main_codes(resource_type: str, value: dict[str, Any]) -> frozenset[str]:
    """Give `system|code` of what the resource is about: its code, drug, vaccine or kind of document; a contained drug's too."""
    codings = [c for steps in _coded(resource_type) if steps[0] in value for c in _found(value, steps)]
    drug = value.get("medicationReference")
    if isinstance(drug, dict) and str(drug.get("reference", "")).startswith("#"):
        inside = [c for c in value.get("contained", ()) if isinstance(c, dict) and c.get("id") == drug["reference"][1:]]
        codings += [c for one in inside for c in values(one, "code.coding")]
    return frozenset([f"{c.get('system', '')}|{c['code']}" for c in codings if isinstance(c, dict) and "code" in c])


@cache
def _coded(resource_type: str) -> tuple[Steps, ...]:
    return tuple((*steps, "coding") for steps in _rows("facts", "codes", resource_type))


def clinical_days(resource_type: str, value: dict[str, Any]) -> Days:
    """Give the first and last day (both inclusive, in Japan) of what the resource tells; None = unknown. Never from meta.lastUpdated.

    Partial dates are widened: 2019 is 2019-01-01 to 2019-12-31, and a period with no end has None as its last day.
    """
    for row in _day_rows(resource_type):
        if len(row) == 1 and row[0][0] not in value:  # the commonest: nothing stands there
            continue
        told = [_found(value, steps) for steps in row]
        if not any(told):
            continue
        spans = [_span(found) for found in told]
        begins = spans[0][0]
        ends = spans[-1][1] or (spans[0][1] if len(spans) > 1 else None)
        if begins or ends:
            return begins, ends
    return None, None


@cache
def _day_rows(resource_type: str) -> tuple[tuple[Steps, ...], ...]:
    return tuple(tuple(_steps(path) for path in row) for row in _table("facts")["days"].get(resource_type, ()))


def _span(told: list[Any]) -> Days:
    """Give the earliest and the latest day of dates, periods and timings."""
    if not told:
        return None, None
    if len(told) == 1 and isinstance(told[0], str):
        return days_of(told[0])
    days = [d for v in told for d in _days(v)]
    begins = [b for b, _ in days if b]
    ends = [e for _, e in days]
    return min(begins, default=None), None if not ends or None in ends else max(e for e in ends if e)


def _days(value: Any) -> list[Days]:
    if isinstance(value, str):
        return [days_of(value)]
    if not isinstance(value, dict):
        return []
    if "start" in value or "end" in value:
        start, end = value.get("start"), value.get("end")
        return [(days_of(start)[0] if start else None, days_of(end)[1] if end else None)]
    return [d for v in (*value.get("event", ()), *values(value, "repeat.boundsPeriod")) for d in _days(v)]


@lru_cache(16_384)
def days_of(text: str) -> Days:
    """Give the first and last day in Japan that a date, dateTime or instant may mean; (None, None) when it is none of these."""
    partial = _PARTIAL.fullmatch(text)
    try:
        if partial is None:
            day = datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", text)).astimezone(JST).date()
            return day, day
        year, month, day_of_month = int(partial[1]), int(partial[2] or 0), int(partial[3] or 0)
        first = date(year, month or 1, day_of_month or 1)
    except (ValueError, OverflowError):
        return None, None
    if day_of_month:
        return first, first
    if not month:
        return first, date(year, 12, 31)
    return first, date(year, 12, 31) if month == 12 else date(year, month + 1, 1) - timedelta(days=1)


def author(resource_type: str, value: dict[str, Any]) -> str:
    """Give the reference of who wrote the resource; empty when it does not say."""
    for steps in _rows("facts", "authors", resource_type):
        if steps[0] in value:
            for text in _plain(value, steps):
                return text
    return ""


def related(resource_type: str, value: dict[str, Any]) -> frozenset[str]:
    """Give the references to the Encounter, EpisodeOfCare and CarePlan that the resource hangs on; a URN counts unless it names another type."""
    found = [
        text
        for steps in _rows("facts", "related", resource_type)
        if steps[0] in value
        for text in _plain(value, steps)
        if _is_related(text, plainly=steps[0] == "basedOn")
    ]
    return frozenset(found)


@lru_cache(4_096)
def _is_related(text: str, *, plainly: bool) -> bool:
    typed = _TYPED.fullmatch(text)
    if typed and (typed[1] or typed[2]) in _table("facts")["related_types"]:
        return True
    return not plainly and _UNTYPED.fullmatch(text) is not None


def profiles(value: dict[str, Any]) -> frozenset[str]:
    """Give the profiles that the resource claims (meta.profile), with their versions if they have one."""
    meta = value.get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    return frozenset([p for p in claimed if isinstance(p, str)]) if isinstance(claimed, list) else frozenset()
