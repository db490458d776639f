"""The tables of the hospital adapter: every row is read, and what the code looks up is there."""

from importlib.resources import files

import pytest

from adapters.hospital.convert import KINDS
from adapters.hospital.tables import keyed, look, rows
from schemas.fhir.resource import read
from schemas.messages import catalogue

TABLES = sorted(
    path.name.removesuffix(".csv") for path in files("adapters.hospital").joinpath("data").iterdir() if path.name.endswith(".csv")
)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_rows_of_one_width_and_names_nothing_twice(table):
    assert rows(table)
    if table != "kinds":  # one kind has several events
        assert len(keyed(table)) == len(rows(table))


def test_every_table_has_its_source():
    sources = files("adapters.hospital").joinpath("data/SOURCES.md").read_text(encoding="utf-8")
    assert [table for table in TABLES if f"`{table}.csv`" not in sources] == []


def test_the_36_kinds_of_ss_mix2_and_the_vital_signs_are_known_by_name():
    assert len({(row["kind"], row["event"]) for row in rows("kinds")}) == 37
    assert KINDS.keys() <= {row["kind"] for row in rows("kinds")}


def test_every_status_of_a_stay_is_one_that_fhir_has():
    for row in rows("kinds"):
        if row["encounter"]:
            body = f'{{"resourceType":"Encounter","status":"{row["encounter"]}","class":{{"code":"IMP"}},"location":[{{"location":{{"display":"x"}},"status":"{row["location"]}"}}]}}'
            read(body.encode())


def test_a_code_that_is_in_no_row_is_nothing():
    assert (look("sex", "F", "gender"), look("sex", "Z", "gender"), look("sex", "", "gender")) == ("female", "", "")


def test_every_rule_of_the_hospital_has_a_number_of_its_area():
    mine = [rule for rule in catalogue() if rule.startswith("HUB-1")]
    text = files("schemas").joinpath("data/messages/hospital.csv").read_text(encoding="utf-8")
    assert mine == sorted(mine)
    assert len(mine) == text.count("\nHUB-")
