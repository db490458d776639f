"""Users come in by a passkey that an invitation let them make, once; and what was taken back, was answered before, or belongs elsewhere opens nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from hub.region import Region
from hub.tables import acts
from hub.web import ceremony
from hub.web.app import create_app
from hub.writes.passkeys import Answer
from schemas import events, sign_in_events
from schemas.errors import Denied, NotFound, NotSignedIn
from tests.hub.authenticator import PRESENT, VERIFIED, Authenticator, Browser, b64, options
from tests.hub.test_acts import bodies
from tests.hub.world import HOSPITAL, NETWORK, NOW, World, register, world

BASE = "https://hub.test"


class House:
    """A hub in service under an address of its own, with a clock for each kind of time."""

    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock
        self.app = create_app(replace(w.hub, base=BASE))

    def browser(self) -> Browser:
        return Browser(self.app, BASE, self.w.loop)

    def joined(self, user: str = "doctor", authenticator: Authenticator | None = None) -> tuple[Browser, Authenticator]:
        """Let a user be invited and make a passkey."""
        browser, device = self.browser(), authenticator or Authenticator(BASE)
        answer = self.made(self.w.hub.passkeys.invite(user, None).code, browser, device)
        assert answer.status_code == 200, answer.text
        return browser, device

    def made(self, code: str, browser: Browser, device: Authenticator) -> httpx.Response:
        """Make a passkey by an invitation's code."""
        asked = options(browser.ask("POST", "/invited", code=code))
        return browser.ask("POST", "/invited/passkey", code=code, credential=device.make(asked))

    def came(self, browser: Browser, credential: str) -> bool:
        """Say whether what was posted opened a session."""
        answer = browser.ask("POST", "/sign-in", credential=credential)
        assert (answer.status_code == 303) is ("tsunagu=" in answer.headers.get("set-cookie", "")), answer.text
        assert answer.status_code in {303, 401}
        return answer.status_code == 303


def follow(clock: list[datetime], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let challenges be made and judged by a test's clock."""

    def seconds() -> float:
        return clock[0].timestamp()

    monkeypatch.setattr(ceremony, "time", SimpleNamespace(time=seconds))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    clock = [NOW]
    follow(clock, monkeypatch)
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        yield House(w, clock)


# ── the way in ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_invited_user_makes_a_passkey_is_in_and_comes_back_by_it_without_a_name(house: House) -> None:
    browser, device = house.joined("doctor")
    assert "救急 花子" in browser.ask("GET", "/").text
    browser.form("/sign-out")
    assert browser.ask("GET", "/").headers["location"] == "/sign-in"
    house.clock[0] += timedelta(seconds=5)
    another = house.browser()
    assert house.came(another, device.answer(options(another.ask("GET", "/sign-in"))))
    assert another.ask("GET", "/board").status_code == 200


def test_the_session_is_the_users_and_each_step_is_recorded_before_it_is_given(house: House) -> None:
    browser, device = house.joined("doctor")
    house.clock[0] += timedelta(seconds=5)
    house.came(browser, device.answer(options(browser.ask("GET", "/sign-in"))))
    (invited,), (made,) = bodies(house.w, sign_in_events.USER_INVITED), bodies(house.w, sign_in_events.PASSKEY_REGISTERED)
    assert (invited.user, invited.by) == ("doctor", "")
    assert (made.user, made.organization) == ("doctor", HOSPITAL)
    assert [(s.user, s.role, s.door) for s in bodies(house.w, events.SIGNED_IN)] == [
        ("doctor", "doctor", "invitation"), ("doctor", "doctor", "passkey"),
    ]  # fmt: skip
    browser.form("/sign-out")
    assert bodies(house.w, events.SIGNED_OUT)[0].door == "passkey"


def test_cookies_are_for_this_site_alone_and_unseen_by_scripts(house: House) -> None:
    browser, _ = house.joined()
    for name, site in (("tsunagu", "lax"), ("tsunagu-browser", "strict")):
        told = browser.attributes[name].lower()
        assert "httponly" in told
        assert "secure" in told
        assert f"samesite={site}" in told


def test_the_log_and_the_tables_hold_neither_the_code_nor_the_seed(house: House) -> None:
    code = house.w.hub.passkeys.invite("doctor", None).code
    page = house.made(code, house.browser(), Authenticator(BASE))
    seed = house.w.hub.secrets.totp_seed("doctor")
    assert " ".join(seed[i : i + 4] for i in range(0, len(seed), 4)) in page.text
    for topic in (sign_in_events.USER_INVITED, sign_in_events.PASSKEY_REGISTERED, events.SIGNED_IN):
        for body in bodies(house.w, topic):
            assert code.replace("-", "") not in repr(body)
            assert seed not in repr(body)


def test_the_seed_of_one_time_codes_is_shown_to_who_needs_them_alone(house: House) -> None:
    for user, shown in (("doctor", True), ("officer", True), ("clerk", False)):
        browser = house.browser()
        page = house.made(house.w.hub.passkeys.invite(user, None).code, browser, Authenticator(BASE))
        assert ("otpauth://totp/" in page.text) is shown
        for path in ("/", "/invited", "/sign-in"):
            assert "otpauth" not in browser.ask("GET", path).text


# ── invitations ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_code_is_taken_with_or_without_hyphens_and_in_small_letters(house: House) -> None:
    code = house.w.hub.passkeys.invite("doctor", None).code
    for typed in (code, code.replace("-", ""), code.lower(), f"  {code.replace('-', ' ')} "):
        assert house.browser().ask("POST", "/invited", code=typed).status_code == 200


def test_an_invitation_serves_once_for_a_week_and_until_the_next(house: House) -> None:
    passkeys = house.w.hub.passkeys
    first = passkeys.invite("doctor", None).code
    second = passkeys.invite("doctor", None).code
    assert house.browser().ask("POST", "/invited", code=first).status_code == 403
    assert passkeys.invited(second).id == "doctor"
    house.clock[0] += timedelta(days=7, seconds=1)
    with pytest.raises(Denied, match="HUB-5230"):
        passkeys.invited(second)
    house.joined("doctor")
    for code in ("", "x", second):
        assert house.browser().ask("POST", "/invited", code=code).status_code == 403


def test_of_two_who_use_one_invitation_at_once_one_gets_in(house: House) -> None:
    passkeys = house.w.hub.passkeys
    code = passkeys.invite("doctor", None).code

    def register(number: int) -> bool:
        try:
            passkeys.register(code, Answer(f"key{number}", 0, 1), "AAAA", synced=False, address="")
        except Denied:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(register, range(16))) == 1


def test_a_passkey_that_somebody_has_is_nobody_elses(house: House) -> None:
    _, device = house.joined("doctor")
    browser = house.browser()
    answer = house.made(house.w.hub.passkeys.invite("officer", None).code, browser, device)
    assert answer.status_code == 401
    assert "HUB" not in answer.headers.get("set-cookie", "")
    assert "tsunagu" not in browser.cookies


def test_a_second_invitation_gives_a_second_passkey_beside_the_first(house: House) -> None:
    _, first = house.joined("doctor")
    _, second = house.joined("doctor")
    for device in (first, second):
        house.clock[0] += timedelta(seconds=5)
        browser = house.browser()
        assert house.came(browser, device.answer(options(browser.ask("GET", "/sign-in"))))


# ── what opens nothing ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_serves_once_whatever_browser_brings_it(house: House) -> None:
    browser, device = house.joined()
    house.clock[0] += timedelta(seconds=5)
    answer = device.answer(options(browser.ask("GET", "/sign-in")))
    assert house.came(browser, answer)
    assert not house.came(browser, answer)
    thief = house.browser()
    thief.ask("GET", "/sign-in")
    assert not house.came(thief, answer)
    thief.cookies["tsunagu-browser"] = browser.cookies["tsunagu-browser"]
    assert not house.came(thief, answer)


def test_of_two_who_bring_the_same_answer_at_once_one_gets_in(house: House) -> None:
    _, device = house.joined()
    hub, name = house.w.hub, b64(device.name)
    requester = hub.desk.subjects.requester(hub.region.users["doctor"])
    later = int(house.clock[0].timestamp() * 1000) + 5_000

    def bring(_: int) -> bool:
        try:
            hub.passkeys.signed_in(requester, Answer(name, 0, later), "")
        except NotSignedIn:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(bring, range(16))) == 1


def test_a_challenge_ends_after_five_minutes_and_none_comes_from_the_future(house: House) -> None:
    browser, device = house.joined()
    house.clock[0] += timedelta(seconds=5)
    asked = options(browser.ask("GET", "/sign-in"))
    house.clock[0] += timedelta(minutes=5, seconds=1)
    assert not house.came(browser, device.answer(asked))
    asked = options(browser.ask("GET", "/sign-in"))
    house.clock[0] -= timedelta(seconds=10)
    assert not house.came(browser, device.answer(asked))
    house.clock[0] += timedelta(seconds=12)
    assert house.came(browser, device.answer(asked))


def test_a_challenge_for_making_a_passkey_lets_nobody_sign_in(house: House) -> None:
    browser, device = house.joined()
    code = house.w.hub.passkeys.invite("doctor", None).code
    made = options(browser.ask("POST", "/invited", code=code))
    house.clock[0] += timedelta(seconds=5)
    assert not house.came(browser, device.answer({"challenge": made["challenge"], "rpId": "hub.test"}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://hub.test.example"}, {"origin": "http://hub.test"}, {"flags": PRESENT}, {"flags": VERIFIED}, {"user": b"somebody"},
        {"name": b"unknown-passkey!"}, {"key": None},
    ],
    ids=lambda wrong: next(iter(wrong)) + str(next(iter(wrong.values())))[:8],
)  # fmt: skip
def test_an_answer_that_is_not_for_this_house_or_not_verified_opens_nothing(house: House, wrong: dict[str, Any]) -> None:
    browser, device = house.joined()
    house.clock[0] += timedelta(seconds=5)
    before = dict(browser.cookies)
    for name, value in wrong.items():
        setattr(device, name, Authenticator(BASE).key if name == "key" else value)
    assert not house.came(browser, device.answer(options(browser.ask("GET", "/sign-in"))))
    assert browser.cookies.get("tsunagu") == before["tsunagu"]
    house.w.hub.acts.flush(late=True)
    house.w.hub.writer.work(lambda _: None).result()
    assert bodies(house.w, events.SIGN_IN_REFUSED)[0].door == "passkey"


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "x",
        "{}",
        "null",
        '{"id":1}',
        '{"id":"a","response":{"clientDataJSON":"####"}}',
        '{"id":"é","response":{"clientDataJSON":"e30"}}',
        "[" * 9_000,
    ],
)
def test_nonsense_opens_nothing_and_says_so_plainly(house: House, sent: str) -> None:
    browser = house.browser()
    browser.ask("GET", "/sign-in")
    answer = browser.ask("POST", "/sign-in", credential=sent)
    assert answer.status_code == 401
    assert "パスキーを確かめられませんでした" in answer.text
    assert options(answer)


def test_a_counter_that_went_back_is_a_copy_of_the_passkey(house: House) -> None:
    device = Authenticator(BASE, counter=7)
    browser, _ = house.joined("doctor", device)
    for counter, right in ((7, True), (3, False), (9, True)):  # one more is added at each answer
        house.clock[0] += timedelta(seconds=5)
        device.counter = counter
        assert house.came(browser, device.answer(options(browser.ask("GET", "/sign-in")))) is right


# ── taking back ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_taken_back_ends_open_pages_passkeys_and_invitations_at_once(house: House) -> None:
    browser, device = house.joined("doctor")
    open_ = house.w.hub.passkeys.invite("doctor", None).code
    assert browser.ask("GET", "/board").status_code == 200
    officer, _ = house.joined("officer")
    assert officer.form("/users/revoke", user="doctor").status_code == 303
    assert browser.ask("GET", "/board").headers["location"] == "/sign-in"
    house.clock[0] += timedelta(seconds=5)
    assert not house.came(browser, device.answer(options(browser.ask("GET", "/sign-in"))))
    assert house.browser().ask("POST", "/invited", code=open_).status_code == 403
    assert bodies(house.w, sign_in_events.PASSKEYS_REVOKED)[0].by == "officer"
    again, _ = house.joined("doctor")
    assert again.ask("GET", "/board").status_code == 200
    assert browser.ask("GET", "/board").status_code == 303, "a session of before must not come to life again"


def test_who_is_taken_back_while_they_come_in_has_no_session_afterwards(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the record of a sign-in and its cookie another process may take all back."""

    def taken_back(holder: type[Any]) -> None:
        recorded = holder.signed_in

        def then(*told: Any) -> Any:
            answer = recorded(*told)
            house.w.hub.passkeys.revoke("doctor", None)
            return answer

        monkeypatch.setattr(holder, "signed_in", then)

    _, device = house.joined("doctor")
    house.clock[0] += timedelta(seconds=5)
    browser = house.browser()
    asked = options(browser.ask("GET", "/sign-in"))
    taken_back(type(house.w.hub.passkeys))
    house.came(browser, device.answer(asked))
    assert browser.ask("GET", "/board").headers.get("location") == "/sign-in"
    taken_back(type(house.w.hub.acts))
    invited, _ = house.joined("doctor")
    assert invited.ask("GET", "/board").headers.get("location") == "/sign-in"


def test_who_is_no_longer_registered_does_not_get_in_and_can_be_taken_off_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [NOW]
    follow(clock, monkeypatch)
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        _, device = House(w, clock).joined("doctor")
    held = register()
    without: Region = replace(held, users={name: user for name, user in held.users.items() if name != "doctor"})
    with world(tmp_path / "data", now=lambda: clock[0], region=without) as w:
        house = House(w, clock)
        clock[0] += timedelta(seconds=5)
        browser = house.browser()
        assert not house.came(browser, device.answer(options(browser.ask("GET", "/sign-in"))))
        officer, _ = house.joined("officer")
        assert "登録簿にない方" in officer.ask("GET", "/users").text
        assert officer.form("/users/invite", user="doctor").status_code == 404
        officer.form("/users/revoke", user="doctor")
        assert "登録簿にない方" not in officer.ask("GET", "/users").text


# ── the office ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_networks_office_invites_and_the_sheet_shows_the_code_once(house: House) -> None:
    officer, _ = house.joined("officer")
    sheet = officer.form("/users/invite", user="doctor")
    assert sheet.status_code == 200
    code = sheet.text.partition('<p class="seed num">')[2].partition("</p>")[0]
    assert house.w.hub.passkeys.invited(code).id == "doctor"
    assert f"{BASE}/invited" in sheet.text
    listed = officer.ask("GET", "/users").text
    assert code not in listed
    assert "まで" in listed
    assert bodies(house.w, sign_in_events.USER_INVITED)[-1].by == "officer"


def test_nobody_else_invites_lists_or_takes_back(house: House) -> None:
    doctor, _ = house.joined("doctor")
    for answer in (doctor.ask("GET", "/users"), doctor.form("/users/invite", user="doctor"), doctor.form("/users/revoke", user="officer")):
        assert answer.status_code == 403
    stranger = house.browser()
    for method, path in (("GET", "/users"), ("POST", "/users/invite"), ("POST", "/users/revoke")):
        assert stranger.ask(method, path).headers["location"] == "/sign-in"
    with house.w.hub.store.read() as tx:
        assert {row.topic for row in acts.search(tx, acts.Filter(organization=NETWORK), limit=99)} <= {sign_in_events.USER_INVITED}


def test_a_user_who_is_not_registered_is_not_invited(house: House) -> None:
    with pytest.raises(NotFound, match="HUB-5015"):
        house.w.hub.passkeys.invite("nobody", None)
    with pytest.raises(NotFound, match="HUB-5015"):
        house.w.hub.passkeys.revoke("nobody", None)


# ── where there are none ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("base", "possible"), [
    ("https://tsunagu.example.jp", True), ("http://localhost:8080", True), ("http://tsunagu.example.jp", False), ("http://127.0.0.1:8080", False),
    ("https://192.0.2.7", False), ("https://[2001:db8::1]:8443", False),
])  # fmt: skip
def test_passkeys_want_a_hosts_name_and_tls(house: House, base: str, *, possible: bool) -> None:
    browser = Browser(create_app(replace(house.w.hub, base=base)), base, house.w.loop)
    page = browser.ask("GET", "/sign-in")
    assert page.status_code == 200
    assert ("data-options" in page.text) is possible
    assert ("TSUNAGU_BASE" in page.text) is not possible
    assert (browser.ask("GET", "/invited").status_code == 200) is possible


def test_a_demo_has_no_passkeys_and_says_so(hub_world: World) -> None:
    hub_world.sign_in("officer")
    assert "デモでは、一回限りのリンク" in hub_world.get("officer", "/users").text
    fields = {"csrf": hub_world.secret("officer"), "user": "doctor"}
    assert hub_world.ask("POST", "/users/invite", by="officer", data=fields).status_code == 405
    for method, path in (("GET", "/invited"), ("POST", "/invited"), ("POST", "/invited/passkey"), ("POST", "/sign-in")):
        assert hub_world.ask(method, path).status_code == 405


def test_under_serve_no_one_time_link_is_taken(house: House) -> None:
    link = house.app.state.sessions.link("doctor")
    assert house.browser().ask("GET", f"/sign-in/{link}").status_code == 410
