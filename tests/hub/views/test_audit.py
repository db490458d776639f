"""開示の記録: recorded decisions in an officer's words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.ask import Kind, Role
from hub.views import audit
from hub.views.ages import JST
from hub.views.audit_shapes import Decided, Seen
from hub.views.audit_tables import keyed, rows, words
from hub.views.shapes import Chip, Office

NOW = datetime(2026, 11, 25, 10, 42, tzinfo=JST)
HOSPITAL, MANAGER, PHARMACY = "1119900014", "1179900019", "1149900010"
OFFICES = {
    HOSPITAL: Office(HOSPITAL, "中央病院", "hospital"),
    MANAGER: Office(MANAGER, "さくら居宅", "care-manager"),
    PHARMACY: Office(PHARMACY, "みなと薬局", "pharmacy"),
}
PEOPLE = {"u-mori": "森 拓也", "u-nishida": "西田"}
GIVEN, DENIED = ("permit", "P-EXPLICIT"), ("deny", "D-NOTCOVERED")


def seen(kind, how, *masks, number=1):
    return tuple(
        Seen(kind, f"tsu-{kind.lower()}{n}", 1, how[0], how[1], "JP-CONSENT" if how[0] == "permit" else "", masks) for n in range(number)
    )


def a_decision(**more):
    made = Decided(
        reference="K7Q2-9DXM-4TRB", request="req-1", at=datetime(2026, 11, 24, 14, 38, 40, tzinfo=UTC), organization=HOSPITAL, kind="hospital", role="doctor",
        user="u-mori", purpose="TREAT", action="view", person="p-318", pseudonym="P-00318", effect="permit", reason="P-EXPLICIT", basis="JP-CONSENT",
        consents=(("tsu-c1", 2, "permit"),), trail=("guard:ok", "own:no", "live:1", "base:no", "nested:no", "covered:yes", "ceiling:ok"),
        seen=seen("Condition", GIVEN, number=2),
    )  # fmt: skip
    return replace(made, **more)


GLASS = a_decision(
    purpose="ETREAT", reason="P-BTG", basis="JP-EMERG", consents=(("tsu-c1", 2, "not-covered"),),
    trail=("guard:ok", "own:no", "live:1", "base:no", "nested:no", "covered:no", "emergency:asked", "session:ok", "wish:no", "label:ok", "ceiling:ok"),
    seen=(*seen("Condition", ("permit", "P-BTG"), number=3), *seen("Observation", ("redact", "R-BTG-V"), "resource", number=2)), effect="redact",
    typed_reason="救急搬送。付き添いなし", review="waiting", notices=("本人（郵送待ち）",), closes=NOW, proof={"葉": "48213"},
)  # fmt: skip
UNSEEN = a_decision(
    reference="M4TR-22HB", effect="deny", reason="D-NOTCOVERED", basis="", consents=(("tsu-c1", 2, "not-covered"),),
    trail=("guard:ok", "own:no", "live:1", "base:no", "nested:no", "covered:no"), seen=seen("Condition", DENIED, number=3),
)  # fmt: skip


def row(**more):
    return audit.disclosure(a_decision(**more), OFFICES, PEOPLE)


def why(decided):
    return audit.explain(decided, OFFICES, PEOPLE)


def page(decided=(), **more):
    given = {
        "user": "西田（個人情報保護責任者）", "now": NOW, "filters": {}, "organizations": OFFICES, "people": PEOPLE, "persons": [("p-318", "P-00318")], "today": 18204,
        "refused_today": 412, "open_reviews": (), "consents_expiring": 37, "proof_state": "一致", "proof_detail": "10:41:52 署名",
    }  # fmt: skip
    return audit.page(decided, **given | more)


# ── one row ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_says_when_in_tokyo_who_in_which_role_and_of_which_organization():
    told = row()
    assert told.at.isoformat() == "2026-11-24T23:38:40+09:00"
    assert (told.who, told.organization, told.purpose) == ("森 拓也（医師）", "中央病院", "診療")


def test_an_organizations_application_is_no_person():
    assert row(user="", role="system", organization=MANAGER).who == "さくら居宅 アプリ"


def test_who_is_not_registered_any_more_is_named_by_number_and_not_left_out():
    told = row(user="u-gone", organization="1100000001")
    assert told.who == "登録のない利用者 u-gone（医師）"
    assert told.organization == "登録のない組織 1100000001"


def test_a_person_is_named_by_pseudonym_alone():
    assert row().person == "P-00318"
    assert row(person="", pseudonym="", seen=()).person == "特定の本人なし"


def test_a_row_names_the_ground_with_its_article_and_the_version_of_the_consent():
    told = row()
    assert (told.reason, told.reason_code) == ("同意がある", "P-EXPLICIT")
    assert told.basis.startswith("法27条1項")
    assert told.consents == "同意 第2版"


def test_a_consent_that_did_not_permit_says_what_it_did():
    assert row(consents=(("a", 2, "not-covered"), ("b", 1, "deny"))).consents == "同意 第2版（範囲外）、同意 第1版（拒否）"


def test_without_consent_and_basis_nothing_is_said_of_them():
    told = row(consents=(), basis="", reason="D-NOCONSENT", effect="deny")
    assert (told.consents, told.basis) == ("", "")


@pytest.mark.parametrize(
    ("action", "effect", "chip"),
    [
        ("view", "permit", Chip("許可", "good")),
        ("search", "redact", Chip("一部を伏せた", "warn")),
        ("read", "deny", Chip("見えない", "")),
        ("deliver", "permit", Chip("届けた", "good")),
        ("deliver", "deny", Chip("届けない", "")),
        ("write", "permit", Chip("受け取った", "good")),
        ("write", "deny", Chip("受け取らない", "")),
        ("audit", "permit", Chip("許可", "good")),
    ],
)
def test_an_outcome_is_called_by_what_was_done(action, effect, chip):
    assert row(action=action, effect=effect).outcome == chip


def test_an_emergency_disclosure_is_called_so_only_where_something_was_given():
    assert audit.outcome(GLASS) == Chip("緊急開示", "danger")
    assert row(action="emergency", reason="P-BTG", seen=()).outcome == Chip("緊急開示", "danger")
    assert row(action="view", effect="deny", reason="D-BTG-INVALID").outcome == Chip("見えない", "")
    assert row(action="emergency", effect="deny", reason="D-BTG-INVALID").outcome == Chip("見えない", "")
    assert row(action="view", effect="deny", reason="R-BTG-V").outcome == Chip("見えない", "")


def test_what_was_seen_is_named_by_kind_and_the_rest_is_counted():
    all_kinds = [
        *seen("Condition", GIVEN),
        *seen("MedicationRequest", GIVEN),
        *seen("Condition", GIVEN),
        *seen("Device", GIVEN),
        *seen("CarePlan", GIVEN),
    ]
    assert row(seen=tuple(all_kinds)).what == "画面の表示：病名、処方、機器 ほか1種類"


def test_what_was_not_given_is_not_named_beside_what_was():
    assert row(seen=(*seen("Condition", GIVEN), *seen("Observation", DENIED))).what == "画面の表示：病名"
    assert row(seen=seen("Observation", DENIED), effect="deny").what == "画面の表示：測定・観察"


def test_a_kind_that_has_no_word_is_named_as_it_is():
    assert row(seen=seen("VisionPrescription", GIVEN)).what == "画面の表示：VisionPrescription"


@pytest.mark.parametrize(
    ("found", "count"),
    [
        (seen("Condition", GIVEN, number=12), "12件"),
        (seen("Condition", DENIED, number=3), "0件（3件は対象外）"),
        (seen("Condition", GIVEN, number=9) + seen("Observation", ("redact", "R-BTG-V"), "resource", number=2), "9件（2件は対象外）"),
        (seen("Condition", GIVEN) + seen("CarePlan", ("redact", "R-FAMILY"), "family", number=2), "3件（うち2件は一部を伏せた）"),
        (seen("CarePlan", ("redact", "R-FAMILY"), "family") + seen("Condition", DENIED), "1件（うち1件は一部を伏せた、1件は対象外）"),
        ((), "該当なし"),
    ],
)
def test_the_count_says_what_was_given_and_what_was_not(found, count):
    assert row(seen=found).count == count


def test_opening_glass_and_reading_the_record_count_nothing():
    assert row(action="emergency", seen=()).count == ""
    assert row(action="audit", seen=()).count == ""


EFFECTS = st.sampled_from([GIVEN, DENIED, ("redact", "R-FAMILY", "family"), ("redact", "R-BTG-V", "resource")])


@given(st.lists(EFFECTS, max_size=12))
def test_given_and_withheld_always_add_up(kinds):
    found = tuple(one for how in kinds for one in seen("Condition", how[:2], *how[2:]))
    given = sum(audit.gives(one) for one in found)
    assert given == sum(how[0] == "permit" or how[-1] == "family" for how in kinds)
    told = row(seen=found).count
    assert told.startswith(f"{given}件") if found else told == "該当なし"


# ── why ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_path_is_told_step_by_step_in_the_order_of_the_algorithm():
    told = why(UNSEEN)
    assert [question for question, _ in told.steps] == [
        "求めた組織・目的は認められているか", "自分の組織の記録か", "いま効いている同意書はあるか", "全部の拒否があるか", "この組織・内容を除外しているか", "同意の対象の組織・内容か",
    ]  # fmt: skip
    assert told.steps[2][1] == "1件"


@pytest.mark.parametrize(
    ("decided", "question", "answer"),
    [
        (a_decision(), "同意の対象の組織・内容か", "はい"),
        (UNSEEN, "同意の対象の組織・内容か", "いいえ"),
        (GLASS, "緊急開示の条件か", "はい（役割・理由・誓約・二要素・時間）"),
        (a_decision(trail=("guard:ok", "own:yes"), reason="P-OWN"), "自分の組織の記録か", "はい"),
        (a_decision(trail=(*GLASS.trail[:-3], "wish:refused"), effect="deny", reason="D-BTG-REFUSED"), "本人が緊急時の閲覧を断っているか", "はい"),
        (a_decision(trail=(*UNSEEN.trail[:-1], "covered:yes", "form:ok", "ceiling:ok", "family:masked"), effect="redact"), "同意の対象の組織・内容か", "はい"),
        (a_decision(trail=(*UNSEEN.trail[:-1], "covered:yes", "ceiling:out"), effect="deny", reason="D-CEILING"), "役割の範囲の内か", "いいえ"),
        (a_decision(trail=("guard:ok", "live:0", "implied:yes", "reserved:no", "label:masked"), effect="deny", reason="R-LABEL"), "伏せる区分か", "はい（伏せた）"),
    ],
)  # fmt: skip
def test_the_step_that_decided_is_pointed_out(decided, question, answer):
    told = why(decided)
    assert told.steps[told.deciding] == (question, answer)


def test_a_decision_without_a_trail_points_at_nothing():
    told = why(a_decision(trail=()))
    assert (told.steps, told.deciding) == ((), -1)


def test_a_step_of_another_edition_stands_for_itself():
    assert why(a_decision(trail=("own:no", "moon:full"))).steps[-1] == ("moon:full", "")


def test_an_explanation_is_headed_by_what_it_explains():
    assert why(GLASS).heading == "なぜ見えたか"
    assert why(UNSEEN).heading == "なぜ見えなかったか"
    assert why(a_decision(action="deliver", effect="deny")).heading == "なぜ届かなかったか"
    assert why(a_decision(action="write")).heading == "なぜ受け取ったか"


def test_broken_glass_shows_what_was_typed_the_true_notices_and_that_it_waits():
    told = why(GLASS)
    assert (told.typed_reason, told.notices, told.review, told.proof) == (
        "救急搬送。付き添いなし",
        ("本人（郵送待ち）",),
        "確認待ち",
        {"葉": "48213"},
    )
    assert [why(replace(GLASS, review=state)).review for state in ("justified", "question", "")] == ["正当と確認", "事情を聞く", ""]


def test_what_was_left_out_is_told_by_kind_with_its_reason():
    assert why(GLASS).masked == "2件の全体（緊急開示でも伏せる区分）"
    mixed = a_decision(
        seen=(*seen("CarePlan", ("redact", "R-FAMILY"), "family"), *seen("Condition", DENIED, number=2), *seen("Device", GIVEN))
    )
    assert (
        why(mixed).masked
        == "1件は家族について書かれた部分（家族の同意がないため家族の部分を伏せた）、2件の全体（同意の対象になっていない）"
    )
    assert why(a_decision()).masked == ""


def test_the_explanation_names_the_consent_that_the_row_only_counts():
    assert why(GLASS).disclosure.consents == "同意 第2版（範囲外） tsu-c1"


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_keep_the_order_in_which_they_were_found():
    assert [one.reference for one in page([GLASS, UNSEEN]).rows] == ["K7Q2-9DXM-4TRB", "M4TR-22HB"]


def test_one_decision_is_explained_when_its_reference_is_asked_for():
    assert page([GLASS, UNSEEN], why="M4TR-22HB").why.disclosure.reason_code == "D-NOTCOVERED"
    assert page([GLASS, UNSEEN]).why is None


def test_a_decision_that_slid_off_the_page_is_still_explained():
    assert page([GLASS], why="M4TR-22HB", opened=UNSEEN).why.disclosure.reference == "M4TR-22HB"


def test_a_reference_that_nobody_knows_explains_nothing():
    assert page([GLASS], why="ZZZZ-ZZZZ").why is None
    assert page([GLASS], why="ZZZZ-ZZZZ", opened=UNSEEN).why is None


@pytest.mark.parametrize(
    ("opened", "said"),
    [
        ((), ""),
        ((NOW - timedelta(days=2, hours=23), NOW - timedelta(hours=1)), "いちばん古いもの 残り4日"),
        ((NOW - timedelta(days=6, hours=19),), "いちばん古いもの 残り5時間"),
        ((NOW - timedelta(days=7),), "いちばん古いもの 残り0時間"),
        ((NOW - timedelta(days=9),), "いちばん古いもの 期限を2日過ぎています"),
    ],
)
def test_the_oldest_review_says_how_long_it_may_take(opened, said):
    told = page(open_reviews=opened)
    assert (told.reviews_open, told.reviews_oldest) == (len(opened), said)


def test_the_page_carries_what_the_store_counted_and_what_was_asked():
    told = page(filters={"person": "p-318", "from": "2026-11-24"}, more="/audit?below=x")
    assert (told.today, told.refused_today, told.consents_expiring) == (18204, 412, 37)
    assert (told.proof_state, told.proof_detail) == ("一致", "10:41:52 署名")
    assert told.filters == {"person": "p-318", "from": "2026-11-24"}
    assert told.persons == (("p-318", "P-00318"),)
    assert {code for code, _ in told.organizations} == set(OFFICES)
    assert told.more == "/audit?below=x"


def test_the_choices_of_the_filter_are_effects_and_purposes():
    assert [effect for effect, _ in audit.outcomes()] == ["permit", "redact", "deny"]
    assert ("BTG", "緊急開示") in audit.purposes()


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_role_and_every_thing_that_can_be_done_has_its_words():
    assert {row["role"] for row in rows("roles")} == set(get_args(Role))
    assert {row["action"] for row in rows("actions")} == set(get_args(get_type_hints(Decided)["action"]))
    assert {row["kind"] for row in rows("kinds")} <= set(get_args(Kind))


@pytest.mark.parametrize("name", ["roles", "kinds", "purposes", "actions", "types", "masks", "checks"])
def test_no_table_says_a_thing_twice(name):
    assert len(keyed(name, next(iter(rows(name)[0])))) == len(rows(name))


def test_a_table_that_holds_a_key_twice_is_refused():
    with pytest.raises(ValueError, match="stand twice"):
        keyed("patterns", "type")


def test_a_code_without_words_stands_for_itself():
    assert words("purposes", "MOON") == "MOON"
