"""Every code that a decision can carry has words; every word is reviewed as data."""

import re
from pathlib import Path

import pytest

import consent
from consent.tables import keyed, rows
from consent.words import basis_words, reason_words, step_words

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
        assert all(value for row in rows(table) for value in row.values())
