"""The two shared views over HTTP, as pages and as FHIR: 急変時 of one person of whom much is known, 入退院 of an office with 1,000 stays."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import orjson

from hub.assemble import Hub, assemble
from hub.log.event import open_content, parted
from hub.tables import identities, resources
from hub.tables.resources import Row
from hub.views.board_case import TYPES
from schemas.ids import KAIGO_INSURED
from tests.bench.client import Run, load, one, request, run
from tests.bench.figures import Figure, against, median, percentile
from tests.bench.persons import RICH, RICH_BIRTH, RICH_KANA, insured, rich, stays
from tests.bench.process import Served
from tests.bench.region import DOCTOR, EMERGENCY, MANAGER, OFFICE, region

COUNT = 1_000
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class View:
    """One view's name, the request that draws it, and how long each answer took, in seconds."""

    name: str
    made: bytes
    latencies: tuple[float, ...] = ()
    cpu: float = 0.0
    """CPU seconds of the hub a view."""


def feed(served: Served) -> None:
    """Send all persons through the door, four transactions at a time."""
    now = datetime.now(UTC)
    sent = [*stays(COUNT, now), *rich(now)]
    run(load(served.port, [request("POST", "/fhir", token=served.tokens[sender], body=raw) for sender, raw in sent], 4, 600.0))


def views(served: Served) -> list[View]:
    """Make the four requests, and see that each shows what was sent; raises RuntimeError when it does not."""
    doctor, manager = (_signed_in(served, user) for user in (DOCTOR, MANAGER))
    page = _found(served, doctor)
    number = _number(served)
    made = [
        View("view.emergency", request("GET", page, cookie=doctor)),
        View("view.emergency.fhir", request("GET", f"/fhir/Patient/{number}/$summary", token=served.tokens[EMERGENCY])),
        View("view.board", request("GET", "/board", cookie=manager)),
        View("view.board.fhir", request("GET", "/fhir/$board", token=served.tokens[OFFICE])),
    ]
    for view, needle, least in zip(
        made, (b"\xe4\xbd\x93\xe6\xb8\xa9", b'"resourceType"', b"episode=", b'"Encounter"'), (1, 50, COUNT, COUNT), strict=True
    ):
        shown = one(served.port, view.made).body.count(needle)
        if shown < least:
            raise RuntimeError(f"{view.name} shows {shown} where {least} were sent")
    return made


def measure(served: Served, view: View, seconds: float) -> View:
    """Ask for a view again and again, one request at a time."""
    before = served.cpu()
    done: Run = run(load(served.port, [view.made] * 5_000, 1, seconds))
    return View(view.name, view.made, view.latencies + done.latencies, (served.cpu() - before) / len(done.latencies))


def _signed_in(served: Served, user: str) -> str:
    """Use a one-time link; give the cookie."""
    head = one(served.port, request("GET", served.links[user]), status=303).headers.decode("latin-1")
    cookie = re.search(r"^set-cookie:\s*([^;\r]+)", head, re.IGNORECASE | re.MULTILINE)
    if cookie is None:
        raise RuntimeError("no cookie after sign-in")
    return cookie[1]


def _found(served: Served, cookie: str) -> str:
    """Find the person as a doctor does, by name and birth date; give the address of the page."""
    shown = one(served.port, request("GET", "/emergency", cookie=cookie)).body.decode()
    token = re.search(r'name="csrf" value="([^"]+)"', shown)
    if token is None:
        raise RuntimeError("the search has no form")
    form = urlencode({"csrf": token[1], "by": "name", "kana": RICH_KANA, "birth": RICH_BIRTH}).encode()
    found = one(served.port, request("POST", "/emergency/find", cookie=cookie, body=form, media=_FORM)).body.decode()
    address = re.search(r'href="(/emergency/[^"/]{20,})"', found)
    if address is None:
        raise RuntimeError("the person was not found")
    return address[1]


def _number(served: Served) -> str:
    """Give the id by which the emergency hospital's own application knows the person."""
    query = urlencode({"identifier": f"{KAIGO_INSURED}|{insured(RICH)}"})
    found = orjson.loads(one(served.port, request("GET", f"/fhir/Patient?{query}", token=served.tokens[EMERGENCY])).body)
    return str(found["entry"][0]["resource"]["id"])


# ── the yardstick ────────────────────────────────────────────────────────────────────────────────────────────────────


def opening(folder: Path, rounds: int) -> dict[str, float]:
    """Give seconds to open and parse, in one thread and with nothing else, the resources that each view is made from.

    The hub over the folder must have been ended.
    """
    hub = assemble(data=folder, region=region(), base="http://127.0.0.1", adapters=(), now=lambda: datetime.now(UTC), followers=False)
    try:
        emergency, board = _rows_of_person(hub), _rows_of_board(hub)
        return {
            "view.emergency": median(_opened(hub, emergency) for _ in range(rounds * 5)),
            "view.board": median(_opened(hub, board) for _ in range(rounds)),
        }
    finally:
        hub.close()


def _rows_of_person(hub: Hub) -> list[Row]:
    token = hub.secrets.token("insured", insured(RICH))
    with hub.store.read() as tx:
        return [r for r in resources.of_patients(tx, identities.by_token(tx, token)) if r.type != "Consent"]


def _rows_of_board(hub: Hub) -> list[Row]:
    with hub.store.read() as tx:
        persons = dict.fromkeys(identities.person_of(tx, p) for p in resources.own_patients(tx, OFFICE))
        return [r for person in persons for r in resources.of_patients(tx, identities.patients_of(tx, person), sorted(TYPES))]


def _opened(hub: Hub, rows: list[Row]) -> float:
    begun = time.perf_counter()
    with hub.store.read() as tx:
        for row in rows:
            recorded = hub.store.event(tx, row.position)
            assert recorded is not None
            body = open_content(hub.keys, recorded)
            assert body is not None
            orjson.loads(parted(body)[0])
    return time.perf_counter() - begun


def figures(measured: list[View], yard: dict[str, float]) -> Iterator[Figure]:
    """Give p50, p99 and CPU of each view in ms."""
    for view in measured:
        alone = yard[view.name.removesuffix(".fhir")] * 1e3
        yield against(view.name, percentile(view.latencies, 0.5) * 1e3, "ms", "open-and-parse", alone)
        yield against(f"{view.name}.p99", percentile(view.latencies, 0.99) * 1e3, "ms", "open-and-parse", alone)
        yield against(f"{view.name}.cpu", view.cpu * 1e3, "ms", "open-and-parse", alone)
