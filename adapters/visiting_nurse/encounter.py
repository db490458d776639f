"""The visit itself → JP_Encounter, and the order (訪問看護指示書) under which it was made → ServiceRequest."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.visiting_nurse.elements import PROFILE, TERMS, coded, extension, station, system
from adapters.visiting_nurse.visit import Visit, of_person
from adapters.wire.csv_layout import read_codes
from adapters.wire.elements import Body, coding, concept, filled
from schemas.adapter import BASE, Draft, link

_CLASS = {"HH": "home health", "VR": "virtual"}


def encounter(visit: Visit) -> Draft:
    """Make the Encounter: class HH (VR for a telephone call), priority EM for an urgent visit, who came, from when to when, where."""
    row = visit.row
    kind = "VR" if row["visit_kind"] == "phone" else "HH"
    order = order_key(visit)
    outcome = coded("urgent_outcome", row["urgent_outcome"])
    return visit.draft("Encounter", visit.id, {
        "meta": {"profile": [f"{PROFILE}JP_Encounter"]},
        "extension": [extension("vn-insurance", "Coding", coded("insurance", row["insurance"])["coding"][0])],
        "identifier": [{"system": f"{BASE}/sid/vn-visit/{row['station_code']}", "value": visit.id}],
        "status": visit.status("finished" if visit.made else "cancelled"),
        "class": coding(f"{TERMS}v3-ActCode", kind, _CLASS[kind]),
        "type": [coded("visit_kind", row["visit_kind"])],
        "priority": concept(coding(f"{TERMS}v3-ActPriority", "EM", "emergency")) if visit.urgent else {},
        "subject": visit.subject(),
        "basedOn": [{"reference": link("ServiceRequest", order)}] if order else [],
        "participant": [_who_came(visit)],
        "period": visit.period(),
        "reasonCode": [{"text": row["urgent_reason"]}] if row["urgent_reason"] else [],
        "hospitalization": {"dischargeDisposition": outcome} if outcome else {},
        "location": [_where(row["place_code"])],
        "serviceProvider": station(row["station_code"]),
    })  # fmt: skip


def _who_came(visit: Visit) -> Body:
    row = visit.row
    return {
        "type": [concept(coding(f"{TERMS}v3-ParticipationType", "PPRF", "primary performer")), coded("staff_role", row["staff_role"])],
        "individual": staff(visit),
    }


def staff(visit: Visit) -> Body:
    """Point to the member of staff by the station's own number; the file has no name, so the profession is shown."""
    row = visit.row
    return {
        "type": "Practitioner",
        "identifier": {"system": f"{BASE}/sid/staff/{row['station_code']}", "value": row["staff_id"]},
        "display": read_codes("adapters.visiting_nurse", "data/codes.csv")["staff_role"][row["staff_role"]],
    }


def _where(code: str) -> Body:
    place = coded("place", code)
    return {"location": {"display": place["text"]}, "physicalType": place}


def order_key(visit: Visit) -> str:
    """Name the order by person, kind and first day; empty where the row names none."""
    row = visit.row
    return of_person(visit.person, "order", row["order_type"], row["order_from"]) if row["order_type"] and row["order_from"] else ""


def orders(visits: list[Visit]) -> Iterator[Draft]:
    """Give each order that the visits name, once, as the newest of them tells it. Who gave it, the file does not say."""
    told = {order_key(visit): visit.row for visit in sorted(visits, key=lambda visit: visit.start) if order_key(visit)}
    for key, row in told.items():
        kind = coded("order_type", row["order_type"])
        yield Draft("ServiceRequest", key, filled({
            "resourceType": "ServiceRequest",
            "meta": {"profile": [f"{PROFILE}JP_ServiceRequest_Common"]},
            "identifier": [{"system": f"{BASE}/sid/vn-order/{row['station_code']}", "value": key}],
            "status": "active",
            "intent": "order",
            "category": [concept(coding(system("order_category"), "visiting-nurse-order", "訪問看護指示書"), text="訪問看護指示書")],
            "code": kind,
            "subject": {"reference": link("Patient", row["patient_local_id"])},
            "occurrencePeriod": filled({"start": row["order_from"], "end": row["order_to"]}),
            "performer": [station(row["station_code"])],
        }))  # fmt: skip
