"""All doors beside FHIR: files, refused messages, links, events, the office's doors, pages and forms."""

from __future__ import annotations

import re
from urllib.parse import quote

import orjson

from tests.hub.doors.asking import Question
from tests.hub.doors.grammar import Draw, asks, get, query
from tests.hub.doors.listed import listed
from tests.hub.files import admission, named
from tests.hub.world import HOSPITAL, INSURED, OFFICE, OTHER_HOSPITAL

LINES = "application/x-ndjson"


@asks(5)
def hand_in(draw: Draw) -> Question:
    """Files: an admission, the same again, one that the hub can not read, a Bundle."""
    told = admission(f"C{draw.random.randrange(20)}", draw.one(["0040718", "0040719"]))
    body = draw.one([told, told, b"nonsense", b"", b"MSH|^~\\&|HIS|x", b'{"resourceType":"Bundle","type":"batch"}', b"\xff\xfe"])
    name = named() if body is told else draw.one(["x.txt", "a.json", "20261124-1.csv", "山田.csv"])
    return Question("hand_in", "POST", "/hand-in", (("content-disposition", f"attachment; filename*=UTF-8''{quote(name, safe='')}"),), body)


@asks(8)
def refused(draw: Draw) -> Question:
    """The asker's own messages that were not taken; those of others by references that they were given."""
    reference = draw.seen("reference")
    again, away = Question("refused", "POST", f"/refused/{reference}/send"), Question("refused", "DELETE", f"/refused/{reference}")
    return draw.one([get("refused", "/refused.json"), get("refused", "/refused.json"), again, again, again, away])


@asks(8)
def links(draw: Draw) -> Question:
    """The clerk's work list, and words on who is whom."""
    body = {"first": draw.patient(), "second": draw.one([draw.patient(), {"organization": OTHER_HOSPITAL, "number": "p1"}]), "reason": "x"}
    return draw.one([
        get("links", "/links"), Question("links", "POST", "/links", (), orjson.dumps(body)),
        Question("links", "POST", "/links/undo", (), orjson.dumps(body)),
    ])  # fmt: skip


@asks(3)
def confirmations(draw: Draw) -> Question:
    """The receiver's confirmation at the visit: about an own Patient, about others, about nobody."""
    body = {"patient": draw.one(["Patient/p1", draw.patient(), "Patient/nobody", "x"]), "csrf": ""}
    return Question("confirmations", "POST", "/confirmations", (("content-type", "application/json"),), orjson.dumps(body))


@asks(8)
def events(draw: Draw) -> Question:
    """What is heard, from any number on, as lines and as a stream; keys of contents."""
    after = draw.one(["0", "0", "1", "2", "5", "999", "x", "-1"])
    return draw.one([
        get("events", f"/events?after={after}&limit={draw.one(['1', '2', '500', 'x'])}", accept=LINES),
        get("events", f"/events?after={after}", accept="text/event-stream"),
        get("events", "/events", accept="text/event-stream", last_event_id=after),
        get("events", "/events", accept=LINES),
        get("events", f"/events/keys/{draw.one([*draw.shown.get('key', ()), *draw.shown.get('key', ()), draw.seen('reference'), 'x'])}"),
    ])  # fmt: skip


@asks(4)
def audit(draw: Draw) -> Question:
    """The record of disclosures, which outsiders have no part in."""
    pairs = [("_count", draw.one(["1", "5", "20", "20", "x"]))]
    if draw.maybe(0.4):
        pairs.append(("patient", draw.patient()))
    if draw.maybe(0.3):
        pairs.append(("date", draw.one(["ge2026-11-24", "lt2026-11-24", "2026-11-24"])))
    if draw.maybe(0.3):
        pairs.append(("outcome", draw.one(["0", "4", "8"])))
    named = {
        "organization": draw.one([OFFICE, HOSPITAL]), "resource": f"{draw.id()}", **({"at": "2026-11-24T10:08:00+09:00"} if draw.maybe(0.3) else {}),
    }  # fmt: skip
    form = (("content-type", "application/x-www-form-urlencoded"),)
    following = [a for a in draw.shown.get("next", ()) if "AuditEvent" in a]
    return draw.one([
        get("audit", query(f"/fhir/AuditEvent{draw.one(['', '/'])}", pairs)),
        Question("audit", "POST", "/fhir/AuditEvent/_search", form, query("", pairs).lstrip("?").encode()),
        get("audit", query("/audit/decision.json", list(named.items()))),
        get("audit", f"/audit/decision.json?reference={draw.one([*draw.shown.get('decision', ()), 'AAAA-2222'])}"),
        get("audit", draw.one([*following, "/fhir/AuditEvent?_page=x"])),
        get("audit", f"/fhir/AuditEvent/{draw.one([*draw.shown.get('event', ()), 'AAAA-2222-1'])}"),
    ])  # fmt: skip


@asks(8)
def erasures(draw: Draw) -> Question:
    """Erasures that were asked for; stopping provision of somebody, and taking that back."""
    person = draw.one([draw.patient(), draw.patient(), "Patient/nobody", "x"])
    told = {"person": person, "do": draw.one(["restrict", "lift", "lift", "x"]), "basis": draw.one(["JP-35-5", "JP-35-5", "x"])}
    body = orjson.dumps({**told, "reason": "本人からの求め。書面を確かめた。", "csrf": ""})
    return draw.one([get("erasures", "/erasures"), Question("erasures", "POST", "/erasures", (), body)])


@asks(1)
def inside(draw: Draw) -> Question:
    """What overseers of a compartment read, to whoever is none."""
    return get("inside", f"/compartment/decisions.json{draw.one(['', '?cursor=x', '?cursor=' + draw.seen('reference')])}")


@asks(3)
def disclosure(draw: Draw) -> Question:
    """What a person is told of whom their data was given to, made by an officer: of people that somebody was shown."""
    fields = {"person": draw.seen("person"), "from": draw.one(["", "2026-01-01"]), "form": draw.one(["json", "json", "pdf", "x"])}
    return Question("disclosure", "POST", "/audit/provisions/disclosure", (), b"", tuple(fields.items()))


@asks(2)
def log(draw: Draw) -> Question:
    """The log's own doors, which are for officers and witnesses: the named exception for those, and closed to all others."""
    return draw.one([
        get("log", "/log/checkpoint"), get("log", "/log/proof/consistency?from=1"), get("log", "/log/proof/inclusion?index=1"),
        get("log", "/log/entries?from=99999"), Question("log", "POST", "/log/cosignatures", (), b"tsunagu.example.jp/log\n9\nAAAA\n\n"),
    ])  # fmt: skip


PLACES = (
    "/", "/board", "/refused", "/emergency", "/audit", "/status", "/audit/export.csv", "/sign-in", "/nowhere", "/audit?outcome=deny",
    "/audit?from=2026-11-24&to=2026-11-24", "/board?at=2026-11-24T10:08:00%2B09:00",
)  # fmt: skip


@asks(12)
def pages(draw: Draw) -> Question:
    """Pages: those that there are, and whatever a page leads to; of persons, also by references that others were given."""
    person = draw.seen("person")
    tail = draw.one(["", "/open", "/sheet", "/document", "?at=2026-11-24T10:08:00%2B09:00"])
    decision = draw.one([*draw.shown.get("decision", ()), "AAAA-2222"])
    address = draw.one([
        draw.one(PLACES), draw.one(PLACES), f"/emergency/{person}{tail}", f"/audit?why={decision}", f"/audit/proof/{decision}",
        draw.one([*draw.shown.get("address", ()), "/"]), f"/board?episode={draw.seen('episode')}",
    ])  # fmt: skip
    return get("pages", address)


PEOPLE = (
    ("やまだ はなこ", "1938-05-02"), ("たなか たろう", "1940-01-01"), ("さとう はな", "1941-02-02"), ("すずき いちろう", "1950-03-03"), ("だれも いない", "1938-05-02"),
)  # fmt: skip
TYPED = (
    "2026-11-24", "1938-05-02", "2030-01-01", "山田", "やまだ はなこ", "たなか たろう", "救急搬送。呼びかけに反応が弱い。", "131016", "0000012342", "0000099999",
    "1310000011", "000000", "", "x", "10", "tsu-" + "a" * 25 + "e", "本人からの求め。書面を確かめた。",
)  # fmt: skip
"""What is typed into a field of any form."""


@asks(14)
def forms(draw: Draw) -> Question:
    """Any form that a page showed to anybody outside, with what it offers or anything else; and finding people by what is known of them."""
    if draw.maybe(0.3) and not draw.aim:
        kana, birth = draw.one(PEOPLE)
        if draw.maybe(0.2):
            birth = draw.one(["1938-05-02", "x", ""])
        insured = draw.one([INSURED, "131016:0000099999", "131016:0000088888", "131016:1"]).partition(":")
        by = draw.one([{"by": "name", "kana": kana, "birth": birth}, {"by": "number", "insurer": insured[0], "insured": insured[2]}])
        return Question("forms", "POST", "/emergency/find", (), b"", tuple(by.items()))
    shown = {form.action: [f for f in draw.forms if f.action == form.action] for form in draw.forms}
    action = draw.one([*FORM_DOORS, *sorted(shown)])
    if (sought := draw.aim.partition(" ")[2].partition("{")[0]) and (fitting := [a for a in shown if a.startswith(sought)]):
        action = draw.one(fitting)
    if action not in shown:
        body = {name: draw.one(values) for name, values in OFFICE_QUERY.items() if draw.maybe(0.4)}
        return Question("forms", "POST", filled(draw, action), (), b"", tuple({**body, "reference": draw.seen("reference")}.items()))
    form = draw.one(shown[action])
    fields = {}
    for name, values in form.fields.items():
        if name == "csrf" or (name in form.free and draw.maybe(0.2)):
            continue
        typed = [*values, draw.one(TYPED), draw.one(TYPED)] if name in form.free else values or [draw.one(TYPED)]
        fields[name] = draw.seen("reference") if draw.maybe(0.03) else draw.one(typed)
    if form.method == "GET":
        return get("forms", query(form.action or "/", list(fields.items())))
    return Question("forms", "POST", form.action, (), b"", tuple(fields.items()))


@asks(8)
def office(draw: Draw) -> Question:
    """The pages and doors of the network's office that the list names for this generator, with whatever references were shown."""
    method, _, path = (draw.aim if draw.aim in OFFICE_DOORS else draw.one(OFFICE_DOORS)).partition(" ")
    path = filled(draw, path)
    names = STRICT.get(path, tuple(OFFICE_QUERY))
    pairs = [(name, draw.one(OFFICE_QUERY[name])) for name in names if draw.maybe(0.6 if path in STRICT else 0.15)]
    if method != "GET":
        body = {name: draw.one(OFFICE_QUERY[name]) for name in names if draw.maybe(0.4 if path not in STRICT else 0.8)}
        if draw.maybe(0.5):
            return Question("office", method, path, (), b"", tuple(body.items()))
        return Question(
            "office", method, path, (("content-type", "application/json"),), orjson.dumps(body if path in STRICT else {**body, "csrf": ""})
        )
    return get("office", query(path, pairs))


def filled(draw: Draw, path: str) -> str:
    """Put what somebody was shown into the places of a path."""
    for name in re.findall(r"{([a-z_]+)}", path):
        path = path.replace(f"{{{name}}}", draw.seen(draw.one(["decision", "reference", "person", "event"])))
    return path


FORM_DOORS = tuple(door.door.partition(" ")[2] for door in listed() if door.generator == "forms")
OFFICE_DOORS = tuple(door.door for door in listed() if door.generator == "office")
OFFICE_QUERY = {
    "from": ("2026-11-24", "2026-01-01", "x"), "to": ("2026-11-24", "2027-01-01"), "outcome": ("deny", "given", "x"), "organization": (OFFICE, HOSPITAL),
    "kana": ("やまだ はなこ", "たなか たろう"), "birth": ("1938-05-02", "1940-01-01"), "by": ("name", "number"), "count": ("1", "200"), "size": ("1", "50"),
    "reason": ("救急搬送。呼びかけに反応が弱い。", "x"), "at": ("2026-11-24T10:08:00+09:00",), "state": ("open", "settled"), "days": ("30", "x"),
    "person": ("x", "a" * 52), "insurer": ("131016",), "insured": ("0000012342", "0000099999"),
}  # fmt: skip
"""Fields and parameters of the office's doors, whichever they are."""
STRICT = {
    "/audit/decisions.json": ("from", "to", "outcome", "organization", "count", "person"),
    "/audit/persons.json": ("kana", "birth"),
    **dict.fromkeys(("/audit/breaches", "/audit/breaches.csv", "/audit/breaches.json"), ("from", "to", "organization")),
}
"""Doors that refuse what they do not know."""
