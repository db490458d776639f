"""PPR-01 病名（歴）: PRB, ZPR and ORC → JP_Condition_Diagnosis (hospital facts §2.10, §4.5). One message is the whole list."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.hospital.fields import Body, as_code, clean, coding, concept, digest, doctors, filled, needed
from adapters.hospital.heard import Heard
from adapters.hospital.tables import Row, keyed
from adapters.wire.hl7v2 import Segment
from schemas.adapter import BASE, Draft, link
from schemas.errors import UnknownCode

_PROFILE = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Condition_Diagnosis"
_EXTENSION = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Condition_"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_EXCHANGE = "http://medis.or.jp/CodeSystem/master-disease-exCode"
_MODIFIER = "http://medis.or.jp/CodeSystem/master-disease-modKeyNumber"
_ICD_2013 = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full"
_ICD = "http://hl7.org/fhir/sid/icd-10"
_SECURITY = "http://terminology.hl7.org/CodeSystem/v2-0177"
PROBLEM = f"{BASE}/sid/hospital-problem"
_ACTIONS = {"AD", "CO", "DE", "LI", "UC", "UN", "UP"}


def problems(heard: Heard) -> Iterator[Draft]:
    """Give each PRB with what follows it. A problem that the sender no longer lists is not told here: views compare `sent` of the entries.

    Raises MissingValue when there is no problem or one has neither code nor words, UnknownCode for an action outside table 0287.
    """
    heard.message.need("PRB")
    for prb, *others in heard.message.groups("PRB"):
        zpr = next((one for one in others if one.name == "ZPR"), None)
        orc = next((one for one in others if one.name == "ORC"), None)
        body = _body(heard, prb, zpr, orc)
        own = clean(prb[4, 1])
        key = own or digest([body["code"].get("text", ""), clean(prb[16, 1])])
        yield Draft("Condition", f"{heard.patient}:{key}", body)


def _body(heard: Heard, prb: Segment, zpr: Segment | None, orc: Segment | None) -> Body:
    own, outcome = clean(prb[4, 1]), _outcome(heard, prb)
    status = _status(prb, outcome)
    recorded = heard.stamp(prb, 7)
    recorders = doctors(orc, 12, heard.sender) if orc else []
    return filled({
        "resourceType": "Condition",
        "meta": filled({"profile": [_PROFILE], "security": _security(prb)}),
        "extension": _outcome_sent(prb, outcome),
        "identifier": [{"system": f"{PROBLEM}/{heard.sender}", "value": own}] if own else [],
        **status,
        "category": [concept(_CATEGORY, "problem-list-item")],
        "code": _code(heard, prb, zpr),
        "subject": {"reference": link("Patient", heard.patient)},
        **_onset(heard, prb),
        **_abatement(heard, prb, over=status.get("clinicalStatus") not in (None, concept(_CLINICAL, "active"))),
        "recordedDate": recorded.fhir if recorded else "",
        "recorder": recorders[0] if recorders else {},
    })  # fmt: skip


def _security(prb: Segment) -> list[Body]:
    """Give PRB-25 as the sender's own label; what it means is judged where consent is."""
    return [coding(_SECURITY, code) for rep in prb.each(25) if (code := as_code(rep[1]))]


def _outcome(heard: Heard, prb: Segment) -> Row | None:
    code = clean(prb[14, 1])
    row = keyed("outcomes").get(code)
    if code and row is None:
        heard.note("HUB-1018", prb.at(14), table="0241")
    return row


def _outcome_sent(prb: Segment, outcome: Row | None) -> list[Body]:
    if outcome is None:
        return []
    system = f"http://jpfhir.jp/fhir/core/CodeSystem/{outcome['system']}"
    words = clean(prb[14, 2]) or outcome["name"]
    return [{"url": f"{_EXTENSION}DiseaseOutcome", "valueCodeableConcept": concept(system, outcome["code"], words)}]


def _status(prb: Segment, outcome: Row | None) -> Body:
    """Read action, outcome and 疑い. What was deleted is entered-in-error and has no clinical status (R4 con-5)."""
    action = prb.need(1)
    if action not in _ACTIONS:
        raise UnknownCode("HUB-1017", where=prb.at(1), table="0287")
    if action == "DE":
        return {"verificationStatus": concept(_VERIFICATION, "entered-in-error")}
    ended = "inactive" if clean(prb[9, 1]) else "active"
    return {
        "clinicalStatus": concept(_CLINICAL, outcome["clinical"] if outcome else ended),
        "verificationStatus": concept(_VERIFICATION, "provisional" if clean(prb[13, 1]) == "1" else "confirmed"),
    }


def _code(heard: Heard, prb: Segment, zpr: Segment | None) -> Body:
    """Give 病名管理番号, 病名交換用コード and ICD-10; `text` is the doctor's composed name with its modifiers."""
    code = needed(prb, 3, heard.sender)
    codings = [*code.get("coding", []), *_icd(prb)]
    if zpr and (exchange := as_code(zpr[5, 1])):
        codings.append(coding(_EXCHANGE, exchange))
    return filled({"extension": _modifiers(zpr), "coding": codings, "text": code.get("text", "")})


def _icd(prb: Segment) -> list[Body]:
    """Give PRB-10.1: of the 2013 edition under the ministry's address, else of 2003 under HL7's, which writes a dot (hospital facts §2.10)."""
    code = as_code(prb[10, 1])
    if not code or clean(prb[10, 3]) not in {"I10", ""}:
        return []
    if clean(prb[10, 7]) == "2013":
        return [coding(_ICD_2013, code)]
    dotted = f"{code[:3]}.{code[3:]}" if len(code) > 3 and "." not in code else code
    return [{"system": _ICD, "version": "2003", "code": dotted}]


def _modifiers(zpr: Segment | None) -> list[Body]:
    if zpr is None:
        return []
    return [
        {"url": f"{_EXTENSION}{name}", "valueCodeableConcept": concept(_MODIFIER, code, clean(rep[2]))}
        for name, field in (("DiseasePrefixModifier", 1), ("DiseasePostfixModifier", 3))
        for rep in zpr.each(field)
        if (code := as_code(rep[1]))
    ]


def _onset(heard: Heard, prb: Segment) -> Body:
    at = heard.stamp(prb, 16)
    return filled({"onsetDateTime": at.fhir} if at else {"onsetString": clean(prb[17, 1])})


def _abatement(heard: Heard, prb: Segment, *, over: bool) -> Body:
    """Give when it ended: PRB-9, else PRB-15. Of a problem that goes on, PRB-15 is the day it was judged, not an end (R4 con-4)."""
    at = heard.stamp(prb, 9) or heard.stamp(prb, 15)
    return {"abatementDateTime": at.fhir} if at and over else {}
