"""Invented hospitals that tell of stays, message by message, and a hub that records them in whatever order they arrive."""

import re
from datetime import datetime, timedelta

from hub.views.ages import JST
from hub.views.shapes import Known
from hub.views.stays import fold

ACUTE, REHAB = "1119900014", "1119900147"
NAMES = {ACUTE: "中央病院", REHAB: "みなと回復期リハビリ病院"}
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
UNDOES = {"A11", "A27", "A25", "A13", "A12", "A26", "A52", "A53", "A55"}
KINDS = {"A01": "ADT-22", "A11": "ADT-22", "A14": "ADT-21", "A27": "ADT-21", "A03": "ADT-52", "A13": "ADT-52", "A16": "ADT-51", "A25": "ADT-51",
         "A02": "ADT-42", "A12": "ADT-42", "A21": "ADT-31", "A52": "ADT-31", "A22": "ADT-32", "A53": "ADT-32"}  # fmt: skip
STATUS = {"A01": "in-progress", "A11": "cancelled", "A14": "planned", "A27": "cancelled", "A03": "finished", "A13": "in-progress",
          "A21": "onleave", "A22": "in-progress"}  # fmt: skip


def at(text):
    """Read `04-07 10:05` of 2026 in Tokyo."""
    return datetime.fromisoformat(f"2026-{text.replace(' ', 'T')}").replace(tzinfo=JST)


def stream(key):
    """Give the id under which the hub keeps what a message with this key says."""
    return "enc-" + re.sub(r"[^A-Za-z0-9.-]", "-", key)


class Message:
    """What one message says; `id` is the stream on which the hub keeps it."""

    def __init__(
        self,
        event,
        occurred,
        sent,
        *,
        stay="0000123456:20260407",
        control=None,
        custodian=ACUTE,
        patient="pat-1",
        id=None,  # noqa: A002
        **body,
    ):
        self.custodian = custodian
        self.facts = {
            "event": event, "kind": KINDS[event], "undo": "yes" if event in UNDOES else "", "occurred": occurred, "sent": sent,
            "control": control or f"{sent}-{event}", "stay": stay,
        }  # fmt: skip
        self.id = id or stream(stay or self.facts["control"])
        self.body = {
            "resourceType": "Encounter", "status": STATUS.get(event, "in-progress"), "class": {"system": ACT_CODE, "code": "IMP"},
            "subject": {"reference": f"Patient/{patient}"}, **body,
        }  # fmt: skip


def iso(text):
    return at(text).isoformat()


def ward(name, left=""):
    places = [{"location": {"display": left}, "status": "completed"}] if left else []
    return {"location": [*places, {"location": {"display": name}, "status": "active"}]}


def period(start="", end=""):
    return {"period": {**({"start": iso(start)} if start else {}), **({"end": iso(end)} if end else {})}}


def admit(occurred="04-07 10:05", sent="04-07 10:32", *, where="5階東", **more):
    return Message("A01", iso(occurred), iso(sent), **{**period(occurred), **ward(where), **more})


def discharge(occurred="04-28 10:30", sent="04-28 10:45", *, admitted="04-07 10:05", to="01", **more):
    gone = {"hospitalization": {"dischargeDisposition": {"coding": [{"code": to}]}}} if to else {}
    return Message("A03", iso(occurred), iso(sent), **period(admitted, occurred), **gone, **more)


def undo_discharge(sent="04-28 13:30", *, admitted="04-07 10:05", ended="04-28 10:30", **more):
    return Message("A13", iso(sent), iso(sent), **period(admitted, ended), **more)


def undo_admission(sent="04-07 16:05", *, admitted="04-07 10:05", **more):
    return Message("A11", iso(sent), iso(sent), **period(admitted), **more)


def plan(planned="04-07 10:00", sent="04-01 11:00", **more):
    return Message("A14", iso(planned), iso(sent), **{"stay": "", **more})


def undo_plan(planned="04-07 10:00", sent="04-05 11:00", **more):
    return Message("A27", iso(planned), iso(sent), **{"stay": "", **more})


def unnamed(event, occurred, sent, **more):
    return Message(event, iso(occurred), iso(sent), stay="", **more)


def deliver(messages, *, start=None):
    """Record messages in this order: each becomes the next version of its stream, a minute after the one before."""
    clock = start or at("05-30 08:00")
    versions = {}
    recorded = []
    for n, one in enumerate(messages):
        versions[one.id] = versions.get(one.id, 0) + 1
        body = {**one.body, "id": one.id, "meta": {"versionId": str(versions[one.id])}}
        recorded.append(
            Known(
                "Encounter",
                one.id,
                versions[one.id],
                one.custodian,
                NAMES[one.custodian],
                clock + timedelta(minutes=n),
                body,
                dict(one.facts),
            )
        )
    return recorded


def told(*messages, person="p-1"):
    """Fold messages that arrived in this order."""
    return fold(deliver(messages), person=person)


def encounter(status, start, *, end="", key="f-1", version=1, updated="04-07 11:00", custodian=REHAB, kind="IMP", patient="pat-9", **more):
    """A version of an Encounter that came as FHIR."""
    body = {
        "resourceType": "Encounter", "id": key, "meta": {"lastUpdated": iso(updated)}, "status": status, "class": {"system": ACT_CODE, "code": kind},
        "subject": {"reference": f"Patient/{patient}"}, **period(start, end), **more,
    }  # fmt: skip
    return Known("Encounter", key, version, custodian, NAMES[custodian], at(updated) + timedelta(seconds=3), body)
