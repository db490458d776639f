"""Files handed in: taken whole, repeated in silence, or refused where all can see why who may."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.commands import Asking
from schemas.adapter import BASE
from tests.hub.files import admission, named, visits
from tests.hub.web.answers import outcome
from tests.hub.web.bundles import post
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, OTHER_HOSPITAL, STATION, World, a_consent, a_patient, world

ALL = ("hospital", "visiting_nurse", "care_manager")


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data", adapters=ALL) as made:
        yield made


def told(w: World, by: str, name: str, data: bytes, status: int = 200) -> dict[str, Any]:
    answer = w.file(by, name, data)
    assert answer.status_code == status, answer.text
    tree: dict[str, Any] = answer.json()
    return tree


def refused(w: World, by: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = w.get(by, "/refused.json").json()["refused"]
    return rows


def head(w: World) -> int:
    with w.hub.store.read() as tx:
        return w.hub.store.head(tx)


def stays(w: World, by: str = HOSPITAL) -> int:
    total: int = w.get(by, "/fhir/Encounter?_summary=count").json()["total"]
    return total


# ── taken ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_of_the_storage_is_taken_and_read_by_the_fhir_door(w: World) -> None:
    tree = told(w, HOSPITAL, named(), admission())
    assert (tree["layout"], tree["repeats"], tree["refused"]) == ("ADT-22", 0, [])
    assert tree["taken"] == [{"resources": 1, "warnings": []}]
    (found,) = w.get(HOSPITAL, "/fhir/Encounter?patient=Patient/0040718").json()["entry"]
    assert found["resource"]["period"]["start"] == "2026-11-24T09:30:00+09:00"


def test_the_same_bytes_again_are_silent(w: World) -> None:
    told(w, HOSPITAL, named(), admission())
    before = head(w)
    for name in (named(), named(), "anything.hl7"):
        tree = told(w, HOSPITAL, name, admission())
        assert (tree["repeats"], tree["taken"], tree["refused"]) == (1, [], [])
    assert head(w) == before


def test_the_same_number_with_other_bytes_is_refused_and_shown(w: World) -> None:
    told(w, HOSPITAL, named(), admission())
    tree = told(w, HOSPITAL, named(), admission(admitted="20261124080000"), 422)
    (one,) = tree["refused"]
    assert [i["rule"] for i in one["issues"]] == ["HUB-5050"]
    (row,) = refused(w, HOSPITAL)
    assert row["reference"] == one["reference"]
    assert stays(w) == 1
    assert (
        w.get(HOSPITAL, "/fhir/Encounter?patient=Patient/0040718").json()["entry"][0]["resource"]["period"]["start"]
        == "2026-11-24T09:30:00+09:00"
    )


def test_the_same_number_of_another_hospital_is_another_message(w: World) -> None:
    told(w, HOSPITAL, named(), admission())
    tree = told(w, OTHER_HOSPITAL, named(), admission(site=OTHER_HOSPITAL))
    assert len(tree["taken"]) == 1
    assert (stays(w), stays(w, OTHER_HOSPITAL)) == (1, 1)


def test_of_a_file_of_many_what_is_right_is_taken_and_what_is_wrong_is_named_by_its_line(w: World) -> None:
    rows = [{"visit_id": f"V-{i}", "patient_local_id": f"U-{i}", "name_kana": "ハヤセ　トミ"} for i in range(1, 6)]
    rows[2]["visit_date"] = "2026-02-30"
    tree = told(w, STATION, "vn_visit_20261124.csv", visits(*rows))
    assert len(tree["taken"]) == 4
    (bad,) = tree["refused"]
    assert bad["rows"] == [4]
    assert {i["where"] for i in bad["issues"]} == {"row 4, visit_date"}
    assert all(i["ja"] and i["en"] for i in bad["issues"])


def test_a_corrected_file_takes_the_place_of_the_one_before(w: World) -> None:
    row = {"visit_id": "V-1", "patient_local_id": "U-1"}
    told(w, STATION, "vn_visit_20261124.csv", visits(row | {"o_text": "顔色よし"}))
    tree = told(w, STATION, "vn_visit_20261125.csv", visits(row | {"o_text": "顔色わるし", "record_version": "2"}))
    assert len(tree["taken"]) == 1
    assert stays(w, STATION) == 1


def test_the_name_is_read_in_both_forms_and_its_absence_is_told(w: World) -> None:
    for given in (
        'attachment; filename="vn_visit.csv"',
        "attachment; filename*=utf-8''vn%5Fvisit.csv",
        "attachment; filename*=UTF-8''..%2F..%2Fvn_visit.csv",
    ):
        answer = w.ask("POST", "/hand-in", by=STATION, content=visits({"visit_id": given[-20:-12]}), headers={"Content-Disposition": given})
        assert answer.status_code == 200, answer.text
    answer = w.ask("POST", "/hand-in", by=STATION, content=b"x")
    assert answer.status_code == 400
    assert outcome(answer)[0][:2] == ("HUB-5056", "Content-Disposition")


# ── not taken ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_nobody_can_read_is_refused_with_what_can_be_read(w: World) -> None:
    tree = told(w, HOSPITAL, "holiday.jpg", b"\xff\xd8\xff\xe0JFIF", 422)
    (one,) = tree["refused"]
    assert one["issues"][0]["rule"] == "HUB-5051"
    for name in ALL:
        assert name in one["issues"][0]["ja"]


def test_what_was_not_taken_is_listed_without_its_content_and_its_name(w: World) -> None:
    told(w, HOSPITAL, named("0099887"), admission(number="0099887").replace(b"PID|", b"XID|"), 422)
    (row,) = refused(w, HOSPITAL)
    assert set(row) == {"reference", "at", "layout", "door", "settled", "until", "issues"}
    assert (row["layout"], row["door"], row["settled"]) == ("ADT-22", "file", False)
    assert (row["at"], row["until"]) == ("2026-11-24T01:00:00+00:00", "2026-12-24T01:00:00+00:00")
    text = orjson.dumps(row).decode()
    for word in ("0099887", "一ノ瀬", "イチノセ", "19380309"):
        assert word not in text


def test_refused_messages_are_their_senders_alone(w: World) -> None:
    told(w, HOSPITAL, "x.bin", b"nonsense", 422)
    (row,) = refused(w, HOSPITAL)
    for other in (OTHER_HOSPITAL, OFFICE, STATION, NETWORK):
        assert refused(w, other) == []
        assert w.ask("POST", f"/refused/{row['reference']}/send", by=other).status_code == 404
    w.sign_in("nurse")  # of the hospital
    w.sign_in("manager")  # of the office
    assert row["reference"] in w.ask("GET", "/refused", by="nurse").text
    assert row["reference"] not in w.ask("GET", "/refused", by="manager").text


def test_a_message_about_a_person_who_refused_the_hub_waits_sealed_until_consent_is_given(w: World) -> None:
    told(w, HOSPITAL, named(), admission())
    refusal = {k: v for k, v in a_consent(patient="Patient/0040718").items() if k != "provision"}
    refusal["extension"] = [*refusal["extension"], {"url": f"{BASE}/StructureDefinition/consent-hub-refusal", "valueBoolean": True}]
    assert w.put(HOSPITAL, refusal | {"provision": {"type": "deny"}}).status_code == 201
    tree = told(w, HOSPITAL, named(control="2"), admission("C2"), 422)
    (one,) = tree["refused"]
    assert one["issues"][0]["rule"] == "HUB-5040"
    again = f"/refused/{one['reference']}/send"
    assert w.ask("POST", again, by=HOSPITAL).status_code == 422
    # the consent itself is always taken, and with it the way back
    later = {**a_consent(patient="Patient/0040718"), "dateTime": "2026-11-24T09:50:00+09:00"}
    assert w.put(HOSPITAL, later).status_code == 200
    assert len(w.ask("POST", again, by=HOSPITAL).json()["taken"]) == 1
    assert [r["settled"] for r in refused(w, HOSPITAL)] == [True]


# ── sent again ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sent_again_after_the_hub_has_learnt_to_read_it_a_message_is_taken_and_settled(tmp_path: Path) -> None:
    with world(tmp_path / "data", adapters=("hospital",)) as before:
        rows = [{"visit_id": "V-1", "patient_local_id": "U-1"}, {"visit_id": "V-2", "patient_local_id": "U-2", "sex": "9"}]
        (one,) = told(before, STATION, "vn_visit.csv", visits(*rows), 422)["refused"]
        assert before.ask("POST", f"/refused/{one['reference']}/send", by=STATION).status_code == 422
        assert [r["settled"] for r in refused(before, STATION)] == [False]
    with world(tmp_path / "data", adapters=ALL) as after:
        again = after.ask("POST", f"/refused/{one['reference']}/send", by=STATION)
        assert len(again.json()["taken"]) == 1
        # what was right is settled; the row that is still wrong waits by itself
        assert [(r["settled"], r["layout"]) for r in refused(after, STATION)] == [(False, "vn_visit.csv"), (True, "")]
        assert after.ask("POST", f"/refused/{one['reference']}/send", by=STATION).status_code == 404
        assert stays(after, STATION) == 1


def test_a_message_that_came_another_way_meanwhile_is_settled_in_silence(tmp_path: Path) -> None:
    with world(tmp_path / "data", adapters=("visiting_nurse",)) as before:
        (one,) = told(before, HOSPITAL, named(), admission(), 422)["refused"]
    with world(tmp_path / "data", adapters=ALL) as after:
        told(after, HOSPITAL, named(), admission())
        again = after.ask("POST", f"/refused/{one['reference']}/send", by=HOSPITAL)
        assert (again.status_code, again.json()["repeats"]) == (200, 1)
        assert [r["settled"] for r in refused(after, HOSPITAL)] == [True]


def test_sent_again_by_two_at_once_a_message_is_taken_once(w: World) -> None:
    reference = "Practitioner?identifier=urn:example:doctors|7"
    watch = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "performer": [{"reference": reference}]}
    entries = [post(a_patient(), 1), post(watch | {"subject": {"reference": post(a_patient(), 1)["fullUrl"]}})]
    assert w.bundle(HOSPITAL, entries).status_code == 422
    (row,) = refused(w, HOSPITAL)
    w.put(HOSPITAL, {"resourceType": "Practitioner", "id": "d7", "identifier": [{"system": "urn:example:doctors", "value": "7"}]})
    from hub.web.fhir.batch import Bundles
    from schemas.errors import Refusal

    identified = w.hub.credentials.identify(w.tokens[HOSPITAL])
    assert identified is not None
    asking = Asking(identified.requester, identified.purpose, "r", "write")
    stream, message = w.hub.refusals.again(HOSPITAL, row["reference"])
    begin, said = threading.Barrier(8), []

    def send() -> None:
        begin.wait()
        try:
            Bundles(w.hub).take(asking, message.raw, settles=stream)
            said.append("taken")
        except Refusal as refusal:
            said.append(refusal.issues[0].rule)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["HUB-5053"] * 7 + ["taken"]
    assert w.get(HOSPITAL, "/fhir/Patient?_summary=count").json()["total"] == 1


def test_a_reference_that_is_none_is_not_found(w: World) -> None:
    for reference in ("x", "あ", "a" * 200, "%00"):
        answer = w.ask("POST", f"/refused/{reference}/send", by=HOSPITAL)
        assert answer.status_code == 404
        outcome(answer)


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_networks_office_links_and_a_body_that_is_none_is_refused(w: World) -> None:
    w.put(HOSPITAL, a_patient(insured=""))
    w.put(OFFICE, a_patient("u1", insured=""))
    body = {"first": {"organization": HOSPITAL, "number": "p1"}, "second": {"organization": OFFICE, "number": "u1"}, "reason": "本人に確認"}
    assert w.ask("POST", "/links", by=HOSPITAL, content=orjson.dumps(body)).status_code == 403
    for bad in (
        b"",
        b"[]",
        b"{",
        b'{"first":1}',
        b'{"first":"x","second":"y"}',
        b'{"first":{"organization":"1"},"second":"x"}',
        b'"x"',
        b"null",
    ):
        answer = w.ask("POST", "/links", by=NETWORK, content=bad)
        assert answer.status_code in {400, 404}, bad
        outcome(answer)
    (pair,) = w.get(NETWORK, "/links").json()["pairs"]
    assert {pair["first_organization"], pair["second_organization"]} == {"ひがし病院", "あおば居宅"}
    assert w.ask("POST", "/links", by=NETWORK, content=orjson.dumps(body)).status_code == 200
    assert w.ask("POST", "/links", by=NETWORK, content=orjson.dumps(body)).status_code == 422
    assert w.get(NETWORK, "/links").json()["pairs"] == []
    assert w.ask("POST", "/links/undo", by=NETWORK, content=orjson.dumps(body)).status_code == 200
