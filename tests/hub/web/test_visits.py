"""受診時の確認 in the browser: who gets there, what is asked, read back, recorded, printed, taken back; and that it goes the way of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consent.networks import read_networks
from hub.names import hub_id
from hub.region import Region
from hub.tables import resources
from tests.hub.doors.reading import offers
from tests.hub.world import (
    HOSPITAL,
    INSURED,
    NETWORK,
    NOW,
    OTHER_HOSPITAL,
    STATION,
    World,
    a_patient,
    an_encounter,
    code,
    parse_region,
    register,
    world,
)

PHARMACY, SUBJECT = code("134000001"), "hanako"
INSURER, NUMBER = INSURED.split(":")
SAID = {"identified": "yes", "agreed": "yes", "form": "written"}
PLACE = "/confirmations"


def region(*, on: bool = True) -> Region:
    """The usual register with people who confirm, one who does not, and the person; the implied path on or off."""
    held = register()
    organizations = [{"code": o.code, "name": o.name, "kind": o.kind, "purpose": held.purposes[o.code]} for o in held.offices.values()]
    users = [
        ("doctor", OTHER_HOSPITAL, "外来 次郎", "doctor", "TREAT"), ("reception", OTHER_HOSPITAL, "受付 五子", "clerk", "TREAT"),
        ("rehab", OTHER_HOSPITAL, "訓練 三郎", "rehabilitation", "TREAT"), ("visiting", STATION, "訪問 四子", "nurse", "TREAT"),
        ("pharmacist", PHARMACY, "調剤 六子", "pharmacist", "TREAT"), ("emergency", HOSPITAL, "救急 花子", "doctor", "TREAT"),
    ]  # fmt: skip
    tree = {
        "name": held.name, "edition": held.edition, "network": held.network,
        "organizations": [*organizations, {"code": PHARMACY, "name": "あさひ薬局", "kind": "pharmacy", "purpose": "TREAT"}],
        "users": [
            *({"id": i, "organization": o, "name": n, "role": r, "purpose": p} for i, o, n, r, p in users),
            {"id": SUBJECT, "organization": NETWORK, "name": "山田 花子", "role": "subject", "purpose": "PATRQT", "person": INSURED},
        ],
    }  # fmt: skip
    posted = [{"organization": HOSPITAL, "code": "掲示 2026-9", "purposes": ["TREAT"], "since": "2026-09-01", "document": "5d" * 32}]
    rules = {"edition": "visits-1", "since": "2026-09-01", "source": "試験", "implied": {"on": on, "posted": posted}}
    return replace(parse_region(tree), rules=read_networks({"2026-09-01.json": json.dumps(rules)}))


class Visit:
    """A person in hospital elsewhere, who stands before the staff of the other hospital."""

    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock
        with w.hub.store.read() as tx:
            self.stay = f"/fhir/Encounter/{hub_id(resources.own(tx, HOSPITAL, 'Encounter')[0].stream)}"

    def found(self, user: str = "doctor") -> list[str]:
        answer = self.w.form(user, f"{PLACE}/find", by="number", insurer=INSURER, insured=NUMBER)
        return re.findall(rf'href="({PLACE}/[a-z0-9]+)"', answer.text)

    def record(self, user: str = "doctor", **more: str) -> Any:
        return self.w.form(user, f"{self.found(user)[0]}/record", **{**SAID, **more})

    def seen(self) -> int:
        return self.w.get(OTHER_HOSPITAL, self.stay).status_code

    def consents(self) -> list[dict[str, Any]]:
        return [e["resource"] for e in self.w.get(OTHER_HOSPITAL, "/fhir/Consent").json().get("entry", ())]


def opened(folder: Path, *, on: bool = True) -> Iterator[Visit]:
    clock = [NOW]
    with world(folder / "data", region=region(on=on), now=lambda: clock[0]) as w:
        for by, tree in (
            (HOSPITAL, a_patient()),
            (HOSPITAL, an_encounter()),
            (OTHER_HOSPITAL, a_patient("p2")),
            (PHARMACY, a_patient("p3")),
        ):
            assert w.put(by, tree).status_code == 201
        for user in w.hub.region.users:
            w.sign_in(user)
        yield Visit(w, clock)


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    yield from opened(tmp_path)


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("user", ["doctor", "reception", "pharmacist"])
def test_who_may_confirm_finds_it_on_the_first_page_and_finds_the_own_person(visit: Visit, user: str) -> None:
    assert f'href="{PLACE}"' in visit.w.get(user, "/").text
    assert visit.w.get(user, PLACE).status_code == 200
    (place,) = visit.found(user)
    assert "ご本人に伝えること" in visit.w.get(user, place).text


@pytest.mark.parametrize("user", ["rehab", "visiting"])
def test_other_roles_and_kinds_are_shown_no_way_and_find_no_door(visit: Visit, user: str) -> None:
    assert PLACE not in visit.w.get(user, "/").text
    (place,) = visit.found()
    for method, path in (("GET", PLACE), ("GET", place)):
        answer = visit.w.ask(method, path, by=user)
        assert (answer.status_code, "HUB-3053" in answer.text or "決められた役割" in answer.text) == (403, True)
    for path in (f"{PLACE}/find", f"{place}/check", f"{place}/record"):
        assert visit.w.form(user, path, **SAID).status_code == 403
    assert visit.consents() == []


def test_whom_only_another_organization_has_is_not_found(visit: Visit) -> None:
    visit.w.put(HOSPITAL, a_patient("q1", insured="131016:0000099999"))
    answer = visit.w.form("doctor", f"{PLACE}/find", by="number", insurer="131016", insured="0000099999")
    assert "見つかりませんでした" in answer.text
    (own,) = visit.found("pharmacist")
    assert visit.w.get("doctor", own).status_code == 404  # a reference of another organization


def test_the_way_there_is_offered_by_role_and_rules_whether_or_not_something_is_closed(visit: Visit) -> None:
    link = f'href="{PLACE}"'
    for kana, birth in (("やまだ はなこ", "1938-05-02"), ("だれも いない", "1900-01-01")):
        page = visit.w.form("doctor", "/emergency/find", by="name", kana=kana, birth=birth).text
        assert page.count("受診時の確認へ") == 1
        assert "受診時の確認へ" not in visit.w.form("visiting", "/emergency/find", by="name", kana=kana, birth=birth).text
    page = visit.w.form("doctor", "/emergency/find", by="name", kana="やまだ はなこ", birth="1938-05-02").text
    (person,) = set(re.findall(r'href="(/emergency/[a-z0-9]+)"', page))
    before = visit.w.get("doctor", person).text.partition("<footer")[2]
    assert link in before
    visit.record()
    assert link in visit.w.get("doctor", person).text.partition("<footer")[2]
    desk = visit.w.form("doctor", "/consents/find", by="number", insurer=INSURER, insured=NUMBER).text
    (file,) = re.findall(r'href="(/consents/[a-z0-9]+)"', desk)
    assert f'href="{visit.found()[0]}"' in visit.w.get("doctor", file).text


def test_where_the_rules_do_not_use_it_nobody_is_led_there_and_the_page_says_so(tmp_path: Path) -> None:
    for visit in opened(tmp_path, on=False):
        assert PLACE not in visit.w.get("doctor", "/").text
        assert "受診時の確認へ" not in visit.w.get("doctor", "/emergency").text
        assert "見えるようになるものはありません" in visit.w.get("doctor", visit.found()[0]).text


# ── what is asked, read back, recorded ───────────────────────────────────────────────────────────────────────────────


def test_it_is_read_back_recorded_printed_and_opens_the_day(visit: Visit) -> None:
    (place,) = visit.found()
    back = visit.w.form("doctor", f"{place}/check", **SAID).text
    assert "にし病院が、2026-11-24 の受診のために、目的を掲示しているほかの組織の記録を見られます。" in back
    assert "慎重に扱う情報（R・V の印）は、見せません。" in back
    assert "2026-11-24 まで" in back
    assert (visit.consents(), visit.seen()) == ([], 404)  # nothing is recorded yet
    assert "multipart" not in back  # it has no papers
    (shown,) = [one for one in offers(back)[1] if one.action == f"{place}/record"]
    answer = visit.w.form("doctor", shown.action, **{name: values[0] for name, values in shown.fields.items() if name != "csrf"})
    assert answer.status_code == 303
    assert visit.seen() == 200
    printed = visit.w.get("doctor", answer.headers["location"]).text
    for told in ("受診時の確認の控え", "山田", "2026-11-24 10:00（書面）", "外来 次郎", "2026-11-24 まで", "効いています", "にし病院"):
        assert told in re.sub(r"<rt>.*?</rt>|<[^>]+>", "", printed), told
    visit.clock[0] = datetime.fromisoformat("2026-11-25T00:00:00+09:00")
    assert visit.seen() == 404
    assert "期限が過ぎました" in visit.w.get("doctor", answer.headers["location"]).text
    assert "記録した確認" not in visit.w.get("doctor", place).text


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"identified": ""}, ("ご本人であることが確かめられていません",)), ({"agreed": ""}, ("ご本人の同意が確かめられていません",)),
        ({"form": ""}, ("同意の形",)), ({"form": "x"}, ("同意の形",)), ({"agreed": "no", "form": ""}, ("ご本人の同意が確かめられていません", "同意の形")),
    ],
)  # fmt: skip
def test_what_was_not_done_is_told_beside_its_field_and_nothing_is_recorded(
    visit: Visit, missing: dict[str, str], words: tuple[str, ...]
) -> None:
    (place,) = visit.found()
    for step in ("check", "record"):
        answer = visit.w.form("doctor", f"{place}/{step}", **{**SAID, **missing})
        assert answer.status_code == 422
        for name, told in zip(missing, words, strict=True):
            beside = re.search(rf'id="wrong-{name}">([^<]+)<span class="en" lang="en">([^<]+)', answer.text)
            assert beside is not None
            assert told in beside[1]
            assert re.match(r"[A-Z]", beside[2])
        assert len(re.findall('class="wrong"', answer.text)) == len(missing)
        for name, value in SAID.items():  # what was filled in stays
            if name not in missing:
                assert re.search(rf'name="{name}" value="{value}"[^>]* checked', answer.text)
    assert visit.consents() == []


def test_page_and_api_record_the_same(visit: Visit) -> None:
    visit.record()
    sent = {"patient": "Patient/p2", "csrf": visit.w.secret("doctor"), "identified": True, "agreed": True, "form": "written"}
    assert visit.w.ask("POST", PLACE, by="doctor", json=sent).status_code == 201
    one, two = ({k: v for k, v in tree.items() if k not in {"id", "meta"}} for tree in visit.consents())
    assert one == two


@pytest.mark.parametrize("told", [{"identified": False}, {"agreed": False}, {"agreed": "true"}, {"form": "x"}, {"form": None}])
def test_the_api_refuses_what_the_page_refuses(visit: Visit, told: dict[str, Any]) -> None:
    sent = {"patient": "Patient/p2", "csrf": visit.w.secret("doctor"), **told}
    answer = visit.w.ask("POST", PLACE, by="doctor", json=sent)
    rule = {"identified": "HUB-5224", "agreed": "HUB-5225", "form": "HUB-5226"}[next(iter(told))]
    assert (answer.status_code, rule in answer.text) == (422, True)


def test_a_form_that_was_not_drawn_for_this_session_records_nothing(visit: Visit) -> None:
    (place,) = visit.found()
    assert visit.w.ask("POST", f"{place}/record", by="doctor", data={"csrf": "x", **SAID}).status_code == 403
    assert visit.consents() == []


# ── taking back ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("user", ["doctor", "reception"])
def test_it_is_taken_back_before_the_page_answers_by_any_colleague_who_may_confirm(visit: Visit, user: str) -> None:
    visit.record()
    (place,) = visit.found(user)
    (action,) = re.findall(r'action="([^"]+/withdraw)"', visit.w.get(user, place).text)
    assert visit.w.form(user, action).status_code == 404  # not sure
    assert visit.seen() == 200
    assert visit.w.form(user, action, sure="yes").status_code == 303
    assert visit.seen() == 404
    page = visit.w.get(user, place).text
    assert "取り下げられました" in page
    assert "/withdraw" not in page
    assert visit.w.form(user, action, sure="yes").status_code == 404  # once


def test_a_confirmation_that_was_taken_back_brings_no_earlier_one_back_and_a_new_one_holds(visit: Visit) -> None:
    visit.record()
    visit.clock[0] += timedelta(minutes=10)
    second = visit.record().headers["location"].removesuffix("/print")
    assert visit.w.form("doctor", f"{second}/withdraw", sure="yes").status_code == 303
    assert visit.seen() == 404
    visit.clock[0] += timedelta(minutes=10)
    visit.record()
    assert visit.seen() == 200


def test_other_consents_are_none_of_this_door(visit: Visit) -> None:
    from tests.hub.world import a_consent

    assert visit.w.put(OTHER_HOSPITAL, a_consent("k2", patient="Patient/p2")).status_code == 201
    desk = visit.w.form("doctor", "/consents/find", by="number", insurer=INSURER, insured=NUMBER).text
    (file,) = re.findall(r'href="(/consents/[a-z0-9]+)"', desk)
    (consent,) = set(re.findall(r"/consents/[a-z0-9]+/([a-z0-9]+)/one", visit.w.get("doctor", file).text))
    place = f"{visit.found()[0]}/{consent}"
    assert visit.w.get("doctor", f"{place}/print").status_code == 404
    assert visit.w.form("doctor", f"{place}/withdraw", sure="yes").status_code == 404
    assert "/withdraw" not in visit.w.get("doctor", visit.found()[0]).text


def test_the_desk_tells_it_as_what_it_is_and_lets_it_be_taken_back_not_changed(visit: Visit) -> None:
    visit.record()
    desk = visit.w.form("reception", "/consents/find", by="number", insurer=INSURER, insured=NUMBER).text
    (file,) = re.findall(r'href="(/consents/[a-z0-9]+)"', desk)
    page = visit.w.get("reception", file).text
    assert "参加するすべての組織" not in page.partition("紙の同意書を書き写す")[0]
    (one,) = set(re.findall(rf'href="({file}/[a-z0-9]+)/one"', page))
    told = visit.w.get("reception", f"{one}/one").text
    assert "受診時の確認" in told
    assert f"{one}/change" not in told
    assert visit.w.form("reception", f"{one}/withdraw", sure="yes").status_code == 303
    assert visit.seen() == 404


def test_the_person_sees_it_and_takes_it_back_themselves(visit: Visit) -> None:
    visit.record()
    visit.clock[0] += timedelta(milliseconds=300)
    page = visit.w.get(SUBJECT, "/me").text
    assert "にし病院が、2026-11-24 の受診のために" in page
    (action,) = re.findall(r'href="(/me/consents/[a-z0-9]+)/withdraw"', page)
    secret = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    assert visit.w.ask("POST", f"{action}/withdraw", by=SUBJECT, data={"csrf": secret, "sure": "yes"}).status_code == 200
    assert visit.seen() == 404
