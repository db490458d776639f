"""The register of a region: its organizations, their hours, and the people who sign in. Read from one JSON file, checked when read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, cast, get_args

import orjson

from consent.ask import Kind, Role
from consent.networks import Networks, delivered, read_networks
from consent.tables import meanings
from hub.views.parties import Parties, Party
from hub.views.shapes import Office
from schemas.errors import Broken
from schemas.ids import is_office_code

_PERSONS = frozenset({"subject", "proxy"})
_INSURED = re.compile(r"[0-9]{6}:[0-9H][0-9]{9}")
KAFKA = ("thin", "sealed")


@dataclass(frozen=True, slots=True)
class Power:
    """By which power somebody speaks for a person: its kind (`consent-proxy`), until which day, by which paper."""

    kind: str
    until: date
    document: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signs in: in which role, for which purpose (v3-ActReason), for which organization."""

    id: str
    organization: str
    name: str
    role: Role
    purpose: str
    kana: str = ""
    birth: str = ""
    """Kana name and birth date (ISO) of the user as a person, and `insured`, the number of the care insurance (`insurer:number`): optional, so that
    looks at a colleague's record, or at one's own, are noticed. They are compared as keyed hashes."""
    insured: str = ""
    person: str = ""
    """Of the roles `subject` and `proxy`: whose record it is, `insurer:number` of the care insurance or `code#chart number` of a custodian."""
    power: Power | None = None
    """Of the role `proxy`."""

    @property
    def kind(self) -> Kind | None:
        """Give the kind in which a person or a proxy asks; None for staff, who ask in the kind of their organization."""
        return "subject" if self.role in _PERSONS else None


@dataclass(frozen=True, slots=True)
class Region:
    """All that is registered. `purposes` are the purposes of the organizations' own applications (API tokens)."""

    name: str
    edition: str
    network: str
    """Code of the network's own office (事務局): officers and the clerk belong to it."""
    offices: Mapping[str, Office]
    purposes: Mapping[str, str]
    users: Mapping[str, User] = field(default_factory=dict)
    kafka: Mapping[str, str] = field(default_factory=dict)
    """Organizations that hear by Kafka too, and in which form: `thin` (references) or `sealed` (with content under a key of its own)."""
    rules: Networks = field(default_factory=delivered)
    """The dated rules by which this region decides."""
    parties: Parties = field(default_factory=lambda: Parties({}))
    """How organizations are and were called, for records of provision."""

    def kind_of(self, code: str) -> Kind:
        """Give a registered organization's kind; raise KeyError for one that is not registered."""
        return cast("Kind", self.offices[code].kind)  # judged when the register was read

    def name_of(self, code: str) -> str:
        """Give an organization's name; its code when it is not registered."""
        return self.offices[code].name if code in self.offices else code


def read_region(path: Path, rules: Path | None = None) -> Region:
    """Read the register.

    `{name, edition, network, organizations: [{code, name, kind, purpose, phone, address, weekdays, opens, closes, open_on_holidays,
    closed_days, entity, representative, former: [{until, name, address, representative}], kafka}], users: [{id, organization, name, role, purpose, kana, birth, insured,
    person, power: {kind, until, document}}]}`. `rules` = folder of the region's own dated rules; None = those
    that come with the program. Raises Broken (HUB-5010, HUB-3051) naming the place when something is wrong.
    """
    try:
        data = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as fault:
        raise Broken("HUB-5010", where=path.name) from fault
    return replace(parse_region(data), rules=read_networks(_texts(rules))) if rules else parse_region(data)


def _texts(folder: Path) -> dict[str, str]:
    """Read a folder of rules: each of its files, since one that is named otherwise would silently mean nothing."""
    try:
        return {one.name: one.read_text(encoding="utf-8") for one in sorted(folder.iterdir()) if not one.name.startswith(".")}
    except (OSError, UnicodeDecodeError) as fault:
        raise Broken("HUB-3051", where=folder.name) from fault


def parse_region(data: Mapping[str, Any]) -> Region:
    """Check and build the register from its tree; see `read_region`."""
    offices: dict[str, Office] = {}
    purposes: dict[str, str] = {}
    kafka: dict[str, str] = {}
    parties: dict[str, list[Party]] = {}
    for i, row in enumerate(_list(data, "organizations")):
        where = f"organizations[{i}]"
        code, kind = _text(row, "code", where), _text(row, "kind", where)
        if not is_office_code(code) or code in offices:
            raise Broken("HUB-5010", where=f"{where}.code")
        if kind not in get_args(Kind):
            raise Broken("HUB-5010", where=f"{where}.kind")
        offices[code] = Office(
            code=code,
            name=_text(row, "name", where),
            kind=kind,
            phone=row.get("phone", ""),
            address=row.get("address", ""),
            weekdays=frozenset(row.get("weekdays", (0, 1, 2, 3, 4))),
            opens=row.get("opens", "09:00"),
            closes=row.get("closes", "18:00"),
            open_on_holidays=bool(row.get("open_on_holidays", False)),
            closed_days=frozenset(date.fromisoformat(d) for d in row.get("closed_days", ())),
            entity=row.get("entity", ""),
        )
        purposes[code] = _text(row, "purpose", where)
        parties[code] = [*_former(row, where), Party(offices[code].name, offices[code].address, row.get("representative", ""))]
        if (form := row.get("kafka")) is not None:
            if form not in KAFKA:
                raise Broken("HUB-5010", where=f"{where}.kafka")
            kafka[code] = form
    _entities(offices)
    users: dict[str, User] = {}
    for i, row in enumerate(_list(data, "users")):
        where = f"users[{i}]"
        more: dict[str, Any] = {**_as_person(row, where), **_bound(row, where, offices)}
        user = User(*(_text(row, name, where) for name in ("id", "organization", "name", "role", "purpose")), **more)  # type: ignore[arg-type]  # the role is looked at below
        if user.organization not in offices or user.id in users:
            raise Broken("HUB-5010", where=f"{where}.organization" if user.organization not in offices else f"{where}.id")
        if user.role not in get_args(Role):
            raise Broken("HUB-5010", where=f"{where}.role")
        users[user.id] = user
    network = _text(data, "network", "")
    if network not in offices or offices[network].kind != "network":
        raise Broken("HUB-5010", where="network")
    return Region(_text(data, "name", ""), _text(data, "edition", ""), network, offices, purposes, users, kafka, parties=Parties(parties))


def _former(row: Mapping[str, Any], where: str) -> list[Party]:
    """Read what an organization was called before, each until a day (`until`, included)."""
    found = []
    for i, was in enumerate(row.get("former", ())):
        at = f"{where}.former[{i}]"
        party = Party(_text(was, "name", at), was.get("address", ""), was.get("representative", ""), _text(was, "until", at))
        try:
            date.fromisoformat(party.until)
        except ValueError as fault:
            raise Broken("HUB-5010", where=f"{at}.until") from fault
        found.append(party)
    return found


def _entities(offices: Mapping[str, Office]) -> None:
    """Check that each legal entity is registered, and that none is part of itself."""
    for i, office in enumerate(offices.values()):
        above, seen = office.entity, {office.code}
        while above:
            if above not in offices or above in seen:
                raise Broken("HUB-5010", where=f"organizations[{i}].entity")
            seen.add(above)
            above = offices[above].entity


def _as_person(row: Mapping[str, Any], where: str) -> dict[str, str]:
    found = {name: _text(row, name, where) for name in ("kana", "birth", "insured") if name in row}
    if ("kana" in found) != ("birth" in found):
        raise Broken("HUB-5010", where=f"{where}.birth" if "kana" in found else f"{where}.kana")
    try:
        date.fromisoformat(found.get("birth", "2000-01-01"))
    except ValueError as fault:
        raise Broken("HUB-5010", where=f"{where}.birth") from fault
    if not _INSURED.fullmatch(found.get("insured", "000000:0000000000")):
        raise Broken("HUB-5010", where=f"{where}.insured")
    return found


def _bound(row: Mapping[str, Any], where: str, offices: Mapping[str, Office]) -> dict[str, Any]:
    """Read whose record somebody of the role `subject` or `proxy` is let to, and by which power."""
    if row.get("role") not in _PERSONS:
        if "person" in row or "power" in row:
            raise Broken("HUB-5010", where=f"{where}.role")
        return {}
    person = _text(row, "person", where)
    code, mark, number = person.partition("#")
    if (
        not (_INSURED.fullmatch(person) or (mark and code in offices and number))
        or offices.get(row["organization"], _NOBODY).kind != "network"
    ):
        raise Broken("HUB-5010", where=f"{where}.person")
    if row["role"] == "subject":
        return {"person": person}
    power = row.get("power")
    if not isinstance(power, dict) or f"|{power.get('kind')}" not in meanings("proxy"):
        raise Broken("HUB-5010", where=f"{where}.power")
    try:
        until = date.fromisoformat(_text(power, "until", f"{where}.power"))
    except ValueError as fault:
        raise Broken("HUB-5010", where=f"{where}.power.until") from fault
    return {"person": person, "power": Power(power["kind"], until, _text(power, "document", f"{where}.power"))}


_NOBODY = Office("", "", "")


def _list(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = data.get(name)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Broken("HUB-5010", where=name)
    return found


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    found = row.get(name)
    if not isinstance(found, str) or not found:
        raise Broken("HUB-5010", where=f"{where}.{name}".lstrip("."))
    return found
