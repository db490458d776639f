"""Hostile requests, numbered as in consent-and-audit facts §6.4 (1–32; 33–42, writing, beside it): each number is one test, named in TABLE by its decorator.

Numbers of doors that there are not (includes, `_has`, chains, `$everything`, export, GraphQL) are tested as refused.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from schemas.ids import KAIGO_INSURED
from tests.hub.doors.pasts import CONFIDENTIALITY, observation, written
from tests.hub.hostile import ABSENT, OTHERS, id_of, numbering, stranger, told
from tests.hub.web.answers import links, outcome
from tests.hub.world import (
    FHIR,
    HOSPITAL,
    INSURED,
    OFFICE,
    OTHER_HOSPITAL,
    OTHER_OFFICE,
    STATION,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
)

TABLE: dict[int, str] = {}
"""Number → the test that is it."""
number = numbering(TABLE)


@pytest.fixture
def w(tmp_path: Any) -> Iterator[World]:
    with stranger(tmp_path / "data") as made:
        yield made


# ── compartment escape and search oracle ─────────────────────────────────────────────────────────────────────────────


@number(1)
def test_a_stranger_s_record_by_id_is_absent_and_the_question_is_recorded(w: World) -> None:
    hidden = id_of(w, OTHER_HOSPITAL, "Observation", "o2")
    answer = w.get(OFFICE, f"/fhir/{hidden}", headers={"X-Request-Id": "hostile-1"})
    assert answer.status_code == 404
    assert answer.content == w.get(OFFICE, f"/fhir/Observation/{ABSENT}").content
    assert "hostile-1" in told(w)


@number(2)
def test_a_search_by_a_stranger_finds_nothing(w: World) -> None:
    found = w.get(OFFICE, f"/fhir/Observation?patient={id_of(w, OTHER_HOSPITAL, 'Patient', 'x1')}").json()
    assert (found["total"], "entry" in found) == (0, False)


REFUSED = {
    3: "Patient?_id=u1&_revinclude=Observation:subject", 4: "Observation?_include=Observation:performer", 5: "Observation?_include:iterate=Observation:subject",
    6: "Patient?_has:Observation:patient:code=HIV", 7: "Observation?patient.name=X", 8: "Observation?_filter=code%20eq%20x",
    18: "Patient/u1/$everything?_type=Observation&_since=2026-01-01", 19: "Patient/$export?_type=Observation", 20: "$graphql?query={Patient{id}}",
}  # fmt: skip
TABLE |= dict.fromkeys(REFUSED, "test_a_door_that_there_is_not_is_refused")


@pytest.mark.parametrize("n", sorted(REFUSED))
def test_a_door_that_there_is_not_is_refused(w: World, n: int) -> None:
    answer = w.get(OFFICE, f"/fhir/{REFUSED[n]}")
    assert answer.status_code in {400, 404}
    assert outcome(answer)[0][0] in {"HUB-5143", "HUB-5144"}


@number(9)
def test_a_parameter_that_is_passed_over_finds_nothing_that_may_not_be_seen(w: World) -> None:
    plain, more = (w.get(OFFICE, f"/fhir/Observation?{q}").json() for q in ("_count=50", "_count=50&code=8310-5"))
    assert more["total"] == plain["total"] == 0
    assert w.get(OFFICE, "/fhir/Observation?code=8310-5", headers={"Prefer": "handling=strict"}).status_code == 400


@number(10)
def test_a_total_counts_what_may_be_seen(w: World) -> None:
    for ask in ("accurate", "estimate", "none"):
        assert w.get(OFFICE, f"/fhir/Patient?identifier={quote(f'{KAIGO_INSURED}|{INSURED}')}&_total={ask}").json()["total"] == 2


@number(11)
def test_an_order_that_is_asked_for_hangs_on_nothing_hidden(w: World) -> None:
    orders = []
    for _ in range(2):
        found = w.get(OFFICE, f"/fhir/Patient?identifier={quote(f'{KAIGO_INSURED}|{INSURED}')}&_sort=birthdate").json()
        orders.append([e["resource"]["id"] for e in found["entry"] if e["search"]["mode"] == "match"])
        w.put(OTHER_HOSPITAL, a_patient("p1", birth="1901-01-01"))
    assert orders[0] == orders[1]


def paged(w: World) -> str:
    first = w.get(OFFICE, f"/fhir/Patient?identifier={quote(f'{KAIGO_INSURED}|{INSURED}')}&_count=1").json()
    return links(first)["next"]


@number(12)
def test_a_page_after_a_withdrawal_holds_nothing_that_was_withdrawn(w: World) -> None:
    following = paged(w)
    assert w.put(HOSPITAL, a_consent(status="inactive")).status_code == 200
    text = w.get(OFFICE, following).text
    assert "tsu-" not in text.replace(following, "")


@number(13)
def test_a_page_is_of_use_to_nobody_else(w: World) -> None:
    following = paged(w)
    assert w.get(OTHER_OFFICE, following).status_code == 404
    assert w.get(OFFICE, following).status_code == 200


@number(14)
def test_a_page_that_was_guessed_is_none(w: World) -> None:
    following = paged(w)
    turned = following[:-20] + ("a" if following[-20] != "a" else "b") + following[-19:]
    for guess in ("/fhir/Patient?_page=aaaa", "/fhir/Patient?_page=" + "a" * 80, turned, following.replace("/Patient", "/Observation")):
        assert w.get(OFFICE, guess).status_code == 404


@number(15)
def test_no_form_of_a_result_takes_a_label_off(w: World) -> None:
    secret = {**observation("v1", "Patient/p1"), "meta": {"security": [{"system": CONFIDENTIALITY, "code": "V"}]}}
    assert w.put(HOSPITAL, secret).status_code == 201
    for more in ("", "&_summary=count", "&_elements=id", "&_pretty=true"):
        found = w.get(OFFICE, f"/fhir/Observation?identifier=urn:example:o|v1{more}")
        assert found.json()["total"] == 0
    assert w.get(OFFICE, "/fhir/Observation?identifier=urn:example:o|v1&_summary=data").status_code == 400


@number(16)
def test_an_older_version_with_a_higher_label_stays_hidden(w: World) -> None:
    labelled = {"security": [{"system": CONFIDENTIALITY, "code": "R"}]}
    assert w.put(HOSPITAL, {**observation("h1", "Patient/p1"), "meta": labelled}).status_code == 201
    assert w.put(HOSPITAL, observation("h1", "Patient/p1", valueQuantity={"value": 37.00, "unit": "Cel"})).status_code == 200
    shown = id_of(w, HOSPITAL, "Observation", "h1")
    assert w.get(STATION, f"/fhir/{shown}").status_code == 200
    assert w.get(STATION, f"/fhir/{shown}/_history/2").status_code == 200
    assert w.get(STATION, f"/fhir/{shown}/_history/1").status_code == 404
    assert w.get(STATION, f"/fhir/{shown}/_history").status_code == 404


@number(17)
def test_a_version_that_was_taken_back_is_gone_to_its_custodian_and_absent_to_others(w: World) -> None:
    shown = id_of(w, HOSPITAL, "Observation", "o1")
    assert w.ask("DELETE", "/fhir/Observation/o1", by=HOSPITAL).status_code == 204
    assert w.get(HOSPITAL, "/fhir/Observation/o1/_history/2").status_code == 410
    assert w.get(OFFICE, f"/fhir/{shown}/_history/2").status_code == 404
    assert w.get(OFFICE, f"/fhir/{shown}").status_code == 404


@number(21)
def test_criteria_in_address_and_form_add_up(w: World) -> None:
    mine, stranger = f"identifier={quote(f'{KAIGO_INSURED}|{INSURED}')}", f"identifier={quote(f'{KAIGO_INSURED}|{OTHERS}')}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for here, there in ((mine, stranger), (stranger, mine)):
        assert w.ask("POST", f"/fhir/Patient/_search?{here}", by=OFFICE, content=there, headers=form).json()["total"] == 0
    assert w.ask("POST", f"/fhir/Patient/_search?{mine}", by=OFFICE, content="_id=u1", headers=form).json()["total"] == 1


@number(22)
def test_a_conditional_create_does_not_tell_what_others_hold(w: World) -> None:
    tree = a_patient("", insured=OTHERS)
    tree.pop("id")
    answer = w.ask(
        "POST",
        "/fhir/Patient",
        by=OFFICE,
        content=orjson.dumps(tree),
        headers=FHIR | {"If-None-Exist": f"identifier={KAIGO_INSURED}|{OTHERS}"},
    )
    assert answer.status_code == 201


@number(23)
def test_a_conditional_update_or_deletion_touches_and_tells_nothing_of_others(w: World) -> None:
    condition_ = f"identifier={quote('urn:example:o|o2')}"
    assert w.ask("DELETE", f"/fhir/Observation?{condition_}", by=OFFICE).status_code == 204
    assert w.get(OTHER_HOSPITAL, "/fhir/Observation/o2").status_code == 200
    tree = observation("o2", "Patient/u1")
    tree.pop("id")
    made = w.ask("PUT", f"/fhir/Observation?{condition_}", by=OFFICE, content=orjson.dumps(tree), headers=FHIR)
    assert made.status_code == 201
    assert w.get(OTHER_HOSPITAL, "/fhir/Observation/o2").headers["ETag"] == 'W/"1"'


@number(24)
def test_a_conditional_reference_means_what_the_sender_holds(w: World) -> None:
    stranger = w.bundle(OFFICE, [written(a_plan("c9", patient=f"Patient?identifier={KAIGO_INSURED}|{OTHERS}"))])
    nobody = w.bundle(OFFICE, [written(a_plan("c9", patient=f"Patient?identifier={KAIGO_INSURED}|131016:0000011111"))])
    assert stranger.status_code == nobody.status_code == 422
    assert stranger.content == nobody.content
    assert w.bundle(OFFICE, [written(a_plan("c9", patient=f"Patient?identifier={KAIGO_INSURED}|{INSURED}"))]).status_code == 200


@number(25)
def test_refusals_hold_no_id_of_others(w: World) -> None:
    hidden = id_of(w, OTHER_HOSPITAL, "Patient", "x1")
    for answer in (
        w.put(OFFICE, observation("n1", hidden)),
        w.put(OFFICE, {**a_patient(hidden.partition("/")[2])}),
        w.ask("PUT", "/fhir/Patient/u1", by=OFFICE, content=orjson.dumps(a_patient("u1")), headers=FHIR | {"If-Match": 'W/"9"'}),
        w.bundle(OFFICE, [written(observation("n1", hidden))]),
    ):
        assert answer.status_code in {404, 412, 422}
        assert not re.search(r"tsu-[a-z2-7]{26}|Patient/[px]1|山田|99999", answer.text)


@number(26)
def test_what_is_hidden_and_what_is_not_there_take_the_same_time(w: World) -> None:
    """What differs is whether a decision is recorded: the answer to an absent id waits for no commit, and is the faster one by design of the
    record alone. Compared are two ids of which both are recorded: of a stranger's record with content, and of one that was just made."""
    assert w.put(OTHER_HOSPITAL, observation("o3", "Patient/x1", note=[{"text": "な" * 20_000}])).status_code == 201
    ids = [id_of(w, OTHER_HOSPITAL, "Observation", n) for n in ("o2", "o3")]
    times: dict[str, list[float]] = {i: [] for i in ids}
    for _ in range(30):
        for i in ids:
            begun = time.perf_counter()
            assert w.get(OFFICE, f"/fhir/{i}").status_code == 404
            times[i].append(time.perf_counter() - begun)
    short, large = (statistics.median(times[i]) for i in ids)
    assert abs(short - large) < max(short, large)  # nothing of the record was opened: 60,000 bytes more make no multiple of it


@number(27)
def test_a_version_that_a_client_claims_to_hold_tells_nothing_of_what_is_hidden(w: World) -> None:
    hidden = id_of(w, OTHER_HOSPITAL, "Observation", "o2")
    for tag in ('W/"1"', "*", '"1"', "1"):
        assert w.get(OFFICE, f"/fhir/{hidden}", headers={"If-None-Match": tag}).status_code == 404


@number(28)
def test_an_absolute_reference_is_judged_as_a_relative_one(w: World) -> None:
    hidden = id_of(w, OTHER_HOSPITAL, "Patient", "x1")
    for reference in (hidden, f"http://hub.test/fhir/{hidden}"):
        assert w.put(OFFICE, observation("n2", reference)).status_code == 404
        assert w.get(OFFICE, f"/fhir/Observation?patient={quote(reference)}").json()["total"] == 0
    assert w.put(OFFICE, observation("n2", "http://hub.test/fhir/Patient/u1")).status_code == 201


@number(29)
def test_of_a_person_with_several_patients_each_is_judged(w: World) -> None:
    assert w.get(STATION, f"/fhir/{id_of(w, HOSPITAL, 'Observation', 'o1')}").status_code == 200
    assert (
        w.get(STATION, f"/fhir/{id_of(w, OTHER_HOSPITAL, 'Observation', 'o1')}").status_code == 404
    )  # the same person, shut out by the consent
    assert w.put(OFFICE, a_consent("no", patient="Patient/u1", type="deny")).status_code == 201
    assert (
        w.get(STATION, f"/fhir/{id_of(w, HOSPITAL, 'Observation', 'o1')}").status_code == 404
    )  # told about another Patient of the same person


@number(30)
def test_a_resource_that_holds_another_person_is_refused(w: World) -> None:
    w.put(HOSPITAL, a_patient("p2", insured="", kana="ベツ　ノヒト"))
    inner = observation("inner", "Patient/p2")
    answer = w.put(HOSPITAL, {**observation("n3", "Patient/p1"), "contained": [inner], "hasMember": [{"reference": "#inner"}]})
    assert answer.status_code == 422
    assert w.put(HOSPITAL, {**an_encounter("e9"), "participant": [{"individual": {"reference": "Patient/p2"}}]}).status_code in {400, 422}


@number(31)
def test_a_list_gives_its_references_and_fetches_nothing(w: World) -> None:
    hidden = id_of(w, OTHER_HOSPITAL, "Observation", "o2")
    tree = {
        "resourceType": "List", "id": "l1", "status": "current", "mode": "snapshot", "subject": {"reference": "Patient/u1"},
        "entry": [{"item": {"reference": hidden}}],
    }  # fmt: skip
    made = w.put(OFFICE, tree)
    assert made.status_code in {201, 404, 422}
    if made.status_code == 201:
        text = w.get(OFFICE, "/fhir/List/l1").text
        assert "36.5" not in text
        assert w.get(OFFICE, f"/fhir/{hidden}").status_code == 404


@number(32)
def test_a_document_is_judged_by_its_patient(w: World) -> None:
    tree = {
        "resourceType": "DocumentReference", "id": "doc", "status": "current", "subject": {"reference": "Patient/x1"},
        "content": [{"attachment": {"contentType": "text/plain", "data": "44Gy44G/44Gk"}}],
    }  # fmt: skip
    assert w.put(OTHER_HOSPITAL, tree).status_code == 201
    assert w.get(OFFICE, f"/fhir/{id_of(w, OTHER_HOSPITAL, 'DocumentReference', 'doc')}").status_code == 404
    for kind in ("Bundle", "Binary"):
        assert w.get(OFFICE, f"/fhir/{kind}/{ABSENT}").status_code == 404


def test_every_number_has_its_test() -> None:
    assert sorted(TABLE) == list(range(1, 33))
    assert set(TABLE.values()) <= set(globals())
