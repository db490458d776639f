"""Invented persons for the 急変時 page, built resource by resource as each custodian would send them."""

from datetime import datetime, timedelta
from itertools import count

from hub.views.ages import JST
from hub.views.emergency import build
from hub.views.emergency_shapes import Access
from hub.views.shapes import Known, Office

NOW = datetime(2026, 11, 24, 23, 41, tzinfo=JST)
HOSPITAL, CLINIC, NURSE, MANAGER, SUPPORT = "1119900014", "1119900022", "1169900011", "1179900019", "1109900017"
OFFICES = {
    HOSPITAL: Office(HOSPITAL, "中央病院", "hospital", "048-000-1000"),
    CLINIC: Office(CLINIC, "みどり医院", "clinic", "048-000-3310", opens="09:00", closes="18:00"),
    NURSE: Office(NURSE, "つばさ訪問看護", "visiting-nurse", "048-000-1201", weekdays=frozenset(range(7)), opens="00:00", closes="24:00"),
    MANAGER: Office(MANAGER, "さくら居宅", "care-manager", "090-0000-7723", opens="08:30", closes="17:30"),
    SUPPORT: Office(SUPPORT, "さくら市地域包括支援センター", "support-center", "048-000-5500"),
}
SOURCES = {code: office.name for code, office in OFFICES.items()}
LOINC = "http://loinc.org"
CATEGORY = "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS"
HL7 = "http://terminology.hl7.org/CodeSystem"
YJ = "urn:oid:1.2.392.100495.20.1.73"
_ids = count(1)
ACCESS = Access("緊急開示", "法27条1項2号", emergency=True, notices=("本人（郵送待ち）",))


def iso(at):
    return at.isoformat()


def ago(**spans):
    return NOW - timedelta(**spans)


def known(kind, custodian, body, *, key=None, version=1, recorded=None):
    key = key or f"tsu-{next(_ids)}"
    return Known(kind, key, version, custodian, SOURCES[custodian], recorded or ago(days=1), {"resourceType": kind, **body})


def page(resources, *, now=NOW, offices=OFFICES):
    return build("p-1", resources, ACCESS, offices, now, "最後の更新 23:41、遅れなし")


def person_name(kanji, kana, *, family="田村"):
    mark = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
    return [
        {"extension": [{"url": mark, "valueCode": "IDE"}], "family": family, "given": [kanji]},
        {"extension": [{"url": mark, "valueCode": "SYL"}], "text": kana},
    ]


def patient(custodian=HOSPITAL, *, key="pat-1", **more):
    body = {
        "name": person_name("きよ", "たむら きよ"), "gender": "female", "birthDate": "1942-03-08",
        "address": [{"use": "home", "text": "さくら市本町2丁目"}], **more,
    }  # fmt: skip
    return known("Patient", custodian, body, key=key)


def observation(custodian, system, code, at, *, status="final", category="vital-signs", **more):
    body = {
        "status": status, "category": [{"coding": [{"system": f"{HL7}/observation-category", "code": category}]}],
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": "Patient/pat-1"}, "effectiveDateTime": iso(at) if isinstance(at, datetime) else at, **more,
    }  # fmt: skip
    return known("Observation", custodian, body)


def quantity(value, unit):
    return {"valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}


def told(custodian, label, value, at, *, category="functional-status"):
    """An Observation in words."""
    body = {
        "status": "final", "category": [{"coding": [{"system": CATEGORY, "code": category}]}], "code": {"text": label}, "valueString": value,
        "subject": {"reference": "Patient/pat-1"},
        "effectiveDateTime": iso(at),
    }  # fmt: skip
    return known("Observation", custodian, body)


def pressure(at, systolic, diastolic, **more):
    part = [
        {"code": {"coding": [{"system": LOINC, "code": code}]}, **quantity(value, "mm[Hg]")}
        for code, value in (("8480-6", systolic), ("8462-4", diastolic))
    ]
    return observation(NURSE, LOINC, "85354-9", at, component=part, **more)


def vital_set(at, *, rr=None, spo2=None, flow=None, sbp=None, dbp=70, pr=None, bt=None, jcs=None, **more):
    """One set as a visiting nurse measures it; what is None was not measured."""
    found = []
    if rr is not None:
        found.append(observation(NURSE, LOINC, "9279-1", at, **quantity(rr, "/min"), **more))
    if spo2 is not None:
        oxygen = [] if flow is None else [{"code": {"coding": [{"system": LOINC, "code": "3151-8"}]}, **quantity(flow, "L/min")}]
        found.append(observation(NURSE, LOINC, "59408-5", at, **quantity(spo2, "%"), **({"component": oxygen} if oxygen else {}), **more))
    if sbp is not None:
        found.append(pressure(at, sbp, dbp, **more))
    if pr is not None:
        found.append(observation(NURSE, LOINC, "8867-4", at, **quantity(pr, "/min"), **more))
    if bt is not None:
        found.append(observation(NURSE, LOINC, "8310-5", at, **quantity(bt, "Cel"), **more))
    if jcs is not None:
        found.append(observation(NURSE, "https://tsunagu.example.jp/CodeSystem/vn-observation", "jcs", at, valueString=jcs, **more))
    return found


def baseline(days=6, **values):
    """One usual set a day, at ten, from two days ago back."""
    usual = {"rr": 18, "spo2": 94, "flow": 2, "sbp": 126, "pr": 78, "bt": 36.2, "jcs": "2", **values}
    return [one for day in range(2, 2 + days) for one in vital_set(NOW.replace(hour=10, minute=0) - timedelta(days=day), **usual)]


def condition(text, *, custodian=CLINIC, recorded="2026-11-12", status="active", icd="", **more):
    coding = [{"system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full", "code": icd}] if icd else []
    body = {
        "clinicalStatus": {"coding": [{"system": f"{HL7}/condition-clinical", "code": status}]}, "code": {"text": text, **({"coding": coding} if coding else {})},
        "subject": {"reference": "Patient/pat-1"}, "recordedDate": recorded, **more,
    }  # fmt: skip
    return known("Condition", custodian, body)


def drug(text, dose, *, custodian=CLINIC, yj="", authored="2026-11-12", status="active", **more):
    coding = {"coding": [{"system": YJ, "code": yj, "display": text}]} if yj else {}
    body = {
        "status": status, "intent": "order", "medicationCodeableConcept": {"text": text, **coding}, "authoredOn": authored,
        "subject": {"reference": "Patient/pat-1"}, "dosageInstruction": [{"text": dose}], **more,
    }  # fmt: skip
    return known("MedicationRequest", custodian, body)


def allergy(text, *, custodian=HOSPITAL, recorded="2019", reaction="", **more):
    body = {
        "clinicalStatus": {"coding": [{"system": f"{HL7}/allergyintolerance-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{HL7}/allergyintolerance-verification", "code": "confirmed"}]}, "code": {"text": text},
        "patient": {"reference": "Patient/pat-1"}, "recordedDate": recorded,
        **({"reaction": [{"manifestation": [{"text": reaction}]}]} if reaction else {}), **more,
    }  # fmt: skip
    return known("AllergyIntolerance", custodian, body)


def device(name, code, *, custodian=NURSE, since="2021", recorded=None, **more):
    key = f"dev-{next(_ids)}"
    used = {"status": "active", "device": {"reference": f"Device/{key}"}, "subject": {"reference": "Patient/pat-1"}, **more}
    used |= {"recordedOn": recorded} if recorded else {"timingPeriod": {"start": since}}
    return [
        known("Device", custodian, {"status": "active", "deviceName": [{"name": name, "type": "user-friendly-name"}],
                                    "type": {"coding": [{"code": code}]}}, key=key),
        known("DeviceUseStatement", custodian, used),
    ]  # fmt: skip


def wishes_consent(*, custodian=CLINIC, at="2026-09-14T14:00:00+09:00", status="active", conditions="慢性心不全・COPDの終末期の悪化", doctor="みどり医院 佐野医師",
                   provisions=(("permit", "antibiotics"), ("deny", "intubation"), ("deny", "cpr")), **more):  # fmt: skip
    base = "https://tsunagu.example.jp"
    said = {
        "acp-words": "できるだけ家で。苦しいのだけは取ってほしい",
        "acp-foreseen-conditions": conditions,
        "acp-confirming-doctor": doctor,
    }
    body = {
        "status": status, "scope": {"coding": [{"system": f"{HL7}/consentscope", "code": "adr"}]},
        "category": [{"coding": [{"system": f"{HL7}/consentcategorycodes", "code": "acd"}]}], "dateTime": at,
        "policy": [{"uri": f"{base}/policy/acp"}], "patient": {"reference": "Patient/pat-1"}, "performer": [{"reference": "Patient/pat-1"}, {"display": "長女 田村 恵"}],
        "extension": [{"url": f"{base}/StructureDefinition/{name}", "valueString": value} for name, value in said.items() if value],
        "provision": {"provision": [
            {"type": kind, "code": [{"coding": [{"system": f"{base}/CodeSystem/acp-treatment", "code": code}]}]} for kind, code in provisions
        ]}, **more,
    }  # fmt: skip
    return known("Consent", custodian, body)


def related(kanji, relation, phone, *, rank=None, family="田村", custodian=CLINIC, **more):
    telecom = [{"system": "phone", "value": phone, **({"rank": rank} if rank else {})}] if phone else []
    body = {"patient": {"reference": "Patient/pat-1"}, "name": [{"family": family, "given": [kanji]}], "relationship": [{"text": relation}],
            "telecom": telecom, **more}  # fmt: skip
    return known("RelatedPerson", custodian, body)


def encounter(at, *, custodian=NURSE, kind="HH", status="finished", reason="", urgent=False, key=None, **more):
    body = {
        "status": status, "class": {"system": f"{HL7}/v3-ActCode", "code": kind}, "period": {"start": iso(at)}, "subject": {"reference": "Patient/pat-1"},
        **({"reasonCode": [{"text": reason}]} if reason else {}), **({"priority": {"coding": [{"system": f"{HL7}/v3-ActPriority", "code": "EM"}]}} if urgent else {}), **more,
    }  # fmt: skip
    return known("Encounter", custodian, body, key=key)


def care_level(text="要介護3", code="23", *, custodian=MANAGER, start="2025-04-01", end="2027-03-31", status="final"):
    base = "https://tsunagu.example.jp/CodeSystem"
    body = {
        "status": status, "code": {"coding": [{"system": f"{base}/kaigo-observation", "code": "care-level"}]},
        "subject": {"reference": "Patient/pat-1"}, "effectivePeriod": {"start": start, "end": end},
        "valueCodeableConcept": {"coding": [{"system": f"{base}/kaigo-care-level", "code": code, "display": text}]},
    }  # fmt: skip
    return known("Observation", custodian, body)


def care_plan(created="2026-10-01", *, status="active", author=MANAGER, display="さくら居宅 小川", description="家での暮らしを支える。"):
    body = {
        "status": status, "intent": "plan", "created": created, "period": {"start": created}, "subject": {"reference": "Patient/pat-1"},
        "author": {"identifier": {"value": author}, "display": display}, "description": description,
    }  # fmt: skip
    return known("CarePlan", MANAGER, body)


def kiyo():
    """The woman of 84 of the demonstration: alone, heart failure, COPD, warfarin, pacemaker, oxygen, wishes with conditions, a daughter."""
    tonight = ago(minutes=10)
    return [
        patient(generalPractitioner=[{"identifier": {"value": CLINIC}, "display": "みどり医院 佐野"}]),
        patient(NURSE, key="pat-2"),
        care_level(),
        care_plan(),
        allergy("ペニシリン", reaction="アナフィラキシー", criticality="high"),
        condition("慢性心不全（HFpEF）"), condition("COPD（GOLD 3）"), condition("心房細動"),
        condition("アルツハイマー型認知症", custodian=HOSPITAL, recorded="2025-09-20"),
        condition("大腿骨頸部骨折術後", custodian=HOSPITAL, recorded="2024", status="resolved"),
        drug("ワルファリンK錠1mg「トーワ」", "1回2錠 1日1回 夕食後", yj="3332001F1083"),
        drug("フロセミド錠20mg「NP」", "1回1錠 1日1回 朝食後", yj="2139005F2399"),
        drug("フロセミド錠40mg「NP」", "1回1錠 1日1回 朝食後", yj="2139005F3395", custodian=HOSPITAL, authored="2026-11-22"),
        *device("ペースメーカー DDD", "pacemaker", custodian=HOSPITAL),
        *device("酸素濃縮器", "o2", recorded="2026-11-21", note=[{"text": "2 L/分"}]),
        told(NURSE, "とろみ", "中間・食形態3", ago(days=3)),
        told(NURSE, "移動", "車いす、移乗は一部介助", ago(days=3)),
        told(NURSE, "鍵", "玄関脇キーボックス（番号は訪問看護へ）", ago(days=40), category="social-history"),
        told(MANAGER, "世帯構成", "独居。猫1匹", ago(days=40), category="social-history"),
        wishes_consent(),
        related("恵", "長女", "090-0000-4418", rank=1),
        *baseline(),
        *vital_set(tonight, rr=26, spo2=90, flow=3, sbp=102, dbp=64, pr=108, bt=37.4, jcs="I-2"),
        encounter(ago(minutes=21), reason="息苦しさ、SpO2 88 %、酸素3 Lへ", urgent=True),
        encounter(ago(days=3), reason="下腿浮腫＋、体重 +1.4 kg／週"),
        encounter(ago(days=6), custodian=CLINIC, reason="利尿薬そのまま"),
        encounter(ago(days=20), reason="いつも通り"),
        known("Appointment", NURSE, {"status": "booked", "start": "2026-11-26T10:00:00+09:00", "end": "2026-11-26T11:00:00+09:00",
                                     "participant": [{"actor": {"reference": "Patient/pat-1"}, "status": "accepted"}]}),
    ]  # fmt: skip
