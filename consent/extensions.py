"""What a Consent says in this hub's own extensions, because R4 has no element for it: form, proxy, emergencies, refusal of the hub, family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from consent.rules import PRACTITIONER, EmergencyWish, Form, Rule
from consent.tables import meanings
from consent.times import span
from schemas.adapter import BASE
from schemas.errors import BrokenRule, MissingValue, UnknownCode, Unsupported

EXTENSIONS = f"{BASE}/StructureDefinition/consent-"
FORM, PROXY, EMERGENCY = f"{EXTENSIONS}form", f"{EXTENSIONS}proxy", f"{EXTENSIONS}emergency"
HUB_REFUSAL, FAMILY, CONFIRMED_BY = f"{EXTENSIONS}hub-refusal", f"{EXTENSIONS}family", f"{EXTENSIONS}confirmed-by"
_LATER_FHIR = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent."

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Grantor:
    """Who consents; `kind` empty = the person."""

    kind: str = ""
    verified: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The extensions of one Consent, by URL."""

    by_url: Mapping[str, list[Body]]

    @classmethod
    def of(cls, body: Body) -> Told:
        """Collect the extensions of this hub; raise UnknownCode for one of ours that is unknown, Unsupported for an element of later FHIR."""
        told: dict[str, list[Body]] = {FORM: [], PROXY: [], EMERGENCY: [], HUB_REFUSAL: [], FAMILY: [], CONFIRMED_BY: []}
        for i, extension in enumerate(body.get("extension", ())):
            url, where = extension["url"], f"Consent.extension[{i}]"
            if url in told:
                told[url].append(extension)
            elif url.startswith(EXTENSIONS):
                raise UnknownCode("HUB-3009", where=where, set="extension")
            elif url.startswith(_LATER_FHIR):
                raise Unsupported("HUB-3004", where=where)
        for url in (FORM, PROXY, EMERGENCY, HUB_REFUSAL, CONFIRMED_BY):
            if len(told[url]) > 1:
                raise BrokenRule("HUB-3023", where="Consent.extension", name=url.removeprefix(f"{BASE}/StructureDefinition/"))
        return cls(told)

    def _one_code(self, url: str, kind: str) -> str:
        for extension in self.by_url[url]:
            code = str(extension.get("valueCode", ""))
            if f"|{code}" not in meanings(kind):
                raise UnknownCode("HUB-3009", where="Consent.extension", set=kind)
            return code
        return ""

    def form(self, body: Body) -> Form:
        """Give the form: as stated; else written when a signed paper is attached or referred to; else unknown."""
        stated = self._one_code(FORM, "form")
        if stated:
            return cast("Form", stated)
        return "written" if "sourceAttachment" in body or "sourceReference" in body else "unknown"

    def emergency(self) -> EmergencyWish:
        """Give the answer to the question of emergencies."""
        return cast("EmergencyWish", self._one_code(EMERGENCY, "emergency") or "unasked")

    def refuses_hub(self, root: Rule) -> bool:
        """Say whether the person refuses the hub; raise BrokenRule when conditions hang on it."""
        refused = any(e.get("valueBoolean") is True for e in self.by_url[HUB_REFUSAL])
        if any("valueBoolean" not in e for e in self.by_url[HUB_REFUSAL]):
            raise MissingValue("HUB-3011", where="Consent.extension")
        if refused and root != Rule("deny", begins=root.begins, ends=root.ends):
            raise BrokenRule("HUB-3024", where="Consent.provision")
        return refused

    def family(self) -> frozenset[str]:
        """Give the family members who agree; `*` = one for all."""
        found = set()
        for extension in self.by_url[FAMILY]:
            if extension.get("valueBoolean") is True:
                found.add("*")
            elif extension.get("valueReference", {}).get("reference"):
                found.add(str(extension["valueReference"]["reference"]))
            else:
                raise MissingValue("HUB-3011", where="Consent.extension")
        return frozenset(found)

    def confirmed_by(self) -> str:
        """Give the registered id of who confirmed at the visit; empty = nobody is named."""
        for extension in self.by_url[CONFIRMED_BY]:
            identifier = extension.get("valueReference", {}).get("identifier", {})
            if identifier.get("system") != PRACTITIONER or not identifier.get("value"):
                raise MissingValue("HUB-3011", where="Consent.extension")
            return str(identifier["value"])
        return ""

    def says_more(self) -> bool:
        """Say whether there is an answer on emergencies, on the hub itself or of the family: no part of a reservation or a confirmation."""
        return any(self.by_url[url] for url in (EMERGENCY, HUB_REFUSAL, FAMILY))

    def grantor(self, body: Body) -> Grantor:
        """Say who consents. Anybody but the person needs the proxy extension; who is both named and the person signs for themselves."""
        performers = body.get("performer", ())
        if not performers:
            raise MissingValue("HUB-3025", where="Consent.performer")
        if any(_same(performer, body.get("patient", {})) for performer in performers):
            if self.by_url[PROXY]:
                raise BrokenRule("HUB-3026", where="Consent.extension")
            return Grantor()
        if not self.by_url[PROXY]:
            raise MissingValue("HUB-3027", where="Consent.performer")
        parts = {p["url"]: p for p in self.by_url[PROXY][0].get("extension", ())}
        kind = str(parts.get("kind", {}).get("valueCode", ""))
        if f"|{kind}" not in meanings("proxy"):
            raise UnknownCode("HUB-3009", where="Consent.extension", set="proxy")
        until = parts.get("until", {}).get("valueDate")
        ends = span(until, "Consent.extension")[1] if until else None
        return Grantor(kind, parts.get("verified", {}).get("valueBoolean") is True, ends)


def _same(one: Body, other: Body) -> bool:
    """Say whether two references mean the same, by what they point to or by identifier; a display alone points nowhere."""
    return any(one.get(name) == other[name] for name in ("reference", "identifier") if name in other)
