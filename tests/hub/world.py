"""A small region with a hub over a temporary folder, asked through its real application: what most tests of the hub stand on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from hub.assemble import Hub, assemble
from hub.compartments import Compartment
from hub.ingest.adapters import load_adapters
from hub.log.keys import Keyring
from hub.log.wrapping import Wrapping
from hub.region import Region, parse_region
from hub.web.app import create_app
from schemas.ids import KAIGO_INSURED, check_digit

databases: dict[Path, str] = {}
"""The database of each data folder, where hubs stand on PostgreSQL: one that is opened again finds its own."""


def new_database() -> str:
    """Give the URL of a new database; empty = a file in the data folder."""
    return ""


def database_of(folder: Path) -> str:
    """Give the database that belongs to a data folder."""
    if folder not in databases:
        databases[folder] = new_database()
    return databases[folder]


FHIR = {"Content-Type": "application/fhir+json"}
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
"""A Tuesday, ten o'clock in Japan."""


def code(body: str) -> str:
    """Give a code with its check digit."""
    return body + check_digit(body)


HOSPITAL, OTHER_HOSPITAL = code("131000001"), code("131000002")
OFFICE, OTHER_OFFICE = code("137000001"), code("137000002")
STATION = code("136000001")
NETWORK = code("139000009")
INSURED = "131016:0000012342"


def register() -> Region:
    """Give the region's register."""
    organizations = [
        (HOSPITAL, "ひがし病院", "hospital", "TREAT"),
        (OTHER_HOSPITAL, "にし病院", "hospital", "TREAT"),
        (OFFICE, "あおば居宅", "care-manager", "CAREMGT"),
        (OTHER_OFFICE, "わかば居宅", "care-manager", "CAREMGT"),
        (STATION, "みどり訪問看護", "visiting-nurse", "TREAT"),
        (NETWORK, "事務局", "network", "HCOMPL"),
    ]
    users = [
        ("doctor", HOSPITAL, "救急 花子", "doctor", "TREAT"),
        ("nurse", HOSPITAL, "病棟 太郎", "nurse", "TREAT"),
        ("manager", OFFICE, "担当 春子", "care-manager", "CAREMGT"),
        ("officer", NETWORK, "責任 守", "privacy-officer", "HCOMPL"),
        ("clerk", NETWORK, "窓口 結", "clerk", "PATADMIN"),
    ]
    return parse_region(
        {
            "name": "試験の地域",
            "edition": "2026-11-01",
            "network": NETWORK,
            "organizations": [{"code": c, "name": n, "kind": k, "purpose": p} for c, n, k, p in organizations],
            "users": [{"id": i, "organization": o, "name": n, "role": r, "purpose": p} for i, o, n, r, p in users],
        }
    )


_ASKED: ContextVar[bool] = ContextVar("_ASKED", default=False)
"""Whether what runs here is a request of a `World`."""


def off_the_loop(hub: Hub) -> None:
    """Fail whatever reads the store, or writes to it, on the loop: there it would hold up everybody else's requests."""
    for name in ("read", "write"):
        opened = getattr(hub.store, name)

        def watched(opened: Callable[[], AbstractContextManager[Any]] = opened) -> AbstractContextManager[Any]:
            assert not (_ASKED.get() and asyncio._get_running_loop()), "the store is asked on the loop"
            return opened()

        setattr(hub.store, name, watched)


class World:
    """A hub with one client for each organization and each user."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        off_the_loop(hub)
        self.app = create_app(hub, demo=True)
        self.tokens = {c: hub.credentials.issue(c) for c in hub.region.offices}
        """By organization; its application in another compartment stands under `code@compartment`, once `register_in` was called."""
        self.loop = asyncio.new_event_loop()
        self.cookies: dict[str, dict[str, str]] = {}
        self.csrf: dict[str, str] = {}
        self.moment: list[datetime] = []
        """The hub's clock, where a test moves it."""

    def close(self) -> None:
        self.loop.close()

    def ask(self, method: str, path: str, *, by: str = "", **more: Any) -> httpx.Response:
        """Send one request as an organization's application (its code) or as a signed-in user (its id)."""
        headers = dict(more.pop("headers", {}))
        if by in self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens[by]}"

        async def send() -> httpx.Response:
            _ASKED.set(True)
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self.hub.base, cookies=self.cookies.get(by)) as client:
                return await client.request(method, path, headers=headers, **more)

        return self.loop.run_until_complete(send())

    def register_in(self, compartment: str, *codes: str) -> None:
        """Register applications of organizations for a compartment."""
        self.tokens |= {f"{code}@{compartment}": self.hub.credentials.issue(code, compartment) for code in codes}

    def sign_in(self, user: str) -> None:
        """Sign a user in by a one-time link."""
        answer = self.ask("GET", f"/sign-in/{self.app.state.sessions.link(user)}")
        assert answer.status_code == 303
        self.cookies[user] = dict(answer.cookies)

    def form(self, user: str, path: str, **fields: str) -> httpx.Response:
        """Post a form of a page as a signed-in user."""
        return self.ask("POST", path, by=user, data={"csrf": self.secret(user), **fields})

    def secret(self, user: str) -> str:
        """Give the secret of a session's forms."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.ask("GET", "/", by=user).text)
        assert found is not None
        return found[1]

    def put(self, by: str, tree: Mapping[str, Any]) -> httpx.Response:
        return self.ask("PUT", f"/fhir/{tree['resourceType']}/{tree['id']}", by=by, content=orjson.dumps(tree), headers=FHIR)

    def get(self, by: str, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, by=by, **more)

    def bundle(self, by: str, entries: list[dict[str, Any]], kind: str = "transaction") -> httpx.Response:
        tree = {"resourceType": "Bundle", "type": kind, "entry": entries}
        return self.ask("POST", "/fhir", by=by, content=orjson.dumps(tree), headers=FHIR)

    def file(self, by: str, name: str, data: bytes) -> httpx.Response:
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
        return self.ask("POST", "/hand-in", by=by, content=data, headers=headers)

    def settle(self) -> None:
        """Let the followers come to the head of the log."""
        from hub.followers.feeds import Feeding

        for follower in self.hub.runner.followers:
            if follower.name in {"derive", Feeding.name, "provisions"}:
                while follower.step():
                    pass


def known_root(folder: Path) -> None:
    """Give a folder the root secret that others of these tests have, so that two hubs name the same things alike: a key store of 0.1.0 has its master key as root."""
    folder.mkdir(exist_ok=True)
    (folder / "master.key").write_text("5a" * 32 + "\n", encoding="ascii")
    Keyring(folder / "keys.db", Wrapping.of(b"\x5a" * 32)).close()


@contextmanager
def world(
    folder: Path, *, now: Any = None, adapters: tuple[str, ...] = ("hospital",), region: Region | None = None,
    database: str = "", compartments: Mapping[str, Compartment] = MappingProxyType({}),
) -> Iterator[World]:  # fmt: skip
    """Open a hub over a folder; its followers run by `settle`, so that a test looks when it wants to."""
    hub = assemble(
        data=folder, region=region or register(), base="http://hub.test", adapters=load_adapters(adapters),
        now=now or (lambda: NOW), followers=False, database=database or database_of(folder), compartments=compartments,
    )  # fmt: skip
    made = World(hub)
    try:
        yield made
    finally:
        made.close()
        hub.close()


# ── resources ────────────────────────────────────────────────────────────────────────────────────────────────────────


def a_patient(number: str = "p1", *, insured: str = INSURED, kana: str = "ヤマダ　ハナコ", birth: str = "1938-05-02") -> dict[str, Any]:
    tree: dict[str, Any] = {
        "resourceType": "Patient",
        "id": number,
        "name": [
            {"text": "山田　花子", "family": "山田", "given": ["花子"]},
            {
                "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "SYL"}],
                "text": kana,
            },
        ],
        "birthDate": birth,
        "gender": "female",
    }
    if insured:
        tree["identifier"] = [{"system": KAIGO_INSURED, "value": insured}]
    return tree


def an_encounter(number: str = "e1", *, patient: str = "Patient/p1", status: str = "in-progress", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": number,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": patient},
        "period": {"start": "2026-11-24T09:30:00+09:00"},
        **more,
    }


def a_plan(number: str = "c1", *, patient: str = "Patient/p1") -> dict[str, Any]:
    return {
        "resourceType": "CarePlan", "id": number, "status": "active", "intent": "plan", "subject": {"reference": patient},
        "period": {"start": "2026-04-01"},
    }  # fmt: skip


def a_consent(number: str = "k1", *, patient: str = "Patient/p1", status: str = "active", **provision: Any) -> dict[str, Any]:
    """A written opt-in of the person for the whole network, for treatment and care management, up to N."""
    from schemas.adapter import BASE

    reason = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
    return {
        "resourceType": "Consent",
        "id": number,
        "extension": [{"url": f"{BASE}/StructureDefinition/consent-form", "valueCode": "written"}],
        "status": status,
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": patient},
        "dateTime": "2026-01-05T10:00:00+09:00",
        "policy": [{"uri": f"{BASE}/policy/sharing"}],
        "performer": [{"reference": patient}],
        "organization": [{"identifier": {"system": f"{BASE}/sid/network", "value": "NW"}}],
        "provision": {
            "type": "permit",
            "purpose": [{"system": reason, "code": "TREAT"}, {"system": reason, "code": "CAREMGT"}],
            "securityLabel": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}],
            **provision,
        },
    }
