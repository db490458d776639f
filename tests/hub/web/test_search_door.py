"""Search finds what was asked for, page by page, and tells nothing in its addresses (R4 search §3.1.1; facts: fhir-api §3)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from schemas.ids import KAIGO_INSURED
from tests.hub.web.answers import links, matches, outcome
from tests.hub.world import HOSPITAL, INSURED, NOW, OFFICE, OTHER_HOSPITAL, World, a_consent, a_patient, world

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WARD = "urn:example:wards"


def a_location(number: str, *identifiers: tuple[str, str]) -> dict[str, Any]:
    marks = [{"value": v} | ({"system": s} if s else {}) for s, v in identifiers]
    return {"resourceType": "Location", "id": number, "name": number} | ({"identifier": marks} if marks else {})


def found(w: World, query: str, by: str = HOSPITAL, **more: Any) -> list[str]:
    answer = w.get(by, f"/fhir/{query}", **more)
    assert answer.status_code == 200, answer.text
    tree = answer.json()
    assert (tree["resourceType"], tree["type"]) == ("Bundle", "searchset")
    for entry in tree.get("entry", ()):
        if entry["search"]["mode"] == "match":
            assert entry["fullUrl"] == f"http://hub.test/fhir/{entry['resource']['resourceType']}/{entry['resource']['id']}"
    return [r["id"] for r in matches(tree)]


# ── what is found ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_identifier_is_found_by_system_and_value_by_value_alone_and_by_having_no_system(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_location("a", (WARD, "3")))
    hub_world.put(HOSPITAL, a_location("b", ("urn:example:rooms", "3")))
    hub_world.put(HOSPITAL, a_location("c", ("", "3")))
    hub_world.put(HOSPITAL, a_location("d", (WARD, "03"), (WARD, "4")))
    hub_world.put(HOSPITAL, a_location("e", (WARD, "5,6|7")))
    for asked, ids in (
        (f"{WARD}|3", ["a"]),
        ("3", ["a", "b", "c"]),
        ("|3", ["c"]),
        ("03", ["d"]),
        (f"{WARD}|4", ["d"]),
        (f"{WARD}|3,{WARD}|4", ["a", "d"]),
        (rf"{WARD}|5\,6\|7", ["e"]),
        (f"{WARD}|5,6", []),
        (f"{WARD}|9", []),
        ("urn:example:nowhere|3", []),
    ):
        assert found(hub_world, f"Location?identifier={quote(asked)}") == ids, asked


def test_values_after_commas_are_or_and_repeated_parameters_are_and(hub_world: World) -> None:
    for number, marks in (("a", [(WARD, "1"), (WARD, "2")]), ("b", [(WARD, "1")]), ("c", [(WARD, "2")])):
        hub_world.put(HOSPITAL, a_location(number, *marks))
    assert found(hub_world, f"Location?identifier={WARD}|1,{WARD}|2") == ["a", "b", "c"]
    assert found(hub_world, f"Location?identifier={WARD}|1&identifier={WARD}|2") == ["a"]
    assert found(hub_world, f"Location?_id=a,c,nobody&identifier={WARD}|2") == ["a", "c"]
    assert found(hub_world, "Location?_id=b&_id=c") == []
    assert found(hub_world, "Location?_id=") == ["a", "b", "c"]


def test_what_is_about_a_person_is_found_by_any_form_of_the_persons_address(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, a_patient("p2", insured=""))
    for number, patient in (("o1", "p1"), ("o2", "p2")):
        hub_world.put(HOSPITAL, {
            "resourceType": "Observation", "id": number, "status": "final", "code": {"text": "体温"}, "subject": {"reference": f"Patient/{patient}"},
        })  # fmt: skip
    for asked in ("Patient/p1", "p1", "http://hub.test/fhir/Patient/p1"):
        assert found(hub_world, f"Observation?patient={quote(asked)}") == ["o1"], asked
    assert found(hub_world, "Observation?patient=p1,p2") == ["o1", "o2"]
    assert found(hub_world, "Observation?patient:Patient=p1") == ["o1"]
    assert found(hub_world, "Observation?patient=nobody") == []


def test_what_changed_when_is_found_by_moments_and_by_days_in_japan(tmp_path: Path) -> None:
    moment = [NOW.replace(hour=14, minute=59, second=59, microsecond=500_000)]
    with world(tmp_path, now=lambda: moment[0]) as w:
        w.put(HOSPITAL, a_location("a"))  # 23:59:59.5 on the 24th in Japan
        moment[0] += timedelta(milliseconds=500)
        w.put(HOSPITAL, a_location("b"))  # midnight: the 25th
        for asked, ids in (
            ("2026-11-24", "a"), ("2026-11-25", "b"), ("2026-11", "ab"), ("2026", "ab"), ("2025", ""), ("ne2026-11-24", "b"),
            ("ge2026-11-25", "b"), ("gt2026-11-24", "b"), ("gt2026-11-25", ""), ("sa2026-11-24", "b"), ("lt2026-11-25", "a"), ("le2026-11-24", "a"),
            ("le2026-11-25", "ab"), ("eb2026-11-25", "a"), ("lt2026-11-24", ""),
            ("2026-11-24T14:59:59Z", "a"), ("2026-11-24T23:59:59+09:00", "a"), ("2026-11-24T23:59:59.500+09:00", "a"), ("2026-11-24T23:59:59.499+09:00", ""),
            ("2026-11-24T23:59+09:00", "a"), ("2026-11-25T00:00:00", "b"), ("ge2026-11-24T15:00:00Z", "b"), ("gt2026-11-24T23:59:59+09:00", "b"),
        ):  # fmt: skip
            for text in {asked, asked.replace("+", "%2B")}:
                assert found(w, f"Location?_lastUpdated={text}") == list(ids), text
        assert found(w, "Location?_lastUpdated=ge2026-11-25&_lastUpdated=lt2026-11-26") == ["b"]


@pytest.mark.parametrize(
    ("query", "rule", "where"),
    [
        ("_lastUpdated=soon", "HUB-4083", "_lastUpdated"), ("_lastUpdated=2026-13", "HUB-4083", "_lastUpdated"), ("_lastUpdated=2026-02-30", "HUB-4083", "_lastUpdated"),
        ("_lastUpdated=xx2026", "HUB-4083", "_lastUpdated"), ("_lastUpdated=ap2026", "HUB-4083", "_lastUpdated"), ("_lastUpdated=0000", "HUB-4083", "_lastUpdated"),
        ("_lastUpdated=9999-12-31", "HUB-4083", "_lastUpdated"), ("_lastUpdated=0001-01-01T00:00:00%2B14:00", "HUB-4083", "_lastUpdated"),
        ("_lastUpdated=20261124", "HUB-4083", "_lastUpdated"), ("_lastUpdated=2026-11-24T25:00:00Z", "HUB-4083", "_lastUpdated"),
        ("_count=-1", "HUB-4082", "_count"), ("_count=many", "HUB-4082", "_count"), ("_count=%EF%BC%91", "HUB-4082", "_count"), ("_count=1.5", "HUB-4082", "_count"),
        ("identifier=urn:example:wards|", "HUB-4085", "identifier"), ("identifier=|", "HUB-4085", "identifier"),
        ("_summary=text", "HUB-4084", "_summary"), ("identifier:not=x|1", "HUB-4086", "identifier"), ("_id:missing=true", "HUB-4086", "_id"),
        ("_lastUpdated:missing=true", "HUB-4086", "_lastUpdated"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_is_refused_at_its_parameter(hub_world: World, query: str, rule: str, where: str) -> None:
    answer = hub_world.get(HOSPITAL, f"/fhir/Location?{query}")
    assert answer.status_code == 400
    assert outcome(answer)[0][:2] == (rule, where)


def test_a_patient_that_is_no_address_is_refused(hub_world: World) -> None:
    for value in ("Patient/", "Encounter/e1", "a b", "https://other.example/fhir/Patient/p1"):
        answer = hub_world.get(HOSPITAL, f"/fhir/Observation?patient={quote(value)}")
        assert answer.status_code == 400, value
        assert outcome(answer)[0][:2] == ("HUB-4080", "patient")


# ── unknown parameters ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("query", ["name=Yamada", "_sort=name", "birthdate=1938-05-02", "identifier=1&nonsense=1"])
def test_what_is_not_offered_is_ignored_with_a_warning_or_refused_when_the_client_is_strict(hub_world: World, query: str) -> None:
    hub_world.put(HOSPITAL, a_location("a", (WARD, "1")))
    tree = hub_world.get(HOSPITAL, f"/fhir/Location?{query}").json()
    assert tree["total"] == 1
    *_, warned = tree["entry"]
    assert warned["search"] == {"mode": "outcome"}
    (one,) = warned["resource"]["issue"]
    assert (one["severity"], one["code"], one["details"]["coding"][0]["code"]) == ("warning", "not-supported", "HUB-4081")
    for word in ("name", "Yamada", "_sort", "birthdate", "nonsense"):
        assert word not in links(tree)["self"]
    strict = hub_world.get(HOSPITAL, f"/fhir/Location?{query}", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
    assert outcome(strict) == [("HUB-4081", "", "not-supported")]
    assert hub_world.get(HOSPITAL, f"/fhir/Location?{query}", headers={"Prefer": "handling=lenient"}).status_code == 200


def test_words_about_the_answer_are_no_unknown_parameters(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_location("a"))
    for query in ("_count=5&_format=json&_pretty=true", "_total=accurate", "_count=0&_totalMethod=count", "_summary=false"):
        answer = hub_world.get(HOSPITAL, f"/fhir/Location?{query}", headers={"Prefer": "handling=strict"})
        assert (answer.status_code, answer.json()["total"]) == (200, 1)


# ── counts and pages ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("query", ["_count=0", "_summary=count", "_count=0&_totalMethod=count", "_summary=count&_count=5"])
def test_a_count_alone_has_no_entries_and_no_next_page(hub_world: World, query: str) -> None:
    for i in range(7):
        hub_world.put(HOSPITAL, a_location(f"w{i}"))
    tree = hub_world.get(HOSPITAL, f"/fhir/Location?{query}").json()
    assert tree["total"] == 7
    assert "entry" not in tree
    assert set(links(tree)) == {"self"}


def test_pages_give_everything_once_in_order_and_end(hub_world: World) -> None:
    for i in range(7):
        hub_world.put(HOSPITAL, a_location(f"w{i}", (WARD, "all")))
    for size, pages in ((1, 7), (3, 3), (7, 1), (50, 1)):
        address, ids, steps = f"/fhir/Location?identifier={WARD}|all&_count={size}", [], 0
        while address:
            tree = hub_world.get(HOSPITAL, address).json()
            assert tree["total"] == 7
            assert len(tree["entry"]) <= size
            ids += [r["id"] for r in matches(tree)]
            address, steps = links(tree).get("next", ""), steps + 1
        assert (ids, steps) == ([f"w{i}" for i in range(7)], pages)


def test_no_page_is_larger_than_the_hub_lets_it_be(hub_world: World) -> None:
    entries = [{"resource": a_location(f"w{i}"), "request": {"method": "PUT", "url": f"Location/w{i}"}} for i in range(210)]
    hub_world.bundle(HOSPITAL, entries)
    tree = hub_world.get(HOSPITAL, "/fhir/Location?_count=99999999999999999999").json()
    assert len(tree["entry"]) == 200
    rest = hub_world.get(HOSPITAL, links(tree)["next"]).json()
    assert len(rest["entry"]) == 10
    assert "next" not in links(rest)
    assert len(hub_world.get(HOSPITAL, "/fhir/Location").json()["entry"]) == 50


def test_a_page_goes_on_where_the_last_one_ended_though_things_change_meanwhile(hub_world: World) -> None:
    for i in range(5):
        hub_world.put(HOSPITAL, a_location(f"w{i}"))
    first = hub_world.get(HOSPITAL, "/fhir/Location?_count=2").json()
    hub_world.put(HOSPITAL, a_location("w1", (WARD, "changed")))  # the last of the first page moves to the end
    hub_world.ask("DELETE", "/fhir/Location/w0", by=HOSPITAL)
    hub_world.put(HOSPITAL, a_location("w9"))
    second = hub_world.get(HOSPITAL, links(first)["next"]).json()
    assert [r["id"] for r in matches(second)] == ["w2", "w3"]
    third = hub_world.get(HOSPITAL, links(second)["next"]).json()
    assert [r["id"] for r in matches(third)] == ["w4", "w1"]


def test_an_address_of_a_next_page_holds_no_number_and_serves_nobody_else(hub_world: World) -> None:
    for i in range(3):
        hub_world.put(HOSPITAL, a_patient(f"p{i}"))
    tree = hub_world.get(HOSPITAL, f"/fhir/Patient?identifier={KAIGO_INSURED}|{INSURED}&_count=1").json()
    for address in links(tree).values():
        assert INSURED not in address
        assert "0000012342" not in address
    following = links(tree)["next"]
    assert set(parse_qs(urlsplit(following).query)) == {"_page", "_count"}
    assert following.startswith("http://hub.test/fhir/Patient?")
    assert matches(hub_world.get(HOSPITAL, following).json())[0]["id"] == "p1"
    assert hub_world.get(OTHER_HOSPITAL, following).status_code == 404
    assert hub_world.get(HOSPITAL, following.replace("/Patient?", "/Observation?")).status_code == 404
    for spoilt in (
        following.replace("_page=", "_page=a"),
        "/fhir/Patient?_page=abc",
        "/fhir/Patient?_page=%00%FF",
        "/fhir/Patient?_page=あ",
    ):
        answer = hub_world.get(HOSPITAL, spoilt)
        assert answer.status_code == 404
        outcome(answer)


# ── by form ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_search_by_form_is_the_same_search(hub_world: World) -> None:
    for i in range(3):
        hub_world.put(HOSPITAL, a_location(f"w{i}", (WARD, str(i))))
    request = {"X-Request-Id": "same"}
    for query in ("", f"identifier={WARD}|1", "_count=2", "name=x", "_lastUpdated=ge2026", "_summary=count"):
        by_address = hub_world.get(HOSPITAL, f"/fhir/Location?{query}", headers=request)
        by_form = hub_world.ask("POST", "/fhir/Location/_search", by=HOSPITAL, content=query.encode(), headers=FORM | request)
        assert (by_form.status_code, by_form.content, by_form.headers) == (by_address.status_code, by_address.content, by_address.headers)
    both = hub_world.ask("POST", f"/fhir/Location/_search?identifier={WARD}|1", by=HOSPITAL, content=b"_id=w1,w2", headers=FORM)
    assert [r["id"] for r in matches(both.json())] == ["w1"]


def test_a_form_that_is_none_is_refused(hub_world: World) -> None:
    answer = hub_world.ask("POST", "/fhir/Location/_search", by=HOSPITAL, content=b"{}", headers={"Content-Type": "application/json"})
    assert answer.status_code == 415
    assert outcome(answer)[0][0] == "HUB-5038"
    large = hub_world.ask("POST", "/fhir/Location/_search", by=HOSPITAL, content=b"_id=" + b"x" * 200_000, headers=FORM)
    assert large.status_code == 413
    outcome(large)


# ── whose ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_may_not_be_seen_is_no_match_no_count_and_no_page(hub_world: World) -> None:
    """Three hospitals' worth of the same number; the office sees its own until the person agrees."""
    hub_world.put(HOSPITAL, a_patient("p1"))
    hub_world.put(OTHER_HOSPITAL, a_patient("p1"))
    hub_world.put(OFFICE, a_patient("u1"))
    query = f"/fhir/Patient?identifier={KAIGO_INSURED}|{INSURED}&_count=1"
    alone = hub_world.get(OFFICE, query).json()
    assert (alone["total"], [r["id"] for r in matches(alone)], set(links(alone))) == (1, ["u1"], {"self"})
    hub_world.put(HOSPITAL, a_consent())
    together = hub_world.get(OFFICE, query).json()
    assert together["total"] == 3
    assert "next" in links(together)
    following = links(together)["next"]
    hub_world.put(HOSPITAL, a_consent(status="inactive"))
    after = hub_world.get(OFFICE, following).json()  # decided again on every page
    assert (after["total"], [r["id"] for r in matches(after)]) == (1, ["u1"])


def test_without_a_criterion_an_organization_finds_its_own_and_the_directory(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, a_consent())
    hub_world.put(HOSPITAL, {"resourceType": "Organization", "id": "o1", "name": "ひがし病院"})
    assert found(hub_world, "Patient", by=OFFICE) == []
    assert len(found(hub_world, "Organization", by=OFFICE)) == 1
