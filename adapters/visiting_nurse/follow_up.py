"""What goes on after a visit → Flag (申し送り, 24時間対応), Communication, CommunicationRequest, Appointment, EpisodeOfCare."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.visiting_nurse.elements import TERMS, coded, extension, fhir_time, station, system
from adapters.visiting_nurse.visit import Visit, of_person
from adapters.wire.elements import Body, coding, concept, filled
from schemas.adapter import BASE, Draft, link

_PATIENT = "self"
_PRIORITY = {"routine": "routine", "urgent": "urgent"}


def cautions(visit: Visit) -> Iterator[Draft]:
    """Give the caution for other professions (他職種への注意) as a clinical Flag from the day of the visit on."""
    if visit.row["care_caution"]:
        yield visit.draft("Flag", visit.key("caution"), {
            "status": visit.status("active"),
            "category": [concept(coding(f"{TERMS}flag-category", "clinical", "Clinical"))],
            "code": {"text": visit.row["care_caution"]},
            "subject": visit.subject(),
            "period": {"start": visit.row["visit_date"]},
            "encounter": visit.encounter(),
            "author": station(visit.row["station_code"]),
        })  # fmt: skip


def messages(visit: Visit) -> Iterator[Draft]:
    """Give the call that led to an urgent visit, the talk with the doctor during it, and the report that the doctor is to get."""
    row = visit.row
    if row["urgent_requested_at"]:
        yield _message(visit, "urgent-request", row["urgent_requested_at"], row["urgent_reason"], {
            "recipient": [station(row["station_code"])],
            "sender": _caller(visit) if row["urgent_requested_by"] else {},
        })  # fmt: skip
    if row["urgent_md_contact_at"]:
        yield _message(visit, "urgent-doctor", row["urgent_md_contact_at"], row["urgent_md_instruction"], {
            "recipient": [{"display": "主治医"}],
            "sender": station(row["station_code"]),
        })  # fmt: skip
    if row["report_to_md"] in _PRIORITY:
        yield visit.draft("CommunicationRequest", visit.key("report"), {
            "status": visit.status("active"),
            "category": [concept(coding(system("communication"), "report-to-doctor", "主治医への報告"), text="主治医への報告")],
            "priority": _PRIORITY[row["report_to_md"]],
            "subject": visit.subject(),
            "encounter": visit.encounter(),
            "authoredOn": visit.end.isoformat(),
            "requester": station(row["station_code"]),
            "recipient": [{"display": "主治医"}],
        })  # fmt: skip


def _message(visit: Visit, name: str, sent: str, text: str, parties: Body) -> Draft:
    shown = {"urgent-request": "緊急訪問の求め", "urgent-doctor": "主治医への連絡と指示"}[name]
    return visit.draft("Communication", visit.key(name), {
        "status": visit.status("completed"),
        "category": [concept(coding(system("communication"), name, shown), text=shown)],
        "priority": "urgent",
        "subject": visit.subject(),
        "encounter": visit.encounter(),
        "sent": fhir_time(sent),
        **parties,
        "payload": [{"contentString": text}] if text else [],
    })  # fmt: skip


def _caller(visit: Visit) -> Body:
    if visit.row["urgent_requested_by"] == _PATIENT:
        return visit.subject()
    return {"display": coded("urgent_by", visit.row["urgent_requested_by"])["text"]}


def standing(visits: list[Visit]) -> Iterator[Draft]:
    """Give what a person has one of, as the newest visit that says so tells it: 24時間対応, next visit, the care by this station."""
    told = sorted((visit for visit in visits if not visit.in_error), key=lambda visit: (visit.start, visit.version))
    for columns, make in ((("oncall_24h",), _on_call), (("next_visit_date", "service_end"), _next_visit), (("service_end",), _episode)):
        saying = [visit for visit in told if any(visit.row[column] for column in columns)]
        if saying:
            yield make(saying[-1])


def _on_call(visit: Visit) -> Draft:
    """Say that the station answers round the clock by contract (24時間対応体制); administrative, so no warning."""
    shown = "24時間対応体制"
    return Draft("Flag", of_person(visit.person, "oncall-24h"), filled({
        "resourceType": "Flag",
        "status": "active" if visit.row["oncall_24h"] == "1" else "inactive",
        "category": [concept(coding(f"{TERMS}flag-category", "admin", "Administrative"))],
        "code": concept(coding(system("flag"), "oncall-24h", shown), text=shown),
        "subject": visit.subject(),
        "period": {"start": visit.row["visit_date"]},
        "author": station(visit.row["station_code"]),
    }))  # fmt: skip


def _next_visit(visit: Visit) -> Draft:
    """Propose the next visit, or call it off when the station's care has ended.

    R4 lets no booked Appointment go without start and end, and only the day is known (app-3).
    """
    row = visit.row
    ended = row["service_end"] == "1"
    return Draft("Appointment", of_person(visit.person, "next-visit"), filled({
        "resourceType": "Appointment",
        "status": "cancelled" if ended else "proposed",
        "description": "訪問看護の次回訪問",
        "created": visit.end.isoformat(),
        "comment": row["next_visit_note"],
        "participant": [
            {"actor": visit.subject(), "status": "accepted"},
            {"actor": {"type": "Practitioner", "display": "訪問看護師"}, "status": "accepted"},
        ],
        "requestedPeriod": [{"start": day, "end": day}] if (day := row["next_visit_date"]) else [],
    }))  # fmt: skip


def _episode(visit: Visit) -> Draft:
    """Say whether the station goes on caring; its end, with reason and place of death, is known from the last visit."""
    row = visit.row
    ended = row["service_end"] == "1"
    reason, place = coded("end_reason", row["end_reason"]), coded("place", row["death_place"])
    return Draft("EpisodeOfCare", of_person(visit.person, "care"), filled({
        "resourceType": "EpisodeOfCare",
        "extension": [
            *([extension("vn-end-reason", "CodeableConcept", reason)] if ended and reason else []),
            *([extension("vn-death-place", "CodeableConcept", place)] if place else []),
        ],
        "identifier": [{"system": f"{BASE}/sid/vn-episode/{row['station_code']}", "value": of_person(visit.person, "care")}],
        "status": "finished" if ended else "active",
        "type": [concept(coding(system("episode"), "visiting-nurse", "訪問看護"), text="訪問看護")],
        "patient": {"reference": link("Patient", visit.person)},
        "managingOrganization": station(row["station_code"]),
        "period": {"end": row["visit_date"]} if ended else {},
    }))  # fmt: skip
