"""What the three main pages say, and what they must never suggest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.views.board_shapes import Deadline
from hub.views.emergency_shapes import Wish
from hub.views.shapes import Chip, Line
from hub.web.pages import render
from tests.hub.web import page_models as models
from tests.hub.web.reading import read_page

PAGES = {name: read_page(html) for name, html in models.pages().items()}


def emergency(model, **more):
    return read_page(render.emergency(model, demo=False, csrf="x", **more))


def board(model, **more):
    return read_page(render.board(model, demo=False, csrf="x", **more))


def audit(model, **more):
    return read_page(render.audit(model, demo=False, csrf="x", **more))


# ── 急変時 ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_must_not_be_done_the_wishes_and_whom_to_call_come_first():
    order = [one.get("id") for one in PAGES["emergency-full"].all("section") if one.get("id")]
    assert order == ["alerts", "wishes", "calls", "vitals", "drugs"]


def wish_page(answer):
    return emergency(
        replace(models.KIYO_PAGE, wishes=replace(models.KIYO_PAGE.wishes, wishes=(Wish("心肺蘇生", answer, "2か月前", "みどり医院"),)))
    )


def test_a_wish_looks_the_same_whatever_was_wished_for():
    looks = {
        answer: [(one.tag, one.get("class")) for one in wish_page(answer).by_id("wishes").all()]
        for answer in ("希望する", "希望しない", "場合による")
    }
    assert looks["希望する"] == looks["希望しない"] == looks["場合による"]
    assert not any("good" in (kind or "") or "danger" in (kind or "") for _, kind in looks["希望しない"])


def test_a_refused_treatment_always_stands_beside_the_condition_and_the_confirming_doctor():
    bare = replace(models.KIYO_PAGE.wishes, conditions="", confirm="")
    said = emergency(replace(models.KIYO_PAGE, wishes=bare)).by_id("wishes").words()
    assert "当てはまる状態：記録されていません。" in said
    assert "確かめる医師：記録がありません。治療を控えるには医師の確認が要ります。" in said


def test_wishes_that_nobody_asked_for_are_not_a_refusal():
    said = PAGES["emergency-empty"].by_id("wishes").words()
    assert "まだ聞いていません（未確認）" in said
    assert "治療を望まないという意味ではありません" in said


def test_what_is_not_known_is_never_said_to_be_none():
    said = PAGES["emergency-empty"].words()
    for words in (
        "アレルギーは未確認です（「なし」ではありません）", "薬の記録はありません（「飲んでいない」ではありません）", "意識の記録がありません。「清明」ではありません",
        "電話する相手の記録がありません（未確認）", "合計なし", "（0点ではありません）", "次回の予定の記録なし",
    ):  # fmt: skip
        assert words in said, words
    assert "0剤" not in said
    assert "0件" not in said


def test_allergies_that_were_asked_for_and_not_found_are_said_to_be_none():
    said = emergency(replace(models.NOTHING, allergy_state="none-known", allergies=(Line("なし", "3日前", "中央病院"),))).words()
    assert "なし（確かめた記録あり）" in said
    assert "アレルギーは未確認" not in said


def test_every_line_carries_its_age_and_source_or_says_that_it_has_none():
    tree = emergency(replace(models.NOTHING, problems=(Line("心不全", "12日前", "みどり医院"), Line("喘息"))))
    first, second = tree.with_class("lines")[0].with_class("src")
    assert first.words() == "12日前 みどり医院"
    assert second.words() == "日付の記録なし 出どころの記録なし"


def test_an_old_line_says_so_in_words():
    tree = emergency(replace(models.NOTHING, problems=(Line("認知症", "1年2か月前", "中央病院", old=True),)))
    assert tree.with_class("old")[0].words() == "1年2か月前 中央病院 古い情報"


def test_two_sources_that_differ_stand_side_by_side():
    said = PAGES["emergency-full"].by_id("h-differing").parent.words()
    assert "どちらが正しいか未確認" in said
    assert "フロセミド錠40mg" in said
    assert "フロセミド錠20mg" in said


def test_a_sign_off_its_usual_range_says_on_which_side():
    outside = PAGES["emergency-full"].with_class("outside")
    assert len(outside) == 5
    assert [one.with_class("chip")[0].words() for one in outside][:2] == ["↑ ふだんより高い", "↓ ふだんより低い"]


def test_a_page_opened_by_breaking_glass_says_ground_time_left_and_the_true_state_of_each_notice():
    said = PAGES["emergency-full"].with_class("ground")[0].words()
    assert said == (
        "緊急開示 残り 3時間57分（03:38 に自動で閉じます） 根拠：生命の保護（法27条1項2号） "
        "知らせ：本人（郵送待ち）、個人情報保護責任者（23:38 知らせ済み）表示していないもの：特に慎重に扱う情報 2件"
    )


def test_a_page_whose_time_is_over_does_not_count_on():
    over = replace(models.BROKEN, closes=models.KIYO_PAGE.now - timedelta(minutes=1))
    said = emergency(replace(models.KIYO_PAGE, access=over)).with_class("ground")[0].words()
    assert "時間が過ぎました" in said
    assert "残り" not in said


def test_a_page_opened_by_consent_looks_otherwise_than_one_opened_by_breaking_glass():
    assert not PAGES["emergency-empty"].with_class("broken")
    assert PAGES["emergency-full"].with_class("broken")


def test_a_death_stands_at_the_head():
    assert PAGES["emergency-deceased"].with_class("deceased")[0].words() == "死亡 2026-11-20 04:12（5日前、中央病院）"


def test_nobody_to_call_is_said_as_it_was_recorded():
    said = PAGES["emergency-deceased"].by_id("calls").words()
    assert "家族等：家族等なし（確認 2026-05-01）" in said
    assert "未確認" not in said


def test_a_number_can_be_called_and_its_absence_is_said():
    calls = PAGES["emergency-crowded"].by_id("calls")
    assert "tel:09000004418" in [one.get("href") for one in calls.all("a")]
    assert "tel:09000001234" in [one.get("href") for one in calls.all("a")]
    assert "電話番号の記録なし" in calls.words()


def test_only_links_that_were_given_are_drawn():
    given, none = PAGES["emergency-full"].with_class("actions")[0], PAGES["emergency-deceased"].with_class("actions")[0]
    assert [one.get("href") for one in given.all("a")] == ["/emergency/p-1/sheet", "/emergency/p-1/handover", "/fhir/Patient/p-1/$summary"]
    assert [(one.get("method"), one.get("action")) for one in given.all("form")] == [("post", "/emergency/close")]
    assert not none.all("a", "form")


def test_breaking_glass_is_offered_only_where_it_was_given():
    offered = {
        name: [one.get("href") for one in PAGES[name].with_class("danger") if one.tag == "a"]
        for name in ("emergency-little", "emergency-full")
    }
    assert offered == {"emergency-little": ["/emergency/p-1/open"], "emergency-full": []}


def test_the_sheet_holds_what_the_page_holds():
    page, sheet = PAGES["emergency-full"], PAGES["sheet-full"]
    assert [one.words() for one in page.all("section")] == [one.words() for one in sheet.all("section")]
    assert not sheet.all("header")
    assert "/emergency/p-1" in [one.get("href") for one in sheet.with_class("actions")[0].all("a")]


def test_the_print_button_waits_for_the_script_that_makes_it_work():
    (button,) = [one for one in PAGES["emergency-full"].all("button") if "data-print" in one.attributes]
    assert "hidden" in button.attributes


# ── 入退院 ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_stay_stands_in_the_lane_of_whose_turn_it_is():
    names = {
        key: [one.all("a")[0].words() for one in PAGES["board-full"].with_class(key)[0].all("th") if one.get("scope") == "row"]
        for key in ("mine", "theirs", "between")
    }
    assert {key: len(found) for key, found in names.items()} == {"mine": 3, "theirs": 1, "between": 2}
    assert "岡田" in names["theirs"][0]


def test_an_empty_lane_says_that_it_is_empty():
    assert "いま、あなたの番のものはありません。" in PAGES["board-empty"].words()
    assert "まだ何も届いていません" in PAGES["board-empty"].words()


@pytest.mark.parametrize(
    ("deadline", "said"),
    [
        (models.TODAY, "きょうまで 11-25（水）24:00 まで"),
        (models.OVER, "期限切れ 11-21（土）24:00 まで"),
        (models.SECOND, "2つめの期限 11-26（木）24:00 まで"),
        (models.DONE, "すみ 加算Ⅰで送付ずみ（11-24 16:05）"),
        (models.NO_LIMIT, "期限はありません"),
        (replace(models.TODAY, state="due"), "期限 11-25（水）24:00 まで"),
        (replace(models.OVER, second_until=None), "期限切れ 11-19（木）24:00 まで"),
        (None, "期限はありません"),
    ],
)
def test_a_deadline_says_its_state_in_words(deadline, said):
    row = replace(models.KIYO, deadline=deadline)
    assert board(replace(models.FULL_BOARD, rows=(row,), opened=None)).with_class("due")[0].words().startswith(said)


def test_a_deadline_shows_how_it_was_reckoned_and_by_which_edition():
    cell = PAGES["board-full"].with_class("due")[0]
    assert [one.words() for one in cell.all("details")[0].all("li")] == [" ".join(one.split()) for one in models.REASONING]
    assert "2024年4月の規則" in cell.words()


def test_a_row_leads_to_its_timeline_under_an_opaque_episode():
    assert PAGES["board-full"].with_class("name")[1].get("href") == "/board?episode=e-7k2m#timeline"


def test_a_button_is_a_link_unless_it_changes_something():
    asks = [one for one in PAGES["board-full"].all("form") if one.get("action") == "/stays/e-h8rt/ask"]
    assert [(one.get("name"), one.get("value")) for one in asks[0].all("input")] == [("csrf", models.CSRF), ("episode", "e-h8rt")]
    assert "/stays/e-7k2m/sheet" in [one.get("href") for one in PAGES["board-full"].with_class("btn")]


def test_a_stay_without_a_next_step_has_no_button():
    row = replace(models.KIYO, button="", button_href="")
    assert not board(replace(models.FULL_BOARD, rows=(row,), opened=None)).with_class("btn")


def test_a_struck_entry_of_the_timeline_says_that_it_was_taken_back():
    struck = PAGES["board-full"].with_class("timeline")[0].with_class("struck")[0]
    assert "取り消し" in struck.words()
    assert struck.all("s")[0].words() == "入院（緊急）3階西"


def test_how_far_a_stay_has_come_is_told_in_words_too():
    assert PAGES["board-full"].with_class("steps")[0].get("aria-label") == "9段階のうち2"


def test_an_opened_stay_without_a_deadline_or_a_timeline_says_so():
    said = board(replace(models.FULL_BOARD, opened=replace(models.KIYO, deadline=None), timeline=())).words()
    assert "経過の記録はまだありません。" in said
    assert "期限はありません。" in said


def test_an_overdue_end_that_nobody_knows_is_not_invented():
    unknown = Deadline("kasan", "入院時情報連携加算", "2024年4月の規則", None, None, "overdue", ())
    cell = board(replace(models.FULL_BOARD, rows=(replace(models.KIYO, deadline=unknown),), opened=None)).with_class("due")[0]
    assert cell.words() == "期限切れ入院時情報連携加算（2024年4月の規則）"


def test_the_hint_of_something_newer_stays_hidden_until_there_is_something():
    (hint,) = PAGES["board-full"].with_class("hint")
    assert "hidden" in hint.attributes
    assert hint.get("data-events") == "/events/page"
    assert not PAGES["board-empty"].with_class("hint")


# ── 開示の記録 ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_filter_asks_by_address_and_keeps_what_was_asked():
    (form,) = [one for one in PAGES["audit-full"].all("form") if one.get("method") == "get"]
    assert form.get("action") == "/audit"
    assert [one.get("name") for one in form.all("select", "input")] == [
        "person", "user", "organization", "from", "from_time", "to", "to_time", "outcome", "reason", "purpose", "action",
    ]  # fmt: skip
    assert [one.get("value") for one in form.all("input")] == ["p-318", "", "2026-11-24", "", "2026-11-25", ""]
    assert "P-00318" in form.words()


def test_whom_it_is_about_is_named_in_a_form_that_is_posted():
    forms = [one for one in PAGES["audit-full"].all("form") if one.get("action") == "/audit/person"]
    assert [one.get("method") for one in forms] == ["post", "post"]
    names = [[field.get("name") for field in one.all("input")] for one in forms]
    assert names == [["csrf", "by", "from", "to", "kana", "birth"], ["csrf", "by", "from", "to", "insurer", "insured"]]


def test_who_was_found_is_told_by_pseudonym_and_by_who_holds_records():
    (found,) = PAGES["persons-found"].with_class("found")
    assert [one.get("href") for one in found.all("a")] == ["/audit?person=p-318", "/audit?person=p-319"]
    assert "P-00318" in found.words()
    assert "中央病院、さくら居宅介護支援" in found.words()


def test_a_filter_that_no_list_holds_is_still_told():
    tree = audit(replace(models.EMPTY_AUDIT, filters={"person": "p-777", "outcome": "deny"}))
    assert [one.get("value") for one in tree.all("option") if "selected" in one.attributes] == ["deny"]
    assert "p-777" in [one.get("value") for one in tree.all("input") if one.get("name") == "person"]


def test_a_row_leads_to_its_explanation_and_keeps_the_filter():
    links = [one.get("href") for one in PAGES["audit-full"].with_class("decisions")[0].all("a")]
    assert links[1] == "/audit?person=p-318&from=2026-11-24&to=2026-11-25&why=K7Q2-9DXM-4TRB#why"


def test_a_row_says_who_saw_what_of_whom_and_on_which_ground():
    row = PAGES["audit-full"].with_class("decisions")[0].all("tr")[2]
    assert [one.words() for one in row.all("th", "td")] == [
        "11-24 23:38:40K7Q2-9DXM-4TRB", "森 拓也（医師）中央病院 緊急の診療", "画面の表示：病名、処方、アレルギー ほか6種類P-00318 41件（2件は対象外）",
        "緊急開示 生命の保護同意 第2版（範囲外） 法27条1項2号",
    ]  # fmt: skip


def test_the_explanation_is_headed_by_what_it_explains():
    assert PAGES["audit-full"].by_id("h-why").words().startswith("なぜ見えたか")
    assert PAGES["audit-unseen"].by_id("h-why").words().startswith("なぜ見えなかったか")


def test_the_step_that_decided_is_marked_in_words():
    steps = PAGES["audit-full"].with_class("path")[0].all("li")
    assert [i for i, one in enumerate(steps) if "ここで決まりました" in one.words()] == [3]


def test_only_a_disclosure_that_waits_for_review_can_be_reviewed():
    (form,) = PAGES["audit-full"].with_class("review")
    assert (form.get("method"), form.get("action")) == ("post", "/audit/review")
    assert [(one.get("name"), one.get("value")) for one in form.all("input", "button")] == [
        ("csrf", models.CSRF), ("reference", "K7Q2-9DXM-4TRB"), ("result", "justified"),
    ]  # fmt: skip
    reviewed = audit(replace(models.FULL_AUDIT, why=replace(models.WHY_SEEN, review="正当と確認")))
    assert not reviewed.with_class("review")
    assert reviewed.with_class("reviewed")[0].words() == "正当と確認"
    assert not PAGES["audit-unseen"].with_class("review")


def test_a_proof_that_does_not_hold_is_said_first_in_words():
    tile = PAGES["audit-unseen"].with_class("tiles")[0].with_class("danger")[-1]
    assert tile.words().startswith("記録の証明不一致")


def test_an_officer_with_an_empty_answer_is_told_to_ask_otherwise():
    assert "この条件に当てはまる記録はありません。" in PAGES["audit-empty"].words()
    assert not PAGES["audit-empty"].with_class("why")


def test_a_decision_without_consent_or_article_says_so():
    row = replace(models.UNSEEN, basis="", consents="", outcome=Chip("見えない"))
    assert "同意・条文の適用なし" in audit(replace(models.FULL_AUDIT, rows=(row,), why=None)).with_class("decisions")[0].words()


def test_no_position_of_the_log_stands_outside_the_proof():
    said = audit(replace(models.FULL_AUDIT, why=replace(models.WHY_SEEN, proof={}))).words()
    assert "48213" not in said
    assert "#" not in said
