"""What no sender should send: a clear refusal, the process alive, memory bounded, the message kept where it is safe to keep."""

from __future__ import annotations

import io
import socket
import time
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest

from tests.adapters.visiting_nurse.builders import zip_of
from tests.hub.files import admission, named, visits
from tests.hub.serving import Served, served
from tests.hub.web.answers import outcome
from tests.hub.world import FHIR, HOSPITAL, OFFICE, STATION, a_patient

ROOM = 350.0
"""MB that the process may take beyond what it weighed when it began to answer: a parsed body of the largest size that is taken, twice over."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("bad") / "data") as made:
        with made.client(HOSPITAL) as client:  # what is loaded once is loaded now
            client.put("/fhir/Patient/p0", content=orjson.dumps(a_patient("p0")))
        weight = made.memory("VmRSS")
        yield made
        assert made.process.poll() is None, "the hub has died"
        assert made.memory() - weight < ROOM


def sent(hub: Served, body: bytes, path: str = "/fhir", by: str = HOSPITAL, **headers: str) -> httpx.Response:
    with hub.client(by) as client:
        return client.post(path, content=body, headers=headers)


def handed(hub: Served, name: str, data: bytes, by: str) -> httpx.Response:
    return sent(hub, data, "/hand-in", by, **{"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"})


def alive(hub: Served) -> None:
    with hub.client(HOSPITAL) as client:
        assert client.get("/livez").status_code == 200
        assert client.get("/fhir/Patient/p0").status_code == 200


def refusals(hub: Served, by: str) -> list[dict[str, Any]]:
    with hub.client(by) as client:
        rows: list[dict[str, Any]] = client.get("/refused.json").json()["refused"]
        return rows


GOOD = orjson.dumps(
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": a_patient(), "request": {"method": "PUT", "url": "Patient/p1"}}],
    }
)
DEEP = b'{"resourceType":"Bundle","type":"transaction","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
EXTENDED = b'{"resourceType":"Patient","id":"p1"' + b',"extension":[{"url":"urn:x"' * 5_000 + b"}]" * 5_000 + b"}"
TEXTS: dict[str, tuple[bytes, str, int]] = {
    "cut off": (GOOD[: len(GOOD) // 2], "HUB-4005", 400),
    "empty": (b"", "HUB-4005", 400),
    "cp932": (GOOD.decode().encode("cp932"), "HUB-4001", 400),
    "utf-16": (GOOD.decode().encode("utf-16"), "HUB-4001", 400),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD, "HUB-4002", 400),
    "depth 10,000": (DEEP, "HUB-4004", 413),
    "extensions 5,000 deep": (EXTENDED, "HUB-4004", 413),
    "unclosed 100,000 deep": (b"[" * 100_000, "HUB-4005", 400),
    "lone surrogate": (GOOD.replace(b"1938", b"\\ud800"), "HUB-4003", 400),
    "NUL": (GOOD.replace(b"1938", b"\\u0000"), "HUB-4003", 400),
    "doubled key": (GOOD.replace(b'"type"', b'"type":"batch","type"'), "HUB-4007", 400),
    "a list": (b"[]", "HUB-4009", 400),
    "a number": (b"1e999", "HUB-4008", 400),
    "a long number": (b"9" * 1_000_000, "HUB-4008", 400),
    "no type": (b"{}", "HUB-4010", 400),
    "NaN": (GOOD.replace(b'"1938-05-02"', b"NaN"), "HUB-4006", 400),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_text_that_is_no_sound_bundle_is_refused_kept_and_survived(hub: Served, name: str) -> None:
    body, rule, status = TEXTS[name]
    before = len(refusals(hub, HOSPITAL))
    answer = sent(hub, body)
    assert answer.status_code == status
    assert outcome(answer)[0][0] == rule
    assert len(answer.content) < 100_000
    assert len(refusals(hub, HOSPITAL)) == before + 1
    alive(hub)


@pytest.mark.parametrize("name", ["depth 10,000", "cut off", "cp932", "lone surrogate"])
def test_the_same_texts_as_one_resource_are_refused_too(hub: Served, name: str) -> None:
    body, rule, status = TEXTS[name]
    answer = sent(hub, body, "/fhir/Patient")
    assert (answer.status_code, outcome(answer)[0][0]) == (status, rule)


def test_a_body_of_50_MB_is_refused_whether_it_says_its_size_or_not(hub: Served) -> None:
    block = b" " * 1_000_000
    answer = sent(hub, block * 50)
    assert answer.status_code == 413
    assert outcome(answer)[0] == ("HUB-4000", "", "too-long")

    def chunks() -> Iterator[bytes]:
        for _ in range(50):
            yield block

    with hub.client(STATION) as client:
        for path in ("/fhir", "/hand-in", "/fhir/Patient"):
            answer = client.post(path, content=chunks(), headers={"Content-Disposition": 'attachment; filename="vn_visit.csv"'})
            assert answer.status_code == 413, path
            assert outcome(answer)[0][0] == "HUB-4000"
    alive(hub)


def test_a_large_body_that_is_within_the_limit_is_judged_and_not_feared(hub: Served) -> None:
    entry = orjson.dumps({"resource": a_patient("p2"), "request": {"method": "PUT", "url": "Patient/p2"}})
    count = 19_000_000 // (len(entry) + 1)
    many = b'{"resourceType":"Bundle","type":"transaction","entry":[' + b",".join([entry] * count) + b"]}"
    answer = sent(hub, many)
    assert (answer.status_code, outcome(answer)[0][0]) == (413, "HUB-4051")
    faulty = orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [{"nonsense": "x" * 90}] * 5_000})
    answer = sent(hub, faulty)
    assert answer.status_code == 400
    assert len(answer.json()["issue"]) <= 50
    alive(hub)


def test_five_thousand_good_entries_are_one_transaction(hub: Served) -> None:
    entries = [
        {"resource": {"resourceType": "Location", "id": f"w{i}"}, "request": {"method": "PUT", "url": f"Location/w{i}"}}
        for i in range(5_000)
    ]
    answer = sent(hub, orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    assert answer.status_code == 200
    with hub.client(HOSPITAL) as client:
        assert client.get("/fhir/Location?_summary=count").json()["total"] == 5_000


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def bomb() -> bytes:
    """A ZIP of 100 kB that grows to 100 MB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vn_visit.csv", b"a" * 100_000_000)
    return made.getvalue()


BOMB = bomb()
SHIFTED = visits({"visit_id": "V-1"}).replace(b",V-1,", b",,V-1,").replace(b"\nV-1,", b"\n,V-1,")
FILES: dict[str, tuple[str, str, bytes, str, str]] = {
    "ZIP bomb": (STATION, "vn_visit.zip", BOMB, "HUB-2114", "ZIP"),
    "ZIP in a ZIP": (STATION, "vn_visit.zip", zip_of(vn_visit=BOMB), "HUB-2", ""),
    "ZIP with another ending": (STATION, "vn_visit.csv", BOMB, "HUB-2114", "ZIP"),
    "ZIP cut off": (STATION, "vn_visit.zip", zip_of(vn_visit=visits({}))[:-30], "HUB-2113", "ZIP"),
    "CSV with a shifted column": (STATION, "vn_visit.csv", SHIFTED, "HUB-2010", "row 2"),
    "CSV in another charset": (STATION, "vn_visit.csv", visits({}).replace("早瀬".encode(), b"\x82\xff\x81\x00"), "HUB-2", ""),
    "CSV with one quotation mark": (STATION, "vn_visit.csv", visits({}).replace(b"V-1", b'"V-1'), "HUB-2", "row"),
    "CSV without rows": (STATION, "vn_visit.csv", visits({}).split(b"\r\n")[0], "HUB-2", ""),
    "plan of another office": (OFFICE, "UP1KYO_1379999999_202611010000.CSV", b"x", "HUB-2", ""),
    "message with an unknown segment and no patient": (HOSPITAL, named(), admission().replace(b"PID|", b"XYZ|"), "HUB-1", ""),
    "message in a charset that it does not declare": (HOSPITAL, named(), admission().replace(b"ISO IR87", b"ISO IR99"), "HUB-1009", "MSH-18"),
    "message cut off": (HOSPITAL, named(), admission()[:60], "HUB-1", ""),
    "message of 1,000,000 segments": (HOSPITAL, named(), admission() + b"ZZZ|\r" * 1_000_000, "HUB-1", ""),
    "message of 1,000,000 repetitions": (HOSPITAL, named(), admission() + b"ZZZ|" + b"~" * 1_000_000 + b"\r", "HUB-1", ""),
    "name of 100,000 characters": (STATION, "vn_visit" + "x" * 3_000 + ".csv", b"\x00" * 1000, "HUB-2", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_cannot_be_taken_is_refused_at_its_place_and_kept(hub: Served, name: str) -> None:
    by, file, data, rule, where = FILES[name]
    before = len(refusals(hub, by))
    begun = time.monotonic()
    answer = handed(hub, file, data, by)
    assert time.monotonic() - begun < 20
    assert answer.status_code == 422, answer.text
    told = answer.json()["refused"]
    assert told
    issues = [i for one in told for i in one["issues"]]
    assert any(i["rule"].startswith(rule) and i["where"].startswith(where) for i in issues), [(i["rule"], i["where"]) for i in issues]
    assert all(i["ja"] and i["en"] for i in issues)
    assert len(refusals(hub, by)) == before + len(told)
    alive(hub)


def test_a_message_with_a_segment_of_ones_own_is_taken(hub: Served) -> None:
    answer = handed(hub, named(control="77"), admission("C77") + b"ZZ9|x|y\r", HOSPITAL)
    assert answer.status_code == 200
    assert len(answer.json()["taken"]) == 1


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000, b"POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"POST /fhir HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", b"GET /fhir/Patient/%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /fhir/Patient?identifier=%ff&%00=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_request_harms_nobody(hub: Served, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
    alive(hub)


def test_odd_addresses_and_headers_are_answered_without_a_fault(hub: Served) -> None:
    odd = (
        "%ff",
        "%00",
        "..",
        "%2e%2e",
        "a%2Fb",
        "%E5%B1%B1",
        "$x",
        "_history",
        "_search",
        "'",
        '"',
        "<script>",
        "%0d%0aX: y",
        "*",
        "?",
        "tsu-",
        "tsu-" + "0" * 26,
    )
    with hub.client(HOSPITAL) as client:
        for word in odd:
            for path in (
                f"/fhir/{word}",
                f"/fhir/Patient/{word}",
                f"/fhir/Patient/p0/_history/{word}",
                f"/fhir/Patient?_id={word}",
                f"/fhir/Patient?identifier={word}",
                f"/fhir/Patient?_page={word}",
                f"/fhir/Observation?patient={word}",
                f"/events?after={word}",
                f"/{word}",
                f"/emergency/{word}",
                f"/fhir/Patient/{word}/$summary",
                f"/fhir/Patient?_lastUpdated={word}",
                f"/fhir/AuditEvent?date={word}",
            ):
                answer = client.get(path, headers={"Accept": "application/x-ndjson"} if "events" in path else {})
                assert answer.status_code < 500, (path, answer.status_code)
        for name in (
            "If-Match",
            "If-None-Match",
            "If-None-Exist",
            "Prefer",
            "Accept",
            "Content-Type",
            "Last-Event-ID",
            "X-Request-Id",
            "Cookie",
        ):
            for value in ("", "x", "W/", "*", '"', ",;=", "q=.", "é".encode("latin-1"), "9" * 5_000, "identifier=%zz"):
                answer = client.put("/fhir/Patient/p9", content=orjson.dumps(a_patient("p9")), headers={**FHIR, name: value})
                assert answer.status_code < 500, (name, value, answer.status_code)
    alive(hub)
