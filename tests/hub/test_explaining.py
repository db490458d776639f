"""「なぜ見えた・なぜ見えない」: as of then, by the consent and the rules of then, in plain words; and what it says would open a record does open it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from consent.tables import rows
from hub.views.audit_tables import keyed
from schemas.adapter import BASE
from tests.hub.world import HOSPITAL, NETWORK, NOW, OFFICE, World, a_consent, a_patient, a_plan, an_encounter, world

MINUTE = timedelta(minutes=1)
TO_OFFICE = {"actor": [{
    "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]},
    "reference": {"identifier": {"system": f"{BASE}/sid/kaigo-office-number", "value": OFFICE}},
}]}  # fmt: skip


class Told:
    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock
        self.person = ""

    def at(self, minutes: int) -> None:
        self.clock[0] = NOW + minutes * MINUTE

    def asked(self, minutes: float | None = None, **params: str) -> Any:
        at = {} if minutes is None else {"at": (NOW + minutes * MINUTE).isoformat()}
        answer = self.w.get(NETWORK, f"/audit/decision.json?{urlencode({'person': self.person, **params, **at})}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reasons(self, minutes: float | None = None, **params: str) -> list[tuple[str, str, int]]:
        return [(g["effect"], g["reason"], g["number"]) for g in self.asked(minutes, **params)["groups"]]

    def page(self, **params: str) -> str:
        return self.w.get("officer", f"/audit/ask?{urlencode({'person': self.person, **params})}").text

    def last(self) -> str:
        return self.w.get(NETWORK, f"/audit/decisions.json?organization={OFFICE}&count=1").json()["decisions"][0]["reference"]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """0 a person with a stay and a plan at the hospital; nothing is consented to."""
    clock = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        made = Told(w, clock)
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, an_encounter())
        w.put(HOSPITAL, a_plan())
        (found,) = w.ask("POST", "/audit/persons.json", by=NETWORK, json={"kana": "やまだ はなこ", "birth": "1938-05-02"}).json()["persons"]
        made.person = found["person"]
        w.sign_in("officer")
        made.at(10)
        yield made


# ── a question that nobody asked ─────────────────────────────────────────────────────────────────────────────────────


def test_a_question_about_a_person_is_answered_for_all_records_as_of_then(told: Told) -> None:
    told.w.put(HOSPITAL, a_consent())
    told.at(20)
    told.w.put(HOSPITAL, a_consent(status="inactive"))
    told.at(30)
    by = {"organization": OFFICE, "type": "Encounter"}
    assert told.reasons(5, **by) == [("deny", "D-NOCONSENT", 1)]
    assert told.reasons(15, **by) == [("permit", "P-EXPLICIT", 1)]
    assert told.reasons(25, **by) == [("deny", "D-NOCONSENT", 1)]
    assert told.reasons(**by) == [("deny", "D-NOCONSENT", 1)]
    made = told.asked(15, **by)
    assert [c["version"] for c in made["in_force"]] == [1]
    assert made["groups"][0]["consents"][0]["effect"] == "permit"


def test_what_came_out_alike_stands_together(told: Told) -> None:
    told.w.put(HOSPITAL, a_consent(**{"class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Encounter"}]}))
    made = told.asked(organization=OFFICE)
    assert [(g["effect"], g["reason"], g["types"]) for g in made["groups"]] == [
        ("permit", "P-EXPLICIT", {"Encounter": 1}), ("deny", "D-NOTCOVERED", {"CarePlan": 1, "Consent": 1, "Patient": 1}),
    ]  # fmt: skip


def test_a_user_asks_in_its_own_role_and_another_role_may_be_tried(told: Told) -> None:
    told.w.put(HOSPITAL, a_consent())
    assert told.reasons(user="manager", type="CarePlan") == [("permit", "P-EXPLICIT", 1)]
    assert told.reasons(user="manager", role="clerk", type="CarePlan") == [("deny", "D-CEILING", 1)]


def test_nothing_of_that_kind_is_no_group(told: Told) -> None:
    assert told.reasons(organization=OFFICE, type="Observation") == []
    page = told.page(organization=OFFICE, type="Observation")
    assert "該当する記録がない" in page
    assert "この時点では一件もありません" in page


@pytest.mark.parametrize(
    ("params", "rule"),
    [
        ({"organization": OFFICE, "type": "not a type"}, "HUB-5127"), ({"organization": OFFICE, "resource": "Encounter/x"}, "HUB-5127"),
        ({"organization": "0000000000"}, "HUB-5014"), ({"user": "nobody"}, "HUB-5015"), ({"person": "abc", "organization": OFFICE}, "HUB-5041"),
    ],
)  # fmt: skip
def test_a_question_that_is_none_is_refused(told: Told, params: dict[str, str], rule: str) -> None:
    assert rule in told.w.get(NETWORK, f"/audit/decision.json?{urlencode({'person': told.person, **params})}").text


def test_asking_is_recorded_about_the_person_and_releases_nothing(told: Told) -> None:
    def counted() -> tuple[int, int]:
        found = told.w.get(NETWORK, f"/audit/decisions.json?person={told.person}&count=200").json()["decisions"]
        return len(found), len([d for d in found if d["action"] == "audit"])

    before = counted()
    told.asked(organization=OFFICE)
    after = counted()
    assert after == (before[0] + 2, before[1] + 2)  # the question, and the search of `counted` itself


def test_it_is_for_officers_alone(told: Told) -> None:
    for user in ("doctor", "manager"):
        told.w.sign_in(user)
        assert told.w.get(user, "/audit/ask").status_code == 403
        assert told.w.get(user, "/audit/why/K7Q2-9DXM-4TRB").status_code == 403
    assert told.w.get(HOSPITAL, f"/audit/decision.json?person={told.person}&organization={OFFICE}").status_code == 403


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_where_it_was_shut_and_what_would_open_it(told: Told) -> None:
    page = told.page(user="manager", type="Encounter")
    assert "いま効いている同意書はあるか → なし" in page
    assert "あおば居宅 を名指しした、または参加するすべての組織あての、書面の同意" in page
    assert "目的「介護の支援」、受診・入院・訪問 を含むもの" in page
    assert "山田" not in page
    assert "その時点で効いていた同意はありません" in page


def test_the_page_says_what_the_consents_of_then_said(told: Told) -> None:
    told.w.put(HOSPITAL, a_consent(period={"start": "2026-01-05", "end": "2027-01-04"}, **TO_OFFICE))
    page = told.page(user="manager", day="2026-11-24", time="10:10:00")
    for words in ("共有に同意", "<dd>あおば居宅</dd>", "介護の支援、診療", "2027-01-04 まで", "本人、2026-01-05（書面）", "見せてよい"):
        assert words in page, words
    assert "見せてよい" not in told.page(user="manager", day="2026-11-24", time="10:05:00")


def test_a_person_is_chosen_by_a_posted_name_and_the_question_goes_along(told: Told) -> None:
    answer = told.w.form(
        "officer", "/audit/person", by="name", to="ask", kana="やまだ はなこ", birth="1938-05-02", organization=OFFICE, type="CarePlan"
    )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/audit/ask?organization={OFFICE}&type=CarePlan&person=")
    assert "見えなかった" in told.w.get("officer", answer.headers["location"]).text


def test_a_moment_that_is_none_is_said_on_the_page(told: Told) -> None:
    for params in ({"day": "2026-11-24", "time": "99:00"}, {"day": "2027-11-24"}):
        answer = told.w.get("officer", f"/audit/ask?{urlencode({'person': told.person, 'user': 'manager', **params})}")
        assert answer.status_code == 400
        assert 'class="problem"' in answer.text


# ── what it says would open it, does ─────────────────────────────────────────────────────────────────────────────────


def a_form(code: str) -> list[dict[str, Any]]:
    return [{"url": f"{BASE}/StructureDefinition/consent-form", "valueCode": code}]


@pytest.mark.parametrize(
    ("reason", "before", "then"),
    [
        ("D-NOCONSENT", [], [a_consent(**TO_OFFICE)]),
        ("D-NOTCOVERED", [a_consent(purpose=[{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}])], [a_consent("k2", **TO_OFFICE)]),
        ("D-EXPIRED", [a_consent(period={"start": "2026-01-05", "end": "2026-11-01"})], [a_consent("k2", period={"start": "2026-01-05", "end": "2027-01-04"})]),
        ("D-FORM", [{**a_consent(), "extension": a_form("oral")}], [{**a_consent("k2"), "extension": a_form("electronic")}]),
        ("D-BASE", [a_consent(type="deny")], [a_consent(type="deny", status="inactive"), {**a_consent("k2", **TO_OFFICE), "dateTime": "2026-11-24T09:00:00+09:00"}]),
        ("D-CONFLICT", [a_consent(), a_consent("k2", type="deny", purpose=[{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "CAREMGT"}])],
         [{**a_consent("k2", type="deny"), "status": "inactive"}, {**a_consent("k3"), "dateTime": "2026-11-24T09:00:00+09:00"}]),
    ],
)  # fmt: skip
def test_doing_what_it_says_opens_the_record(told: Told, reason: str, before: list[Any], then: list[Any]) -> None:
    for tree in before:
        assert told.w.put(HOSPITAL, tree).status_code in {200, 201}
    by = {"user": "manager", "type": "Encounter"}
    assert told.reasons(**by) == [("deny", reason, 1)]
    assert "開くには：" in told.page(**by)
    for tree in then:
        assert told.w.put(HOSPITAL, tree).status_code in {200, 201}
    assert [effect for effect, _, _ in told.reasons(**by)] == ["permit"]


def test_every_reason_that_withholds_says_what_would_open_it() -> None:
    withheld = {row["code"] for row in rows("reasons") if row["code"].startswith(("D-", "R-"))}
    assert {reason for (reason,) in keyed("openers", "reason")} == withheld


# ── a recorded decision ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_recorded_decision_is_explained_by_the_consent_and_edition_of_then(told: Told) -> None:
    told.w.put(HOSPITAL, a_consent(**TO_OFFICE))
    told.w.get(OFFICE, "/fhir/Encounter?patient.identifier=x")
    stay = told.asked(organization=OFFICE, type="Encounter")["groups"][0]["resources"][0]
    assert told.w.get(OFFICE, f"/fhir/{stay}").status_code == 200
    reference = told.last()
    told.at(20)
    told.w.put(HOSPITAL, a_consent(type="deny"))
    page = told.w.get("officer", f"/audit/why/{reference}").text
    assert "同じ結果" in page
    assert "共有に同意" in page
    assert "共有を断る" not in page
    assert "第1版" in page
    assert told.w.hub.gate.network.version in page
    assert "受診・入院・訪問 1件" in page


def test_a_refusal_is_explained_with_what_would_open_it_and_leads_to_the_question(told: Told) -> None:
    stay = told.asked(user="manager", type="Encounter")["groups"][0]["resources"][0]
    assert told.w.get(OFFICE, f"/fhir/{stay}").status_code == 404
    page = told.w.get("officer", f"/audit/why/{told.last()}").text
    assert "なぜ見えなかったか" in page
    assert "あおば居宅 を名指しした" in page
    link = re.search(r'href="(/audit/ask\?[^"]+)"', page)[1].replace("&amp;", "&")
    assert "見えなかった" in told.w.get("officer", link).text


def test_one_that_is_not_there_is_not_found(told: Told) -> None:
    assert told.w.get("officer", "/audit/why/K7Q2-9DXM-4TRB").status_code == 404
