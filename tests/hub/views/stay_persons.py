"""Invented persons of one morning on the board, built from what each organization tells."""

from dataclasses import replace
from datetime import datetime, timedelta

from hub.views.ages import JST
from hub.views.board import PersonStays, build, done_task, sent_task
from hub.views.shapes import Known, Office
from tests.hub.views.emergency_persons import (
    HOSPITAL,
    MANAGER,
    NURSE,
    SUPPORT,
    care_level,
    care_plan,
    known,
    patient,
    person_name,
    related,
    told,
)
from tests.hub.views.emergency_persons import encounter as visit
from tests.hub.views.stay_messages import ACUTE, REHAB, Message, deliver, period, ward

NOW = datetime(2026, 11, 25, 10, 42, tzinfo=JST)
"""Wednesday."""
SAKURA = Office(MANAGER, "さくら居宅", "care-manager", "090-0000-7723")
OFFICES = {
    ACUTE: Office(ACUTE, "中央病院", "hospital", "048-000-5500", weekdays=frozenset(range(7)), opens="00:00", closes="24:00"),
    REHAB: Office(REHAB, "みなと回復期リハビリ病院", "hospital", "048-000-6600"),
    NURSE: Office(NURSE, "つばさ訪問看護", "visiting-nurse", "048-000-1201"),
    MANAGER: SAKURA,
    SUPPORT: Office(SUPPORT, "本町地域包括支援センター", "support-center", "048-000-7700"),
}
FRESH = "最後の更新 11-25 10:42、遅れなし"
assert ACUTE == HOSPITAL


def at(text):
    return datetime.fromisoformat(f"2026-{text.replace(' ', 'T')}").replace(tzinfo=JST)


def admit(occurred="11-25 00:35", sent="", *, reason="心不全", where="救急病棟", patient="pat-1", stay="", **more):
    """An admission as the acute hospital tells it, ten minutes later."""
    when = at(occurred)
    key = stay or f"{patient}:{occurred}"
    sent = sent or f"{when + timedelta(minutes=10):%m-%d %H:%M}"
    why = {"reasonCode": [{"text": reason}]} if reason else {}
    return Message(
        "A01", when.isoformat(), at(sent).isoformat(), stay=key, patient=patient, **{**period(occurred), **ward(where), **why, **more}
    )


def later(event, occurred, sent, *, patient="pat-1", stay="", **more):
    return Message(event, at(occurred).isoformat(), at(sent).isoformat(), stay=stay, patient=patient, **more)


def gone(occurred, admitted="11-25 00:35", *, to="01", patient="pat-1"):
    """A discharge of the stay that `admit(admitted)` opened."""
    where = {"hospitalization": {"dischargeDisposition": {"coding": [{"code": to}]}}} if to else {}
    sent = f"{at(occurred) + timedelta(minutes=15):%m-%d %H:%M}"
    return Message(
        "A03",
        at(occurred).isoformat(),
        at(sent).isoformat(),
        stay=f"{patient}:{admitted}",
        patient=patient,
        **period(admitted, occurred),
        **where,
    )


def person(*known_of, own=True, ref="p-1"):
    return PersonStays(ref, tuple(known_of), own)


def kiyo(*messages, level=True, plan=True, daughter=True, own=True, ref="p-1", more=()):
    """A woman of 84 with a care manager and a daughter; messages of her hospital are given."""
    parts = [patient(key="pat-1", birthDate="1942-03-08")]
    parts += [care_level()] if level else []
    parts += [care_plan()] if plan else []
    parts += [related("恵", "長女", "090-0000-4418", rank=1)] if daughter else []
    return person(*parts, *deliver(messages, start=at("11-25 10:00")), *more, own=own, ref=ref)


def hayashi(*messages, birth="1955-06-01", own=False, ref="p-2", more=()):
    """A man whom no care manager knows."""
    who = patient(key="pat-1", name=person_name("一郎", "はやし いちろう", family="林"), gender="male", birthDate=birth)
    return person(who, related("花", "妻", "090-0000-2222", rank=1), *deliver(messages, start=at("11-25 10:00")), *more, own=own, ref=ref)


def sent(when, *, encounter="Encounter/enc-pat-1-11-25-00-35", custodian=MANAGER, key="task-1", status="completed"):
    return known("Task", custodian, {**sent_task("Patient/pat-1", encounter, at(when)), "status": status}, key=key)


def done(code, when, *, custodian=HOSPITAL, key=None, encounter="Encounter/enc-pat-1-11-25-00-35"):
    return known("Task", custodian, done_task(code, "Patient/pat-1", encounter, at(when)), key=key or f"task-{code}")


def board(*persons, office=SAKURA, now=NOW, episode="", **more):
    return build(office, "小川 奈緒", persons, OFFICES, now, FRESH, episode, **more)


def row(*persons, **more):
    (only,) = board(*persons, **more).rows
    return only


def without(one: Known, *names):
    return replace(one, body={name: value for name, value in one.body.items() if name not in names})


__all__ = ["ACUTE", "HOSPITAL", "MANAGER", "NURSE", "REHAB", "SUPPORT", "care_level", "care_plan", "known", "related", "told", "visit"]
