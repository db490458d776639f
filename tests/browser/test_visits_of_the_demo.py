"""受診時の確認 in a real browser, against a demo whose rules use the implied path: from the first page to the copy, and taken back."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tests.browser.test_consent_desk import DESK, looked_at, sign_in
from tests.oracle.served import demo

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    rules = {"edition": "visits-1", "since": "2026-09-01", "source": "試験", "implied": {"on": True}}
    (folder / "2026-09-01.json").write_text(json.dumps(rules), encoding="utf-8")
    with demo(TSUNAGU_RULES=str(folder)) as said:
        yield said


@pytest.fixture(scope="module")
def person():
    from hub.demo.region.write import region
    from hub.demo.story import NOW

    return json.loads(region(seed=1, now=datetime.fromisoformat(NOW))["story.json"])["person"]


def found(page, who):
    page.get_by_label("お名前（かな）").fill(who["kana"])
    page.get_by_label("生年月日（西暦）").fill(who["birth"])
    page.get_by_role("button", name="さがす").first.click()


def asked(page):
    page.get_by_label("ご本人であることを、確かめました。").check()
    page.get_by_label("ネットワークで照会することに、ご本人がはっきり同意しました。").check()
    page.get_by_label("口頭").check()


def test_a_nurse_asks_the_person_prints_the_copy_and_takes_it_back(page, described, person, artefacts):
    sign_in(page, described, "clinic-nurse")
    looked_at(page, artefacts, "visits-home")
    page.get_by_role("link", name="急変時").first.click()
    found(page, person)
    looked_at(page, artefacts, "visits-from-urgent")
    page.get_by_role("link", name="受診時の確認へ").click()
    found(page, person)
    looked_at(page, artefacts, "visits-found")
    page.get_by_role("link", name="この方の確認へ").click()
    page.get_by_role("heading", name="ご本人に伝えること").wait_for()
    looked_at(page, artefacts, "visits-form")
    page.evaluate("document.querySelector('form[action$=\"/check\"]').noValidate = true")
    page.get_by_role("button", name="読み合わせへ進む").click()
    assert page.locator(".wrong").count() == 3
    looked_at(page, artefacts, "visits-form-problem")
    asked(page)
    page.get_by_role("button", name="読み合わせへ進む").click()
    page.get_by_role("heading", name="読み合わせ").wait_for()
    looked_at(page, artefacts, "visits-check")
    page.get_by_role("button", name="記録する").click()
    page.get_by_role("heading", name="受診時の確認の控え").wait_for()
    looked_at(page, artefacts, "visits-print")
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    (artefacts / "visits-print.pdf").write_bytes(printed)
    assert printed.count(b"/Type /Page\n") == 1
    page.get_by_role("link", name="戻る").click()
    page.get_by_text("取り消す").first.click()
    looked_at(page, artefacts, "visits-recorded")
    page.get_by_role("button", name="取り消す").click()
    assert page.get_by_text("取り下げられました").is_visible()


def test_it_is_recorded_and_taken_back_without_script(browser, described, person):
    context = browser.new_context(java_script_enabled=False, locale="ja-JP", viewport=DESK)
    page = context.new_page()
    sign_in(page, described, "clinic-nurse")
    page.get_by_role("navigation").get_by_role("link", name="受診時の確認").click()
    found(page, person)
    page.get_by_role("link", name="この方の確認へ").click()
    asked(page)
    page.get_by_role("button", name="読み合わせへ進む").click()
    page.get_by_role("button", name="記録する").click()
    assert page.get_by_role("heading", name="受診時の確認の控え").is_visible()
    page.get_by_role("link", name="戻る").click()
    page.get_by_text("取り消す").first.click()
    page.get_by_role("button", name="取り消す").click()
    assert page.get_by_role("button", name="取り消す").count() == 0
    context.close()
