"""NK1 → JP_RelatedPerson: relatives and other contacts with their relation and telephones (hospital facts §2.5, §4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.hospital.fields import Body, clean, coding, digest, filled
from adapters.hospital.heard import Heard
from adapters.hospital.people import addresses, names, telecoms
from adapters.hospital.tables import keyed
from adapters.wire.hl7v2 import Segment
from schemas.adapter import BASE, Draft, link

_PROFILE = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_RelatedPerson"
_RELATION = "http://terminology.hl7.org/CodeSystem/v2-0063"
RANK = f"{BASE}/StructureDefinition/contact-rank"
"""Place in the sender's list, which often is the order in which to call (hospital facts §2.5); HL7 has no field for it that is used."""
_SELF = "SEL"


def relatives(heard: Heard) -> Iterator[Draft]:
    """Give each NK1 that names somebody else; the patient as own contact (SEL) says nothing that PID does not.

    The key is made of name and relation, not of the place in the list: a consent may point at a relative, and the third place must not turn
    into another person there.
    """
    for nk1 in heard.message.all("NK1"):
        relation = clean(nk1[3, 1])
        if relation == _SELF:
            continue
        named = names(nk1, 2) or _organization(nk1)
        phones = telecoms(nk1, 5, 6)
        if not named and not phones:
            heard.note("HUB-1033", nk1.at(2), element="RelatedPerson.name")
            continue
        body = filled({
            "resourceType": "RelatedPerson",
            "meta": {"profile": [_PROFILE]},
            "extension": [{"url": RANK, "valuePositiveInt": nk1.number}],
            "active": True,
            "patient": {"reference": link("Patient", heard.patient)},
            "relationship": _relationship(heard, nk1, relation),
            "name": named,
            "telecom": phones,
            "address": addresses(nk1, 4),
        })  # fmt: skip
        who = named[0]["text"] if named else phones[0]["value"]
        key = f"{heard.patient}:{digest((''.join(who.split()), relation))}"
        yield Draft("RelatedPerson", key, body)


def _organization(nk1: Segment) -> list[Body]:
    """Give the organization of NK1-13 as a name where no person is named: a home or an office that is to be called."""
    text = clean(nk1[13, 1])
    return [{"text": text}] if text else []


def _relationship(heard: Heard, nk1: Segment, relation: str) -> list[Body]:
    """Map NK1-3: the code if table 0063 has it; the sender's word always, since 長男 and 長女 have no code of their own."""
    known = relation in keyed("relations")
    words = clean(nk1[3, 2]) or clean(nk1[3, 5])
    if relation and not known:
        heard.note("HUB-1018", nk1.at(3), table="0063")
    return (
        [found]
        if (found := filled({"coding": [coding(_RELATION, relation)] if known else [], "text": words or ("" if known else relation)}))
        else []
    )
