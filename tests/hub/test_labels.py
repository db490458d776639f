"""Another edition of the table of labels: raised at once, lowered once it is recorded, as of then by what held then, and nothing written anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from consent import labels as table
from consent.ask import Labels, Requester
from consent.family import members
from consent.labels import stricter
from consent.tables import rows as table_rows
from hub.commands import Asking
from hub.names import hub_id
from hub.tables import resources
from hub.tables.told import told
from schemas.adapter import BASE
from tests.hub.relabelled import (
    ALCOHOL,
    ANY,
    CONFIDENTIAL,
    FIRST,
    HEART,
    SECOND,
    THIRD,
    YJ,
    a_drug,
    a_row,
    all_steps,
    drug,
    edition,
    events_of,
    following,
    lived,
    seen,
    sent,
)
from tests.hub.world import HOSPITAL, OTHER_HOSPITAL, World, a_consent, a_patient, world

# ── editions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_drug_that_is_known_by_hot_alone_was_normal_until_it_was_found_to_tell_nothing() -> None:
    def of(code: str, name: str) -> Labels:
        return table.label("MedicationRequest", codes=frozenset({code}), security=frozenset(), edition=name)

    assert of(ANY, FIRST) == Labels("N", frozenset())
    assert of(ANY, SECOND) == Labels(None, None)
    assert of(ALCOHOL, FIRST) == Labels("N", frozenset())
    assert of(ALCOHOL, SECOND) == Labels("R", frozenset({"ETH", "SUD"}))
    assert of(HEART, FIRST) == of(HEART, SECOND) == Labels("N", frozenset())


def test_editions_stand_in_the_order_of_their_days_and_every_row_names_one_of_them() -> None:
    names = table.editions()
    assert list(names) == sorted(names)
    assert {row[column] for row in table_rows("labels") for column in ("since", "until")} - {""} <= set(names)


@pytest.mark.parametrize(
    ("one", "two", "made"),
    [
        (("N", ()), ("R", ("HIV",)), ("R", ("HIV",))),
        (("V", ("SDV",)), ("R", ("HIV",)), ("V", ("HIV", "SDV"))),
        (("R", ("HIV",)), (None, None), (None, None)),
        (("N", None), ("N", ()), ("N", None)),
        (("N", ()), ("N", ()), ("N", ())),
    ],
)
def test_of_two_labels_the_stricter_shows_no_more_than_either(one: Any, two: Any, made: Any) -> None:
    first, second, expected = (Labels(level, None if kinds is None else frozenset(kinds)) for level, kinds in (one, two, made))
    assert stricter(first, second) == stricter(second, first) == expected


# ── raised ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_new_edition_raises_is_raised_before_anything_was_gone_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with edition(monkeypatch, FIRST), world(tmp_path / "data") as w:
        lived(w, a_drug("m1", ANY), a_drug("m2", ALCOHOL), a_drug("m3", HEART))
        assert [seen(w, m) for m in ("m1", "m2", "m3")] == ["P-EXPLICIT"] * 3
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
        assert [seen(w, m) for m in ("m1", "m2", "m3")] == ["D-NOTCOVERED", "D-NOTCOVERED", "P-EXPLICIT"]
        assert events_of(w) == 0


def test_what_it_lowers_holds_once_it_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
        lived(w, a_drug("m1", f"{YJ}|6250999F1020"), a_drug("m2", HEART))
        assert seen(w, "m1") == "D-NOTCOVERED"
    with edition(monkeypatch, THIRD, a_row("6250999*", "N")), world(tmp_path / "data") as w:
        assert seen(w, "m1") == "D-NOTCOVERED", "the program knows better, the log does not yet say so"
        follower = following(w)
        follower.begin()
        assert seen(w, "m1") == "D-NOTCOVERED"
        all_steps(follower)
        assert seen(w, "m1") == "P-EXPLICIT"
        assert events_of(w) == 2  # that it began, and the one version that is another


def test_what_is_shown_bears_the_label_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = {"securityLabel": [{"system": CONFIDENTIAL, "code": "R"}]}
    with edition(monkeypatch, FIRST), world(tmp_path / "data") as w:
        lived(w, a_drug("m2", ALCOHOL))
        assert w.put(HOSPITAL, a_consent(**allowed)).status_code == 200
        reference = f"/fhir/MedicationRequest/{hub_id(drug(w, 'm2').stream)}"
        assert w.get(OTHER_HOSPITAL, reference).json()["meta"]["security"][0]["code"] == "N"
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
        shown = w.get(OTHER_HOSPITAL, reference)
        assert shown.status_code == 200
        assert [c["code"] for c in shown.json()["meta"]["security"] if c["system"] == CONFIDENTIAL] == ["R"]
        with edition(monkeypatch, THIRD, a_row("3930001*", "N")):
            all_steps(following(w))
            again = w.get(OTHER_HOSPITAL, reference).json()
            assert [c["code"] for c in again["meta"]["security"] if c["system"] == CONFIDENTIAL] == ["N"], (
                "what was worded before is not given again"
            )


# ── the sender's own label ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_custodian_raises_by_its_own_label_and_cannot_lower(hub_world: World) -> None:
    """A doctor of the custodian marks a record as very restricted; a label N on what the codes say is restricted changes nothing."""
    lived(hub_world, a_drug("m1", HEART), a_drug("m2", ALCOHOL, meta={"security": [{"system": CONFIDENTIAL, "code": "N"}]}))
    assert (seen(hub_world, "m1"), seen(hub_world, "m2")) == ("P-EXPLICIT", "D-NOTCOVERED")
    raised = a_drug("m1", HEART, meta={"security": [{"system": CONFIDENTIAL, "code": "V"}]})
    assert hub_world.put(HOSPITAL, raised).status_code == 200
    assert seen(hub_world, "m1") == "D-NOTCOVERED"
    assert drug(hub_world, "m1").confidentiality == "V"
    assert drug(hub_world, "m2").confidentiality == "R"


def test_a_label_cannot_be_patched_away(hub_world: World) -> None:
    lived(hub_world, a_drug("m2", ALCOHOL))
    patch = b'[{"op":"remove","path":"/meta/security"}]'
    answer = hub_world.ask(
        "PATCH", "/fhir/MedicationRequest/m2", by=HOSPITAL, content=patch, headers={"Content-Type": "application/json-patch+json"}
    )
    assert answer.status_code in {404, 405}
    assert drug(hub_world, "m2").confidentiality == "R"


def test_what_a_doctor_marks_as_harmful_is_kept_from_the_person(hub_world: World) -> None:
    lived(hub_world, a_drug("m1", HEART), a_drug("m2", HEART, meta={"tag": [{"system": f"{BASE}/CodeSystem/handling", "code": "harm"}]}))
    with hub_world.hub.store.read() as tx:
        patient = f"Patient/{hub_id(resources.own(tx, HOSPITAL, 'Patient')[0].stream)}"
    person = Requester("subject", "subject", "subject", "p", patients=frozenset({patient}))
    asking = Asking(person, "PATRQT", "r", "read")
    given = hub_world.hub.gate.release(asking, [drug(hub_world, "m1"), drug(hub_world, "m2")]).decisions
    assert [d.reason for d in given] == ["P-SUBJECT", "R-HARM"]


# ── one person, and its family ───────────────────────────────────────────────────────────────────────────────────────


def test_a_token_that_is_bound_to_one_patient_reaches_all_that_are_the_same_person(hub_world: World) -> None:
    lived(hub_world, a_drug("m1", HEART))
    assert hub_world.put(OTHER_HOSPITAL, a_patient("q1")).status_code == 201  # the same insured number
    assert hub_world.put(OTHER_HOSPITAL, a_patient("q2", insured="131016:0000099999", kana="ベツジン")).status_code == 201
    with hub_world.hub.store.read() as tx:
        of = {sent(hub_world, r): f"Patient/{hub_id(r.stream)}" for r in resources.own(tx, OTHER_HOSPITAL, "Patient")}

    def asked(patient: str) -> str:
        asking = Asking(Requester("subject", "subject", "subject", "p", patients=frozenset({patient})), "PATRQT", "r", "read")
        return hub_world.hub.gate.release(asking, [drug(hub_world, "m1")]).decisions[0].reason

    assert asked(of["q1"]) == "P-SUBJECT"
    assert asked(of["q2"]) == "D-COMPARTMENT"


ABOUT = {"url": f"{BASE}/StructureDefinition/about-family", "valueBoolean": True}


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (
            "CarePlan",
            {"note": [{"extension": [ABOUT], "authorReference": {"reference": "RelatedPerson/f1"}, "text": "x"}]},
            {"RelatedPerson/f1"},
        ),
        (
            "CarePlan",
            {
                "note": [{"extension": [ABOUT], "authorReference": {"reference": "RelatedPerson/f1"}}],
                "activity": [{"detail": {"extension": [ABOUT], "performer": [{"reference": "RelatedPerson/f2"}]}}],
            },
            {"RelatedPerson/f1", "RelatedPerson/f2"},
        ),
        ("CarePlan", {"note": [{"extension": [ABOUT], "text": "長女が同居"}]}, set()),
        ("CarePlan", {"contributor": [{"reference": "RelatedPerson/f1"}]}, set()),
        ("FamilyMemberHistory", {"note": [{"extension": [ABOUT], "authorReference": {"reference": "RelatedPerson/f1"}}]}, set()),
        ("Patient", {"contact": [{"name": {"text": "x"}}]}, set()),
    ],
)
def test_of_whom_a_record_tells_is_known_where_each_marked_element_says_so(kind: str, body: dict[str, Any], expected: set[str]) -> None:
    assert members(kind, {"resourceType": kind, **body}) == expected


def test_a_family_member_who_agreed_in_writing_opens_what_is_told_of_that_one_alone(hub_world: World) -> None:
    def plan(number: str, member: str) -> dict[str, Any]:
        note = {"extension": [ABOUT], "authorReference": {"reference": member}, "text": "同居の家族"}
        return {
            "resourceType": "CarePlan", "id": number, "status": "active", "intent": "plan", "subject": {"reference": "Patient/p1"}, "note": [note],
        }  # fmt: skip

    assert hub_world.put(HOSPITAL, a_patient()).status_code == 201
    for name in ("f1", "f2"):
        related = {"resourceType": "RelatedPerson", "id": name, "patient": {"reference": "Patient/p1"}}
        assert hub_world.put(HOSPITAL, related).status_code == 201
    consent = a_consent()
    consent["extension"].append({"url": f"{BASE}/StructureDefinition/consent-family", "valueReference": {"reference": "RelatedPerson/f1"}})
    assert hub_world.put(HOSPITAL, consent).status_code == 201
    reasons = {}
    for name in ("f1", "f2"):
        assert hub_world.put(HOSPITAL, plan(f"c-{name}", f"RelatedPerson/{name}")).status_code == 201
        with hub_world.hub.store.read() as tx:
            row = next(r for r in resources.own(tx, HOSPITAL, "CarePlan") if sent(hub_world, r) == f"c-{name}")
        asking = Asking(Requester(OTHER_HOSPITAL, "hospital", "doctor", "d2"), "TREAT", "r", "read")
        reasons[name] = hub_world.hub.gate.release(asking, [row]).decisions[0].reason
    assert reasons == {"f1": "P-EXPLICIT", "f2": "R-FAMILY"}


def test_a_mark_that_json_writes_otherwise_counts_as_much() -> None:
    body = {"resourceType": "CarePlan", "note": [{"extension": [ABOUT], "text": "長女が同居"}]}
    plain = orjson.dumps(body)
    for text in (plain, plain.replace(b"about-family", b"about\\u002dfamily")):
        assert told("CarePlan", body, text).family
