"""Small FHIR R4 elements as JP Core 1.2.0 writes them: codings, references, identifiers, names, quantities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hub.demo.region.clock import Clock
from hub.demo.region.people import Person
from hub.demo.region.tables import office
from schemas.adapter import BASE
from schemas.ids import INSTITUTION, KAIGO_INSURED, KAIGO_OFFICE, patient_number_system, station_patient_system

Tree = dict[str, Any]
HL7 = "http://terminology.hl7.org/CodeSystem"
LOINC = "http://loinc.org"
ICD10 = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full"
GENERIC_DRUG = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationGeneralOrderCode"
JLAC10 = "http://medis.or.jp/CodeSystem/master-JLAC10-17digits"
USAGE = "http://jami.jp/CodeSystem/MedicationUsage"
OBSERVATION_CATEGORY = "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS"
_FORM = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
INSTITUTIONS = {"hospital", "clinic", "pharmacy", "dentist", "visiting-nurse"}


def coding(system: str, code: str, display: str = "") -> Tree:
    """Make a Coding."""
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(text: str = "", *codings: Mapping[str, Any]) -> Tree:
    """Make a CodeableConcept."""
    return ({"coding": [dict(c) for c in codings]} if codings else {}) | ({"text": text} if text else {})


def code_of(system: str, code: str, text: str = "") -> Tree:
    """Make a CodeableConcept of one coding."""
    return concept(text, coding(system, code))


def office_reference(alias: str, more: str = "") -> Tree:
    """Point to an organization by its registered code; `more` (a person's name) follows the name."""
    row = office(alias)
    system = INSTITUTION if row["kind"] in INSTITUTIONS else KAIGO_OFFICE
    return {"type": "Organization", "identifier": {"system": system, "value": row["code"]}, "display": f"{row['name']} {more}".strip()}


def quantity(value: float, unit: str, ucum: str) -> Tree:
    """Make a Quantity in UCUM with a Japanese unit to show."""
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": ucum}


def names(family: str, given: str, family_kana: str = "", given_kana: str = "") -> list[Tree]:
    """Make JP_HumanName: one in kanji (IDE), one in kana (SYL)."""
    found = [_name(family, given, "IDE")]
    return [*found, _name(family_kana, given_kana, "SYL")] if family_kana else found


def _name(family: str, given: str, form: str) -> Tree:
    whole: Tree = {"extension": [{"url": _FORM, "valueCode": form}], "use": "official", "text": f"{family} {given}".strip()}
    return whole | ({"family": family} if family else {}) | ({"given": [given]} if given else {})


def phone(number: str, *, use: str = "", rank: int = 0) -> Tree:
    """Make a ContactPoint."""
    found: Tree = {"system": "phone", "value": number, "use": use or ("mobile" if number.startswith(("090", "080")) else "home")}
    return found | ({"rank": rank} if rank else {})


def local_system(alias: str) -> str:
    """Give the identifier system of an organization's own person numbers."""
    row = office(alias)
    return patient_number_system(row["code"]) if row["kind"] in {"hospital", "clinic"} else station_patient_system(row["code"])


def patient_id(person: Person, alias: str) -> str:
    """Give the FHIR id under which an organization sends its Patient."""
    return f"p{person.numbers[alias].lstrip('0')}"


def patient(person: Person, alias: str, **more: Any) -> Tree:
    """Make an organization's Patient, with its own number and the care-insurance pair where the person has one."""
    identifiers = [{"use": "usual", "system": local_system(alias), "value": person.numbers[alias]}]
    if person.pair:
        identifiers.append({"system": KAIGO_INSURED, "value": person.pair})
    return {
        "resourceType": "Patient",
        "id": patient_id(person, alias),
        "meta": {"profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"]},
        "identifier": identifiers,
        "active": True,
        "name": names(person.family, person.given, person.family_kana, person.given_kana),
        "gender": person.sex,
        "birthDate": person.birth.isoformat(),
        "address": [{"use": "home", "text": person.address, "postalCode": person.postal, "country": "JP"}],
        **({"telecom": [phone(person.phone)]} if person.phone else {}),
        **more,
    }


class Pen:
    """Writes one organization's resources of one person: own ids, references, dates."""

    def __init__(self, person: Person, alias: str, clock: Clock) -> None:
        self.person, self.alias, self.clock = person, alias, clock
        self.id = patient_id(person, alias)
        self._count: dict[str, int] = {}

    @property
    def me(self) -> Tree:
        """Point to the Patient."""
        return {"reference": f"Patient/{self.id}"}

    def make(self, kind: str, letter: str, body: Mapping[str, Any]) -> Tree:
        """Make a resource with the next id of its letter: `p10417-c2`."""
        self._count[letter] = self._count.get(letter, 0) + 1
        return {"resourceType": kind, "id": f"{self.id}-{letter}{self._count[letter]}", **body}


def put(resources: Iterable[Tree]) -> Tree:
    """Make a transaction Bundle that puts each resource under its sender's own id (R4 §3.1.0.11)."""
    entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in resources]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def extension(name: str, **value: Any) -> Tree:
    """Make one of the project's own extensions."""
    return {"url": f"{BASE}/StructureDefinition/{name}", **value}
