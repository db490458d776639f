"""The officer's desk as an officer uses it, against a running demo: searching, why, asking what nobody asked, settling what was unusual."""

from __future__ import annotations

import json
import time

import pytest

from tests.browser.test_pages_of_the_demo import kept, sign_in
from tests.oracle.served import demo

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def described():
    with demo() as said:
        yield said


@pytest.fixture(scope="module")
def person():
    """The main person of the story, by what an officer would type from a letter."""
    from datetime import datetime

    from hub.demo.region.write import region
    from hub.demo.story import NOW

    return json.loads(region(seed=1, now=datetime.fromisoformat(NOW))["story.json"])["person"]


def choose(page, person):
    if not page.get_by_label("お名前（かな）").is_visible():
        page.get_by_text("本人をさがして選ぶ").click()
    page.get_by_label("お名前（かな）").fill(person["kana"])
    page.get_by_label("生年月日（西暦）").fill(person["birth"])
    page.get_by_role("button", name="この方を選ぶ").first.click()
    page.wait_for_load_state()


def test_a_care_manager_without_consent_looks_in_vain_again_and_again(page, described, person):
    """What the officer will find below: ten refusals of one user within an hour."""
    sign_in(page, described, "care-manager-momiji")
    for _ in range(10):
        page.goto(f"{described['base']}/emergency")
        page.get_by_label("お名前（かな）").fill(person["kana"])
        page.get_by_label("生年月日（西暦）").fill(person["birth"])
        page.get_by_label("生年月日（西暦）").press("Enter")
        page.wait_for_load_state()
    assert "見つかりませんでした" in page.content()


def test_the_officer_searches_by_a_name_that_stands_in_no_address(page, described, person, artefacts):
    sign_in(page, described, "privacy-officer")
    kept(page, artefacts, "officer-home")
    page.get_by_role("navigation").get_by_role("link", name="開示の記録").click()
    choose(page, person)
    assert page.locator(".chosen b").inner_text().startswith("P-")
    page.get_by_label("結果").select_option("deny")
    page.get_by_role("button", name="さがす", exact=True).click()
    page.locator(".decisions").wait_for()
    assert {one.strip() for one in page.locator("td[data-label='結果と根拠'] .chip").all_inner_texts()} <= {
        "見えない",
        "届けない",
        "受け取らない",
        "開かない",
    }
    for part in (person["kana"], person["birth"], person["kana"].replace(" ", "")):
        assert part not in page.url
    assert person["kana"] not in page.locator("table.decisions").inner_text()
    kept(page, artefacts, "officer-search")


def test_the_officer_sees_why_it_was_not_seen_and_asks_what_nobody_asked(page, described, person, artefacts):
    sign_in(page, described, "privacy-officer")
    page.get_by_role("navigation").get_by_role("link", name="開示の記録").click()
    choose(page, person)
    page.get_by_label("結果").select_option("deny")
    page.get_by_role("button", name="さがす", exact=True).click()
    page.locator(".decisions a").first.click()
    page.get_by_role("link", name="その時点で判断しなおす").click()
    page.get_by_text("同じ結果").wait_for()
    assert page.get_by_text("開くには：").first.is_visible()
    kept(page, artefacts, "officer-why")
    page.get_by_role("link", name="条件を変えて問う").click()
    page.get_by_text("見えなかった").first.wait_for()
    page.get_by_label("何を", exact=True).select_option("AllergyIntolerance")
    page.get_by_role("button", name="確かめる").click()
    page.get_by_role("heading", name="答え").wait_for()
    assert "AllergyIntolerance" in page.url
    kept(page, artefacts, "officer-ask")


def test_the_officer_settles_what_was_unusual(page, described, artefacts):
    sign_in(page, described, "privacy-officer")
    for _ in range(50):
        page.goto(f"{described['base']}/audit/unusual")
        if page.locator("table.decisions").count():
            break
        time.sleep(0.1)
    kept(page, artefacts, "officer-unusual")
    page.locator("tr", has_text="断られています").locator("a").first.click()
    page.get_by_label("わかったこと").fill("本人に聞いた。受け入れの前に、番号を何度も確かめていた。")
    kept(page, artefacts, "officer-unusual-one")
    page.get_by_role("button", name="わけを確認した").click()
    page.get_by_text("番号を何度も確かめていた").wait_for()
    page.get_by_role("link", name="一覧へもどる").click()
    page.get_by_role("link", name="わけを確認").click()
    page.get_by_text("断られています").first.wait_for()


@pytest.mark.parametrize(("place", "heading"), [("expiring?within=90", "切れる同意"), ("months", "月ごとの点検"), ("ask", "問いを立てる")])
def test_the_other_pages_of_the_desk_are_drawn(page, described, artefacts, place, heading):
    sign_in(page, described, "privacy-officer")
    page.goto(f"{described['base']}/audit/{place}")
    page.get_by_role("heading", name=heading).first.wait_for()
    kept(page, artefacts, f"officer-{place.partition('?')[0]}-page")
