"""AL1 of ADT-00 → JP_AllergyIntolerance (hospital facts §2.8, §4.1, §4.4)."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.hospital.fields import Body, clean, coded, concept, digest, filled
from adapters.hospital.heard import Heard
from adapters.hospital.tables import keyed
from adapters.wire.hl7v2 import Segment
from schemas.adapter import Draft, link

PROFILE = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_AllergyIntolerance"
CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"


def listed_allergies(heard: Heard) -> Iterator[Draft]:
    """Give each AL1 with an allergen.

    ADT-61 says the same in more detail; its entries have keys of their own, and `kind` in the facts tells the two apart.
    """
    for al1 in heard.message.all("AL1"):
        code = coded(al1, 3, heard.sender)
        if not code:
            heard.note("HUB-1033", al1.at(3), element="AllergyIntolerance.code")
            continue
        body = filled({
            "resourceType": "AllergyIntolerance",
            "meta": {"profile": [PROFILE]},
            "clinicalStatus": concept(CLINICAL, "active"),
            **kind_of(heard, al1, 2),
            "code": code,
            "patient": {"reference": link("Patient", heard.patient)},
        })  # fmt: skip
        yield Draft("AllergyIntolerance", f"{heard.patient}:{heard.kind['kind']}:{allergen_key(code)}", body)


def kind_of(heard: Heard, segment: Segment, field: int) -> Body:
    """Give type and category for a code of table 0127; a code that is not in it is noted and says nothing."""
    code = clean(segment[field, 1])
    row = keyed("allergen_types").get(code)
    if code and row is None:
        heard.note("HUB-1018", segment.at(field), table="0127")
    return filled({"type": row["type"], "category": [row["category"]] if row["category"] else []}) if row else {}


def allergen_key(code: Body) -> str:
    """Make the part of a key that stands for an allergen: its codes, or its words where it has none."""
    codes = [f"{one['system']}|{one['code']}" for one in code.get("coding", ())]
    return digest(codes or ["".join(code.get("text", "").split())])
