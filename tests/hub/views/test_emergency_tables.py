"""The tables of the 急変時 page: each loads, names its sources, and fits the others."""

from datetime import date
from importlib.resources import files
from itertools import pairwise

import pytest

from hub.views.emergency_tables import grouped, keyed, plain, rows, same

FOLDER = files("hub").joinpath("views/data_emergency")
NAMES = sorted(path.name.removesuffix(".csv") for path in FOLDER.iterdir() if path.name.endswith(".csv"))


@pytest.mark.parametrize("name", NAMES)
def test_every_table_loads_and_every_row_names_its_source(name):
    assert all(row["source"] for row in rows(name))
    assert f"{name}.csv" in FOLDER.joinpath("SOURCES.md").read_text(encoding="utf-8")


def test_each_kind_of_warning_has_a_heading():
    kinds = set(keyed("alert_kinds", "kind"))
    assert {row["kind"] for row in rows("alerts")} <= kinds
    assert {row["alert"] for row in rows("devices") if row["alert"]} <= kinds
    assert {"anticoagulant", "antiplatelet", "insulin", "allergy", "caution"} <= kinds


def test_each_code_of_a_sign_belongs_to_a_sign_or_a_state():
    known = set(keyed("vitals", "key")) | {"jcs", "acvpu", "gcs", "spo2_scale", "o2_on"}
    assert set(grouped("vital_codes", "key")) <= known
    assert set(grouped("vital_units", "key")) <= set(keyed("vitals", "key"))


@pytest.mark.parametrize(("part", "step"), [("rr", 1), ("sbp", 1), ("pr", 1), ("bt", 10)])
def test_the_bands_of_a_parameter_leave_no_gap_and_no_overlap(part, step):
    bands = sorted((row for row in rows("news2") if row["parameter"] == part), key=lambda row: float(row["from"] or -1))
    assert (bands[0]["from"], bands[-1]["to"]) == ("", "")
    for low, high in pairwise(bands):
        assert round(float(low["to"]) * step) + 1 == round(float(high["from"]) * step)


def test_each_answer_is_one_of_the_four_words():
    assert {row["wanted"] for row in rows("wish_answers")} == {"希望する", "希望しない", "場合による", "未確認"}


def test_eras_follow_one_another():
    first = [date.fromisoformat(row["first"]) for row in rows("eras")]
    assert first == sorted(first)


def test_a_local_system_is_this_projects_own_and_a_star_is_any():
    assert same("https://tsunagu.example.jp/CodeSystem/x", "local")
    assert not same("http://loinc.org", "local")
    assert same("http://loinc.org", "*")


def test_words_compare_without_width_case_or_blanks():
    assert plain("ＭＲＳＡ 保菌") == plain("mrsa保菌")
