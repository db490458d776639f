"""An emergency access from the doctor's form to the officers' desk, and the switch of a disaster, in a running demo: with a picture of each page kept."""

from __future__ import annotations

import pytest

from tests.browser.test_pages_of_the_demo import kept, person, sign_in
from tests.oracle.served import demo

pytestmark = pytest.mark.browser
__all__ = ["person"]


@pytest.fixture(scope="module")
def described():
    with demo() as said:
        yield said


def code(page) -> str:
    return page.locator(".demo .code b").inner_text()


def fits(page) -> None:
    """Nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def find(page, who) -> None:
    page.get_by_role("navigation").get_by_role("link", name="急変時").click()
    page.get_by_label("お名前（かな）").fill(who["kana"])
    page.get_by_label("生年月日（西暦）").fill(who["birth"])
    page.get_by_label("生年月日（西暦）").press("Enter")
    page.locator("[aria-labelledby=h-results]").get_by_role("link", name="急変時を開く").click()
    page.wait_for_load_state()


def test_a_doctor_opens_sees_it_listed_and_closes_it(page, described, person, artefacts):
    sign_in(page, described, "er-doctor")
    find(page, person["person"])
    if not page.get_by_label("理由").count():
        page.get_by_role("link", name="緊急開示").click()
    page.get_by_label("理由").fill("救急搬送。呼びかけに反応が弱く、付き添いなし。")
    page.get_by_label("ご本人をどう確かめましたか").select_option("companion")
    page.get_by_text("必要性：").click()
    page.get_by_text("同意の困難：").click()
    page.get_by_label("確認コード").fill(code(page))
    kept(page, artefacts, "urgent-form")
    page.get_by_role("button", name="緊急開示を始める").click()
    page.get_by_text(person["expect"]["allergy"]).first.wait_for()
    page.get_by_role("navigation").get_by_role("link", name="急変時").click()
    page.get_by_text("いま開いている緊急開示").wait_for()
    fits(page)
    kept(page, artefacts, "urgent-mine")
    page.locator(".mine").get_by_role("button", name="閉じる").click()
    page.wait_for_load_state()
    assert page.locator(".mine").count() == 0
    find(page, person["person"])
    assert person["expect"]["allergy"] not in page.content()


def test_the_officer_reads_prints_the_letter_settles_and_asks(page, described, artefacts):
    sign_in(page, described, "privacy-officer")
    page.get_by_role("navigation").get_by_role("link", name="緊急開示の確認").click()
    page.get_by_role("heading", name="緊急開示の確認").wait_for()
    fits(page)
    kept(page, artefacts, "urgent-queue")
    page.locator("table.decisions tbody a").first.click()
    page.get_by_text("理由（開いた人が入力）").wait_for()
    assert "付き添いなし" in page.locator("main").inner_text()
    fits(page)
    kept(page, artefacts, "urgent-one")
    page.get_by_role("link", name="手紙を印刷する").first.click()
    page.get_by_text("お知らせ").first.wait_for()
    kept(page, artefacts, "urgent-letter")
    page.emulate_media(media="print")
    kept(page, artefacts, "urgent-letter-paper")
    page.emulate_media(media="screen")
    page.go_back()
    page.get_by_role("button", name="郵送した").first.click()
    page.get_by_text("ご本人へ：郵送しました").wait_for()
    page.get_by_label("聞きたいこと、分かったこと").fill("付き添いの方は本当にいませんでしたか。")
    page.get_by_role("button", name="事情を聞く").click()
    page.get_by_text("事情を聞いています").first.wait_for()
    kept(page, artefacts, "urgent-asked")


def test_two_officers_switch_a_disaster_on_and_one_ends_it(page, described, artefacts):
    sign_in(page, described, "privacy-officer")
    page.goto(f"{described['base']}/audit/disasters")
    page.get_by_label("地域").fill("見本市")
    page.locator("fieldset input").first.check()
    page.get_by_label("理由").fill("震度6強。多数の傷病者が運ばれています。")
    page.get_by_label("確認コード").fill(code(page))
    page.get_by_role("button", name="申し出る").click()
    page.get_by_text("もう一人の同意を待っています").wait_for()
    page.context.clear_cookies()
    sign_in(page, described, "second-officer")
    page.goto(f"{described['base']}/audit/disasters")
    page.get_by_label("確認コード").first.fill(code(page))
    kept(page, artefacts, "urgent-disaster-asked")
    page.get_by_role("button", name="同意して始める").click()
    page.locator("aside.alarm").wait_for()
    fits(page)
    kept(page, artefacts, "urgent-disaster-on")
    page.set_viewport_size({"width": 390, "height": 844})
    fits(page)
    page.get_by_role("button", name="いま終える").click()
    page.wait_for_load_state()
    assert page.locator("aside.alarm").count() == 0
