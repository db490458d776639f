"""Break-glass (緊急開示): a named role, a reason, an attestation, a one-time code, one person, four hours, a review."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.hub.world import HOSPITAL, NOW, STATION, World, a_consent, a_patient, world

REASON = "救急搬送。呼びかけに反応が弱い。"
ALLERGY = "ペニシリン"


@pytest.fixture
def asked(tmp_path: Path) -> Any:
    moment = [NOW]
    with world(tmp_path / "data", now=lambda: moment[0]) as w:
        w.put(STATION, a_patient("s1"))
        w.put(STATION, {
            "resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/s1"},
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]},
            "code": {"text": ALLERGY, "coding": [{"system": "http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyMedicationAllergen_CS", "code": "J9D7M45019"}]},
            "recordedDate": "2020-01-01",
        })  # fmt: skip
        w.sign_in("doctor")
        w.sign_in("officer")
        yield w, moment


def found(w: World, user: str = "doctor") -> str:
    page = w.form(user, "/emergency/find", by="name", kana="やまだ はなこ", birth="1938-05-02").text
    return re.search(r'href="/emergency/([a-z2-7]{20,})"', page)[1]


def opened(w: World, reference: str, **changed: str) -> Any:
    fields = {
        "person": reference,
        "reason": REASON,
        "necessity": "yes",
        "difficulty": "yes",
        "identity": "card",
        "code": w.hub.breaking.code("doctor"),
        **changed,
    }
    return w.form("doctor", "/emergency/open", **fields)


def test_a_person_of_whom_nothing_may_be_seen_is_named_by_what_was_typed_alone(asked: Any) -> None:
    w, _ = asked
    page = w.form("doctor", "/emergency/find", by="name", kana="やまだ はなこ", birth="1938-05-02").text
    assert "やまだ はなこ" in page
    assert "山田" not in page


def test_a_role_that_may_not_break_the_glass_does_not_learn_that_somebody_exists(asked: Any) -> None:
    w, _ = asked
    w.sign_in("nurse")
    page = w.form("nurse", "/emergency/find", by="name", kana="やまだ はなこ", birth="1938-05-02").text
    assert "見つかりませんでした" in page


def test_with_reason_attestation_and_code_the_page_opens_for_that_person(asked: Any) -> None:
    w, _ = asked
    reference = found(w)
    assert ALLERGY not in w.get("doctor", f"/emergency/{reference}").text
    assert opened(w, reference).status_code == 303
    page = w.get("doctor", f"/emergency/{reference}").text
    assert ALLERGY in page
    assert "緊急開示で開いています" in page


@pytest.mark.parametrize(
    "wrong", [{"reason": "急"}, {"necessity": ""}, {"difficulty": ""}, {"code": "000000"}, {"code": ""}, {"code": "１２３４５６"}], ids=str
)
def test_without_one_of_them_it_stays_shut(asked: Any, wrong: dict[str, str]) -> None:
    w, _ = asked
    reference = found(w)
    assert opened(w, reference, **wrong).status_code == 422
    assert ALLERGY not in w.get("doctor", f"/emergency/{reference}").text


def test_a_code_serves_once(asked: Any) -> None:
    w, _ = asked
    reference = found(w)
    code = w.hub.breaking.code("doctor")
    assert opened(w, reference, code=code).status_code == 303
    assert opened(w, reference, code=code).status_code == 422


def test_it_closes_by_itself_after_240_minutes(asked: Any) -> None:
    w, moment = asked
    reference = found(w)
    opened(w, reference)
    moment[0] = NOW + timedelta(minutes=239)
    assert ALLERGY in w.get("doctor", f"/emergency/{reference}").text
    moment[0] = NOW + timedelta(minutes=240)
    assert ALLERGY not in w.get("doctor", f"/emergency/{reference}").text


def test_a_written_refusal_wins(asked: Any) -> None:
    from schemas.adapter import BASE

    w, _ = asked
    refusal = a_consent("k9", patient="Patient/s1")
    refusal["extension"].append({"url": f"{BASE}/StructureDefinition/consent-emergency", "valueCode": "refuse"})
    refusal["provision"] = {"type": "deny"}
    assert w.put(STATION, refusal).status_code == 201
    reference = found(w)
    opened(w, reference)
    assert ALLERGY not in w.get("doctor", f"/emergency/{reference}").text


def test_another_user_of_the_same_hospital_sees_nothing_through_it(asked: Any) -> None:
    w, _ = asked
    opened(w, found(w))
    reference = w.hub.opaque.shut("person", HOSPITAL, w.hub.opaque.open("person", HOSPITAL, found(w)))
    w.sign_in("nurse")
    assert w.get("nurse", f"/emergency/{reference}").status_code == 404


def test_the_officer_reads_the_typed_reason_and_reviews_once(asked: Any) -> None:
    w, _ = asked
    reference = found(w)
    opened(w, reference)
    w.get("doctor", f"/emergency/{reference}")
    listed = w.hub.audit.listed(_officer(w), _filter(), size=50).decided
    broken = next(d for d in listed if d.reason == "P-BTG")
    assert broken.typed_reason == REASON
    assert broken.review == "waiting"
    assert w.form("officer", "/audit/review", reference=broken.reference, result="justified").status_code == 303
    again = next(d for d in w.hub.audit.listed(_officer(w), _filter(), size=50).decided if d.reference == broken.reference)
    assert again.review == "justified"
    assert w.form("doctor", "/audit/review", reference=broken.reference, result="justified").status_code == 403


def test_the_typed_reason_is_in_no_audit_event(asked: Any) -> None:
    from tests.hub.world import NETWORK

    w, _ = asked
    reference = found(w)
    opened(w, reference)
    w.get("doctor", f"/emergency/{reference}")
    text = w.get(NETWORK, "/fhir/AuditEvent?_count=200").text
    assert "P-BTG" in text
    assert REASON not in text


def _officer(w: World) -> Any:
    from consent.ask import Requester
    from hub.commands import Asking
    from tests.hub.world import NETWORK

    return Asking(Requester(NETWORK, "network", "privacy-officer", "officer"), "HCOMPL", "r", "audit")


def _filter() -> Any:
    from hub.tables.decisions import Filter

    return Filter()
