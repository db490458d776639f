"""A Consent's provisions (R4 Consent.provision) → expanded rules, or a refusal that names the place.

A nested provision takes over each dimension that it does not name and replaces each that it names; periods are cut, never widened
(consent-and-audit facts §2.4). What cannot be read exactly is refused: half a rule would say something that nobody signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast

from consent.rules import PRACTITIONER, Effect, Rule
from consent.tables import meanings
from consent.times import days, period
from schemas.errors import BadValue, BrokenRule, MissingValue, TooLong, UnknownCode, Unsupported
from schemas.ids import INSTITUTION, KAIGO_OFFICE, is_office_code

Dialect = Literal["r4", "root-type", "pcf", "leap"]
Body = Mapping[str, Any]

MOST_RULES = 200
MOST_LEVELS = 4
_LEVELS: dict[Dialect, int] = {"r4": MOST_LEVELS, "root-type": MOST_LEVELS, "pcf": 2, "leap": 2}
_LITERAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")
_MEMBERSHIPS = {"Group", "CareTeam", "PractitionerRole"}
_READ = {
    "type", "period", "actor", "action", "securityLabel", "purpose", "class", "code", "dataPeriod", "data", "provision",
    "id",
}  # fmt: skip
_NOT_IN_PCF = ("action", "class", "code")
_PLAIN_CLASSES = {"http://hl7.org/fhir/resource-types", "urn:ietf:rfc:3986"}
"""Resource types, and profiles by their canonical URL."""
_DOCUMENT_CLASSES = {"http://loinc.org"}
_FLIPPED: dict[Effect, Effect] = {"permit": "deny", "deny": "permit"}


@dataclass(frozen=True, slots=True)
class _Context:
    """What a provision stands under."""

    dialect: Dialect
    above: Rule
    level: int


def root_rule(provision: Body, effect: Effect, dialect: Dialect) -> Rule:
    """Read the root provision and all below it."""
    if sum(1 for _ in _all(provision)) > MOST_RULES:
        raise TooLong("HUB-3003", where="Consent.provision", limit=str(MOST_RULES))
    return _rule(provision, effect, _Context(dialect, Rule(effect), 1), "Consent.provision")


def _all(provision: Body) -> Iterator[Body]:
    yield provision
    for inner in provision.get("provision", ()):
        yield from _all(inner)


def _rule(provision: Body, effect: Effect, context: _Context, where: str) -> Rule:
    for name in provision:
        if name in {"extension", "modifierExtension"} or name not in _READ:
            raise Unsupported("HUB-3004", where=f"{where}.{name}")
    if context.dialect == "pcf":
        for name in _NOT_IN_PCF:
            if name in provision:
                raise Unsupported("HUB-3005", where=f"{where}.{name}")
    rule = _named(provision, replace(context.above, effect=effect, rules=()), where)
    inner = []
    for i, nested in enumerate(provision.get("provision", ())):
        place = f"{where}.provision[{i}]"
        if context.level >= _LEVELS[context.dialect]:
            raise Unsupported("HUB-3006", where=place, limit=str(_LEVELS[context.dialect]))
        below = _Context(context.dialect, rule, context.level + 1)
        inner.append(_rule(nested, _effect_of(nested, effect, context.dialect, place), below, place))
    return replace(_with_ceiling(rule), rules=tuple(inner))


def _effect_of(nested: Body, above: Effect, dialect: Dialect, where: str) -> Effect:
    written = nested.get("type")
    if dialect == "leap":
        # LEAP never reads the nested type: it turns the one above round. A form that says otherwise in words would be judged against its text.
        if written == above:
            raise BrokenRule("HUB-3007", where=f"{where}.type")
        return _FLIPPED[above]
    if written is None:
        raise MissingValue("HUB-3008", where=f"{where}.type")
    return cast("Effect", written)


def _with_ceiling(rule: Rule) -> Rule:
    """Cap a permit that names no confidentiality at N: silence does not open what is labelled R or V."""
    if rule.effect == "permit" and not rule.bound:
        return replace(rule, confidentiality="N", bound="at-most")
    return rule


def _named(provision: Body, rule: Rule, where: str) -> Rule:
    """Replace the dimensions that this provision names."""
    changed: dict[str, Any] = {}
    if "period" in provision:
        begins, ends = period(provision["period"], f"{where}.period")
        changed |= {"begins": _later(rule.begins, begins), "ends": _earlier(rule.ends, ends)}
    if "actor" in provision:
        changed |= _actors(provision["actor"], f"{where}.actor")
    if "action" in provision:
        changed["actions"] = frozenset(c for i, a in enumerate(provision["action"]) for c in _known("action", a, f"{where}.action[{i}]"))
    if "purpose" in provision:
        changed["purposes"] = frozenset(_code("purpose", c, f"{where}.purpose[{i}]") for i, c in enumerate(provision["purpose"]))
    if "securityLabel" in provision:
        changed |= _labels(provision["securityLabel"], rule.effect, f"{where}.securityLabel")
    if "class" in provision:
        changed["classes"] = frozenset(_class(c, f"{where}.class[{i}]") for i, c in enumerate(provision["class"]))
    if "code" in provision:
        changed["codes"] = frozenset(_codes(provision["code"], f"{where}.code"))
    if "dataPeriod" in provision:
        changed["days"] = days(provision["dataPeriod"], f"{where}.dataPeriod")
    if "data" in provision:
        changed |= _data(provision["data"], changed.get("authors", frozenset()), f"{where}.data")
    return replace(rule, **changed)


def _later(one: datetime | None, two: datetime | None) -> datetime | None:
    return max((x for x in (one, two) if x is not None), default=None)


def _earlier(one: datetime | None, two: datetime | None) -> datetime | None:
    return min((x for x in (one, two) if x is not None), default=None)


def _code(kind: str, coding: Body, where: str) -> str:
    """Give a coding's code when it is in the closed set; raise UnknownCode."""
    key = f"{coding.get('system', '')}|{coding.get('code', '')}"
    if key not in meanings(kind):
        raise UnknownCode("HUB-3009", where=where, set=kind)
    return str(coding["code"])


def _known(kind: str, concept: Body, where: str) -> list[str]:
    """Give the meanings of a concept's codings; raise UnknownCode when none is in the closed set."""
    found = [meanings(kind)[k] for c in concept.get("coding", ()) if (k := f"{c.get('system', '')}|{c.get('code', '')}") in meanings(kind)]
    if not found:
        raise UnknownCode("HUB-3009", where=where, set=kind)
    return found


def _labels(codings: Sequence[Body], effect: Effect, where: str) -> dict[str, Any]:
    levels, kinds = [], set()
    for i, coding in enumerate(codings):
        key = f"{coding.get('system', '')}|{coding.get('code', '')}"
        if key in meanings("confidentiality"):
            levels.append(str(coding["code"]))
        elif key in meanings("sensitivity"):
            kinds.add(str(coding["code"]))
        else:
            raise UnknownCode("HUB-3009", where=f"{where}[{i}]", set="securityLabel")
    if len(levels) > 1:
        raise BrokenRule("HUB-3010", where=where)
    changed: dict[str, Any] = {"sensitivities": frozenset(kinds)} if kinds else {}
    if levels:
        changed |= {"confidentiality": levels[0], "bound": "at-most" if effect == "permit" else "at-least"}
    return changed


def _class(coding: Body, where: str) -> str:
    system, code = coding.get("system", ""), coding.get("code", "")
    if not code:
        raise MissingValue("HUB-3011", where=f"{where}.code")
    if system in _PLAIN_CLASSES:
        return str(code)
    if system in _DOCUMENT_CLASSES:
        return f"{system}|{code}"
    raise UnknownCode("HUB-3009", where=where, set="class")


def _codes(concepts: Sequence[Body], where: str) -> Iterator[str]:
    for i, concept in enumerate(concepts):
        found = [f"{c['system']}|{c['code']}" for c in concept.get("coding", ()) if "system" in c and "code" in c]
        if not found:
            raise MissingValue("HUB-3011", where=f"{where}[{i}].coding")
        yield from found


def _actors(actors: Sequence[Body], where: str) -> dict[str, frozenset[str]]:
    named: dict[str, set[str]] = {"recipient": set(), "custodian": set(), "author": set()}
    for i, actor in enumerate(actors):
        place = f"{where}[{i}]"
        for name in actor:
            if name not in {"role", "reference", "id"}:
                raise Unsupported("HUB-3004", where=f"{place}.{name}")
        roles = set(_known("role", actor["role"], f"{place}.role"))
        if len(roles) > 1:
            raise BrokenRule("HUB-3012", where=f"{place}.role")
        role = roles.pop()
        named[role].add(_actor(actor["reference"], role, f"{place}.reference"))
    fields = {"recipient": "recipients", "custodian": "custodians", "author": "authors"}
    return {fields[role]: frozenset(found) for role, found in named.items() if found}


def _actor(reference: Body, role: str, where: str) -> str:
    """Give the canonical form of an actor: by identifier, never by name."""
    code = office(reference, where)
    if code:
        return code if role == "custodian" else f"Organization/{code}"
    identifier = reference.get("identifier", {})
    if role == "recipient" and identifier.get("system") == PRACTITIONER and identifier.get("value"):
        return f"Practitioner/{identifier['value']}"
    match = _LITERAL.fullmatch(reference.get("reference", ""))
    if match and ((role == "recipient" and match[1] in _MEMBERSHIPS) or (role == "author" and match[1] != "Organization")):
        return f"{match[1]}/{match[2]}"
    raise Unsupported("HUB-3013", where=where)


def office(reference: Body, where: str) -> str:
    """Give an organization's ten-character code from a reference's identifier; empty when it has none. Raises BadValue for a wrong number."""
    identifier = reference.get("identifier", {})
    if identifier.get("system") not in {INSTITUTION, KAIGO_OFFICE}:
        return ""
    value = identifier.get("value", "")
    if not is_office_code(value):
        raise BadValue("HUB-3014", where=f"{where}.identifier.value")
    return str(value)


def _data(data: Sequence[Body], authors: frozenset[str], where: str) -> dict[str, frozenset[str]]:
    """Read the data that a rule is about. `related` and `dependents` are one: what hangs on it; the authors add to those named as actors."""
    found: dict[str, set[str]] = {"instances": set(), "related": set(), "authors": set(authors)}
    fields = {"instance": "instances", "related": "related", "dependents": "related", "authoredby": "authors"}
    for i, entry in enumerate(data):
        match = _LITERAL.fullmatch(entry["reference"].get("reference", ""))
        if match is None:
            raise Unsupported("HUB-3015", where=f"{where}[{i}].reference")
        found[fields[entry["meaning"]]].add(f"{match[1]}/{match[2]}")
    told = {"authors"} if found["authors"] else set()
    if found["instances"] or found["related"]:
        told |= {"instances", "related"}
    return {name: frozenset(found[name]) for name in told}
