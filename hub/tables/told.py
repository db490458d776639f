"""What is kept of a resource's tree once it was checked: the tree itself, fifty times as large as what is used of it, is let go at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec

from consent.family import members
from consent.labels import harms, label_codes
from consent.redact import has_inline_labels, may_be_marked, names_family, speaks_of_family, unmarked
from schemas.fhir import facts
from schemas.fhir.resource import Body

_KANA = re.compile(r"[ぁ-ゖァ-ヺー・\s]+")
_INLINE = "http://terminology.hl7.org/CodeSystem/v3-ActCode|PROCESSINLINELABEL"
_NONE: frozenset[str] = frozenset()


class Told(msgspec.Struct, frozen=True):
    """What a resource says of itself that owners, labels and rows hang on. Days ISO, empty = unknown; references as they were sent."""

    id: str
    patients: tuple[tuple[str, str], ...]
    """Place and text of the references that say whose data it is; where none does, of those that put it into a person's compartment."""
    codes: frozenset[str]
    """`system|code` of what it is about."""
    reasons: frozenset[str]
    """`system|code` of what its label hangs on besides."""
    security: frozenset[str]
    begins: str
    ends: str
    author: str
    related: frozenset[str]
    profiles: frozenset[str]
    in_error: bool
    family: bool
    members: frozenset[str]
    """References of the family members of whom it tells; empty = not known of all."""
    harm: bool
    inline: bool
    identifiers: tuple[tuple[str, str], ...]
    """By which it is found."""
    marked: tuple[tuple[str, str], ...] = ()
    """Those of them that stand in marked elements, which others do not see: by these it is found by its custodian alone."""
    staff: bool = False
    """A Group of practitioners: about no person of whom records are kept."""
    names: tuple[str, ...] = ()
    """Kana names of a Patient, if its birth date is known."""
    birth: str = ""
    surnames: tuple[str, ...] = ()
    """Surnames of a Patient, as written and as read."""


def told(kind: str, tree: dict[str, Any], text: bytes, *, again: bool = False) -> Told:
    """Read a tree that fits its schema. `text`, which it was read from, only tells which questions need not be asked.

    `again` = for rows that are made anew: the owner stands in the header, and what it hangs on is left out.
    """
    begins, ends = facts.clinical_days(kind, tree)
    marked, labelled = may_be_marked(text, "family"), may_be_marked(text, "inline")
    family = speaks_of_family(kind, tree) if marked else names_family(kind, tree)
    meta = tree.get("meta")
    stated, tags = (_labels(meta, "security"), _labels(meta, "tag")) if isinstance(meta, dict) else (_NONE, _NONE)
    number = tree.get("id")
    birth = tree.get("birthDate") if kind == "Patient" else None
    identifiers = tuple(facts.identifiers(tree))
    shown = set(facts.identifiers(unmarked(tree))) if identifiers and (marked or labelled) else set(identifiers)
    return Told(
        id=number if isinstance(number, str) else "",
        patients=() if again else (*(facts.subject_references(kind, tree) or facts.patient_references(kind, tree)), *_inside(tree)),
        codes=facts.main_codes(kind, tree),
        reasons=label_codes(kind, tree),
        security=stated,
        begins=begins.isoformat() if begins else "",
        ends=ends.isoformat() if ends else "",
        author=facts.author(kind, tree),
        related=facts.related(kind, tree),
        profiles=facts.profiles(tree),
        in_error=_in_error(tree),
        family=family,
        members=members(kind, tree) if marked and family else _NONE,
        harm=harms(tags),
        inline=_INLINE in tags or _INLINE in stated or (labelled and has_inline_labels(tree)),
        identifiers=identifiers,
        marked=tuple(one for one in identifiers if one not in shown),
        staff=kind == "Group" and tree.get("type") == "practitioner",
        names=tuple(_kana_names(tree)) if isinstance(birth, str) else (),
        birth=birth if isinstance(birth, str) else "",
        surnames=tuple(dict.fromkeys(_surnames(tree))) if kind == "Patient" else (),
    )


def _inside(tree: dict[str, Any]) -> list[tuple[str, str]]:
    """Give whose data the resources are that are contained in a resource: another person's must not lie in it."""
    held = tree.get("contained")
    found: list[tuple[str, str]] = []
    for i, one in enumerate(held if isinstance(held, list) else ()):
        if isinstance(one, dict) and isinstance(kind := one.get("resourceType"), str):
            found += [(f"contained[{i}].{place}", text) for place, text in facts.subject_references(kind, one) if not text.startswith("#")]
    return found


def told_of(body: Body) -> Told:
    """Give what was kept when a resource was read; read it now where nothing was."""
    return body.kept if isinstance(body.kept, Told) else told(body.type, body.value, body.raw)


def _labels(meta: dict[str, Any], name: str) -> frozenset[str]:
    """Give `system|code` of meta.security or meta.tag."""
    rows = meta.get(name)
    return frozenset(f"{c.get('system', '')}|{c.get('code', '')}" for c in rows if isinstance(c, dict)) if rows else _NONE


def _in_error(tree: dict[str, Any]) -> bool:
    if tree.get("status") == "entered-in-error":
        return True
    concept = tree.get("verificationStatus")
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return any(c.get("code") == "entered-in-error" for c in codings if isinstance(c, dict))


def _surnames(tree: dict[str, Any]) -> Iterator[str]:
    """Give what stands as family name; where only the whole name is written, what stands before the first blank of it."""
    for name in tree.get("name", ()):
        if not isinstance(name, dict):
            continue
        family, text = name.get("family"), name.get("text")
        if isinstance(family, str) and family.strip():
            yield family.strip()
        elif isinstance(text, str) and len(parts := text.split()) > 1:
            yield parts[0]


def _kana_names(tree: dict[str, Any]) -> Iterator[str]:
    for name in tree.get("name", ()):
        if not isinstance(name, dict):
            continue
        parts = [name.get("family", ""), *name.get("given", ())]
        for text in (name.get("text", ""), "".join(p for p in parts if isinstance(p, str))):
            if isinstance(text, str) and text and _KANA.fullmatch(unicodedata.normalize("NFKC", text)):
                yield text
