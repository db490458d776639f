"""The person's own pages: bound to one person, what is said takes effect before the answer, a proxy inside its power, nothing of anybody else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from consent.ask import Requester
from hub.commands import Asking
from hub.names import hub_id
from hub.region import Power, Region, User, parse_region
from schemas.adapter import BASE
from schemas.errors import Broken, NotFound
from schemas.ids import INSTITUTION
from tests.hub.doors.listed import routes
from tests.hub.world import (
    HOSPITAL,
    INSURED,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    OTHER_OFFICE,
    STATION,
    World,
    a_consent,
    a_patient,
    an_encounter,
    register,
    world,
)

OPEN_TO_ALL = {"/", "/invited", "/sign-in", "/livez", "/readyz", "/openapi.json", "/fhir/metadata", "/fhir/metadata/"}
"""What is there for everybody and tells of nobody; `/` leads on to the person's own page."""
DAY = NOW.date()
OTHER = "131016:0000099999"


def region() -> Region:
    """Give the region of the tests with a person, a proxy, and some whom nothing binds to anybody any more."""
    made = register()

    def power(kind: str = "guardian", until: date = DAY + timedelta(days=300)) -> Power:
        return Power(kind, until, "登記事項証明書")

    people = [
        User("hanako", NETWORK, "山田 花子", "subject", "PATRQT", person=INSURED),
        User("chart", NETWORK, "山田 花子", "subject", "PATRQT", person=f"{HOSPITAL}#0040718"),
        User("stranger", NETWORK, "別の人", "subject", "PATRQT", person=OTHER),
        User("guardian", NETWORK, "後見 守", "proxy", "PATRQT", person=INSURED, power=power()),
        User("late", NETWORK, "後見 済", "proxy", "PATRQT", person=INSURED, power=power(until=DAY - timedelta(days=1))),
        User("daughter", NETWORK, "山田 恵", "proxy", "PATRQT", person=INSURED, power=power("family")),
    ]
    return replace(made, users={**made.users, **{u.id: u for u in people}})


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data", region=region()) as made:
        tree = a_patient()
        tree["identifier"].append({"system": "urn:example:chart", "value": "0040718"})
        made.put(HOSPITAL, tree)
        made.put(HOSPITAL, an_encounter())
        made.put(HOSPITAL, a_consent())
        for user in ("hanako", "chart", "stranger", "guardian", "late", "daughter", "doctor", "clerk"):
            made.sign_in(user)
        yield made


def visible(w: World, organization: str = OFFICE) -> bool:
    with w.hub.store.read() as tx:
        stream = tx.one("SELECT stream FROM resources WHERE type=?", ("Encounter",))[0]
    return w.get(organization, f"/fhir/Encounter/{hub_id(stream)}").status_code == 200


def say(w: World, user: str, act: str, **fields: Any) -> httpx.Response:
    secret = re.search(r'name="csrf" value="([^"]+)"', w.get(user, "/me").text)
    assert secret is not None
    return w.ask("POST", f"/me/say/{act}", by=user, data={"csrf": secret[1], **fields})


# ── who is let to what ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("user", ["hanako", "chart"])
def test_a_person_sees_who_may_see_them_by_number_or_by_chart(w: World, user: str) -> None:
    page = w.get(user, "/me")
    assert page.status_code == 200
    assert "あおば居宅" in page.text
    assert "代わって見ています" not in page.text
    assert 'href="/me/ask/stop?org=' in page.text


@pytest.mark.parametrize("user", ["stranger", "late", "daughter"])
def test_who_is_bound_to_nobody_sees_nothing_and_changes_nothing(w: World, user: str) -> None:
    """A number that nobody bears; a power that has ended; a relative without power by law."""
    assert w.get(user, "/me").status_code == 403
    assert w.get(user, "/me/seen").status_code == 403
    assert w.get(user, "/me/disclosures.json").status_code == 403


def test_a_number_that_two_persons_bear_binds_to_neither(w: World) -> None:
    w.put(OFFICE, a_patient("twin"))
    one, two = (f"Patient/{hub_id(bytes(s))}" for (s,) in _patients(w))
    answer = w.ask("POST", "/links/undo", by=NETWORK, json={"first": one, "second": two, "reason": "別の人でした"})
    assert answer.status_code in {200, 204}
    assert w.get("hanako", "/me").status_code == 403


def _patients(w: World) -> list[Any]:
    with w.hub.store.read() as tx:
        return tx.all("SELECT stream FROM resources WHERE type=? ORDER BY position", ("Patient",))


def test_of_all_pages_and_doors_a_person_and_a_proxy_are_let_to_their_own_alone(w: World) -> None:
    """Every route that answers to GET and names nothing in its path; also one that is added later."""
    paths = {path for door in routes(w.app) for method, _, path in [door.partition(" ")] if method == "GET" and "{" not in path}
    assert {"/board", "/refused", "/consents", "/audit", "/events", "/links"} <= paths
    for user in ("hanako", "guardian"):
        answers = {path: w.get(user, path) for path in paths if not path.startswith("/me")}
        let = {p for p, a in answers.items() if a.status_code not in {401, 403, 404, 410} and a.headers.get("location") != "/sign-in"}
        assert let == OPEN_TO_ALL, user


def test_a_persons_pages_are_not_there_for_staff(w: World) -> None:
    for path in ("/me", "/me/seen", "/me/ask/stop-all", "/me/disclosures.pdf"):
        assert [w.get(user, path).status_code for user in ("doctor", "clerk")] == [404, 404]


def test_the_first_page_of_a_person_is_their_own(w: World) -> None:
    answer = w.get("hanako", "/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")


# ── saying ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_stopping_all_holds_before_the_page_answers_and_a_new_yes_opens_again(w: World) -> None:
    assert visible(w)
    answer = say(w, "hanako", "stop-all")
    assert not visible(w)
    assert "同意書の控え" in answer.text
    assert "ほかのどの組織にも、何も見せません。" in answer.text
    assert "すべて止めています" in w.get("hanako", "/me").text
    assert say(w, "hanako", "share", whom="all").status_code == 200
    assert visible(w)


def test_the_very_first_byte_of_the_answer_comes_after_the_stop(w: World) -> None:
    """Who was permitted until then reads nothing any more when the answer begins."""
    with w.hub.store.read() as tx:
        stay = hub_id(tx.one("SELECT stream FROM resources WHERE type=?", ("Encounter",))[0])
    reader = Asking(Requester(OFFICE, "care-manager", "system"), "CAREMGT", "r", "read")
    assert w.hub.read.read(reader, "Encounter", stay).id == stay
    secret = re.search(r'name="csrf" value="([^"]+)"', w.get("hanako", "/me").text)
    assert secret is not None
    began: list[bool] = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                with pytest.raises(NotFound):
                    await asyncio.to_thread(w.hub.read.read, reader, "Encounter", stay)
                began.append(True)
            await send(message)

        await real(scope, receive, sending)

    real, w.app = w.app, watched  # type: ignore[assignment]  # it stands before the application
    try:
        w.ask("POST", "/me/say/stop-all", by="hanako", data={"csrf": secret[1]})
    finally:
        w.app = real
    assert began == [True]


def test_a_yes_to_some_reaches_these_alone(w: World) -> None:
    say(w, "hanako", "share", whom="listed", recipients=[STATION])
    assert visible(w, STATION)
    assert not visible(w)
    assert say(w, "hanako", "share", whom="listed").status_code == 404  # to nobody named: not a yes to all
    assert not visible(w)


def test_one_organization_is_stopped_whoever_asks_the_person_later(w: World) -> None:
    say(w, "hanako", "stop", org=OFFICE)
    assert not visible(w)
    assert visible(w, STATION)
    w.put(HOSPITAL, a_consent("later", dateTime="2026-11-24T09:00:00+09:00") | {"dateTime": "2026-11-24T09:00:00+09:00"})
    assert not visible(w)
    say(w, "hanako", "unstop", org=OFFICE)
    assert visible(w)


def test_an_organization_that_is_none_is_not_stopped(w: World) -> None:
    assert say(w, "hanako", "stop", org="0000000000").status_code == 404
    assert say(w, "hanako", "stop", org=NETWORK).status_code == 404
    assert w.get("hanako", "/me/ask/nothing").status_code == 404


def test_a_consent_that_a_hospital_took_is_withdrawn_by_the_person(w: World) -> None:
    (reference,) = re.findall(r"/me/consents/([a-z2-7]+)/withdraw", w.get("hanako", "/me").text)
    assert visible(w)
    page = w.get("hanako", f"/me/consents/{reference}/withdraw")
    secret = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert secret is not None
    assert w.ask("POST", f"/me/consents/{reference}/withdraw", by="hanako", data={"csrf": secret[1]}).status_code == 404
    assert visible(w)
    assert w.ask("POST", f"/me/consents/{reference}/withdraw", by="hanako", data={"csrf": secret[1], "sure": "yes"}).status_code == 200
    assert not visible(w)
    assert "取り下げられました" in w.get("hanako", "/me").text


def test_the_wish_for_emergencies_is_kept_and_taken_back(w: World) -> None:
    assert "決めていない" in w.get("hanako", "/me").text
    say(w, "hanako", "refuse-emergency")
    assert "いまの答え：<b>見せない</b>" in w.get("hanako", "/me").text
    assert visible(w)  # what is shown at other times is another matter
    say(w, "hanako", "permit-emergency")
    assert "いまの答え：<b>見てよい</b>" in w.get("hanako", "/me").text
    say(w, "hanako", "unask-emergency")
    assert "いまの答え：<b>決めていない</b>" in w.get("hanako", "/me").text


def test_a_refusal_that_a_hospital_took_is_lifted_by_the_persons_own_yes(w: World) -> None:
    refusing = a_consent("refusing")
    refusing["extension"].append({"url": f"{BASE}/StructureDefinition/consent-emergency", "valueCode": "refuse"})
    refusing["dateTime"] = "2026-02-01"
    w.put(HOSPITAL, refusing)
    assert "いまの答え：<b>見せない</b>" in w.get("hanako", "/me").text
    say(w, "hanako", "permit-emergency")
    assert "いまの答え：<b>見てよい</b>" in w.get("hanako", "/me").text
    assert visible(w)


def test_an_objection_is_recorded_and_taken_back(w: World) -> None:
    say(w, "hanako", "reserve")
    assert "「聞かずに見せないでほしい」と伝えています" in w.get("hanako", "/me").text
    assert visible(w)  # explicit consents stand
    say(w, "hanako", "unreserve")
    assert "と伝えています" not in w.get("hanako", "/me").text


def test_a_form_of_another_session_says_nothing(w: World) -> None:
    assert w.ask("POST", "/me/say/stop-all", by="hanako", data={"csrf": "x"}).status_code == 403
    assert visible(w)


# ── proxies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_proxy_stops_and_permits_inside_the_power(w: World) -> None:
    say(w, "guardian", "stop-all")
    assert not visible(w)
    say(w, "guardian", "share", whom="all")
    assert visible(w)
    with w.hub.store.read() as tx:
        kept = tx.all("SELECT custodian, version FROM resources WHERE type=? AND custodian=?", ("Consent", NETWORK))
    assert [tuple(row) for row in kept] == [(NETWORK, 1), (NETWORK, 2)]


def test_a_proxy_never_lifts_what_the_person_has_refused(w: World) -> None:
    say(w, "hanako", "stop-all")
    say(w, "guardian", "share", whom="all")
    assert not visible(w)
    say(w, "hanako", "share", whom="all")
    say(w, "hanako", "stop", org=OFFICE)
    say(w, "guardian", "unstop", org=OFFICE)
    say(w, "guardian", "share", whom="listed", recipients=[OFFICE])
    assert not visible(w)
    assert visible(w, STATION)


def test_a_proxy_is_shown_no_consent_of_the_person(w: World) -> None:
    page = w.get("guardian", "/me").text
    assert "成年後見人として" in page
    assert "表示できる同意書はありません" in page
    assert "/me/consents/" not in page


def test_nobody_says_anything_about_another_person(w: World) -> None:
    """Not even by the door's own words: whom a Consent is about is judged by the binding, whatever the form says."""
    w.put(OTHER_HOSPITAL, a_patient("other", insured=OTHER))
    with w.hub.store.read() as tx:
        other = hub_id(bytes(tx.one("SELECT stream FROM resources WHERE type=? AND custodian=?", ("Patient", OTHER_HOSPITAL))[0]))
    requester = w.hub.desk.subjects.requester(w.hub.region.users["hanako"])
    with pytest.raises(NotFound):
        w.hub.desk.word.stop_all(Asking(requester, "PATRQT", "r", "write"), other)


# ── who looked ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_sees_which_organizations_looked_and_not_their_own_looks(w: World) -> None:
    visible(w)
    visible(w)
    w.get("hanako", "/me")
    page = w.get("hanako", "/me/seen").text
    assert re.findall(r"<b>([^<]+)</b>　<span class=\"num\">(\d+)</span>回", page) == [("あおば居宅", "2")]
    assert "入退院・訪問" in page


def test_the_signed_disclosure_is_given_to_the_person(w: World) -> None:
    visible(w)
    told = w.get("hanako", "/me/disclosures.json")
    assert told.status_code == 200
    assert "あおば居宅" in told.text
    assert w.get("hanako", "/me/disclosures.pdf").content.startswith(b"%PDF-")
    assert w.get("hanako", "/me/disclosures.exe").status_code == 404


# ── the register ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"role": "subject"}, "users[0].person"),
        ({"role": "subject", "person": "12"}, "users[0].person"),
        ({"role": "subject", "person": "9999999999#1"}, "users[0].person"),
        ({"role": "proxy", "person": INSURED}, "users[0].power"),
        ({"role": "proxy", "person": INSURED, "power": {"kind": "neighbour", "until": "2027-01-01", "document": "紙"}}, "users[0].power"),
        ({"role": "proxy", "person": INSURED, "power": {"kind": "guardian", "until": "いつか", "document": "紙"}}, "users[0].power.until"),
        ({"role": "clerk", "person": INSURED}, "users[0].role"),
        ({"role": "subject", "person": INSURED, "organization": HOSPITAL}, "users[0].person"),
    ],
)
def test_a_person_in_the_register_is_bound_to_somebody_or_refused_with_its_place(more: dict[str, Any], place: str) -> None:
    organizations = [(NETWORK, "network"), (HOSPITAL, "hospital")]
    tree = {
        "name": "地域", "edition": "2026-11-01", "network": NETWORK,
        "organizations": [{"code": c, "name": k, "kind": k, "purpose": "TREAT"} for c, k in organizations],
        "users": [{"id": "u", "organization": NETWORK, "name": "人", "purpose": "PATRQT", **more}],
    }  # fmt: skip
    with pytest.raises(Broken) as caught:
        parse_region(tree)
    assert caught.value.issues[0].where == place


# ── the printed confirmation of what is taken back ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "taken_back", "words"),
    [
        ("stop", "unstop", "あおば居宅にも見せない、という届けは取り消されています。"),
        ("reserve", "unreserve", "すべての組織についての異議は、取り消されています。"),
        ("refuse-emergency", "unask-emergency", "緊急のときについてのお答えは、取り消されています。"),
    ],
)
def test_the_sheet_of_a_refusal_that_is_taken_back_does_not_say_that_nobody_is_shown_anything(
    w: World, said: str, taken_back: str, words: str
) -> None:
    say(w, "hanako", said, org=OFFICE)
    sheet = say(w, "hanako", taken_back, org=OFFICE).text
    assert words in sheet
    assert "これによっては、だれにも見せません" not in sheet
    assert visible(w)


# ── what was said stays to be taken back ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("user", ["hanako", "guardian"])
def test_what_was_said_is_taken_back_however_many_records_the_person_has_by_then(w: World, user: str) -> None:
    """Which of them is the first changes as others record the person."""
    say(w, user, "stop", org=OFFICE)
    for custodian in (OTHER_HOSPITAL, STATION, OTHER_OFFICE):
        w.put(custodian, a_patient())
    assert not visible(w)
    assert say(w, user, "unstop", org=OFFICE).status_code == 200
    assert visible(w)


def test_a_refusal_in_a_consent_that_another_replaced_is_told_and_lifted_by_the_persons_own_yes(w: World) -> None:
    """A later paper that did not ask about emergencies takes no refusal back, nor does the page hide it."""
    refusing = a_consent("refusing", status="active") | {"dateTime": "2026-02-01"}
    refusing["extension"] = [*refusing["extension"], {"url": f"{BASE}/StructureDefinition/consent-emergency", "valueCode": "refuse"}]
    w.put(HOSPITAL, refusing)
    w.put(HOSPITAL, a_consent("later") | {"dateTime": "2026-03-01"})
    assert "いまの答え：<b>見せない</b>" in w.get("hanako", "/me").text
    say(w, "hanako", "permit-emergency")
    assert "いまの答え：<b>見てよい</b>" in w.get("hanako", "/me").text
    assert visible(w)


def test_who_says_yes_to_all_again_still_excepts_whom_the_paper_excepted(w: World) -> None:
    role = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
    excepted = {"type": "deny", "actor": [{"role": role, "reference": {"identifier": {"system": INSTITUTION, "value": OTHER_HOSPITAL}}}]}
    w.put(HOSPITAL, a_consent(provision=[excepted]) | {"dateTime": "2026-02-01"})
    assert (visible(w), visible(w, OTHER_HOSPITAL)) == (True, False)
    assert "前に除いた所には、見せません" in w.get("hanako", "/me/ask/share").text
    for _ in range(2):
        say(w, "hanako", "stop-all")
        assert not visible(w)
        sheet = say(w, "hanako", "share").text
        assert "にし病院" in sheet
        assert (visible(w), visible(w, OTHER_HOSPITAL)) == (True, False)
    say(w, "hanako", "share", whom="listed", recipients=OTHER_HOSPITAL)
    assert (visible(w), visible(w, OTHER_HOSPITAL)) == (False, True)
