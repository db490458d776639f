"""The load: transactions of 50 resources of one invented patient, all PUT under new ids, JP Core like, about 95 KB each."""

from __future__ import annotations

import random
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from schemas.ids import patient_number_system
from tests.bench.region import HOSPITAL

Tree = dict[str, Any]
CORE = "http://jpfhir.jp/fhir/core/StructureDefinition/"
TERMS = "http://terminology.hl7.org/CodeSystem/"
UCUM = "http://unitsofmeasure.org"
JLAC10, YJ = "http://medis.or.jp/CodeSystem/master-JLAC10-17digits", "urn:oid:1.2.392.100495.20.2.73"
ICD10 = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full"
NAME_FORM = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_RESULTS, _ORDERS, _DISEASES, _ALLERGIES, _PROCEDURES = 30, 8, 3, 2, 2
SIZE = 50


@cache
def table(name: str) -> list[Any]:
    """Give one list of data/load.json."""
    rows: list[Any] = orjson.loads(Path(__file__).with_name("data").joinpath("load.json").read_bytes())[name]
    return rows


def bundle(seed: str) -> bytes:
    """Make one transaction; the same for the same seed, and no id in common with any other."""
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry(r) for r in Chart(seed).resources()]})


def entry(resource: Tree) -> Tree:
    """Wrap a resource as a PUT under its own id."""
    where = f"{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": f"https://shuuroku.example.jp/fhir/{where}", "resource": resource, "request": {"method": "PUT", "url": where}}


def concept(system: str, code: str, display: str) -> Tree:
    """Make a CodeableConcept."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


class Chart:
    """One patient's chart, drawn from a seed."""

    def __init__(self, seed: str) -> None:
        self.draw = random.Random(seed)  # the same load on every machine
        self.patient, self.visit = self._id(), self._id()
        self._day = self.draw.randrange(1, 28)

    def _id(self) -> str:
        return str(uuid.UUID(int=self.draw.getrandbits(128), version=4))

    def resources(self) -> list[Tree]:
        """Give the 50 resources, the Patient first."""
        made = [self._patient(), self._encounter()]
        results = [self._result(i) for i in range(_RESULTS)]
        made += results + [self._order() for _ in range(_ORDERS)] + [self._disease() for _ in range(_DISEASES)]
        made += [self._allergy() for _ in range(_ALLERGIES)] + [self._procedure() for _ in range(_PROCEDURES)] + [self._taken()]
        made.append(self._report([f"Observation/{r['id']}" for r in results]))
        made.append(self._letter([f"{r['resourceType']}/{r['id']}" for r in made]))
        assert len(made) == SIZE
        return made

    def _at(self, hour: int, minute: int = 0) -> str:
        return f"2026-06-{self._day:02d}T{hour:02d}:{minute:02d}:00+09:00"

    def _shell(self, kind: str, profile: str, words: str, **more: Any) -> Tree:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{words}</p></div>'
        return {
            "resourceType": kind, "id": self._id(), "meta": {"profile": [CORE + profile]}, "text": {"status": "generated", "div": div}, **more,
        }  # fmt: skip

    def _of(self, *, visit: str = "encounter") -> Tree:
        return {"subject": {"reference": f"Patient/{self.patient}"}, visit: {"reference": f"Encounter/{self.visit}"}}

    def _patient(self) -> Tree:
        draw = self.draw
        (family, kana), (given, reading) = draw.choice(table("family")), draw.choice(table("given"))
        postal, state, city, town = draw.choice(table("towns"))
        made = self._shell(
            "Patient", "JP_Patient", f"{family}　{given} さんの患者情報。氏名、生年月日、住所、連絡先。",
            identifier=[
                {"use": "usual", "system": patient_number_system(HOSPITAL), "value": f"{draw.randrange(10**10):010d}"},
                {"system": "http://jpfhir.jp/fhir/core/Insurance/memberID", "value": f"{draw.randrange(10**8):08d}:{draw.randrange(1000)}:{draw.randrange(10**6)}:01"},
            ],
            active=True,
            name=[
                {"extension": [{"url": NAME_FORM, "valueCode": "IDE"}], "use": "official", "text": f"{family}　{given}", "family": family, "given": [given]},
                {"extension": [{"url": NAME_FORM, "valueCode": "SYL"}], "use": "official", "text": f"{kana}　{reading}", "family": kana, "given": [reading]},
            ],
            telecom=[{"system": "phone", "value": f"03-0000-{draw.randrange(10**4):04d}", "use": "home"}],
            gender=draw.choice(["male", "female"]), birthDate=f"19{draw.randrange(28, 60)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}",
            address=[{"use": "home", "text": f"{state}{city}{town}", "line": [town], "city": city, "state": state, "postalCode": postal, "country": "JP"}],
            contact=[{
                "relationship": [concept(TERMS + "v2-0131", "C", "Emergency Contact")], "name": {"text": f"{family}　次郎", "family": family, "given": ["次郎"]},
                "telecom": [{"system": "phone", "value": f"090-0000-{draw.randrange(10**4):04d}"}],
            }],
            managingOrganization={"reference": f"Organization/{HOSPITAL}"},
        )  # fmt: skip
        return {**made, "id": self.patient}

    def _encounter(self) -> Tree:
        made = self._shell(
            "Encounter", "JP_Encounter", "外来受診。内科、再診。",
            identifier=[{"system": "https://shuuroku.example.jp/sid/visit", "value": self._id()}], status="finished",
            **{"class": {"system": TERMS + "v3-ActCode", "code": "AMB", "display": "ambulatory"}},
            subject={"reference": f"Patient/{self.patient}"},
            participant=[{
                "type": [concept(TERMS + "v3-ParticipationType", "ATND", "attender")],
                "individual": {"reference": f"Practitioner/d{self.draw.randrange(30)}", "display": "測定 医師"},
            }],
            period={"start": self._at(9), "end": self._at(9, 40)},
            reasonCode=[concept(ICD10, *self.draw.choice(table("diseases")))],
            serviceProvider={"reference": f"Organization/{HOSPITAL}", "display": "測定第一病院"},
        )  # fmt: skip
        return {**made, "id": self.visit}

    def _result(self, index: int) -> Tree:
        code, name, unit, usual, low, high = table("labs")[index % len(table("labs"))]
        value = round(usual * self.draw.uniform(0.8, 1.25), 2)
        judged = "N" if low <= value <= high else "H" if value > high else "L"

        def amount(number: float) -> Tree:
            return {"value": number, "unit": unit, "system": UCUM, "code": unit}

        return self._shell(
            "Observation", "JP_Observation_LabResult", f"検体検査の結果。{name}は {value} {unit}、基準範囲は {low} から {high}。採血は空腹時。",
            identifier=[{"system": "https://shuuroku.example.jp/sid/result", "value": self._id()}], status="final",
            category=[concept("http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS", "laboratory", "検体検査")],
            code={
                "coding": [
                    {"system": JLAC10, "code": code, "display": name},
                    {"system": "https://shuuroku.example.jp/CodeSystem/kensa", "code": f"K{self.draw.randrange(10**4):04d}", "display": name},
                ],
                "text": name,
            },
            **self._of(), effectiveDateTime=self._at(8, 30 + index % 30), issued=self._at(11).replace(":00+", ":00.000+"),
            performer=[{"reference": f"Organization/{HOSPITAL}", "display": "測定第一病院 検査部"}],
            valueQuantity=amount(value), interpretation=[concept(TERMS + "v3-ObservationInterpretation", judged, judged)],
            device={"display": "自動分析装置"}, referenceRange=[{"low": amount(low), "high": amount(high), "text": f"{low}-{high}"}],
        )  # fmt: skip

    def _order(self) -> Tree:
        code, name = self.draw.choice(table("drugs"))
        days = {"value": 28, "unit": "日", "system": UCUM, "code": "d"}
        tablet = "urn:oid:1.2.392.100495.20.2.101"
        return self._shell(
            "MedicationRequest", "JP_MedicationRequest", f"{name} 1回1錠 1日1回 朝食後 28日分",
            identifier=[
                {"system": "urn:oid:1.2.392.100495.20.3.81", "value": "1"},
                {"system": "urn:oid:1.2.392.100495.20.3.82", "value": str(self.draw.randrange(1, 9))},
            ],
            status="active", intent="order", medicationCodeableConcept=concept(YJ, code, name), **self._of(), authoredOn=self._at(9, 20),
            requester={"reference": f"Practitioner/d{self.draw.randrange(30)}"},
            dosageInstruction=[{
                "extension": [{"url": CORE + "JP_MedicationDosage_UsageDuration", "valueDuration": days}], "text": "1回1錠 1日1回 朝食後 28日分",
                "timing": {
                    "repeat": {"boundsDuration": days},
                    "code": concept("urn:oid:1.2.392.200250.2.2.20.20", "1011000400000000", "内服・経口・1日1回朝食後"),
                },
                "route": concept(TERMS + "v2-0162", "PO", "口"),
                "doseAndRate": [{
                    "type": concept("urn:oid:1.2.392.100495.20.2.22", "1", "製剤量"),
                    "doseQuantity": {"value": 1, "unit": "錠", "system": tablet, "code": "TAB"},
                }],
            }],
            dispenseRequest={"quantity": {"value": 28, "unit": "錠", "system": tablet, "code": "TAB"}, "expectedSupplyDuration": days},
            substitution={"allowedBoolean": True},
        )  # fmt: skip

    def _disease(self) -> Tree:
        code, name = self.draw.choice(table("diseases"))
        return self._shell(
            "Condition", "JP_Condition", f"{name}（診断名）。",
            clinicalStatus={"coding": [{"system": TERMS + "condition-clinical", "code": "active"}]},
            verificationStatus={"coding": [{"system": TERMS + "condition-ver-status", "code": "confirmed"}]},
            category=[{"coding": [{"system": TERMS + "condition-category", "code": "encounter-diagnosis"}]}],
            code={
                "coding": [
                    {"system": "http://medis.or.jp/CodeSystem/master-disease-keyNumber", "code": f"200{self.draw.randrange(10**5):05d}", "display": name},
                    {"system": ICD10, "code": code, "display": name},
                ],
                "text": name,
            },
            **self._of(), onsetDateTime=str(self.draw.randrange(2012, 2026)), recordedDate=self._at(9, 15), note=[{"text": "経過は落ち着いている。自宅での血圧を記録中。"}],
        )  # fmt: skip

    def _allergy(self) -> Tree:
        name = self.draw.choice(table("allergens"))
        return self._shell(
            "AllergyIntolerance", "JP_AllergyIntolerance", f"{name}のアレルギー。",
            clinicalStatus={"coding": [{"system": TERMS + "allergyintolerance-clinical", "code": "active"}]},
            verificationStatus={"coding": [{"system": TERMS + "allergyintolerance-verification", "code": "confirmed"}]},
            category=["medication"], criticality="high", code={"text": name}, patient={"reference": f"Patient/{self.patient}"}, recordedDate=self._at(9, 10),
        )  # fmt: skip

    def _procedure(self) -> Tree:
        name = self.draw.choice(table("procedures"))
        return self._shell(
            "Procedure", "JP_Procedure", f"{name}を行った。", status="completed", code=concept("https://shuuroku.example.jp/CodeSystem/shochi", "S01", name),
            **self._of(), performedDateTime=self._at(9, 25), performer=[{"actor": {"reference": f"Practitioner/d{self.draw.randrange(30)}"}}],
        )  # fmt: skip

    def _taken(self) -> Tree:
        code, name = self.draw.choice(table("drugs"))
        return self._shell(
            "MedicationStatement", "JP_MedicationStatement", f"{name}を毎朝のんでいる。", status="active", medicationCodeableConcept=concept(YJ, code, name),
            **self._of(visit="context"), effectivePeriod={"start": "2026-04-01", "end": "2026-06"}, dateAsserted=f"2026-06-{self._day:02d}",
            informationSource={"reference": f"Patient/{self.patient}"},
            dosage=[{"text": "1日1回 朝食後 1錠", "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}],
        )  # fmt: skip

    def _report(self, results: list[str]) -> Tree:
        return self._shell(
            "DiagnosticReport", "JP_DiagnosticReport_LabResult", "検体検査の報告。", status="final", category=[concept("http://loinc.org", "LP29693-6", "検体検査")],
            code=concept("http://loinc.org", "11502-2", "臨床検査報告"), **self._of(), effectiveDateTime=self._at(8, 30),
            issued=self._at(11).replace(":00+", ":00.000+"), result=[{"reference": r} for r in results],
        )  # fmt: skip

    def _letter(self, parts: list[str]) -> Tree:
        def words(text: str) -> Tree:
            return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'}

        return self._shell(
            "Composition", "JP_Composition_eReferral", "診療情報提供書。", status="final", type=concept("http://loinc.org", "57133-1", "紹介状"),
            **self._of(), date=self._at(12), author=[{"reference": f"Practitioner/d{self.draw.randrange(30)}"}], title="診療情報提供書",
            custodian={"reference": f"Organization/{HOSPITAL}"},
            section=[
                {"title": "傷病名", "text": words("継続中の病名"), "entry": [{"reference": p} for p in parts if p.startswith("Condition/")]},
                {"title": "検査結果", "text": words("検体検査"), "entry": [{"reference": p} for p in parts if p.startswith("Observation/")]},
            ],
        )  # fmt: skip
