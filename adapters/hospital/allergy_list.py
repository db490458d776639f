"""ADT-61 アレルギー情報: IAM → JP_AllergyIntolerance (hospital facts §2.9, §4.4). One message is the whole list."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.hospital.allergy import CLINICAL, PROFILE, allergen_key, kind_of
from adapters.hospital.fields import Body, clean, concept, digest, filled, needed, spaced
from adapters.hospital.heard import Heard
from adapters.hospital.tables import keyed, look
from adapters.wire.hl7v2 import Segment
from schemas.adapter import BASE, Draft, link
from schemas.errors import UnknownCode

_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
ALLERGY = f"{BASE}/sid/hospital-allergy"
_ACTIONS = {"A", "U", "X", "D"}
_DELETED = "D"


def allergy_list(heard: Heard) -> Iterator[Draft]:
    """Give each IAM. An entry that the sender no longer lists is not told here: views compare `sent` of the entries.

    Raises MissingValue when there is no entry or an entry has no allergen, UnknownCode for an action outside table 0323.
    """
    heard.message.need("IAM")
    for iam in heard.message.all("IAM"):
        code, own = needed(iam, 3, heard.sender), clean(iam[7, 1])
        body = filled({
            "resourceType": "AllergyIntolerance",
            "meta": {"profile": [PROFILE]},
            "identifier": [{"system": f"{ALLERGY}/{heard.sender}", "value": own}] if own else [],
            **_status(heard, iam),
            **kind_of(heard, iam, 2),
            "code": code,
            "patient": {"reference": link("Patient", heard.patient)},
            **_onset(heard, iam),
            "recordedDate": stamp.fhir if (stamp := heard.stamp(iam, 13)) else "",
            "asserter": _asserter(heard, iam),
            "note": [{"text": reason}] if (reason := clean(iam[8, 1])) else [],
            "reaction": _reaction(heard, iam),
        })  # fmt: skip
        key = digest([own]) if own else allergen_key(code)
        yield Draft("AllergyIntolerance", f"{heard.patient}:{heard.kind['kind']}:{key}", body)


def _status(heard: Heard, iam: Segment) -> Body:
    """Read IAM-6 and IAM-17. What was deleted or wrong is entered-in-error and has no clinical status (R4 ait-2); the rest has one (ait-1)."""
    action, check = clean(iam[6, 1]), clean(iam[17, 1])
    if not action:
        heard.note("HUB-1033", iam.at(6), element="AllergyIntolerance.clinicalStatus")
    elif action not in _ACTIONS:
        raise UnknownCode("HUB-1017", where=iam.at(6), table="0323")
    row = keyed("allergy_checks").get(check)
    if check and row is None:
        heard.note("HUB-1018", iam.at(17), table="0438")
    verification, clinical = (row["verification"], row["clinical"]) if row else ("", "active")
    if action == _DELETED or verification == "entered-in-error":
        return {"verificationStatus": concept(_VERIFICATION, "entered-in-error")}
    return filled({
        "clinicalStatus": concept(CLINICAL, clinical),
        "verificationStatus": concept(_VERIFICATION, verification) if verification else {},
    })  # fmt: skip


def _onset(heard: Heard, iam: Segment) -> Body:
    """Give the date of onset, however partial, else the words for it; never both."""
    at = heard.stamp(iam, 11)
    return filled({"onsetDateTime": at.fhir} if at else {"onsetString": clean(iam[12, 1])})


def _asserter(heard: Heard, iam: Segment) -> Body:
    """Name who told it: the patient (relation SEL), or somebody whose name IAM-14 gives."""
    if clean(iam[15, 1]) == "SEL":
        return {"reference": link("Patient", heard.patient)}
    name = spaced(iam[14, 1], iam[14, 2])
    return {"type": "RelatedPerson", "display": name} if name else {}


def _reaction(heard: Heard, iam: Segment) -> list[Body]:
    """Give the reaction; R4 demands its manifestation, so a severity alone says that the manifestation is not known."""
    code, words = clean(iam[4, 1]), clean(iam[5, 1])
    severity = look("severities", code, "severity")
    if code and code not in keyed("severities"):
        heard.note("HUB-1018", iam.at(4), table="0128")
    if not severity and not words:
        return []
    manifestation = {"text": words} if words else {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    return [filled({"manifestation": [manifestation], "severity": severity})]
