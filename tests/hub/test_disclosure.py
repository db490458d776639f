"""本人への開示 (Art. 33(5)): whole, signed, without positions, names of staff and what was refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from consent.ask import Requester
from hub.cli.proving import verify
from hub.commands import Asking
from hub.log import signed_json, signed_pdf
from hub.names import hub_id
from hub.tables import decisions, identities
from tests.hub.test_gate import admitted
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, OTHER_HOSPITAL, World, a_consent, a_patient, world


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data") as made:
        made.sign_in("officer")
        made.sign_in("doctor")
        yield made


def chosen(w: World) -> str:
    """The officer's reference of the person, found by name."""
    answer = w.form("officer", "/audit/person", by="name", kana="やまだ はなこ", birth="1938-05-02", to="provisions")
    assert answer.status_code == 303
    return re.search(r"person=([^&]+)", answer.headers["location"])[1]


def disclosed(w: World, form: str = "json", **span: str) -> bytes:
    answer = w.form("officer", "/audit/provisions/disclosure", person=chosen(w), form=form, **span)
    assert answer.status_code == 200, answer.text
    return answer.content


def tree(w: World, **span: str) -> dict[str, Any]:
    checked = signed_json.check(disclosed(w, **span), [w.hub.checkpoints.verifier])
    assert checked is not None
    return checked.tree


def test_it_holds_what_was_given_to_others_and_what_was_seen_at_home(w: World) -> None:
    stay = admitted(w)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    w.get(HOSPITAL, "/fhir/Encounter/e1")
    lines = tree(w)["lines"]
    assert [(x["custodian"], x["receiver"], x["items"], x["standing"]) for x in lines] == [
        (HOSPITAL, HOSPITAL, {"Encounter": 1}, "not-third"),
        (HOSPITAL, OTHER_HOSPITAL, {"Encounter": 1}, "record"),
    ]
    assert lines[1]["at"] == "2026-11-24T10:00:00+09:00"
    assert re.fullmatch(r"Consent/tsu-[a-z2-7]{26}/1", lines[1]["consents"][0])


def test_it_is_whole_though_the_follower_is_behind(w: World) -> None:
    stay = admitted(w)
    w.settle()
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")  # nobody steps the follower after this
    assert [x["receiver"] for x in tree(w)["lines"]] == [OTHER_HOSPITAL]


def test_what_was_refused_and_what_the_officer_looked_at_is_no_provision(w: World) -> None:
    stay = admitted(w)
    w.put(HOSPITAL, a_consent(status="inactive"))
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    w.get("officer", f"/audit?person={chosen(w)}")
    made = tree(w)
    assert made["lines"] == []
    assert made["counts"] == {}


def test_all_patients_of_the_person_are_in_it_and_nobody_elses(w: World) -> None:
    admitted(w)  # the hospital's and the office's Patient are one person by the insured number
    w.put(HOSPITAL, {**a_consent("k9"), "patient": {"reference": "Patient/p9"}})
    w.get(HOSPITAL, "/fhir/Encounter/e1")
    w.get(OFFICE, "/fhir/CarePlan/c1")
    w.put(HOSPITAL, a_patient("p9", insured="131016:0000099999", kana="スズキ　イチロウ", birth="1941-01-01"))
    w.get(HOSPITAL, "/fhir/Patient/p9")
    assert [x["receiver"] for x in tree(w)["lines"]] == [HOSPITAL, OFFICE]


def test_after_an_unlinking_each_is_told_of_their_own_records_alone(w: World) -> None:
    """The decision was recorded about both as one person; the lines go by the Patient that each record is about."""
    admitted(w)
    w.get(HOSPITAL, "/fhir/Encounter/e1")
    w.get(OFFICE, "/fhir/CarePlan/c1")
    with w.hub.store.read() as tx:
        row = tx.one("SELECT person FROM decisions WHERE organization=? ORDER BY position DESC LIMIT 1", (OFFICE,))
        lead = bytes(row[0])
        members = identities.patients_of(tx, lead)
    assert len(members) == 2
    first, second = (f"Patient/{hub_id(p)}" for p in members)
    answer = w.ask(
        "POST", "/links/undo", by=w.hub.region.network, content=orjson.dumps({"first": first, "second": second, "reason": "別の方"})
    )
    assert answer.status_code in {200, 201, 204}, answer.text
    asking = Asking(Requester(NETWORK, "network", "privacy-officer", "officer"), "HCOMPL", "request", "audit")
    told = [orjson.loads(w.hub.provided.of_person(asking, m, None, None, "json", "窓口"))["lines"] for m in members]
    assert sorted([x["receiver"] for x in lines] for lines in told) == sorted([[HOSPITAL], [OFFICE]])


def test_only_the_period_is_in_it_both_days_included(w: World) -> None:
    stay = admitted(w)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    assert len(tree(w, **{"from": "2026-11-24", "to": "2026-11-24"})["lines"]) == 1
    assert tree(w, **{"from": "2026-11-25"})["lines"] == []
    assert tree(w, to="2026-11-23")["lines"] == []


def test_no_position_no_size_of_the_tree_and_no_staff_stands_in_it(w: World) -> None:
    admitted(w)
    w.settle()
    w.get("doctor", "/board")
    w.hub.checkpoints.sign_now()
    made = disclosed(w)
    told = orjson.loads(made)
    allowed = "action at basis consents custodian effect items purpose reason receiver reference role staff standing"
    assert {key for line in told["lines"] for key in line} == set(allowed.split())
    assert all(line["staff"] is None for line in told["lines"])
    assert "救急 花子" not in made.decode()

    def numbers(value: Any, where: str = "") -> set[str]:
        if isinstance(value, dict):
            return {found for key, one in value.items() for found in numbers(one, key if where not in {"items", "counts"} else where)}
        if isinstance(value, list):
            return {found for one in value for found in numbers(one, where)}
        return {where} if isinstance(value, int) else set()

    assert numbers(told) == {"items", "counts"}


def test_that_it_was_disclosed_is_recorded_as_a_disclosure_to_the_person(w: World) -> None:
    admitted(w)
    made = tree(w)
    with w.hub.store.read() as tx:
        (row,) = decisions.search(tx, decisions.Filter(reference=made["asked"]["reference"]), limit=2)
    assert (row.reason, row.basis, row.user, row.given) == ("P-SUBJECT", "JP-SUBJECT", "officer", "")


@pytest.mark.parametrize("who", ["doctor", HOSPITAL, "nobody"])
def test_nobody_but_the_officer_makes_it(w: World, who: str) -> None:
    admitted(w)
    person = chosen(w)
    if who == "doctor":
        assert w.form("doctor", "/audit/provisions/disclosure", person=person).status_code == 403
    else:
        assert w.ask("POST", "/audit/provisions/disclosure", by=who, data={"person": person}).status_code in {303, 401, 403}


def test_a_form_of_document_that_there_is_not_is_refused(w: World) -> None:
    admitted(w)
    assert w.form("officer", "/audit/provisions/disclosure", person=chosen(w), form="docx").status_code == 400


# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_changed_byte_of_the_json_is_found(w: World) -> None:
    stay = admitted(w)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    made, keys = disclosed(w), [w.hub.checkpoints.verifier]
    assert signed_json.check(made, keys) is not None
    for place in (5, len(made) // 2, made.index(b'"lines":[') + 12, len(made) - 10):
        assert signed_json.check(made[:place] + bytes((made[place] ^ 1,)) + made[place + 1 :], keys) is None
    assert signed_json.check(made + b"\n", keys) is None
    assert signed_json.check(made.replace(b'{"asked"', b'{ "asked"'), keys) is None


def test_the_json_is_checked_by_the_key_of_the_log_and_no_other(w: World, tmp_path: Path) -> None:
    admitted(w)
    made = disclosed(w)
    with world(tmp_path / "other") as other:
        assert signed_json.check(made, [other.hub.checkpoints.verifier]) is None


def test_the_pdf_is_signed_as_a_whole_and_carries_the_json(w: World) -> None:
    stay = admitted(w)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    made = disclosed(w, "pdf")
    found = signed_pdf.check(made)
    assert found is not None
    assert found.fingerprint == w.hub.provided.certificate().fingerprint
    assert found.claimed == "2026-11-24T10:00:00+09:00"
    inside = signed_json.check(found.attachments["disclosure.json"], [w.hub.checkpoints.verifier])
    assert inside is not None
    assert inside.tree["certificate"] == found.fingerprint
    assert [x["receiver"] for x in inside.tree["lines"]] == [OTHER_HOSPITAL]
    for place in (200, len(made) // 3, len(made) - 40):
        assert signed_pdf.check(made[:place] + bytes((made[place] ^ 1,)) + made[place + 1 :]) is None
    assert signed_pdf.check(made + b"%%EOF\n") is None


def test_every_hub_over_the_same_keys_has_the_same_certificate(w: World, tmp_path: Path) -> None:
    first = w.hub.provided.certificate()
    assert w.hub.provided.certificate() == first
    with world(tmp_path / "other") as other:
        assert other.hub.provided.certificate().certificate != first.certificate


# ── tsunagu verify ───────────────────────────────────────────────────────────────────────────────────────────────────


def verified(file: Path, *keys: str) -> int:
    return verify(file, data=file.parent, database="", keys=keys, witnesses=(), quorum=None, outside=())


@pytest.mark.parametrize("form", ["pdf", "json"])
def test_anybody_checks_a_document_by_the_public_key(w: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    stay = admitted(w)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    file = tmp_path / f"given.{form}"
    file.write_bytes(disclosed(w, form))
    assert verified(file, w.hub.checkpoints.verifier) == 0
    assert "1 行" in capsys.readouterr().out
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    assert verified(file, w.hub.checkpoints.verifier) == 1


def test_a_pdf_that_another_hub_signed_anew_over_the_same_words_is_found(w: World, tmp_path: Path) -> None:
    """Its own signature holds: only the log's key tells whose it is."""
    admitted(w)
    with world(tmp_path / "other") as other:
        other.sign_in("officer")
        admitted(other)
        file = tmp_path / "forged.pdf"
        file.write_bytes(disclosed(other, "pdf"))
        assert verified(file, other.hub.checkpoints.verifier) == 0
        assert verified(file, w.hub.checkpoints.verifier) == 1
