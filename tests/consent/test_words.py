"""Every code that a decision can carry has words; every word is reviewed as data."""

import re
from datetime import date
from pathlib import Path

import pytest

import consent
from consent.tables import keyed, rows
from consent.words import basis_words, ground, ground_codes, ground_name, reason_codes, reason_words, sees_words, step_words, word

SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in Path(consent.__file__).parent.glob("*.py"))
REASONS = sorted(set(re.findall(r'"((?:P|R|D)-[A-Z]+(?:-[A-Z]+)*)"', SOURCE)))
BASES = sorted(set(re.findall(r'"(JP-[A-Z0-9-]+)"', SOURCE)))
STEPS = sorted(set(re.findall(r"[\" ]([a-z]+(?:-[a-z]+)*:(?:[a-z]+(?:-[a-z]+)*|0))(?=[\" ])", SOURCE)))


def test_the_codes_are_found_in_the_source():
    assert {"P-EXPLICIT", "D-BTG-REFUSED", "R-CEILING"} <= set(REASONS)
    assert {"JP-EMERG", "JP-27-1-1-LAW"} <= set(BASES)
    assert {"own:no", "nested:yes", "guard:purpose-unknown", "live:0"} <= set(STEPS)


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_has_words(code):
    japanese, english = reason_words(code)
    assert japanese != code
    assert english.isascii()


@pytest.mark.parametrize("code", BASES)
def test_every_basis_has_words_with_its_article(code):
    assert re.search(r"条|指針|法|第三者", basis_words(code)[0])


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_a_question_and_an_answer(step):
    question, answer = step_words(step)
    assert question.endswith("か")
    assert answer


def test_a_number_of_consents_is_said():
    assert step_words("live:2") == ("いま効いている同意書はあるか", "2件")
    assert step_words("live:0") == ("いま効いている同意書はあるか", "なし")


def test_codes_of_another_edition_stand_for_themselves():
    assert reason_words("D-FUTURE") == ("D-FUTURE", "D-FUTURE")
    assert basis_words("") == ("", "")
    assert step_words("own:9") == ("own:9", "")


def test_the_words_of_the_pages_that_were_drawn():
    assert basis_words("JP-CONSENT")[0].startswith("法27条1項")
    assert basis_words("JP-EMERG")[0].startswith("法27条1項2号")
    assert reason_words("P-OWN")[0] == "自分の組織の記録"
    assert step_words("own:no") == ("自分の組織の記録か", "いいえ")


def test_each_table_of_words_names_its_sources_and_no_code_twice():
    for table, key in (("reasons", "code"), ("basis", "code"), ("steps", "step")):
        assert len(keyed(table, key)) == len(rows(table))
        assert all(value for row in rows(table) for name, value in row.items() if name not in {"article", "since"})


def test_every_basis_names_law_article_edition_and_day():
    found = [ground(code, date(2026, 11, 24)) for code in sorted(ground_codes())]
    assert len(found) == 21
    assert all(one is not None and one.law and one.edition for one in found)
    assert {one.code for one in found if one.since is None} == {"JP-EHR-LAW", "JP-KAIGO-BASE"}, "days that the facts do not know"
    consent = ground("JP-CONSENT", date(2026, 11, 24))
    assert (consent.law, consent.article, consent.since) == ("個人情報の保護に関する法律", "27条1項", date(2023, 4, 1))
    assert "令和5年3月改正" in ground("JP-IMPLIED-CARE", date(2026, 11, 24)).edition


def test_a_basis_is_named_with_the_day_of_its_edition():
    assert ground_name("JP-NW-3COND", date(2026, 11, 24)) == "JP-NW-3COND 2020-03-31"
    assert ground_name("JP-EHR-LAW", date(2026, 11, 24)) == "JP-EHR-LAW"
    assert ground_name("JP-OTHER", date(2026, 11, 24)) == "JP-OTHER"


def test_before_its_first_day_a_basis_is_none():
    assert ground("JP-CONSENT", date(2023, 3, 31)) is None
    assert ground("JP-OTHER", date(2026, 11, 24)) is None


def test_words_for_the_rules():
    assert word("kind", "dentist") == ("歯科診療所", "dental clinic")
    assert word("kind", "school") == ("school", "school")
    assert sees_words("C?")[1] == "clinical detail where the consent names its type"
    assert sees_words("K.task") == ("予定と依頼", "tasks")
    assert sees_words("X.drug") == ("薬（機微の区分 R）", "drugs labelled R")
    assert sees_words("V.drug") == ("薬（機微の区分 V）", "drugs labelled V")


def test_all_reason_codes_are_given_in_the_order_of_their_table():
    assert reason_codes()[0] == "P-EXPLICIT"
    assert len(set(reason_codes())) == len(reason_codes())
