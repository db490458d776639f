"""Create, update, read, delete: what a client sends and what it can rely on (R4 http §3.1.0; facts: fhir-api §1.1–1.3)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import orjson
import pytest

from schemas.ids import KAIGO_INSURED
from tests.hub.web.answers import outcome
from tests.hub.world import FHIR, HOSPITAL, INSURED, OFFICE, OTHER_HOSPITAL, World, a_patient, an_encounter

BY_NUMBER = f"identifier={KAIGO_INSURED}|{INSURED}"
NOBODY = f"identifier={KAIGO_INSURED}|131016:0000099999"


def sent(w: World, method: str, path: str, tree: object, **headers: str):
    return w.ask(method, f"/fhir/{path}", by=HOSPITAL, content=orjson.dumps(tree), headers=FHIR | headers)


# ── create ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_created_resource_is_told_with_its_place_its_version_and_its_time(hub_world: World) -> None:
    made = sent(hub_world, "POST", "Patient", a_patient("id-of-the-sender"))
    assert made.status_code == 201
    number = made.json()["id"]
    assert number != "id-of-the-sender"
    assert made.headers["location"] == f"http://hub.test/fhir/Patient/{number}/_history/1"
    assert made.headers["etag"] == 'W/"1"'
    assert parsedate_to_datetime(made.headers["last-modified"]).isoformat() == "2026-11-24T01:00:00+00:00"
    assert made.json()["meta"] == {"versionId": "1", "lastUpdated": "2026-11-24T01:00:00.000Z"}
    again = hub_world.get(HOSPITAL, made.headers["location"])
    assert again.content == made.content


def test_meta_of_the_sender_keeps_its_profile_and_loses_its_version_and_time(hub_world: World) -> None:
    meta = {
        "versionId": "77",
        "lastUpdated": "2001-01-01T00:00:00Z",
        "profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"],
    }
    hub_world.put(HOSPITAL, {**a_patient(), "meta": meta})
    kept = hub_world.get(HOSPITAL, "/fhir/Patient/p1").json()["meta"]
    assert kept == {
        "versionId": "1", "lastUpdated": "2026-11-24T01:00:00.000Z", "profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"],
    }  # fmt: skip


def test_a_client_that_wants_no_body_gets_none(hub_world: World) -> None:
    made = sent(hub_world, "POST", "Patient", a_patient(), Prefer="return=minimal")
    assert (made.status_code, made.content) == (201, b"")
    assert made.headers["location"].endswith("/_history/1")
    changed = sent(hub_world, "PUT", "Patient/p9", a_patient("p9"), Prefer="return=minimal")
    assert (changed.status_code, changed.content) == (201, b"")


@pytest.mark.parametrize("prefer", ["return=representation", "return=whatever", "respond-eventually", "wait=10, return=representation"])
def test_a_preference_that_is_not_known_changes_nothing(hub_world: World, prefer: str) -> None:
    made = sent(hub_world, "POST", "Patient", a_patient(), Prefer=prefer)
    assert made.json()["resourceType"] == "Patient"


def test_a_type_that_the_hub_has_not_is_not_found(hub_world: World) -> None:
    refused = sent(hub_world, "POST", "Citation", {"resourceType": "Citation", "status": "active"})
    assert refused.status_code == 404
    assert outcome(refused) == [("HUB-4011", "", "not-found")]


def test_the_body_must_be_of_the_type_that_it_is_sent_to(hub_world: World) -> None:
    refused = sent(hub_world, "POST", "Encounter", a_patient())
    assert refused.status_code == 400
    assert outcome(refused)[0][0] == "HUB-4012"


# ── create, if there is none yet ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_condition_that_fits_nothing_creates(hub_world: World, how: str) -> None:
    made = conditioned(hub_world, how, NOBODY)
    assert made.status_code == 201


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_condition_that_fits_one_gives_that_one_and_writes_nothing(hub_world: World, how: str) -> None:
    first = sent(hub_world, "PUT", "Patient/p1", a_patient())
    found = conditioned(hub_world, how, BY_NUMBER)
    assert found.status_code == 200
    assert found.headers["location"] == first.headers["location"]
    assert found.headers["etag"] == 'W/"1"'
    assert found.json()["id"] == "p1"
    assert found.content == hub_world.get(HOSPITAL, "/fhir/Patient/p1").content
    assert hub_world.get(HOSPITAL, "/fhir/Patient?_summary=count").json()["total"] == 1


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_condition_that_fits_two_is_refused(hub_world: World, how: str) -> None:
    hub_world.put(HOSPITAL, a_patient("p1"))
    hub_world.put(HOSPITAL, a_patient("p2"))
    refused = conditioned(hub_world, how, BY_NUMBER)
    assert refused.status_code == 412
    assert outcome(refused)[0][0::2] == ("HUB-4070", "multiple-matches")


TOO_WIDE = (
    "name=Yamada",
    "identifier=",
    "identifier",
    "&",
    f"{BY_NUMBER}&name=Yamada",
    f"{BY_NUMBER},x|y",
    f"identifier={KAIGO_INSURED}|",
    "_format=json",
)


@pytest.mark.parametrize("condition", TOO_WIDE)
def test_a_condition_that_would_fit_more_than_it_says_is_refused(hub_world: World, condition: str) -> None:
    hub_world.put(HOSPITAL, a_patient())
    refused = sent(hub_world, "POST", "Patient", a_patient(), **{"If-None-Exist": condition})
    assert refused.status_code == 422
    assert outcome(refused)[0][0] == "HUB-4074"
    assert hub_world.get(HOSPITAL, "/fhir/Patient?_summary=count").json()["total"] == 1


def test_what_another_organization_holds_fits_no_condition(hub_world: World) -> None:
    hub_world.put(OTHER_HOSPITAL, a_patient())
    assert conditioned(hub_world, "header", BY_NUMBER).status_code == 201


def test_what_was_taken_back_fits_no_condition(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.ask("DELETE", "/fhir/Patient/p1", by=HOSPITAL)
    assert conditioned(hub_world, "header", BY_NUMBER).status_code == 201


def test_words_about_the_answer_in_the_address_are_no_condition(hub_world: World) -> None:
    made = [sent(hub_world, "POST", "Patient?_format=json&_pretty=true", a_patient()) for _ in range(2)]
    assert [m.status_code for m in made] == [201, 201]


def conditioned(w: World, how: str, condition: str):
    if how == "query":
        return sent(w, "POST", f"Patient?{condition}", a_patient())
    return sent(w, "POST", "Patient", a_patient(), **{"If-None-Exist": condition})


# ── update ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_put_creates_first_and_makes_versions_after(hub_world: World) -> None:
    answers = [hub_world.put(HOSPITAL, {**an_encounter(), "status": s}) for s in ("planned", "in-progress")]
    hub_world.put(HOSPITAL, a_patient())
    assert [a.status_code for a in answers] == [201, 200]
    assert [a.headers["etag"] for a in answers] == ['W/"1"', 'W/"2"']
    assert answers[1].headers["location"] == "http://hub.test/fhir/Encounter/e1/_history/2"


def test_an_update_that_names_a_version_that_has_passed_changes_nothing(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    for tag, status in (('W/"1"', 200), ('"2"', 200), ("3", 200), ('W/"3"', 412), ('W/"9"', 412)):
        answer = sent(hub_world, "PUT", "Patient/p1", a_patient(), **{"If-Match": tag})
        assert answer.status_code == status, tag
    assert outcome(answer) == [("HUB-5042", "Patient", "conflict")]
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1").headers["etag"] == 'W/"4"'


def test_an_update_of_what_is_not_there_by_version_is_refused(hub_world: World) -> None:
    assert sent(hub_world, "PUT", "Patient/p1", a_patient(), **{"If-Match": 'W/"1"'}).status_code == 412
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1").status_code == 404


def test_a_put_that_must_only_create_does_not_overwrite(hub_world: World) -> None:
    assert sent(hub_world, "PUT", "Patient/p1", a_patient(), **{"If-None-Match": "*"}).status_code == 201
    refused = sent(hub_world, "PUT", "Patient/p1", a_patient(birth="1939-05-02"), **{"If-None-Match": "*"})
    assert refused.status_code == 412
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1").json()["birthDate"] == "1938-05-02"


@pytest.mark.parametrize("tree", [a_patient("p2"), {k: v for k, v in a_patient().items() if k != "id"}])
def test_the_id_of_body_and_address_must_be_one(hub_world: World, tree: dict) -> None:
    refused = sent(hub_world, "PUT", "Patient/p1", tree)
    assert refused.status_code == 400
    assert outcome(refused)[0][:2] == ("HUB-4059", "Patient.id")


def test_a_put_without_id_and_condition_is_refused(hub_world: World) -> None:
    for path in ("Patient", "Patient/", "Patient?", "Patient?_format=json"):
        refused = sent(hub_world, "PUT", path, a_patient())
        assert refused.status_code == 400, path
        assert outcome(refused) == [("HUB-4062", "Patient", "required")]
    assert hub_world.get(HOSPITAL, "/fhir/Patient?_summary=count").json()["total"] == 0


def test_a_put_by_condition_changes_the_one_that_fits(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    changed = sent(hub_world, "PUT", f"Patient?{BY_NUMBER}", {**a_patient(birth="1938-05-03"), "id": "p1"})
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1").json()["birthDate"] == "1938-05-03"


def test_a_put_by_condition_may_leave_the_id_out_and_not_name_another(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    nameless = {k: v for k, v in a_patient(birth="1938-05-03").items() if k != "id"}
    changed = sent(hub_world, "PUT", f"Patient?{BY_NUMBER}", nameless)
    assert (changed.status_code, changed.json()["id"]) == (200, "p1")
    refused = sent(hub_world, "PUT", f"Patient?{BY_NUMBER}", a_patient("another"))
    assert refused.status_code == 400
    assert outcome(refused)[0][0] == "HUB-4059"


def test_a_put_by_condition_creates_where_nothing_fits_and_is_refused_where_two_do(hub_world: World) -> None:
    assert sent(hub_world, "PUT", f"Patient?{BY_NUMBER}", a_patient("p1")).status_code == 201
    hub_world.put(HOSPITAL, a_patient("p2"))
    assert sent(hub_world, "PUT", f"Patient?{BY_NUMBER}", a_patient("p1")).status_code == 412


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_received_text_is_given_back_byte_for_byte_but_for_id_and_meta(hub_world: World) -> None:
    raw = (
        b'{ "resourceType":"Observation", "id" : "o1",\n  "status":"final", "code":{ "text":"\\u4f53\\u6e29 \xe4\xbd\x93\xe6\xb8\xa9" },'
        b'\t"subject":{"reference":"Patient/p1"}, "valueQuantity":{"value":1.10, "unit":"kg" },'
        b' "component":[{"code":{"text":"a"},"valueQuantity":{"value":1e2}},  {"code":{"text":"b"},"valueQuantity":{"value":-0.00}}]}'
    )
    hub_world.put(HOSPITAL, a_patient())
    made = hub_world.ask("PUT", "/fhir/Observation/o1", by=HOSPITAL, content=raw, headers=FHIR)
    assert made.status_code == 201
    for given in (made.content, hub_world.get(HOSPITAL, "/fhir/Observation/o1").content):
        for part in (
            b'"code":{ "text":"\\u4f53\\u6e29 \xe4\xbd\x93\xe6\xb8\xa9" }',
            b'"valueQuantity":{"value":1.10, "unit":"kg" }',
            b'"component":[{"code":{"text":"a"},"valueQuantity":{"value":1e2}},  {"code":{"text":"b"},"valueQuantity":{"value":-0.00}}]',
        ):
            assert part in given


def test_a_pretty_answer_has_the_same_digits(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    raw = b'{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"a \\"b\\": {c}, [d]"},"subject":{"reference":"Patient/p1"},'
    hub_world.ask("PUT", "/fhir/Observation/o1", by=HOSPITAL, content=raw + b'"valueQuantity":{"value":36.50}}', headers=FHIR)
    plain, pretty = (hub_world.get(HOSPITAL, f"/fhir/Observation/o1{q}") for q in ("", "?_pretty=true"))
    assert pretty.json() == plain.json()
    assert b'"value": 36.50\n' in pretty.content
    assert pretty.content.count(b"\n") > 10 > plain.content.count(b"\n")


def test_a_read_is_answered_with_304_where_nothing_has_changed(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    for tag, status in (('W/"1"', 304), ('"1"', 304), ('W/"7", W/"1"', 304), ("*", 304), ('W/"2"', 200), ('W/"11"', 200)):
        answer = hub_world.get(HOSPITAL, "/fhir/Patient/p1", headers={"If-None-Match": tag})
        assert answer.status_code == status, tag
        assert answer.headers["etag"] == 'W/"1"'
        assert (answer.content == b"") == (status == 304)


def test_each_version_can_be_read_and_an_unknown_one_is_not_found(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient(birth="1938-05-02"))
    hub_world.put(HOSPITAL, a_patient(birth="1938-05-03"))
    read = [hub_world.get(HOSPITAL, f"/fhir/Patient/p1/_history/{n}") for n in (1, 2)]
    assert [r.json()["birthDate"] for r in read] == ["1938-05-02", "1938-05-03"]
    assert [r.headers["etag"] for r in read] == ['W/"1"', 'W/"2"']
    for unknown in ("3", "0", "-1", "x", "1e3", "９", "99999999999999999999"):
        absent = hub_world.get(HOSPITAL, f"/fhir/Patient/p1/_history/{unknown}")
        assert absent.status_code == 404, unknown
        assert outcome(absent) == [("HUB-5041", "", "not-found")]


def test_what_never_was_is_not_found(hub_world: World) -> None:
    absent = hub_world.get(HOSPITAL, "/fhir/Patient/nobody")
    assert absent.status_code == 404
    assert outcome(absent) == [("HUB-5041", "", "not-found")]


def test_an_id_of_one_type_is_none_of_another(hub_world: World) -> None:
    number = sent(hub_world, "POST", "Patient", a_patient()).json()["id"]
    assert hub_world.get(HOSPITAL, f"/fhir/Encounter/{number}").status_code == 404


# ── delete ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_taken_back_is_gone_and_can_be_recorded_again(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    first = hub_world.ask("DELETE", "/fhir/Patient/p1", by=HOSPITAL)
    assert (first.status_code, first.content) == (204, b"")
    gone = hub_world.get(HOSPITAL, "/fhir/Patient/p1")
    assert gone.status_code == 410
    assert outcome(gone) == [("HUB-5047", "", "deleted")]
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1/_history/2").status_code == 410
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1/_history/1").status_code == 200
    assert hub_world.get(HOSPITAL, "/fhir/Patient?_id=p1").json()["total"] == 0
    assert hub_world.ask("DELETE", "/fhir/Patient/p1", by=HOSPITAL).status_code == 204
    again = hub_world.put(HOSPITAL, a_patient())
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"3"')


def test_taking_back_what_never_was_is_done_already(hub_world: World) -> None:
    assert hub_world.ask("DELETE", "/fhir/Patient/nobody", by=HOSPITAL).status_code == 204
    assert hub_world.get(HOSPITAL, "/fhir/Patient/nobody").status_code == 404


def test_a_delete_by_a_version_that_has_passed_is_refused(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, a_patient())
    assert hub_world.ask("DELETE", "/fhir/Patient/p1", by=HOSPITAL, headers={"If-Match": 'W/"1"'}).status_code == 412
    assert hub_world.ask("DELETE", "/fhir/Patient/p1", by=HOSPITAL, headers={"If-Match": 'W/"2"'}).status_code == 204


def test_a_body_that_names_anothers_id_under_a_condition_writes_nothing_there(hub_world: World) -> None:
    number = sent(hub_world, "POST", "Patient", a_patient()).json()["id"]
    taken = hub_world.ask(
        "PUT", f"/fhir/Patient?{NOBODY}", by=OFFICE, content=orjson.dumps(a_patient(number, birth="1900-01-01")), headers=FHIR
    )
    assert taken.status_code == 404
    assert hub_world.get(HOSPITAL, f"/fhir/Patient/{number}").json()["birthDate"] == "1938-05-02"


def test_nobody_changes_or_takes_back_what_another_holds_nor_learns_that_it_is_there(hub_world: World) -> None:
    number = sent(hub_world, "POST", "Patient", a_patient()).json()["id"]
    nowhere = "tsu-" + "a" * 25 + "e"
    for foreign in (number, nowhere):
        for method, body in (("PUT", orjson.dumps(a_patient(foreign))), ("DELETE", b"")):
            answer = hub_world.ask(method, f"/fhir/Patient/{foreign}", by=OFFICE, content=body, headers=FHIR | {"X-Request-Id": "same"})
            assert answer.status_code == 404
            assert outcome(answer) == [("HUB-5041", "Patient", "not-found")]
    assert hub_world.get(HOSPITAL, f"/fhir/Patient/{number}").headers["etag"] == 'W/"1"'


def test_the_same_id_of_two_organizations_is_two_resources(hub_world: World) -> None:
    assert hub_world.put(HOSPITAL, a_patient(birth="1938-05-02")).status_code == 201
    assert hub_world.put(OTHER_HOSPITAL, a_patient(birth="1940-01-01")).status_code == 201
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1").json()["birthDate"] == "1938-05-02"
    assert hub_world.get(OTHER_HOSPITAL, "/fhir/Patient/p1").json()["birthDate"] == "1940-01-01"
