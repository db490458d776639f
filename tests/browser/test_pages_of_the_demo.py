"""The three main pages as their users use them, against a running demo: by mouse and keyboard, with a picture of each kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.oracle.served import demo

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def described():
    with demo() as said:
        yield said


@pytest.fixture(scope="module")
def person():
    """The main person of the story, by what somebody at the bedside would know."""
    from datetime import datetime

    from hub.demo.region.write import region
    from hub.demo.story import NOW

    return json.loads(region(seed=1, now=datetime.fromisoformat(NOW))["story.json"])


def sign_in(page, described, user):
    links = {r["user"]: r for o in described["organizations"] for r in o["roles"]}
    page.goto(f"{described['base']}/sign-in")
    page.get_by_role("link", name=links[user]["name"]).click()
    page.get_by_role("heading", name=links[user]["name"]).wait_for()


def kept(page, artefacts: Path, name: str) -> None:
    page.screenshot(path=artefacts / f"{name}.png", full_page=True)


def test_a_care_manager_sees_what_is_due_today_and_records_that_it_was_sent(page, described, artefacts):
    sign_in(page, described, "care-manager")
    page.get_by_role("navigation").get_by_role("link", name="入退院").click()
    assert page.locator(".demo").is_visible()
    row = page.locator("tr", has=page.get_by_text("きょうまで")).first
    stay = row.locator("a.name").get_attribute("href")
    kept(page, artefacts, "demo-board")
    row.get_by_role("button", name="送付を記録する").click()
    page.locator("tr", has=page.locator(f'a.name[href="{stay}"]')).get_by_text("すみ", exact=True).first.wait_for()
    page.locator("a.name").first.click()
    page.locator("#timeline").wait_for()
    kept(page, artefacts, "demo-board-timeline")


def test_a_doctor_without_consent_breaks_the_glass_and_reads_what_matters(page, described, person, artefacts):
    who, expect = person["person"], person["expect"]
    sign_in(page, described, "er-doctor")
    page.get_by_role("navigation").get_by_role("link", name="急変時").click()
    page.get_by_label("お名前（かな）").fill(who["kana"])
    page.get_by_label("生年月日（西暦）").fill(who["birth"])
    page.get_by_label("生年月日（西暦）").press("Enter")
    page.get_by_role("link", name="急変時を開く").click()
    page.wait_for_load_state()
    assert expect["allergy"] not in page.content()
    if not page.get_by_label("理由").count():
        page.get_by_role("link", name="緊急開示").click()
    page.get_by_label("理由").fill("救急搬送。呼びかけに反応が弱く、付き添いなし。")
    page.get_by_label("ご本人をどう確かめましたか").select_option("card")
    page.get_by_text("必要性：").click()
    page.get_by_text("同意の困難：").click()
    page.get_by_label("確認コード").fill(page.locator(".demo .code b").inner_text())
    page.get_by_role("button", name="緊急開示を始める").click()
    page.get_by_text(expect["allergy"]).first.wait_for()
    text = page.locator("main").inner_text()
    for name in ("allergy", "wish", "anticoagulant", "device", "key_person_phone"):
        assert expect[name] in text, name
    assert "DNAR" not in text
    kept(page, artefacts, "demo-emergency")
    page.get_by_role("link", name="A4の紙面を見る").click()
    page.wait_for_load_state()
    kept(page, artefacts, "demo-emergency-sheet")


def test_the_officer_finds_the_emergency_and_reviews_it(page, described, artefacts):
    sign_in(page, described, "privacy-officer")
    page.get_by_role("link", name="開示の記録").first.click()
    page.get_by_text("判断の一覧").first.wait_for(state="attached")
    kept(page, artefacts, "demo-audit")
    page.locator("tr", has_text="緊急開示").first.locator("a").first.click()
    page.locator("#why").wait_for()
    assert "付き添いなし" in page.locator("#why").inner_text()
    page.get_by_role("button", name="正当と確認").click()
    page.locator("#why").get_by_text("正当と確認").wait_for()
    kept(page, artefacts, "demo-audit-reviewed")


def test_a_link_signs_in_once(page, described):
    links = {r["user"]: r["link"] for o in described["organizations"] for r in o["roles"]}
    page.goto(links["helper"])
    assert page.url.rstrip("/") == described["base"]
    page.context.clear_cookies()
    page.goto(links["helper"])
    assert "もう使えません" in page.content()
