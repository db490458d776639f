"""The FHIR doors: reading, searching, writing under conditions, Bundles, views, and what the hub does not offer."""

from __future__ import annotations

from typing import Any

import orjson

from tests.hub.doors.asking import Question
from tests.hub.doors.grammar import NUMBERS, OWN, TYPES, Draw, asks, get, query
from tests.hub.doors.pasts import observation, ward
from tests.hub.doors.refused import SEARCHES, WAYS
from tests.hub.world import a_consent, a_patient, a_plan

JSON = ("content-type", "application/fhir+json")
FORM = ("content-type", "application/x-www-form-urlencoded")
DATES = (
    "ge2026-11-24T01:05:00Z", "lt2026-11-24T01:09:00Z", "2026-11-24", "gt2026-11-24T01:20:00Z", "sa2026-11", "eb2027", "ne2026", "2026-11-24T10:05",
    "ap2026", "x",
)  # fmt: skip


OFTEN = ("Patient", "Patient", "Patient", "Observation", "Observation", "Encounter", "Condition", *TYPES)
"""Types as they are asked for: those that there is most of come most."""


def number(draw: Draw, kind: str) -> str:
    """Give an identifier, mostly one that resources of the type do bear."""
    fitting = {"Patient": NUMBERS[:4], "Observation": NUMBERS[4:7], "Location": NUMBERS[7:9]}.get(kind, NUMBERS)
    return draw.one(fitting if draw.maybe(0.7) else NUMBERS)


def criteria(draw: Draw, kind: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    if draw.maybe(0.5):
        pairs.append(("identifier", number(draw, kind)))
    if draw.maybe(0.3) and kind != "Patient":
        pairs.append((draw.one(["patient", "patient", "patient:Patient", "subject", "patient:missing"]), draw.patient()))
    if draw.maybe(0.3):
        pairs.append(("_id", ",".join(draw.id().partition("/")[2] for _ in range(draw.one([1, 3, 9])))))
    if draw.maybe(0.25):
        pairs.append(("_lastUpdated", draw.one(DATES)))
    if draw.maybe(0.5):
        pairs.append(("_count", draw.one(["0", "1", "2", "50", "-1", "x", "999999"])))
    if draw.maybe(0.15):
        pairs.append(("_total", draw.one(["none", "estimate", "accurate"])))
    if draw.maybe(0.15):
        pairs.append(("_summary", draw.one(["count", "false", "true", "data", "text"])))
    if draw.maybe(0.1):
        pairs.append(("_elements", draw.one(["id", "identifier,name", "subject"])))
    if draw.maybe(0.1):
        pairs.append(("_sort", draw.one(["_lastUpdated", "-_lastUpdated", "date", "_id"])))
    if draw.maybe(0.05):
        pairs.append(("_pretty", "true"))
    if draw.maybe(0.05):
        pairs.append((draw.one(["code", "name", "birthdate", "status", "x"]), draw.one(["8310-5", "山田", "1938", "final"])))
    return pairs


@asks(30)
def search(draw: Draw) -> Question:
    """Search by GET, by POST, by a system's address, or go on with a page that somebody was shown."""
    kind = draw.one(OFTEN)
    if draw.maybe(0.15) and (following := draw.shown.get("next")):
        return get("search", draw.one(following))
    pairs = criteria(draw, kind)
    strict = (("prefer", "handling=strict"),) if draw.maybe(0.1) else ()
    slash = draw.one(["", "", "", "/"])
    if draw.maybe(0.2):
        first = pairs[: len(pairs) // 2]
        body = query("", pairs[len(first) :]).lstrip("?").encode()
        return Question("search", "POST", query(f"/fhir/{kind}/_search", first), (FORM, *strict), body)
    return Question("search", draw.one(["GET", "GET", "GET", "HEAD"]), query(f"/fhir/{kind}{slash}", pairs), strict)


@asks(25)
def read(draw: Draw) -> Question:
    """Read, and read a version; with what a client may hold already."""
    chosen = draw.id()
    history = draw.one(["", "", "/_history/1", "/_history/2", "/_history/3", "/_history/99", "/_history/x", "/_history"])
    headers: list[tuple[str, str]] = []
    if draw.maybe(0.3):
        headers.append(("if-none-match", draw.one(['W/"1"', 'W/"2"', '"1"', "*", "x"])))
    if draw.maybe(0.1):
        headers.append(("if-modified-since", "Tue, 24 Nov 2026 01:05:00 GMT"))
    if draw.maybe(0.1):
        headers.append(("accept", draw.one(["application/fhir+json", "application/fhir+xml", "text/html", "*/*;q=0.1"])))
    pretty = "?_pretty=true" if draw.maybe(0.1) else ""
    return Question("read", draw.one(["GET", "GET", "GET", "HEAD"]), f"/fhir/{chosen}{history}{pretty}", tuple(headers))


def tree_of(draw: Draw, kind: str, number: str) -> dict[str, Any]:
    match kind:
        case "Patient":
            return a_patient(number, insured=draw.one(["", NUMBERS[0].partition("|")[2], "131016:0000099999"]))
        case "CarePlan":
            return a_plan(number, patient=draw.patient())
        case "Consent":
            # no permit: who registers a number and enters a consent of its bearer does see what others know of that person
            return a_consent(number, patient=draw.patient(), **draw.one([{"type": "deny"}, {"status": "inactive"}]))
        case "Location":
            return ward(number)
        case "Observation":
            return observation(number, draw.patient())
        case _:
            return {"resourceType": kind, "id": number}


def put_headers(draw: Draw) -> tuple[tuple[str, str], ...]:
    headers = [JSON]
    if draw.maybe(0.3):
        headers.append(("if-match", draw.one(['W/"1"', 'W/"2"', "x"])))
    if draw.maybe(0.2):
        headers.append(("if-none-match", draw.one(["*", 'W/"1"'])))
    if draw.maybe(0.2):
        headers.append(("prefer", draw.one(["return=minimal", "return=representation"])))
    return tuple(headers)


@asks(10)
def update(draw: Draw) -> Question:
    """PUT to an id that somebody has, or an own one."""
    chosen = f"Observation/mine{draw.random.randrange(6)}" if draw.maybe(0.5) else draw.id()
    kind, _, number = chosen.partition("/")
    tree = tree_of(draw, kind, number if draw.maybe(0.9) else "other")
    return Question("update", "PUT", f"/fhir/{chosen}", put_headers(draw), orjson.dumps(tree))


@asks(5)
def conditional_update(draw: Draw) -> Question:
    """PUT by condition."""
    kind = draw.one(["Observation", "Patient", "Location", "CarePlan", "Encounter"])
    tree = tree_of(draw, kind, draw.one(OWN))
    if draw.maybe(0.5):
        tree.pop("id")
    address = query(f"/fhir/{kind}{draw.one(['', '', '/'])}", [("identifier", number(draw, kind))])
    return Question("conditional_update", "PUT", address, put_headers(draw), orjson.dumps(tree))


@asks(8)
def create(draw: Draw) -> Question:
    """POST a new one, where something may match already."""
    kind = draw.one(["Observation", "Patient", "Location", "Consent", "CarePlan"])
    tree = tree_of(draw, kind, "ignored")
    headers = [JSON]
    if draw.maybe(0.5):
        headers.append(("if-none-exist", f"identifier={number(draw, kind)}"))
    if draw.maybe(0.3):
        headers.append(("prefer", draw.one(["return=minimal", "return=representation"])))
    return Question("create", "POST", f"/fhir/{kind}{draw.one(['', '', '/'])}", tuple(headers), orjson.dumps(tree))


@asks(4)
def delete(draw: Draw) -> Question:
    """DELETE what somebody has, or an own one."""
    chosen = f"Observation/mine{draw.random.randrange(6)}" if draw.maybe(0.3) else draw.id()
    headers = (("if-match", draw.one(['W/"1"', 'W/"9"'])),) if draw.maybe(0.3) else ()
    return Question("delete", "DELETE", f"/fhir/{chosen}", headers)


@asks(3)
def conditional_delete(draw: Draw) -> Question:
    """DELETE by condition."""
    kind = draw.one(["Observation", "Patient", "Location", "Encounter"])
    numbers = [n for n in NUMBERS if n != NUMBERS[0]] if kind == "Patient" else list(NUMBERS)
    return Question("conditional_delete", "DELETE", query(f"/fhir/{kind}{draw.one(['', '/'])}", [("identifier", draw.one(numbers))]))


def entry(draw: Draw) -> dict[str, Any]:
    drawn = draw.one([read, read, search, search, update, create, delete, conditional_update])(draw)
    request: dict[str, Any] = {"method": drawn.method, "url": drawn.address.removeprefix("/fhir/")}
    for name, value in drawn.headers:
        match name:
            case "if-none-exist":
                request["ifNoneExist"] = value
            case "if-match":
                request["ifMatch"] = value
            case "if-none-match":
                request["ifNoneMatch"] = value
    made: dict[str, Any] = {"request": request}
    if drawn.body and drawn.body[:1] == b"{":
        made["resource"] = orjson.loads(drawn.body)
        if draw.maybe(0.3):
            made["fullUrl"] = f"urn:uuid:0000000{draw.random.randrange(9)}-0000-4000-8000-000000000000"
        if draw.maybe(0.2) and "subject" in made["resource"]:
            made["resource"]["subject"] = {"reference": f"Patient?identifier={draw.one(NUMBERS)}"}
    return made


@asks(12)
def bundle(draw: Draw) -> Question:
    """A transaction or a batch of anything; conditional references, conditions, readings among writings."""
    kind = draw.one(["batch", "batch", "transaction", "transaction", "document"])
    tree: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    entries = [entry(draw) for _ in range(draw.one([0, 1, 2, 4]))]
    if entries:
        tree["entry"] = entries
    prefer = (("prefer", "return=representation"),) if draw.maybe(0.3) else ()
    return Question("bundle", "POST", draw.one(["/fhir", "/fhir/"]), (JSON, *prefer), orjson.dumps(tree))


@asks(6)
def views(draw: Draw) -> Question:
    """The two views as FHIR, of now and of then."""
    at = draw.one(["", "", "", "?at=2026-11-24T10:08:00%2B09:00", "?at=2026-11-24T10:30:00%2B09:00", "?at=2030-01-01T00:00:00Z", "?at=x"])
    if draw.maybe(0.4):
        return get("views", f"/fhir/$board{at}")
    number = draw.one([draw.patient().partition("/")[2], "u1", "u1", "p1"])
    return get("views", f"/fhir/Patient/{number}/$summary{at}")


@asks(8)
def not_offered(draw: Draw) -> Question:
    """Doors that there are not, and methods that an address does not take."""
    if draw.maybe(0.5):
        method, address = draw.one(WAYS)
        return Question("not_offered", method, address.replace("{id}", draw.id()).replace("{patient}", draw.patient()))
    kind, parameter, value = draw.one(SEARCHES)
    return get("not_offered", query(f"/fhir/{kind}", [(parameter, value), *criteria(draw, kind)[:1]]))


@asks(2)
def service(draw: Draw) -> Question:
    """What is said to everybody, and what to the office alone."""
    address = draw.one(
        ["/fhir/metadata", "/readyz", "/livez", "/status.json", "/metrics", "/fhir/.well-known/smart-configuration", "/openapi.json"]
    )
    return Question("service", draw.one(["GET", "GET", "HEAD", "OPTIONS", "POST"]), address)
