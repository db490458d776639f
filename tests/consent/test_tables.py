"""The tables of the package: closed, sourced, each row sound."""

from importlib.resources import files

import pytest

from consent.rules import CONFIDENTIALITY
from consent.tables import keyed, meanings, parse, rows

TABLES = sorted(path.name.removesuffix(".csv") for path in files("consent").joinpath("data").iterdir() if path.name.endswith(".csv"))


@pytest.mark.parametrize("text", ["a,source\n1", "a,source\n1,", "a,source\n1,2,3"], ids=["short", "no source", "long"])
def test_a_ragged_row_or_one_without_a_source_is_refused_with_its_line(text):
    with pytest.raises(ValueError, match=r"x\.csv line 2"):
        parse("x", text)


def test_a_key_twice_is_refused():
    with pytest.raises(ValueError, match="stands twice"):
        keyed("labels", "confidentiality")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_can_be_read_and_is_told_of_in_the_sources(name):
    assert rows(name)
    assert f"{name}.csv" in files("consent").joinpath("data/SOURCES.md").read_text(encoding="utf-8")


def test_no_code_stands_twice_in_its_set():
    keys = [(row["set"], row["system"], row["code"]) for row in rows("codes")]
    assert len(keys) == len(set(keys))
    assert {row["set"] for row in rows("codes")} == {
        "policy", "scope", "action", "role", "purpose", "confidentiality", "sensitivity", "form", "emergency", "proxy",
    }  # fmt: skip


def test_the_levels_of_confidentiality_are_those_that_can_be_compared():
    assert {key.rpartition("|")[2] for key in meanings("confidentiality")} == set(CONFIDENTIALITY)


def test_every_label_of_the_tables_can_be_named_in_a_consent():
    named = {key.rpartition("|")[2] for key in meanings("sensitivity")}
    for table in ("labels", "security"):
        assert {kind for row in rows(table) for kind in row["sensitivities"].split("|") if kind} <= named


def test_every_address_of_a_code_system_stands_once():
    assert len(keyed("systems", "url")) == len(rows("systems"))
    assert {row["match"] for row in rows("systems")} == {"exact", "prefix"}
