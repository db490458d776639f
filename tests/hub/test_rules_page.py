"""地域の定め: what is agreed is no secret to those who are signed in, edition by edition, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from consent.networks import default_network, delivered
from consent.words import sees_words, word
from hub.views import rules
from tests.hub.world import HOSPITAL, World, world


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data") as made:
        for user in ("officer", "doctor", "manager"):
            made.sign_in(user)
        yield made


@pytest.mark.parametrize("user", ["officer", "doctor", "manager"])
def test_everybody_who_is_signed_in_reads_the_edition_of_now(w: World, user: str) -> None:
    page = w.get(user, "/rules")
    assert page.status_code == 200
    for words in (
        "2026-07-01（いま）",
        "民生委員・児童委員",
        "知らせ（Patient・Communication・Flag）を出すだけ",
        "240 分まで",
        "社会福祉法（昭和26年法律45号） 106条の6",
    ):
        assert words in page.text, words


def test_an_earlier_edition_is_read_by_its_name(w: World) -> None:
    page = w.get("officer", "/rules?edition=2026-04-01").text
    assert "民生委員" not in page
    assert "2026-07-01（いま）" in page
    assert w.get("officer", "/rules?edition=2020-01-01").status_code == 404


def test_nobody_else_reads_them(w: World) -> None:
    assert w.get("", "/rules").status_code == 303
    assert w.get("", "/rules.json").status_code == 401


@pytest.mark.parametrize("by", [HOSPITAL, "manager"])
def test_programs_read_all_editions_as_they_are_written(w: World, by: str) -> None:
    told = w.get(by, "/rules.json").json()
    assert told == {"now": "2026-07-01", "editions": [e.tree for e in delivered().editions]}


def test_every_code_of_the_rules_has_its_words() -> None:
    made = default_network()
    codes = [("kind", kind) for kind in made.purposes_by_kind] + [("role", role) for role in made.ceiling]
    codes += [("purpose", purpose) for purposes in made.purposes_by_kind.values() for purpose in purposes]
    assert [pair for pair in codes if word(*pair) == (pair[1], pair[1])] == []
    assert [one for allowed in made.ceiling.values() for one in allowed if sees_words(one)[0].isascii()] == []
    assert sees_words("X.drug")[0] == "薬（機微の区分 R）"
    assert sees_words("V.drug")[0] == "薬（機微の区分 V）"
    assert word("kind", "school") == ("school", "school")


def test_a_posting_and_a_new_member_are_shown_by_name() -> None:
    tree = {**delivered().editions[-1].tree}
    tree["implied"] = {
        **tree["implied"],
        "posted": [{"organization": "x", "code": "掲示 1", "purposes": ["TREAT"], "since": "2026-09-01", "document": "ab" * 32}],
    }
    tree["members"] = [{"organization": "x", "joined": "2026-10-01"}]
    made = {table.title: table.rows for table in rules.tables(tree, lambda code: f"名 {code}")}
    assert made["掲示している目的"] == [("名 x", "掲示 1", "診療", "2026-09-01", "終わりなし", "ab" * 32)]
    assert made["あとから加わった会員"] == [("名 x", "2026-10-01", "まだ")]
