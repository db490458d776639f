"""The life of an emergency access: the normal path first, opened, used, closed, told of; bound to user, person and sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.clock import milliseconds
from hub.tables import decisions
from hub.tables.decisions import Filter
from schemas.adapter import BASE
from schemas.emergency_events import EMERGENCY_CLOSED, EMERGENCY_CODE_REFUSED, EMERGENCY_OPENED, NOTICE_QUEUED
from tests.hub.urgent import REASON, Urgent, urgent
from tests.hub.world import HOSPITAL, STATION, a_consent


@pytest.fixture
def u(tmp_path: Path) -> Iterator[Urgent]:
    with urgent(tmp_path / "data", persons=2) as made:
        made.sign_in("doctor", "second-doctor")
        yield made


def given(u: Urgent, **by: str) -> list[decisions.DecisionRow]:
    with u.hub.store.read() as tx:
        return decisions.search(tx, Filter(**by), limit=100)


# ── the normal path first ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_normal_path_is_tried_and_recorded_in_the_request_that_opens(u: Urgent) -> None:
    u.open(u.found())
    (opened,) = u.told(EMERGENCY_OPENED)
    (tried,) = given(u, reference=opened.decision)
    assert (tried.action, tried.effect, tried.reason, tried.session) == ("emergency", "deny", "D-NOCONSENT", "")
    assert tried.user == "doctor"
    with u.hub.store.read() as tx:
        assert tried.position < tx.one("SELECT position FROM emergencies")[0]


def test_no_glass_is_broken_where_consent_permits_everything_already(u: Urgent) -> None:
    assert u.w.put(STATION, a_consent("k1", patient="Patient/s1")).status_code == 201  # itself labelled V, which no emergency shows either
    reference = u.found()
    refused = u.open(reference)
    assert refused.status_code == 422
    assert "新しく見えるものはありません" in refused.text
    assert u.sessions() == 0
    assert u.told(NOTICE_QUEUED) == []
    assert u.sees(reference)
    (tried,) = given(u, action="emergency")
    assert (tried.effect, tried.reason) == ("redact", "P-EXPLICIT")


def test_a_refusal_of_emergencies_is_not_told_by_whether_the_glass_can_be_broken(u: Urgent) -> None:
    """Nobody learns of it at the door: it opens as for a person without consent, and shows nothing."""
    refusal = a_consent("k9", patient="Patient/s1")
    refusal["extension"].append({"url": f"{BASE}/StructureDefinition/consent-emergency", "valueCode": "refuse"})
    refusal["provision"] = {"type": "deny"}
    u.w.put(STATION, refusal)
    assert u.open(u.found()).status_code == u.open(u.found(kana="たなか たろう", birth="1940-01-01")).status_code == 303


def test_that_nothing_more_is_there_is_told_only_to_who_has_the_second_factor(u: Urgent) -> None:
    u.w.put(STATION, a_consent("k1", patient="Patient/s1"))
    answer = u.open(u.found(), code="000000")
    assert "確認コードが違う" in answer.text
    assert given(u, action="emergency") == []


# ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "救急搬送です。"}, {"reason": "　" * 12}, {"necessity": ""}, {"difficulty": ""}, {"identity": ""}, {"identity": "guess"}, {"code": "000000"},
        {"code": ""}, {"code": "１２３４５６"},
    ],
    ids=str,
)  # fmt: skip
def test_without_reason_attestations_identity_and_code_nothing_opens_and_nobody_is_told(u: Urgent, wrong: dict[str, str]) -> None:
    reference = u.found()
    assert u.open(reference, **wrong).status_code == 422
    assert u.sessions() == 0
    assert u.told(NOTICE_QUEUED) == []
    assert not u.sees(reference)


def test_what_was_typed_stands_in_the_event_sealed_under_the_persons_key(u: Urgent) -> None:
    u.open(u.found())
    (opened,) = u.told(EMERGENCY_OPENED)
    assert (opened.reason, opened.attested, opened.identity, opened.kind, opened.role) == (REASON, True, "card", "hospital", "doctor")
    assert opened.rules == u.hub.gate.network.version
    assert opened.closes - opened.opened == 240 * 60_000
    with u.hub.store.read() as tx:
        (event,) = [r for r in u.hub.store.events(tx, 0, 10_000) if r.topic == EMERGENCY_OPENED]
    assert REASON.encode() not in event.body


# ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_opens_one_person_and_no_other(u: Urgent) -> None:
    first, other = u.found(), u.found(kana="たなか たろう", birth="1940-01-01")
    u.open(first)
    assert u.sees(first)
    assert not u.sees(other)


def test_a_session_named_in_a_request_for_somebody_else_opens_nothing(u: Urgent) -> None:
    u.open(u.found())
    other = u.found(kana="たなか たろう", birth="1940-01-01")
    session = u.session().session
    page = u.w.get("doctor", f"/emergency/{other}?session={session}&person={session}")
    assert "ペニシリン" not in page.text


def test_it_opens_for_one_user_and_not_for_a_colleague(u: Urgent) -> None:
    u.open(u.found())
    assert not u.sees(u.found("second-doctor"), "second-doctor")


def test_it_holds_for_the_sign_in_that_it_was_opened_in(u: Urgent) -> None:
    reference = u.found()
    u.open(reference)
    u.sign_in("doctor")  # at another desk
    assert not u.sees(reference)
    assert u.open(reference).status_code == 303
    assert u.sees(reference)


def test_it_is_open_once_for_a_person(u: Urgent) -> None:
    reference = u.found()
    assert u.open(reference).status_code == 303
    again = u.open(reference)
    assert (again.status_code, u.sessions()) == (422, 1)
    assert "もう開いています" in again.text


def test_the_purpose_btg_by_a_header_or_a_parameter_alone_gives_nothing(u: Urgent) -> None:
    number = u.w.get(STATION, "/fhir/Patient").json()["entry"][0]["resource"]["id"]
    for more in ({"headers": {"X-Purpose-Of-Use": "BTG", "Purpose-Of-Use": "BTG"}}, {"params": {"purpose": "BTG"}}):
        assert u.w.get(HOSPITAL, f"/fhir/Patient/{number}", **more).status_code in {400, 404}


# ── each read is recorded ────────────────────────────────────────────────────────────────────────────────────────────


def test_each_read_is_a_recorded_decision_with_the_session(u: Urgent) -> None:
    reference = u.found()
    u.open(reference)
    for _ in range(3):
        u.sees(reference)
    rows = given(u, session=u.session().session)
    assert [(r.action, r.reason, r.user) for r in rows] == [("view", "P-BTG", "doctor")] * 3
    assert all("AllergyIntolerance:1" in r.given for r in rows)


def test_a_read_that_is_mostly_of_ones_own_records_is_recorded_with_the_session_too(u: Urgent) -> None:
    from tests.hub.world import a_patient, an_encounter

    u.w.put(HOSPITAL, a_patient("h1"))
    for n in range(4):
        u.w.put(HOSPITAL, an_encounter(f"e{n}", patient="Patient/h1"))
    reference = u.found()
    u.open(reference)
    assert u.sees(reference)
    (row,) = given(u, session=u.session().session)
    assert row.reason == "P-OWN"


def test_a_refusal_in_writing_wins_and_the_read_that_it_stopped_is_recorded_with_the_session(u: Urgent) -> None:
    refusal = a_consent("k9", patient="Patient/s1")
    refusal["extension"].append({"url": f"{BASE}/StructureDefinition/consent-emergency", "valueCode": "refuse"})
    refusal["provision"] = {"type": "deny"}
    assert u.w.put(STATION, refusal).status_code == 201
    reference = u.found()
    assert u.open(reference).status_code == 303
    assert not u.sees(reference)
    (row,) = given(u, session=u.session().session)
    assert (row.effect, row.reason, row.given) == ("deny", "D-BTG-REFUSED", "")


def test_what_is_labelled_v_stays_masked(u: Urgent) -> None:
    consent = a_consent("k2", patient="Patient/s1", type="deny")
    assert u.w.put(STATION, consent).status_code == 201
    reference = u.found()
    u.open(reference)
    assert u.sees(reference)
    with u.hub.store.read() as tx:
        kinds = {part.partition(":")[0] for r in given(u, session=u.session().session) for part in r.given.split()}
        assert int(tx.one("SELECT count(*) FROM resources WHERE type='Consent' AND confidentiality='V'")[0]) == 1
    assert "Consent" not in kinds


# ── told ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_person_and_officers_are_told_by_the_submission_that_opens(u: Urgent) -> None:
    u.open(u.found())
    with u.hub.store.read() as tx:
        events = {r.topic: r for r in u.hub.store.events(tx, 0, 10_000)}
        opened = events[EMERGENCY_OPENED]
        span = u.hub.store.submission(tx, opened.header.submission) if opened.header.submission else None
        positions = [r.position for r in u.hub.store.events(tx, 0, 10_000) if r.topic in {EMERGENCY_OPENED, NOTICE_QUEUED}]
    assert positions == list(range(opened.position, opened.position + 3))
    assert span is None or span[1] - span[0] == 2
    found = {(n.receiver, n.why, n.state): n.due - u.session().opened for n in u.notices()}
    assert found == {("patient", "opened", "queued"): 24 * 3_600_000, ("officer", "opened", "queued"): 0}


def test_the_page_says_the_true_state_of_the_notices(u: Urgent) -> None:
    reference = u.found()
    u.open(reference)
    text = u.w.get("doctor", f"/emergency/{reference}").text
    assert "ご本人へ：まだ知らせていません" in text
    assert "まだ開かれていません" in text


def test_many_openings_in_a_day_raise_one_alarm_and_block_none(u: Urgent) -> None:
    reference = u.found()
    for _ in range(7):
        assert u.open(reference).status_code == 303
        u.w.form("doctor", "/emergency/close", session=u.session().session)
    many = [n for n in u.told(NOTICE_QUEUED) if n.why == "many"]
    assert [(n.to, n.user, n.organization) for n in many] == [("officer", "doctor", HOSPITAL)]
    assert many[0].about == u.session(5).session
    u.later(days=1)
    assert u.open(reference).status_code == 303
    assert len([n for n in u.told(NOTICE_QUEUED) if n.why == "many"]) == 1


# ── closed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_its_user_closes_it_and_sees_nothing_any_more(u: Urgent) -> None:
    reference = u.found()
    u.open(reference)
    u.later(minutes=10)
    assert u.w.form("doctor", "/emergency/close", session=u.session().session).status_code == 303
    assert not u.sees(reference)
    (closed,) = u.told(EMERGENCY_CLOSED)
    assert (closed.how, closed.by, closed.at) == ("user", "doctor", milliseconds(u.now))
    assert u.w.form("doctor", "/emergency/close", session=u.session().session).status_code == 422


def test_a_colleague_cannot_close_it_and_does_not_learn_that_it_is_there(u: Urgent) -> None:
    reference = u.found()
    u.open(reference)
    assert u.w.form("second-doctor", "/emergency/close", session=u.session().session).status_code == 404
    assert u.sees(reference)


def test_the_officer_closes_it(u: Urgent) -> None:
    u.sign_in("officer")
    reference = u.found()
    u.open(reference)
    assert u.w.form("officer", "/audit/emergencies/close", session=u.session().session).status_code == 303
    assert not u.sees(reference)
    assert [(c.how, c.by) for c in u.told(EMERGENCY_CLOSED)] == [("officer", "officer")]


def test_a_session_that_is_closed_between_a_decision_and_its_record_gives_nothing(u: Urgent) -> None:
    from hub.commands import Asking
    from hub.tables import resources

    u.open(u.found())
    known = u.w.app.state.sessions.user(u.w.cookies["doctor"]["tsunagu"].strip('"'))
    asking = Asking(known.identified.requester, "TREAT", "r", "view", login=known.login)
    with u.hub.store.read() as tx:
        (row,) = resources.own(tx, STATION, "AllergyIntolerance")[:1]
        proposal = u.hub.gate._decided(tx, asking, [row], ())
    assert [d.reason for d in proposal.answer[0]] == ["P-BTG"]
    u.w.form("doctor", "/emergency/close", session=u.session().session)
    proposal.again = lambda tx: u.hub.gate._decided(tx, asking, [row], ())
    written = u.hub.writer.submit(proposal).result()
    assert [d.reason for d in written.answer[0]] == ["D-NOCONSENT"]
    assert [r.rows.session for r in written.recorded] == [""]


def test_signing_out_closes_what_was_open_by_that_sign_in(u: Urgent) -> None:
    u.open(u.found())
    u.open(u.found("second-doctor"), "second-doctor")
    u.w.form("doctor", "/sign-out")
    assert [(c.how, c.session) for c in u.told(EMERGENCY_CLOSED)] == [("sign-out", u.session(0).session)]
    assert u.sees(u.found("second-doctor"), "second-doctor")


def test_it_closes_by_its_time_and_that_is_recorded_once(u: Urgent) -> None:
    reference = u.found()
    u.open(reference)
    u.later(minutes=239)
    u.tick()
    assert u.sees(reference)
    assert u.told(EMERGENCY_CLOSED) == []
    u.later(minutes=1)
    assert not u.sees(reference)
    u.tick()
    u.tick()
    (closed,) = u.told(EMERGENCY_CLOSED)
    assert (closed.how, closed.by, closed.at) == ("time", "", u.session().closes)


def test_it_ends_with_the_sign_in_that_ends_first(u: Urgent) -> None:
    signed = u.w.app.state.sessions.user(u.w.cookies["doctor"]["tsunagu"].strip('"'))
    u._steps[0] = signed.ends - 3_600.0
    assert u.open(u.found()).status_code == 303
    row = u.session()
    assert row.closes - row.opened == (3_600 - 60) * 1_000


def test_the_doctors_page_lists_what_is_open_with_the_time_left_and_a_way_to_close(u: Urgent) -> None:
    reference = u.found()
    u.open(reference)
    u.later(minutes=30)
    page = u.w.get("doctor", "/emergency").text
    assert "いま開いている緊急開示" in page
    assert "3時間30分" in page
    assert f'value="{u.session().session}"' in page
    assert "いま開いている緊急開示" not in u.w.get("second-doctor", "/emergency").text


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_five_wrong_codes_within_fifteen_minutes_lock_for_fifteen(u: Urgent) -> None:
    reference = u.found()
    for _ in range(5):
        assert u.open(reference, code="000000").status_code == 422
        u.later(minutes=3)
    locked = u.open(reference)
    assert "15 分のあいだ使えません" in locked.text
    assert u.sessions() == 0
    u.later(minutes=11)
    assert u.open(reference).status_code == 422
    u.later(minutes=1)
    assert u.open(reference).status_code == 303
    wrong = u.told(EMERGENCY_CODE_REFUSED)
    assert [(w.user, w.organization, w.door) for w in wrong] == [("doctor", HOSPITAL, "emergency")] * 5
    assert [(n.to, n.user) for n in u.told(NOTICE_QUEUED) if n.why == "codes"] == [("officer", "doctor")]


def test_a_lock_is_of_one_user(u: Urgent) -> None:
    for _ in range(5):
        u.open(u.found(), code="000000")
    assert u.open(u.found("second-doctor"), "second-doctor").status_code == 303


def test_wrong_codes_that_lie_apart_do_not_lock(u: Urgent) -> None:
    reference = u.found()
    for _ in range(8):
        assert u.open(reference, code="000000").status_code == 422
        u.later(minutes=4)
    assert u.open(reference).status_code == 303


def test_a_code_serves_once_whoever_it_opened(u: Urgent) -> None:
    code = u.code("doctor")
    assert u.open(u.found(), code=code).status_code == 303
    assert u.open(u.found(kana="たなか たろう", birth="1940-01-01"), code=code).status_code == 422
    assert u.sessions() == 1
    assert u.told(EMERGENCY_CODE_REFUSED) == []


def test_an_audit_that_takes_nothing_lets_nothing_be_opened(u: Urgent, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = u.found()

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(u.hub.writer, "_apply", full)
    assert u.open(reference).status_code >= 500
    monkeypatch.undo()
    assert u.sessions() == 0
    assert not u.sees(reference)


def test_the_moment_that_it_closed_at_is_the_last_of_its_time(u: Urgent) -> None:
    reference = u.found()
    u.open(reference)
    u.later(minutes=240, milliseconds=-1)
    assert u.sees(reference)
    assert u.session().closes == milliseconds(u.now + timedelta(milliseconds=1))


def test_the_fhir_document_of_the_page_rests_on_the_same_session_and_closes_with_it(u: Urgent) -> None:
    reference = u.found()
    u.open(reference)
    led = u.w.get("doctor", f"/emergency/{reference}/document")
    assert led.status_code == 303
    document = u.w.get("doctor", led.headers["location"])
    assert document.status_code == 200
    assert "ペニシリン" in document.text
    assert {(r.action, r.reason) for r in given(u, session=u.session().session)} <= {("read", "P-BTG"), ("view", "P-BTG")}
    u.w.form("doctor", "/emergency/close", session=u.session().session)
    assert "ペニシリン" not in u.w.get("doctor", led.headers["location"]).text
