"""The person as the station knows them → JP_Patient: own number, pair of care insurance, names in kanji and kana, death."""

from __future__ import annotations

import re
import unicodedata

from adapters.visiting_nurse.elements import PROFILE, fhir_time, station
from adapters.visiting_nurse.visit import Visit
from adapters.wire.csv_layout import read_codes
from adapters.wire.elements import Body, filled
from schemas.adapter import Draft
from schemas.ids import KAIGO_INSURED, KAIGO_INSURER, station_patient_system

_FORM = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def patient(visits: list[Visit]) -> Draft:
    """Make the Patient from the newest visit that was not taken back; a death that any of them tells stands."""
    standing = [visit for visit in visits if not visit.in_error] or visits
    newest = max(standing, key=lambda visit: (visit.start, visit.version))
    row = newest.row
    body = {
        "resourceType": "Patient",
        "meta": {"profile": [f"{PROFILE}JP_Patient"]},
        "identifier": [
            {"use": "usual", "system": station_patient_system(row["station_code"]), "value": newest.person},
            *_insured(standing),
        ],
        "active": True,
        "name": [human_name(row["name_kanji"], "IDE"), human_name(unicodedata.normalize("NFKC", row["name_kana"]), "SYL")],
        "gender": read_codes("adapters.visiting_nurse", "data/codes.csv")["sex"][row["sex"]],
        "birthDate": row["birth_date"],
        **_deceased(standing),
        "managingOrganization": station(row["station_code"]),
    }
    return Draft("Patient", newest.person, filled(body))


def human_name(text: str, form: str) -> Body:
    """Make a HumanName of one script, parted at its first blank (half or full width); a name without one stays whole."""
    parts = re.split(r"\s+", text, maxsplit=1)
    halves = {"family": parts[0], "given": [parts[1]]} if len(parts) == 2 else {}
    return {"extension": [{"url": _FORM, "valueCode": form}], "use": "official", "text": " ".join(parts), **halves}


def _insured(visits: list[Visit]) -> list[Body]:
    """Give the newest pair 保険者番号:被保険者番号 that is whole; one half alone names nobody."""
    whole = [visit for visit in visits if visit.row["kaigo_insurer_no"] and visit.row["kaigo_insured_no"]]
    if not whole:
        return []
    row = max(whole, key=lambda visit: (visit.start, visit.version)).row
    insurer, insured = row["kaigo_insurer_no"], row["kaigo_insured_no"]
    return [
        {
            "use": "official",
            "system": KAIGO_INSURED,
            "value": f"{insurer}:{insured}",
            "assigner": {"type": "Organization", "identifier": {"system": KAIGO_INSURER, "value": insurer}},
        }
    ]


def _deceased(visits: list[Visit]) -> Body:
    dated = [visit.row["death_at"] for visit in visits if visit.row["death_at"]]
    if dated:
        return {"deceasedDateTime": fhir_time(dated[-1])}
    died = any(visit.row["urgent_outcome"] == "died" or visit.row["end_reason"] == "04" for visit in visits)
    return {"deceasedBoolean": True} if died else {}
