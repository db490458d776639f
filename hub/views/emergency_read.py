"""Reads opened FHIR resources for the 急変時 page: tolerant of whatever is missing, and never without date and source.

Nothing here trusts a shape: custodians send what they have, and a page for an emergency shows the rest of a person when one element is odd.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from hub.views.ages import JST, Moment, is_old, moment, relative
from hub.views.emergency_tables import grouped, plain, rows, same
from hub.views.shapes import Chip, Differing, Known, Line, Office
from schemas.adapter import link
from schemas.fhir.facts import values

_IN_ERROR = "entered-in-error"


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that is known of one person, newest first, found by type and by reference."""

    known: tuple[Known, ...]
    now: datetime
    offices: Mapping[str, Office]
    by_reference: Mapping[str, Known] = field(default_factory=dict)
    _by_type: dict[str, list[Known]] = field(default_factory=dict, repr=False, compare=False)

    def of(self, *types: str) -> list[Known]:
        """Give the resources of these types, newest first; those of the same age in a fixed order."""
        if len(types) != 1:
            return [one for one in self.known if one.type in types]
        if not self._by_type:
            for one in self.known:
                self._by_type.setdefault(one.type, []).append(one)
        return list(self._by_type.get(types[0], ()))

    def find(self, reference: Any, owner: Known) -> Known | None:
        """Follow a Reference (or its text) to what is known; None when it is not known, or not released."""
        target = text(reference, "reference") if isinstance(reference, Mapping) else reference
        if not isinstance(target, str) or not target:
            return None
        if target.startswith("#"):
            return next((_inside(owner, inner) for inner in walk(owner.body, "contained") if text(inner, "id") == target[1:]), None)
        tail = "/".join(target.split("/_history/")[0].split("/")[-2:])
        for key in (f"{owner.custodian} {target}", f"{owner.custodian} {tail}", target, tail):
            if key in self.by_reference:
                return self.by_reference[key]
        return None


def _inside(owner: Known, inner: Mapping[str, Any]) -> Known:
    kind = text(inner, "resourceType")
    return Known(kind, text(inner, "id"), owner.version, owner.custodian, owner.source, owner.recorded, inner, owner.facts)


def shelve(known: Iterable[Known], now: datetime, offices: Mapping[str, Office]) -> Shelf:
    """Keep the newest version of each resource, leave out what was entered in error, and index the rest."""
    newest: dict[tuple[str, str, str], Known] = {}
    for one in known:
        key = (one.custodian, one.type, one.id)
        if key not in newest or newest[key].version < one.version:
            newest[key] = one
    right = (one for one in newest.values() if not _wrong(one))
    kept = tuple(sorted(right, key=lambda one: (-when(one).timestamp(), one.custodian, one.type, one.id)))
    index: dict[str, Known] = {}
    for one in kept:
        names = {reference(one), one.id, f"{one.type}/{text(one.body, 'id')}"}
        names |= {link(one.type, text(i, "value")) for i in walk(one.body, "identifier") if text(i, "value")}
        for name in names:
            index.setdefault(name, one)
            index.setdefault(f"{one.custodian} {name}", one)
    return Shelf(kept, now.astimezone(JST), offices, index)


def _wrong(one: Known) -> bool:
    return text(one.body, "status") == _IN_ERROR or has_code(one.body, "verificationStatus", _IN_ERROR)


def reference(one: Known) -> str:
    """Give `Type/id`."""
    return one.id if "/" in one.id else f"{one.type}/{one.id}"


def walk(value: Any, path: str) -> Iterator[Any]:
    """Follow a path of element names through objects and lists; gives nothing where it breaks off."""
    return iter(values(value, path))


def text(value: Any, path: str) -> str:
    """Give the first string at a path, trimmed; empty when there is none."""
    if type(value) is dict:  # the usual cases first: a board of 1,000 stays asks 120,000 times
        found = value.get(path)
        if type(found) is str:
            return found.strip()
        if found is None and "." not in path:
            return ""
    for one in values(value, path):
        if isinstance(one, str) and (told := one.strip()):
            return told
    return ""


def true(value: Any, path: str) -> bool:
    """Say whether `true` stands at a path."""
    return any(one is True for one in values(value, path))


def number(value: Any, path: str) -> str:
    """Give the first number at a path as it was written; empty when there is none."""
    return next((str(one) for one in walk(value, path) if isinstance(one, int | float) and not isinstance(one, bool)), "")


def codings(concept: Any) -> Iterator[tuple[str, str, str]]:
    """Give (system, code, display) of a CodeableConcept's codings, or of a Coding itself."""
    for one in values(concept, "coding") or (concept,):
        if isinstance(one, dict):
            yield text(one, "system"), text(one, "code"), text(one, "display")


def has_code(value: Any, path: str, *codes: str) -> bool:
    """Say whether a CodeableConcept, Coding or code at a path carries one of these codes."""
    for one in values(value, path):
        if isinstance(one, str):
            if one in codes:
                return True
        elif any(isinstance(c, dict) and text(c, "code") in codes for c in values(one, "coding") or (one,)):
            return True
    return False


def words(concept: Any) -> str:
    """Say a CodeableConcept: its text, else a Japanese display, else any display, else its code."""
    if isinstance(concept, str):
        return concept.strip()
    said = text(concept, "text")
    shown = [display for _, _, display in codings(concept) if display]
    japanese = [display for display in shown if not display.isascii()]
    return said or next(iter(japanese or shown), "") or next((code for _, code, _ in codings(concept) if code), "")


def said(value: Any, path: str) -> str:
    """Say the first CodeableConcept at a path that says anything."""
    return next((found for found in map(words, walk(value, path)) if found), "")


def coded(concept: Any, table: str, column: str = "code") -> Mapping[str, str] | None:
    """Find a concept in a table with columns `system` and `code`."""
    index = grouped(table, column)
    for system, code, _ in codings(concept):
        for row in index.get(code, ()) if code else ():
            if same(system, row["system"]):
                return row
    return None


def extension(value: Any, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Give the extensions whose url ends in one of these names."""
    for one in walk(value, "extension"):
        if text(one, "url").rsplit("/", 1)[-1] in names:
            yield one


@cache
def _paths(resource_type: str) -> tuple[str, ...]:
    return tuple(row["path"] for row in rows("moments") if row["type"] == resource_type)


def dated(one: Known) -> Moment | None:
    """Give the date that tells how old a resource's content is (moments.csv); None when the source gave none."""
    return next((found for path in _paths(one.type) if (found := moment(text(one.body, path)))), None)


def when(one: Known) -> datetime:
    """Give an instant to sort by: its own date, else the time when the hub received it."""
    found = dated(one)
    return found.start if found else one.recorded.astimezone(JST)


def aged(one: Known, now: datetime) -> str:
    """Say how old a resource's content is; without a date of its own, when the hub received it."""
    found = dated(one)
    return relative(found, now) if found else f"日付なし・登録は{relative(Moment(one.recorded.astimezone(JST), 'time'), now)}"


def line(shelf: Shelf, one: Known, said_as: str, kind: str, *, chip: Chip | None = None, strong: bool = False, detail: str = "") -> Line:
    """Make one statement of one resource: with its age, its source and whether it is old for its kind."""
    return Line(
        text=said_as,
        when=aged(one, shelf.now),
        source=one.source or one.custodian or "出どころ不明",
        old=is_old(kind, dated(one), shelf.now),
        strong=strong,
        chip=chip,
        detail=detail,
        reference=reference(one),
    )


def once(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Keep the first of lines that say the same; whoever else says so is named in its detail."""
    kept: dict[str, Line] = {}
    others: dict[str, list[str]] = {}
    for one in lines:
        key = plain((one.chip.text if one.chip else "") + one.text)
        if key not in kept:
            kept[key] = one
        elif one.source != kept[key].source:
            others.setdefault(key, []).append(f"{one.source}（{one.when}）")
    return tuple(_with(one, others.get(key, ())) for key, one in kept.items())


def _with(one: Line, others: Sequence[str]) -> Line:
    if not others:
        return one
    detail = "　".join(part for part in (one.detail, f"{'、'.join(dict.fromkeys(others))}も同じ") if part)
    return Line(one.text, one.when, one.source, one.old, one.strong, one.chip, detail, one.reference)


def differing(about: str, sides: Iterable[tuple[str, Line]]) -> tuple[Differing, ...]:
    """Set the newest statement of each custodian side by side when they do not say the same; empty when they agree."""
    newest: dict[str, Line] = {}
    for custodian, side in sides:
        newest.setdefault(custodian, side)
    if len({plain(side.text) for side in newest.values()}) < 2:
        return ()
    return (Differing(about, tuple(newest.values())),)


def ended(one: Known, now: datetime, *paths: str) -> bool:
    """Say whether a period's end has passed; an end known to the day lasts to its end."""
    for path in paths or ("period.end",):
        end = moment(text(one.body, path))
        if end is not None:
            return end.start < now if end.precision == "time" else end.precision == "day" and end.start.date() < now.date()
    return False
