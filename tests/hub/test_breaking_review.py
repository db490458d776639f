"""What follows an emergency access: notices with their true state, the review, who is told when it is late, the suspicion of a breach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent.ask import Requester
from hub.clock import milliseconds
from hub.commands import Asking
from hub.tables import resources
from schemas.emergency_events import (
    BREACH_SUSPECTED,
    EMERGENCY_REVIEWED,
    NOTICE_QUEUED,
    NOTICE_SETTLED,
)
from tests.hub.urgent import ALLERGY, DOCTORS, REASON, Urgent, urgent
from tests.hub.world import HOSPITAL, STATION

ASKED = "付き添いの方がいたとのこと。事情を教えてください。"
FOUND = "本人は話せる状態で、同意を求めることができた。"


@pytest.fixture
def u(tmp_path: Path) -> Iterator[Urgent]:
    with urgent(tmp_path / "data", persons=2) as made:
        made.sign_in("doctor", "officer", "second-officer")
        made.open(made.found())
        yield made


def states(u: Urgent) -> dict[tuple[str, str], str]:
    return {(n.receiver, n.why): n.state for n in u.notices()}


def review(u: Urgent, result: str, text: str = "", by: str = "officer") -> int:
    return u.w.form(by, "/audit/emergencies/review", session=u.session().session, result=result, text=text).status_code


def settle(u: Urgent, receiver: str, state: str, reason: str = "") -> int:
    (notice,) = [n for n in u.notices() if n.receiver == receiver]
    form = {"notice": notice.reference, "session": notice.about, "state": state, "reason": reason}
    return u.w.form("officer", "/audit/emergencies/notice", **form).status_code


# ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_officers_notice_is_seen_once_an_officer_has_looked_and_by_whom(u: Urgent) -> None:
    assert states(u)[("officer", "opened")] == "queued"
    u.w.get("officer", "/audit/emergencies")
    assert states(u)[("officer", "opened")] == "seen"
    u.w.get("second-officer", "/audit/emergencies")
    assert [(s.state, s.by) for s in u.told(NOTICE_SETTLED)] == [("seen", "officer")]


def test_what_is_queued_while_the_list_is_drawn_was_told_to_nobody(u: Urgent, monkeypatch: pytest.MonkeyPatch) -> None:
    read = u.hub.emergencies.queue
    doctor = Asking(Requester(HOSPITAL, "hospital", "doctor", "doctor"), "TREAT", "request", "emergency")
    with u.hub.store.read() as tx:
        person = next(row.stream for row in resources.own(tx, STATION, "Patient") if row.stream != u.session().patient)

    def queue(asking: Asking) -> Any:
        told = read(asking)
        u.hub.breaking.open(doctor, person, reason=REASON, necessity=True, difficulty=True, identity="card", code=u.code("doctor"))
        return told

    monkeypatch.setattr(u.hub.emergencies, "queue", queue)
    u.w.get("officer", "/audit/emergencies")
    monkeypatch.undo()
    (first, second) = [{n.receiver: n.state for n in u.notices(u.session(at).session)}["officer"] for at in (0, 1)]
    assert (first, second) == ("seen", "queued")
    u.w.get("second-officer", "/audit/emergencies")
    assert [(s.state, s.by) for s in u.told(NOTICE_SETTLED)] == [("seen", "officer"), ("seen", "second-officer")]


def test_more_alarms_than_the_list_shows_are_told_one_look_after_another(u: Urgent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.reads.emergencies.DONE", 1)
    for user in DOCTORS:
        u.w.sign_in(user)
        found = u.found(user, kana="たなか たろう", birth="1940-01-01")
        for _ in range(5):
            assert u.open(found, user, code="000000").status_code == 422
    assert [n.why for n in u.told(NOTICE_QUEUED)].count("codes") == 2
    shown = [u.w.get("officer", "/audit/emergencies").text.partition("気をつけること")[2] for _ in DOCTORS]
    assert ["救急 次郎" in text for text in shown] == [True, False]
    assert len(u.told(NOTICE_SETTLED)) == 3  # the opening, and each alarm when it was shown


@pytest.mark.parametrize("state", ["posted", "handed"])
def test_the_persons_notice_is_told_when_the_officer_says_so_and_then_for_good(u: Urgent, state: str) -> None:
    assert settle(u, "patient", state) == 303
    assert states(u)[("patient", "opened")] == state
    assert settle(u, "patient", "posted") == 422
    assert settle(u, "patient", "delayed", ASKED) == 422


def test_it_is_put_off_with_a_reason_for_seven_days_and_told_later(u: Urgent) -> None:
    assert settle(u, "patient", "delayed", "短い") == 422
    assert states(u)[("patient", "opened")] == "queued"
    reason = "主治医より、いま知らせると害のおそれがあるとのこと。"
    assert settle(u, "patient", "delayed", reason) == 303
    (notice,) = [n for n in u.notices() if n.receiver == "patient"]
    assert (notice.state, notice.reason, notice.due) == ("delayed", reason, milliseconds(u.now) + 7 * 86_400_000)
    assert settle(u, "patient", "handed") == 303


def test_officers_are_told_by_the_list_and_not_by_hand(u: Urgent) -> None:
    assert settle(u, "officer", "posted") == 404


def test_nobody_but_an_officer_settles_or_reviews(u: Urgent) -> None:
    session, notice = u.session().session, u.notices()[0].reference
    assert u.w.form("doctor", "/audit/emergencies/notice", session=session, notice=notice, state="posted").status_code == 403
    assert review(u, "justified", by="doctor") == 403
    assert u.w.get("doctor", "/audit/emergencies").status_code == 403
    assert u.w.get("doctor", f"/audit/emergencies/{session}").status_code == 403
    assert states(u)[("patient", "opened")] == "queued"


def test_the_letter_says_who_when_and_how_to_ask_and_nothing_clinical(u: Urgent) -> None:
    (notice,) = [n for n in u.notices() if n.receiver == "patient"]
    text = u.w.get("officer", f"/audit/emergencies/notice/{notice.reference}").text
    for words in ("ひがし病院 の 医師", "マイナ保険証で確かめた", "第33条第5項", "事務局", "2026年11月24日"):
        assert words in text, words
    for words in (ALLERGY, "山田", REASON, "救急 花子"):
        assert words not in text, words


# ── the review ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_queue_shows_who_what_and_how_much_time_is_left(u: Urgent) -> None:
    for _ in range(2):
        u.sees(u.found())
    text = u.w.get("officer", "/audit/emergencies").text
    for words in ("救急 花子", "ひがし病院", "残り 7日", "確認待ち", "P-"):
        assert words in text, words
    assert "山田" not in text
    u.later(days=6, hours=1)
    assert "きょうまで" in u.w.get("officer", "/audit/emergencies").text
    u.later(days=1, hours=23)
    assert "遅れています" in u.w.get("officer", "/audit/emergencies").text


def test_one_session_shows_reason_normal_path_classes_and_reads_and_no_content(u: Urgent) -> None:
    reference = u.found()
    u.sees(reference)
    text = u.w.get("officer", f"/audit/emergencies/{u.session().session}").text
    for words in (
        REASON,
        "マイナ保険証で確かめた",
        "同意がない",
        "要約（薬・アレルギー・病名・入退院）",
        "アレルギー",
        u.session().decision,
    ):
        assert words in text, words
    assert ALLERGY not in text
    assert "山田" not in text
    told = u.hub.emergencies.one(_asking(u), u.session().session)
    assert (told.session.reads, told.classes, dict(told.types), told.normal) == (
        2, (("S", 2),), {"AllergyIntolerance": 1, "Patient": 1}, (("D-NOCONSENT", 2),),
    )  # fmt: skip


def test_a_justified_one_is_done_and_is_not_reviewed_again(u: Urgent) -> None:
    assert review(u, "justified") == 303
    assert review(u, "not-justified", FOUND) == 422
    assert [(r.result, r.by) for r in u.told(EMERGENCY_REVIEWED)] == [("justified", "officer")]
    assert u.told(BREACH_SUSPECTED) == []


def test_a_question_stays_open_and_its_words_reach_the_doctor(u: Urgent) -> None:
    assert review(u, "question", "なぜ") == 422
    assert review(u, "question", ASKED) == 303
    assert ASKED in u.w.get("doctor", "/emergency").text
    assert u.session().review == "question"
    assert review(u, "justified") == 303
    assert ASKED not in u.w.get("doctor", "/emergency").text


def test_who_opened_it_and_is_an_officer_by_now_does_not_review_it(tmp_path: Path) -> None:
    """The next edition of the register has the same user at the network's office."""
    from dataclasses import replace

    from tests.hub.urgent import region
    from tests.hub.world import NETWORK, world

    with urgent(tmp_path / "data") as before:
        before.sign_in("doctor")
        before.open(before.found())
        at = before.now
    held = region()
    moved = replace(held.users["doctor"], organization=NETWORK, role="privacy-officer", purpose="HCOMPL")
    with world(tmp_path / "data", now=lambda: at, region=replace(held, users={**held.users, "doctor": moved})) as w:
        u = Urgent(w, [at])
        u.sign_in("doctor", "officer")
        session = u.session().session
        for result in ("justified", "question", "not-justified"):
            refused = w.form("doctor", "/audit/emergencies/review", session=session, result=result, text=FOUND)
            assert (refused.status_code, "自分では確認できません" in refused.text) == (422, True)
        assert u.session().review == "waiting"
        assert review(u, "justified") == 303


def test_one_that_is_not_justified_is_a_suspected_breach_in_the_same_submission(u: Urgent) -> None:
    assert review(u, "not-justified", "だめ") == 422
    assert review(u, "not-justified", FOUND) == 303
    (breach,) = u.told(BREACH_SUSPECTED)
    assert (breach.by, breach.sessions, breach.known_at, breach.reason) == (
        "officer", (u.session().session,), milliseconds(u.now), FOUND,
    )  # fmt: skip
    with u.hub.store.read() as tx:
        last = [r.topic for r in u.hub.store.events(tx, 0, 10_000) if r.topic in {EMERGENCY_REVIEWED, BREACH_SUSPECTED}]
        positions = [r.position for r in u.hub.store.events(tx, 0, 10_000) if r.topic in {EMERGENCY_REVIEWED, BREACH_SUSPECTED}]
    assert last == [EMERGENCY_REVIEWED, BREACH_SUSPECTED]
    assert positions[1] == positions[0] + 1


def test_a_finding_of_an_earlier_edition_is_still_read(u: Urgent) -> None:
    import msgspec

    from schemas.emergency_events import Opened, Reviewed

    assert msgspec.json.decode(b'{"session":"s","by":"officer","result":"question"}', type=Reviewed).text == ""
    old = b'{"session":"s","organization":"o","kind":"hospital","role":"doctor","user":"u","reason":"r","attested":true,"step":1,"opened":1,"closes":2}'
    assert msgspec.json.decode(old, type=Opened).identity == ""


# ── late ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_review_that_is_late_is_told_to_another_officer_and_to_the_head_of_the_organization_once(u: Urgent) -> None:
    u.later(days=7, milliseconds=-1)
    u.tick()
    assert [n.why for n in u.told(NOTICE_QUEUED)] == ["opened", "opened"]
    u.later(milliseconds=1)
    u.tick()
    u.later(days=3)
    u.tick()
    late = [(n.to, n.organization, n.user) for n in u.told(NOTICE_QUEUED) if n.why == "overdue"]
    assert late == [("second-officer", HOSPITAL, "doctor"), ("head", HOSPITAL, "doctor")]


def test_a_question_does_not_stop_the_clock_and_a_review_does(u: Urgent) -> None:
    review(u, "question", ASKED)
    u.later(days=7)
    u.tick()
    assert len([n for n in u.told(NOTICE_QUEUED) if n.why == "overdue"]) == 2
    review(u, "justified")
    u.open(u.found(kana="たなか たろう", birth="1940-01-01"))
    review(u, "justified")
    u.later(days=8)
    u.tick()
    assert len([n for n in u.told(NOTICE_QUEUED) if n.why == "overdue"]) == 2


def test_the_notice_of_a_late_review_waits_for_an_officer_who_did_not_let_it_lie(u: Urgent) -> None:
    u.w.get("officer", "/audit/emergencies")
    u.later(days=7)
    u.tick()
    u.w.get("officer", "/audit/emergencies")
    assert states(u)[("second-officer", "overdue")] == "queued"
    u.w.get("second-officer", "/audit/emergencies")
    assert states(u)[("second-officer", "overdue")] == "seen"


def test_the_head_of_the_organization_is_told_by_a_letter(u: Urgent) -> None:
    u.later(days=7)
    u.tick()
    (notice,) = [n for n in u.notices() if n.receiver == "head"]
    text = u.w.get("officer", f"/audit/emergencies/notice/{notice.reference}").text
    assert "ひがし病院　管理者　様" in text
    assert "遅れている" in text
    assert settle(u, "head", "posted") == 303


def test_a_sessions_life_survives_the_erasure_of_the_person_but_for_what_was_typed(u: Urgent) -> None:
    from tests.hub.test_erasure_reach import asked, named, restricted
    from tests.hub.world import STATION

    u.w.form("doctor", "/emergency/close", session=u.session().session)
    name = named(u.w, STATION, "s1")
    restricted(u.w, name)
    assert asked(u.w, "now", name, reason=REASON).status_code == 200
    row = u.session()
    assert (row.how, row.identity, row.kind) == ("user", "card", "hospital")
    text = u.w.get("officer", f"/audit/emergencies/{row.session}").text
    assert "ご本人の記録は消去されています" in text
    assert REASON not in text
    assert len(u.notices()) == 2
    assert review(u, "justified") == 303


def _asking(u: Urgent) -> object:
    from consent.ask import Requester
    from hub.commands import Asking
    from tests.hub.world import NETWORK

    return Asking(Requester(NETWORK, "network", "privacy-officer", "officer"), "HCOMPL", "r", "audit")
