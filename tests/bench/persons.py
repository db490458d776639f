"""Invented persons for the two views: a thousand in hospital whom one care manager's office looks after, and one of whom much is known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import orjson

from schemas.adapter import BASE
from schemas.ids import KAIGO_INSURED
from tests.bench.load import ICD10, JLAC10, NAME_FORM, TERMS, UCUM, YJ, Tree, concept, entry, table
from tests.bench.region import HOSPITAL, OFFICE, STATION

JST = timezone(timedelta(hours=9))
LOINC, HUB = "http://loinc.org", f"{BASE}/CodeSystem/vn-observation"
RICH, RICH_BIRTH, RICH_KANA = 900_000, "1938-05-02", "シミズ　ハルエ"
_TOGETHER = 10
"""Persons of one transaction."""
_LEVELS = [("21", "要介護1"), ("22", "要介護2"), ("23", "要介護3")]
_VITALS = [
    ("8310-5", "体温", "Cel", 36.4),
    ("8867-4", "脈拍", "/min", 74.0),
    ("9279-1", "呼吸数", "/min", 17.0),
    ("59408-5", "SpO2", "%", 95.0),
]

Sent = tuple[str, bytes]
"""The organization that sends, and its transaction."""


def insured(number: int) -> str:
    """Give the care-insurance number of a person, by which all organizations mean the same one."""
    return f"131016:{number:010d}"


def stays(count: int, now: datetime) -> Iterator[Sent]:
    """Give what tells of so many stays of as many persons: the hospital's part, and the office's with each person's written consent."""
    for first in range(0, count, _TOGETHER):
        numbers = range(first, min(first + _TOGETHER, count))
        yield HOSPITAL, _transaction([r for n in numbers for r in _in_hospital(n, now)])
        yield OFFICE, _transaction([r for n in numbers for r in _looked_after(n)])


def rich(now: datetime) -> Iterator[Sent]:
    """Give what four weeks of home care and three stays have left of one person: about 190 resources of three organizations."""
    yield OFFICE, _transaction([*_looked_after(RICH), *_home()])
    yield HOSPITAL, _transaction([*_in_hospital(RICH, now), *_chart(now)])
    yield STATION, _transaction([_patient(RICH), *_visits(now)])


def _transaction(resources: list[Tree]) -> bytes:
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry(r) for r in resources]})


def _subject(number: int) -> Tree:
    return {"reference": f"Patient/p{number}"}


def _iso(at: datetime) -> str:
    return at.astimezone(JST).isoformat(timespec="seconds")


def _patient(number: int) -> Tree:
    draw = random.Random(number)
    (family, kana), (given, reading) = draw.choice(table("family")), draw.choice(table("given"))
    birth = f"19{draw.randrange(28, 60)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"
    if number == RICH:
        family, given, kana, reading, birth = "清水", "春江", *RICH_KANA.split("　"), RICH_BIRTH
    return {
        "resourceType": "Patient", "id": f"p{number}", "identifier": [{"system": KAIGO_INSURED, "value": insured(number)}],
        "name": [
            {"extension": [{"url": NAME_FORM, "valueCode": "IDE"}], "text": f"{family}　{given}", "family": family, "given": [given]},
            {"extension": [{"url": NAME_FORM, "valueCode": "SYL"}], "text": f"{kana}　{reading}"},
        ],
        "gender": draw.choice(["male", "female"]), "birthDate": birth, "address": [{"use": "home", "text": "東京都見本区本町"}],
    }  # fmt: skip


def _in_hospital(number: int, now: datetime) -> list[Tree]:
    draw = random.Random(f"stay {number}")
    stay = {
        "resourceType": "Encounter", "id": f"e{number}", "status": "in-progress",
        "class": {"system": TERMS + "v3-ActCode", "code": "IMP", "display": "入院"}, "subject": _subject(number),
        "period": {"start": _iso(now - timedelta(hours=draw.randrange(1, 240)))},
        "reasonCode": [concept(ICD10, *draw.choice(table("diseases")))],
        "location": [{"location": {"display": f"{draw.randrange(2, 8)}階{draw.choice('東西')}"}, "status": "active"}],
    }  # fmt: skip
    return [_patient(number), stay]


def _looked_after(number: int) -> list[Tree]:
    draw = random.Random(f"care {number}")
    plan = {
        "resourceType": "CarePlan", "id": f"c{number}", "status": "active", "intent": "plan", "subject": _subject(number), "period": {"start": "2026-04-01"},
        "author": {"identifier": {"system": f"{BASE}/sid/office", "value": OFFICE}, "display": "測定 専門員"},
    }  # fmt: skip
    level = {
        "resourceType": "Observation", "id": f"l{number}", "status": "final", "code": {"coding": [{"system": f"{BASE}/CodeSystem/care", "code": "care-level"}]},
        "subject": _subject(number), "effectiveDateTime": "2026-04-01", "valueCodeableConcept": concept(f"{BASE}/CodeSystem/care-level", *draw.choice(_LEVELS)),
    }  # fmt: skip
    return [_patient(number), plan, level, consent(number)]


def consent(number: int) -> Tree:
    """A written consent of the person: the whole network, treatment and care, up to N."""
    reason = TERMS + "v3-ActReason"
    return {
        "resourceType": "Consent", "id": f"k{number}", "extension": [{"url": f"{BASE}/StructureDefinition/consent-form", "valueCode": "written"}],
        "status": "active", "scope": {"coding": [{"system": TERMS + "consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": LOINC, "code": "59284-0"}]}], "patient": _subject(number), "dateTime": "2026-01-05T10:00:00+09:00",
        "policy": [{"uri": f"{BASE}/policy/sharing"}], "performer": [_subject(number)],
        "organization": [{"identifier": {"system": f"{BASE}/sid/network", "value": "NW"}}],
        "provision": {
            "type": "permit", "purpose": [{"system": reason, "code": "TREAT"}, {"system": reason, "code": "CAREMGT"}],
            "securityLabel": [{"system": TERMS + "v3-Confidentiality", "code": "N"}],
        },
    }  # fmt: skip


def _home() -> list[Tree]:
    """The office's further part of the rich person: family, and how the person lives."""
    family = [("春子", "長女", "090-0000-1001"), ("一郎", "長男", "090-0000-1002"), ("花", "妹", "090-0000-1003")]
    called: list[Tree] = [
        {
            "resourceType": "RelatedPerson", "id": f"f{i}", "patient": _subject(RICH), "active": True, "name": [{"text": f"清水　{name}"}],
            "relationship": [{"text": kin}], "telecom": [{"system": "phone", "value": phone, "rank": i + 1}],
        }
        for i, (name, kin, phone) in enumerate(family)
    ]  # fmt: skip
    told = [("mobility", "移動", "屋内は伝い歩き、屋外は車いす"), ("eating", "食事", "自分で。やわらかいもの"), ("toileting", "排泄", "夜だけポータブルトイレ"),
            ("dementia-level", "認知症自立度", "Ⅱa"), ("bedridden-level", "寝たきり度", "A2"), ("key", "鍵", "玄関のキーボックス")]  # fmt: skip
    return called + [
        {
            "resourceType": "Observation", "id": f"u{code}", "status": "final", "code": {"coding": [{"system": HUB, "code": code, "display": name}], "text": name},
            "category": [concept(TERMS + "observation-category", "social-history", "暮らし")],
            "subject": _subject(RICH), "effectiveDateTime": "2026-05-20", "valueString": words,
        }
        for code, name, words in told
    ]  # fmt: skip


def _chart(now: datetime) -> list[Tree]:
    """The hospital's further part: problems, drugs, allergies, results."""
    made: list[Tree] = []
    for i, (code, name) in enumerate(table("diseases")):
        made.append({
            "resourceType": "Condition", "id": f"d{i}", "clinicalStatus": {"coding": [{"system": TERMS + "condition-clinical", "code": "active"}]},
            "code": concept(ICD10, code, name), "subject": _subject(RICH), "recordedDate": _iso(now - timedelta(days=30 * i + 2)),
        })  # fmt: skip
    for i, (code, name) in enumerate(table("drugs")):
        made.append({
            "resourceType": "MedicationRequest", "id": f"m{i}", "status": "active", "intent": "order", "medicationCodeableConcept": concept(YJ, code, name),
            "subject": _subject(RICH), "authoredOn": _iso(now - timedelta(days=5)), "dosageInstruction": [{"text": "1回1錠 1日1回 朝食後"}],
        })  # fmt: skip
    for i, name in enumerate(table("allergens")[:2]):
        made.append({
            "resourceType": "AllergyIntolerance", "id": f"a{i}", "code": {"text": name}, "patient": _subject(RICH), "recordedDate": "2019",
            "clinicalStatus": {"coding": [{"system": TERMS + "allergyintolerance-clinical", "code": "active"}]},
            "verificationStatus": {"coding": [{"system": TERMS + "allergyintolerance-verification", "code": "confirmed"}]},
        })  # fmt: skip
    for i in range(40):
        code, name, unit, usual, *_ = table("labs")[i % len(table("labs"))]
        made.append(_measured(f"r{i}", JLAC10, code, name, unit, usual, now - timedelta(days=3 * (i // 10), hours=2), "laboratory"))
    return made


def _visits(now: datetime) -> list[Tree]:
    """The station's part: a visit every second day for four weeks, each with a set of measurements and a note; a home oxygen device."""
    made: list[Tree] = [
        {
            "resourceType": "Device",
            "id": "o2",
            "status": "active",
            "deviceName": [{"name": "在宅酸素濃縮器", "type": "user-friendly-name"}],
            "patient": _subject(RICH),
        },
        {
            "resourceType": "Flag",
            "id": "fall",
            "status": "active",
            "code": {"text": "転倒に注意"},
            "subject": _subject(RICH),
            "period": {"start": "2026-05-01"},
        },
    ]
    for i in range(14):
        at = now - timedelta(days=2 * i, hours=3)
        visit = {"reference": f"Encounter/v{i}"}
        made.append({
            "resourceType": "Encounter", "id": f"v{i}", "status": "finished", "class": {"system": TERMS + "v3-ActCode", "code": "HH"},
            "subject": _subject(RICH), "period": {"start": _iso(at), "end": _iso(at + timedelta(minutes=50))},
        })  # fmt: skip
        made.append({
            "resourceType": "ClinicalImpression", "id": f"n{i}", "status": "completed", "subject": _subject(RICH), "encounter": visit,
            "date": _iso(at), "summary": "呼吸苦なし。下腿の浮腫は軽い。服薬は声かけで可。",
        })  # fmt: skip
        for j, (code, name, unit, usual) in enumerate(_VITALS):
            made.append({**_measured(f"w{i}-{j}", LOINC, code, name, unit, usual + (i % 3) * 0.2, at, "vital-signs"), "encounter": visit})
    return made


def _measured(number: str, system: str, code: str, name: str, unit: str, value: float, at: datetime, category: str) -> Tree:
    return {
        "resourceType": "Observation", "id": number, "status": "final", "category": [concept(TERMS + "observation-category", category, category)],
        "code": concept(system, code, name), "subject": _subject(RICH), "effectiveDateTime": _iso(at),
        "valueQuantity": {"value": round(value, 2), "unit": unit, "system": UCUM, "code": unit},
    }  # fmt: skip
