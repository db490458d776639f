"""The consent desk and a person's own pages in a real browser, against a running demo: by mouse and keyboard, with a picture of each kept."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tests.browser.test_drawn_pages import FAINT, OVERLAPPING
from tests.oracle.served import demo

pytestmark = pytest.mark.browser
PDF = {"name": "consent.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"}
DESK, TELEPHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def described():
    with demo() as said:
        yield said


@pytest.fixture(scope="module")
def person():
    from hub.demo.region.write import region
    from hub.demo.story import NOW

    return json.loads(region(seed=1, now=datetime.fromisoformat(NOW))["story.json"])["person"]


def sign_in(page, described, user):
    links = {r["user"]: r for o in described["organizations"] for r in o["roles"]}
    page.goto(f"{described['base']}/sign-in")
    page.get_by_role("link", name=links[user]["name"]).click()
    page.get_by_role("heading", level=1).wait_for()


def looked_at(page, artefacts, name):
    """Keep a picture at a desk and on a telephone; nothing is faint, nothing runs over its edge."""
    for size, of in (("desk", DESK), ("telephone", TELEPHONE)):
        page.set_viewport_size(of)
        page.screenshot(path=artefacts / f"{name}-{size}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == of["width"], size
        assert page.evaluate(FAINT) == []
        assert page.evaluate(OVERLAPPING) == []
    page.set_viewport_size(DESK)


def find(page, who):
    page.get_by_role("navigation").get_by_role("link", name="同意の窓口").click()
    page.get_by_label("お名前（かな）").fill(who["kana"])
    page.get_by_label("生年月日（西暦）").fill(who["birth"])
    page.get_by_role("button", name="さがす").first.click()
    page.get_by_role("link", name="同意書を開く").click()


def test_a_nurse_writes_a_paper_off_reads_it_back_prints_the_copy_and_withdraws(page, described, person, artefacts):
    sign_in(page, described, "clinic-nurse")
    find(page, person)
    page.get_by_role("heading", name="お預かりしている同意書").wait_for()
    looked_at(page, artefacts, "consents-file")
    page.get_by_role("link", name="名前を挙げた組織だけに見せてよい", exact=True).click()
    page.get_by_role("button", name="読み合わせへ進む").click()
    assert page.get_by_text("見せてよい組織を、一つ以上選んでください。").is_visible()
    looked_at(page, artefacts, "consents-form-problem")
    page.get_by_label("ひばり野中央病院").check()
    page.get_by_label("緊急のときも見せない").check()
    page.get_by_role("button", name="読み合わせへ進む").click()
    assert page.get_by_text("緊急のときも、見せません。").is_visible()
    looked_at(page, artefacts, "consents-check")
    page.get_by_label("紙の写し").set_input_files(PDF)
    page.get_by_role("button", name="記録する").click()
    page.get_by_role("heading", name="同意書の控え").wait_for()
    looked_at(page, artefacts, "consents-print")
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    (artefacts / "consents-print.pdf").write_bytes(printed)
    assert printed.count(b"/Type /Page\n") == 1
    page.evaluate("window.print = () => { window.printed = true; }")
    page.get_by_role("button", name="印刷する").click()
    assert page.evaluate("window.printed")
    page.get_by_role("link", name="戻る").click()
    with page.expect_download() as paper:
        page.get_by_role("link", name="紙の写しを見る").click()
    assert paper.value.suggested_filename == "consent.pdf"
    looked_at(page, artefacts, "consents-one")
    page.get_by_role("link", name="取り下げる").click()
    looked_at(page, artefacts, "consents-withdraw")
    page.get_by_role("button", name="取り下げる").click()
    assert page.get_by_text("取り下げられました").first.is_visible()


def test_the_desk_works_without_script(browser, described, person):
    context = browser.new_context(java_script_enabled=False, locale="ja-JP", viewport=DESK)
    page = context.new_page()
    sign_in(page, described, "network-clerk")
    find(page, person)
    page.get_by_role("link", name="どこにも見せない", exact=True).click()
    page.get_by_role("button", name="読み合わせへ進む").click()
    page.get_by_role("button", name="記録する").click()
    assert page.get_by_role("heading", name="同意書の控え").is_visible()
    assert page.get_by_text("お名前（ご記入ください）").is_visible()
    page.get_by_role("link", name="戻る").click()
    page.get_by_role("link", name="取り下げる").click()
    page.get_by_role("button", name="取り下げる").click()
    assert page.get_by_text("取り下げられました").first.is_visible()
    context.close()


def test_a_person_sees_who_may_see_stops_all_and_says_yes_again(page, described, artefacts):
    sign_in(page, described, "person-wife")
    page.get_by_role("heading", name="いま、だれが見られますか").wait_for()
    looked_at(page, artefacts, "me")
    assert float(page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")) >= 20
    page.get_by_role("link", name="すべて止める").click()
    looked_at(page, artefacts, "me-ask")
    page.get_by_role("button", name="すべて止める").click()
    page.get_by_role("heading", name="同意書の控え").wait_for()
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    page.get_by_role("link", name="戻る").click()
    assert page.get_by_text("すべて止めています。").is_visible()
    page.get_by_role("link", name="見せてよい、にする").click()
    page.get_by_role("button", name="見せてよい、にする").click()
    page.get_by_role("link", name="戻る").click()
    assert page.get_by_text("すべて止めています。").count() == 0
    page.get_by_role("link", name="見た人の一覧").click()
    looked_at(page, artefacts, "me-seen")


def test_a_guardian_sees_by_which_power(page, described, artefacts):
    sign_in(page, described, "guardian-kiyo")
    assert page.get_by_text("成年後見人として、ご本人に代わって見ています。").is_visible()
    looked_at(page, artefacts, "me-guardian")
