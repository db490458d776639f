"""The switch of a disaster: two officers, a time box, the summary for emergency doctors, every read recorded with its reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.clock import milliseconds
from hub.tables import decisions
from hub.tables.decisions import Filter
from schemas.adapter import BASE
from schemas.emergency_events import DISASTER_DECLARED, DISASTER_ENDED, DISASTER_PROPOSED, EMERGENCY_CODE_REFUSED
from tests.hub.urgent import ALLERGY, Urgent, urgent
from tests.hub.world import HOSPITAL, OFFICE, OTHER_HOSPITAL, STATION, a_consent

WHY = "震度6強。多数の傷病者が運ばれています。"


@pytest.fixture
def u(tmp_path: Path) -> Iterator[Urgent]:
    with urgent(tmp_path / "data", persons=2) as made:
        made.sign_in("doctor", "far-doctor", "officer", "second-officer")
        yield made


def propose(u: Urgent, by: str = "officer", **changed: str) -> httpx.Response:
    fields = {"area": "ひがし市", f"organization-{HOSPITAL}": "yes", "hours": "24", "reason": WHY, "renews": ""} | changed
    if "code" not in fields:
        fields["code"] = u.code(by)
    return u.w.form(by, "/audit/disasters/propose", **{k: v for k, v in fields.items() if v != "-"})


def newest(u: Urgent) -> str:
    return u.told(DISASTER_PROPOSED)[-1].reference


def agree(u: Urgent, by: str = "second-officer", **changed: str) -> httpx.Response:
    return u.w.form(by, "/audit/disasters/agree", **({"switch": newest(u), "code": u.code(by)} | changed))


def switched_on(u: Urgent, **changed: str) -> str:
    assert propose(u, **changed).status_code == 303
    assert agree(u).status_code == 303
    return newest(u)


def reads(u: Urgent, switch: str) -> list[decisions.DecisionRow]:
    with u.hub.store.read() as tx:
        return decisions.search(tx, Filter(session=switch), limit=100)


# ── two officers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_officer_alone_opens_nothing(u: Urgent) -> None:
    assert propose(u).status_code == 303
    assert not u.sees(u.found())
    assert agree(u, "officer").status_code == 422
    assert not u.sees(u.found())
    assert u.told(DISASTER_DECLARED) == []


def test_with_the_second_the_summary_opens_without_breaking_a_glass(u: Urgent) -> None:
    switched_on(u)
    (declared,) = u.told(DISASTER_DECLARED)
    assert (declared.first, declared.second, declared.organizations) == ("officer", "second-officer", (HOSPITAL,))
    assert declared.until - declared.since == 24 * 3_600_000
    page = u.w.get("doctor", f"/emergency/{u.found()}").text
    assert ALLERGY in page
    assert "災害時の開示" in page
    assert u.sessions() == 0


def test_what_was_asked_for_is_void_after_thirty_minutes(u: Urgent) -> None:
    propose(u)
    u.later(minutes=30)
    answer = agree(u)
    assert answer.status_code == 422
    assert "もう待っていません" in answer.text
    assert not u.sees(u.found())


def test_it_can_be_agreed_to_until_then_and_once(u: Urgent) -> None:
    propose(u)
    u.later(minutes=30, milliseconds=-1)
    assert agree(u).status_code == 303
    assert agree(u).status_code == 422
    assert len(u.told(DISASTER_DECLARED)) == 1


def test_what_was_taken_back_cannot_be_agreed_to(u: Urgent) -> None:
    propose(u)
    assert u.w.form("officer", "/audit/disasters/end", switch=newest(u)).status_code == 303
    assert agree(u).status_code == 422


def test_each_needs_the_second_factor_and_a_code_serves_once(u: Urgent) -> None:
    assert propose(u, code="000000").status_code == 422
    code = u.code("officer")
    assert propose(u, code=code).status_code == 303
    assert propose(u, code=code).status_code == 422
    assert agree(u, code="").status_code == 422
    assert not u.sees(u.found())
    assert [(w.user, w.door) for w in u.told(EMERGENCY_CODE_REFUSED)] == [("officer", "disaster"), ("second-officer", "disaster")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"area": " "}, {"reason": "地震です。"}, {f"organization-{HOSPITAL}": "-"}, {f"organization-{OFFICE}": "yes"}, {"organization-1399999999": "yes"},
        {"hours": "73"}, {"hours": "0"}, {"hours": "x"}, {"hours": ""}, {"renews": "dis-none"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_asked_for_is_whole_and_within_its_bounds(u: Urgent, wrong: dict[str, str]) -> None:
    assert propose(u, **wrong).status_code == 422
    assert u.told(DISASTER_PROPOSED) == []


def test_nobody_but_an_officer_asks_agrees_ends_or_looks(u: Urgent) -> None:
    propose(u)
    for door in ("propose", "agree", "end"):
        assert u.w.form("doctor", f"/audit/disasters/{door}", switch=newest(u), code=u.code("doctor"), area="x").status_code == 403
    assert u.w.get("doctor", "/audit/disasters").status_code == 403
    assert u.told(DISASTER_ENDED) == []


# ── what it opens ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_opens_for_doctors_of_the_organizations_that_it_names(u: Urgent) -> None:
    switched_on(u)
    u.sign_in("nurse")
    assert not u.sees(u.found("far-doctor"), "far-doctor")
    assert "見つかりませんでした" in u.w.form("nurse", "/emergency/find", by="name", kana="やまだ はなこ", birth="1938-05-02").text
    switched_on(u, **{f"organization-{OTHER_HOSPITAL}": "yes"})
    assert u.sees(u.found("far-doctor"), "far-doctor")


def test_applications_see_nothing_by_it(u: Urgent) -> None:
    switched_on(u)
    assert u.w.get(HOSPITAL, "/fhir/Patient").json()["total"] == 0


def test_clinical_detail_stays_shut(u: Urgent) -> None:
    u.w.put(STATION, {
        "resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/s1"}, "effectiveDateTime": "2026-11-20",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}], "text": "体温"}, "valueQuantity": {"value": 38.7, "unit": "℃"},
    })  # fmt: skip
    switched_on(u)
    page = u.w.get("doctor", f"/emergency/{u.found()}").text
    assert ALLERGY in page
    assert "38.7" not in page
    (row, *_) = reads(u, newest(u))
    assert "Observation" not in row.given


def test_a_refusal_of_emergencies_wins(u: Urgent) -> None:
    refusal = a_consent("k9", patient="Patient/s1")
    refusal["extension"].append({"url": f"{BASE}/StructureDefinition/consent-emergency", "valueCode": "refuse"})
    refusal["provision"] = {"type": "deny"}
    u.w.put(STATION, refusal)
    switched_on(u)
    assert not u.sees(u.found())
    assert u.sees(u.found(kana="たなか たろう", birth="1940-01-01"))


def test_each_read_is_recorded_with_the_switch_and_shown_to_officers(u: Urgent) -> None:
    switch = switched_on(u)
    reference = u.found()
    u.sees(reference)
    rows = reads(u, switch)
    assert [(r.action, r.reason, r.basis, r.user) for r in rows] == [
        ("view", "P-DISASTER", "JP-27-1-2-LIFE", "doctor"), ("search", "P-DISASTER", "JP-27-1-2-LIFE", "doctor"),
    ]  # fmt: skip
    text = u.w.get("officer", "/audit/disasters").text
    for row in rows:
        assert row.reference in text
    assert "アレルギー 1件" in text
    assert ALLERGY not in text


def test_a_decision_taken_by_it_comes_out_the_same_when_it_is_decided_again(u: Urgent) -> None:
    switch = switched_on(u)
    u.sees(u.found())
    u.later(hours=25)
    for row in reads(u, switch):
        answer = u.w.get("officer", f"/audit/why/{row.reference}")
        assert answer.status_code == 200
        from tests.hub.test_breaking_review import _asking

        assert u.hub.redecide.recorded(_asking(u), row.reference)["same"] is True


def test_clinical_detail_still_needs_the_glass_and_that_is_its_own_ground(u: Urgent) -> None:
    u.w.put(STATION, {
        "resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/s1"}, "effectiveDateTime": "2026-11-20",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}], "text": "体温"}, "valueQuantity": {"value": 38.7, "unit": "℃"},
    })  # fmt: skip
    switch = switched_on(u)
    reference = u.found()
    assert u.open(reference).status_code == 303
    assert "38.7" in u.w.get("doctor", f"/emergency/{reference}").text
    with u.hub.store.read() as tx:
        assert decisions.count(tx, Filter(session=u.session().session)) == 1
    assert switch != u.session().session


# ── its end ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_ends_by_its_time_which_is_recorded_once(u: Urgent) -> None:
    switched_on(u, hours="1")
    reference = u.found()
    u.later(hours=1, milliseconds=-1)
    u.tick()
    assert u.sees(reference)
    assert u.told(DISASTER_ENDED) == []
    u.later(milliseconds=1)
    assert not u.sees(reference)
    u.tick()
    u.tick()
    (ended,) = u.told(DISASTER_ENDED)
    assert (ended.by, ended.at) == ("", u.told(DISASTER_DECLARED)[0].until)


def test_one_officer_ends_it_at_once(u: Urgent) -> None:
    switch = switched_on(u)
    reference = u.found()
    assert u.sees(reference)
    assert u.w.form("second-officer", "/audit/disasters/end", switch=switch).status_code == 303
    assert not u.sees(reference)
    assert [e.by for e in u.told(DISASTER_ENDED)] == ["second-officer"]
    assert u.w.form("officer", "/audit/disasters/end", switch=switch).status_code == 422


def test_a_switch_that_is_ended_between_a_decision_and_its_record_gives_nothing(u: Urgent) -> None:
    from hub.commands import Asking
    from hub.tables import resources

    switch = switched_on(u)
    known = u.w.app.state.sessions.user(u.w.cookies["doctor"]["tsunagu"].strip('"'))
    asking = Asking(known.identified.requester, "TREAT", "r", "view", login=known.login)
    with u.hub.store.read() as tx:
        (row,) = resources.own(tx, STATION, "AllergyIntolerance")[:1]
        proposal = u.hub.gate._decided(tx, asking, [row], ())
    assert [d.reason for d in proposal.answer[0]] == ["P-DISASTER"]
    u.w.form("officer", "/audit/disasters/end", switch=switch)
    proposal.again = lambda tx: u.hub.gate._decided(tx, asking, [row], ())
    assert [d.reason for d in u.hub.writer.submit(proposal).result().answer[0]] == ["D-NOCONSENT"]


def test_it_is_renewed_by_two_officers_again_and_the_old_one_ends_with_that(u: Urgent) -> None:
    old = switched_on(u, hours="72")
    u.later(hours=71)
    new = switched_on(u, hours="72", renews=old)
    assert [(e.reference, e.at) for e in u.told(DISASTER_ENDED)] == [(old, milliseconds(u.now))]
    u.later(hours=71)
    assert u.sees(u.found())
    assert {r.session for r in reads(u, new)} == {new}


def test_the_band_says_that_it_is_on_to_those_whom_it_concerns(u: Urgent) -> None:
    u.sign_in("manager")
    switched_on(u)
    band = re.compile(r'class="alarm".*ひがし市：11-25 10:00 まで')
    for user, page in (
        ("doctor", "/"),
        ("doctor", "/emergency"),
        ("officer", "/"),
        ("officer", "/audit/emergencies"),
        ("officer", "/audit/disasters"),
    ):
        assert band.search(u.w.get(user, page).text), (user, page)
    for user in ("far-doctor", "manager"):
        assert not band.search(u.w.get(user, "/").text)
    u.later(hours=24)
    assert not band.search(u.w.get("doctor", "/").text)
