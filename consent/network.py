"""One edition of the rules of a network: read from a dated file, checked when read, so that a wrong file stops the start, not a decision."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, get_args

from consent.ask import Kind, Member, Network, Posting, Role, Statute
from consent.tables import meanings, rows
from consent.words import ground_codes
from schemas.errors import Broken

_KINDS, _ROLES = frozenset(get_args(Kind)), frozenset(get_args(Role))
_LABELLED = frozenset({"X", "V", "F"})
_MOST_MINUTES = 24 * 60
_DIGEST = re.compile("[0-9a-f]{64}")
PARTS = frozenset({
    "edition", "since", "source", "controllers", "purposes_by_kind", "own_purposes", "implied", "emergency", "written_purposes",
    "proxies", "lead_roles", "ceiling", "statutes", "concerns", "members",
})  # fmt: skip
"""All that an edition may say: a word that is not among them would silently mean nothing."""


def read_network(data: Mapping[str, Any]) -> Network:
    """Check and build an edition; the form is that of `data/networks/*.json`.

    Raises Broken (HUB-3051) naming the place: a missing or unknown part, an unknown kind, role, purpose, class of data or resource type.
    """
    for name in data:
        if name not in PARTS:
            raise _wrong(str(name))
    implied, emergency, proxies, concerns = (_part(data, name) for name in ("implied", "emergency", "proxies", "concerns"))
    purposes = {
        _one_of(kind, _KINDS, "purposes_by_kind"): _purposes(data["purposes_by_kind"], kind, "purposes_by_kind")
        for kind in _part(data, "purposes_by_kind")
    }
    ceiling = {_one_of(role, _ROLES, "ceiling"): _ceiling(data["ceiling"], role) for role in _part(data, "ceiling")}
    lead = {
        _one_of(k, _KINDS, "lead_roles"): _one_of(r, frozenset(ceiling), f"lead_roles.{k}") for k, r in _part(data, "lead_roles").items()
    }
    putting_in = _set(concerns, "kinds", "concerns", _KINDS)
    return Network(
        version=_text(data, "edition"),
        purposes_by_kind=purposes,
        own_purposes=_purposes(data, "own_purposes"),
        implied=_switch(implied, "on", "implied"),
        implied_kinds=_set(implied, "kinds", "implied", _KINDS),
        implied_purposes=_purposes(implied, "purposes", "implied"),
        posted=_postings(implied),
        confirmed_days=_number(implied, "confirmed_days", "implied", 31),
        confirming_kinds=_set(implied, "confirming_kinds", "implied", _KINDS),
        confirming_roles=_set(implied, "confirming_roles", "implied", _ROLES),
        concern_kinds=putting_in,
        concern_types=_set(concerns, "types", "concerns", _types()),
        members={m.organization: m for i, row in enumerate(_rows(data, "members")) for m in [_member(row, f"members[{i}]")]},
        emergency_kinds=_set(emergency, "kinds", "emergency", _KINDS),
        emergency_roles=_set(emergency, "roles", "emergency", _ROLES),
        emergency_minutes=_number(emergency, "minutes", "emergency", _MOST_MINUTES),
        emergency_overrides_unreadable=_switch(emergency, "overrides_unreadable", "emergency"),
        emergency_overrides_optout=_switch(emergency, "overrides_optout", "emergency"),
        written_purposes=_purposes(data, "written_purposes"),
        controllers=_set(data, "controllers"),
        ceiling=ceiling,
        lead_roles=lead,
        statutes={s.id: s for i, row in enumerate(_rows(data, "statutes")) for s in [_statute(row, f"statutes[{i}]", putting_in)]},
        proxy_kinds=_set(proxies, "kinds", "proxies", frozenset(k.lstrip("|") for k in meanings("proxy"))),
        family_months=_number(proxies, "family_months", "proxies", 12),
        regained_days=_number(proxies, "regained_days", "proxies", 366),
        receiver_confirm=_switch(implied, "receiver_confirm", "implied"),
        since=day(data, "since"),
    )


def day(data: Mapping[str, Any], name: str, within: str = "") -> date:
    """Read a day; raise Broken at its place."""
    try:
        return date.fromisoformat(_text(data, name, within))
    except ValueError as fault:
        raise _wrong(f"{within}.{name}") from fault


def _wrong(where: str) -> Broken:
    return Broken("HUB-3051", where=where.lstrip("."))


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    if not isinstance(found, dict) or not found:
        raise _wrong(name)
    return found


def _rows(data: Mapping[str, Any], name: str, within: str = "") -> list[Mapping[str, Any]]:
    found = data.get(name)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise _wrong(f"{within}.{name}")
    return found


def _text(data: Mapping[str, Any], name: str, within: str = "") -> str:
    found = data.get(name)
    if not isinstance(found, str) or not found:
        raise _wrong(f"{within}.{name}")
    return found


def _switch(data: Mapping[str, Any], name: str, within: str) -> bool:
    found = data.get(name)
    if not isinstance(found, bool):
        raise _wrong(f"{within}.{name}")
    return found


def _one_of(value: Any, allowed: frozenset[str], where: str) -> str:
    if value not in allowed:
        raise _wrong(where)
    return str(value)


def _set(data: Mapping[str, Any], name: str, within: str = "", allowed: frozenset[str] | None = None) -> frozenset[str]:
    found, where = data.get(name), f"{within}.{name}"
    if not isinstance(found, list) or not all(isinstance(x, str) and x for x in found) or len(set(found)) < len(found):
        raise _wrong(where)
    if allowed is not None and not allowed.issuperset(found):
        raise _wrong(where)
    return frozenset(found)


def _purposes(data: Mapping[str, Any], name: str, within: str = "") -> frozenset[str]:
    return _set(data, name, within, frozenset(key.rpartition("|")[2] for key in meanings("purpose")))


def _ceiling(data: Mapping[str, Any], role: str) -> frozenset[str]:
    """Read what a role may see, with its reason; each word must be of a class, a part or a label that exists, so that a slip does not open or shut silently."""
    pairs = {(row["class"], row["part"]) for row in rows("classes")}
    classes = {name for name, _ in pairs}
    allowed = classes | {f"{name}?" for name in classes} | {f"{name}.{part}" for name, part in pairs}
    labelled = _LABELLED | {f"{label}.{part}" for label in ("X", "V") for _, part in pairs}
    where, row = f"ceiling.{role}", data[role]
    if not isinstance(row, dict):
        raise _wrong(where)
    for name in ("reason", "source"):
        _text(row, name, where)
    return _set(row, "sees", where, frozenset(allowed | labelled) - {"D", "D?", "D.directory"})


def _postings(implied: Mapping[str, Any]) -> dict[str, tuple[Posting, ...]]:
    """Read what custodians have posted; none ends before it begins."""
    found: dict[str, tuple[Posting, ...]] = {}
    for i, row in enumerate(_rows(implied, "posted", "implied")):
        where = f"implied.posted[{i}]"
        until = day(row, "until", where) if row.get("until") is not None else None
        since, document = day(row, "since", where), _text(row, "document", where)
        if until is not None and until < since:
            raise _wrong(f"{where}.until")
        if not _DIGEST.fullmatch(document):
            raise _wrong(f"{where}.document")
        organization = _text(row, "organization", where)
        made = Posting(organization, _purposes(row, "purposes", where), since, until, _text(row, "code", where), document)
        found[organization] = (*found.get(organization, ()), made)
    return found


def _member(row: Mapping[str, Any], where: str) -> Member:
    notice = day(row, "notice", where) if row.get("notice") is not None else None
    return Member(_text(row, "organization", where), day(row, "joined", where), notice)


def _types() -> frozenset[str]:
    return frozenset(kind for known in rows("classes") for kind in known["types"].split("|"))


def _statute(row: Mapping[str, Any], where: str, putting_in: frozenset[str]) -> Statute:
    """Read a statute. Who only puts concerns in gets nothing by any of them."""
    for name in ("name", "law", "article"):
        _text(row, name, where)
    return Statute(
        id=_text(row, "id", where),
        types=_set(row, "types", where, _types()),
        kinds=_set(row, "kinds", where, _KINDS - putting_in),
        purposes=_purposes(row, "purposes", where),
        sensitivities=_set(row, "sensitivities", where, frozenset(key.rpartition("|")[2] for key in meanings("sensitivity"))),
        basis=_one_of(_text(row, "basis", where), ground_codes(), f"{where}.basis"),
        meeting=_switch(row, "meeting", where),
    )


def _number(data: Mapping[str, Any], name: str, within: str, most: int) -> int:
    found = data.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found <= most:
        raise _wrong(f"{within}.{name}")
    return found
