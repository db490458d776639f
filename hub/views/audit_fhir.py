"""A recorded decision as FHIR R4 AuditEvents, after the patterns of IHE BALP 1.1; pure.

One decision is one request about one person. It stands for several AuditEvents: one for each resource that was read, written or delivered, or
one for what was searched; and one for the decision itself. They are drawn on asking and not stored; their ids are the decision's reference
and a number, always the same. `meta.profile` claims a profile where an event fulfils it (`hub.views.audit_profiles`).

A person stands here by pseudonym, a user by registered id, an organization by number: no name, no clinical value, no text that
somebody typed. What was typed for an emergency disclosure is in the log and on the officer's page.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from consent.words import reason_words
from hub.views import audit_parts as parts
from hub.views.ages import JST
from hub.views.audit import broke_glass, gives
from hub.views.audit_parts import GIVEN, MESSAGE, NOT_GIVEN, REFERENCE, Asker, Place
from hub.views.audit_profiles import claimed
from hub.views.audit_shapes import Decided, Seen
from hub.views.audit_tables import Row, keyed
from hub.views.summary_fhir import narrative
from schemas.fhir.schema import resource_types

_NOTHING = "D-NOTHING"
_CUSTODIAN = "http://snomed.info/sct", "159541003"
"""Record keeping/library clerk: how BALP names the custodian of what is disclosed."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a write did to a resource, and the version that it made."""

    kind: Literal["create", "update", "delete"]
    version: int


@dataclass(frozen=True, slots=True)
class Told:
    """A decision, and beside it what AuditEvents alone tell.

    `described` and `raw` are what was searched by (`hub.gate.querying`); `raw` empty = it may not be told here, or is no more. `changes` and
    `custodians` (code, kind) go with `decided.seen`, one each, where they are known.
    """

    decided: Decided
    address: str = ""
    interaction: str = ""
    channel: str = ""
    described: str = ""
    raw: str = ""
    changes: tuple[Change | None, ...] = ()
    custodians: tuple[tuple[str, str], ...] = ()


def to_audit_events(told: Told, *, base: str, source: str) -> tuple[dict[str, Any], ...]:
    """Make the AuditEvents: of what was done, in the order of the resources, and last of the decision.

    `base` is the hub's FHIR address, `source` the hub's own registered name.
    """
    place, one = Place(base.rstrip("/"), source), told.decided
    made = _access(told, place)
    alone = (one.action == "audit" and one.effect != "deny") or _found_nothing(one)
    if not alone:
        made.append(_decision(told, place))
    return tuple(_event(told, place, number, line) for number, line in enumerate(made, 1))


@dataclass(frozen=True, slots=True)
class _Line:
    """What one AuditEvent is made of: its pattern, its entities, its outcome; `custodian` (code, kind) of what is disclosed."""

    pattern: str
    entities: list[dict[str, Any]]
    outcome: str = GIVEN
    custodian: tuple[str, str] = ("", "")


def _event(told: Told, place: Place, number: int, line: _Line) -> dict[str, Any]:
    one, pattern = told.decided, keyed("patterns", "pattern")[line.pattern,]
    made = parts.event(
        f"{one.reference}-{number}", pattern, at=one.at, place=place, asker=_asker(told), entities=line.entities,
        outcome=line.outcome, said=f"{one.reason} {reason_words(one.reason)[1]}",
    )  # fmt: skip
    if line.custodian[0]:
        made["agent"].append(_custodian(*line.custodian))
    text = narrative(_sentences(one, pattern))
    return {
        "resourceType": made.pop("resourceType"),
        "id": made.pop("id"),
        **claimed(made, pattern),
        "language": "ja",
        "text": text,
        **made,
    }


def _sentences(one: Decided, pattern: Row) -> tuple[str, ...]:
    """Say the event in short, from codes alone."""
    at = f"{one.at.astimezone(JST):%Y-%m-%d %H:%M:%S}"
    return f"{at}　{pattern['subtype']}　{one.organization}　{one.pseudonym}", f"{one.effect}　{one.reason}　{one.basis}"


def _asker(told: Told) -> Asker:
    one = told.decided
    codes = tuple(code for code in (one.purpose, "BTG" if broke_glass(one) else "") if code)
    return Asker(one.organization, one.kind, one.role, one.user, told.address, codes, one.basis)


# ── what was done ────────────────────────────────────────────────────────────────────────────────────────────────────


def _access(told: Told, place: Place) -> list[_Line]:
    """Give what was done; nothing where nothing of the person left or came in."""
    one = told.decided
    about = parts.patient(one.pseudonym)
    if one.action == "audit":
        query = _query(told) if told.described else []
        name, outcome = ("audit-used", GIVEN) if one.effect != "deny" else ("audit-refused", NOT_GIVEN)
        return [_Line(name, [*about, *query, *_whole(told)], outcome)]
    if one.action == "search" and (one.effect != "deny" or _found_nothing(one)):
        return [_Line("search", [*about, *_query(told), *_whole(told)])]
    if one.effect == "deny" or one.action == "emergency":  # the normal path, tried before a glass is broken, gives nothing by itself
        return []
    given = [i for i, seen in enumerate(one.seen) if gives(seen)]
    if one.action == "write":
        return [_written(told, place, i) for i in given]
    channel = [("channel", told.channel)]
    if one.action == "read":
        return [_Line(told.interaction or "read", [*about, _data(one.seen[i], place, channel), *_whole(told)]) for i in given]
    if one.action == "deliver":
        consents = _consents(told, place)
        return [
            _Line("disclose", [*about, _data(one.seen[i], place, channel), *consents, *_whole(told)], custodian=_custodian_of(told, i))
            for i in given
        ]
    shown = [_data(one.seen[i], place, []) for i in given]
    return [_Line("operation", [*about, *shown, *_whole(told)])]


def _found_nothing(one: Decided) -> bool:
    """Say whether there was nothing to decide on: a search that succeeded and found nothing."""
    return one.action == "search" and one.reason == _NOTHING


def _written(told: Told, place: Place, index: int) -> _Line:
    """Give one write: of what became of it the log tells."""
    one, seen = told.decided, told.decided.seen[index]
    change = told.changes[index] if index < len(told.changes) else None
    name = change.kind if change else "update" if seen.version > 1 else "create"
    version = change.version if change else seen.version
    data = _data(seen, place, [("channel", told.channel)] if name != "delete" else [], version)
    return _Line(name, [*parts.patient(one.pseudonym), data, *_whole(told)])


def _query(told: Told) -> list[dict[str, Any]]:
    """Give what was searched by. The raw request only where it names nobody; how much was found is not told (BALP Query)."""
    raw = {"query": base64.b64encode(told.raw.encode()).decode()} if told.raw else {}
    described = {"description": told.described} if told.described else {}
    return [{"type": parts.kind("2", "System Object"), "role": parts.role("24", "Query"), **described, **raw}]


def _data(seen: Seen, place: Place, more: Sequence[tuple[str, str]], version: int = 0) -> dict[str, Any]:
    """Give a resource by id and version. A message that has not become resources is no FHIR type: it stands by its number."""
    pairs = [*more, *(("mask", mask) for mask in seen.masks)]
    what: dict[str, Any]
    if seen.type in resource_types():
        number = version or seen.version
        what = {"reference": f"{place.base}/{seen.type}/{seen.id}{f'/_history/{number}' if number else ''}", "type": seen.type}
    else:
        what, pairs = {"identifier": {"system": MESSAGE, "value": seen.id}}, [("layout", seen.type), *pairs]
    return {"what": what, "type": parts.kind("2", "System Object"), "role": parts.role("4", "Domain Resource"), **parts.details(pairs)}


def _whole(told: Told) -> list[dict[str, Any]]:
    """Give what joins the events of one decision, and those of one request."""
    return [parts.own("decision", REFERENCE, told.decided.reference), *parts.transaction(told.decided.request)]


def _custodian_of(told: Told, index: int) -> tuple[str, str]:
    return told.custodians[index] if index < len(told.custodians) else ("", "")


def _custodian(number: str, kind: str) -> dict[str, Any]:
    """Give who keeps what is disclosed."""
    system, code = _CUSTODIAN
    who = parts.identified(parts.system_of(kind), number, "Organization")
    return {"type": {"coding": [{"system": system, "code": code}]}, "who": who, "requestor": False}


# ── the decision ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _decision(told: Told, place: Place) -> _Line:
    """Give the decision. All that led to it stands with the person, because BALP leaves no room for other entities beside the consents."""
    one = told.decided
    closes = one.closes.astimezone(JST).isoformat(timespec="seconds") if one.closes else ""
    pairs = [
        ("decision", one.reference), ("request", one.request), ("action", one.action), ("effect", one.effect), ("reason", one.reason),
        ("basis", one.basis), ("break-glass", "true" if broke_glass(one) else ""), ("closes", closes), ("review", one.review),
        ("as-of", _asof(one)), *(("obligation", code) for code in one.obligations), *(("step", step) for step in one.trail),
        *(("resource", _said(seen)) for seen in one.seen if seen.effect != "permit"),
    ]  # fmt: skip
    name = "authz-role" if not one.consents and (one.reason,) in keyed("by_role", "reason") else "authz-consent"
    who = parts.patient(one.pseudonym, pairs) or [parts.own("decision", REFERENCE, one.reference, pairs)]
    return _Line(name, [*who, *_consents(told, place)], GIVEN if one.effect != "deny" else NOT_GIVEN)


def _consents(told: Told, place: Place) -> list[dict[str, Any]]:
    return [parts.consent(place.base, *one) for one in told.decided.consents]


def _said(seen: Seen) -> str:
    """Say what became of a resource that did not leave whole: `Condition/tsu-…/_history/3 redact R-LABEL`."""
    return f"{seen.type}/{seen.id}/_history/{seen.version} {seen.effect} {seen.reason}"


def _asof(one: Decided) -> str:
    return one.asof.astimezone(JST).isoformat(timespec="milliseconds") if one.asof else ""


# ── searchset ────────────────────────────────────────────────────────────────────────────────────────────────────────


def to_searchset(
    events: Sequence[dict[str, Any]], *, base: str, total: int | None = None, self_link: str = "", next_link: str = ""
) -> dict[str, Any]:
    """Make the answer to a search of AuditEvent: these events in their order. Links are absolute and given from outside."""
    root = base.rstrip("/")
    links = [{"relation": name, "url": url} for name, url in (("self", self_link), ("next", next_link)) if url]
    entries = [{"fullUrl": f"{root}/AuditEvent/{one['id']}", "resource": one, "search": {"mode": "match"}} for one in events]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        **({"total": total} if total is not None else {}),
        **({"link": links} if links else {}),
        **({"entry": entries} if entries else {}),
    }
