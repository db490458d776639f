"""SS-MIX2 file names: seven parts, read from both ends since real ones lack some."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.hospital.file_name import FileName, read_file_name


def test_a_name_by_the_rule_has_seven_parts():
    assert read_file_name("004/071/0040718/20260407/ADT-22/0040718_20260407_ADT-22_999999999999999_20260407103215220_01_1") == FileName(
        "0040718", "20260407", "ADT-22", "999999999999999", "20260407103215220", "01", "1"
    )


def test_a_dash_is_nothing_said():
    found = read_file_name("0040718_-_ADT-00_999999999999999_20260401090012345_-_1")
    assert found is not None
    assert (found.day, found.department, found.flag) == ("", "", "1")


@pytest.mark.parametrize(
    ("name", "order", "when", "department"),
    [
        # a content folder of extended storage with no department, the time in fifteen digits
        (
            "0040718_20260101_L-OBSERVATIONS^OBSERVATIONS^99ZL01_000000020260101_202601011500321_1/main_document.hl7",
            "000000020260101",
            "202601011500321",
            "",
        ),
        (
            "0040718_20260408_L-OBSERVATIONS^OBSERVATIONS^99ZL01_2026040806_20260408061000000_01_1/main_document.hl7",
            "2026040806",
            "20260408061000000",
            "01",
        ),
        ("0040718_20260408_OML-11_081251234567800_200802031630123_01_1", "081251234567800", "200802031630123", "01"),
        ("0040718_20260408_OMP-01_A_7_20260408061000000_081_2", "A_7", "20260408061000000", "081"),
    ],
)
def test_names_that_lack_a_part_are_read_from_both_ends(name, order, when, department):
    found = read_file_name(f"storage\\{name}".replace("/", "\\"))
    assert found is not None
    assert (found.patient, found.order, found.when, found.department) == ("0040718", order, when, department)


@pytest.mark.parametrize(
    "name",
    [
        "", "/", "main_document.hl7", "visit.csv", "UP1KYO_202604.csv", "0040718_20260407_ADT-22", "0040718_20260407_ADT-99_9_20260407103215220_01_1",
        "0040718_20260407_ADT-22_999999999999999_20260407103215220_01_3", "_20260407_ADT-22_999999999999999_20260407103215220_01_1",
        "0040718_2026-04-07_ADT-22_999999999999999_20260407103215220_01_1", "0040718_20260407_ADT-22_999999999999999_2026_01_1",
    ],
)  # fmt: skip
def test_other_names_are_no_ss_mix2_names(name):
    assert read_file_name(name) is None


@settings(deadline=None)
@given(st.text(st.sampled_from("0123456789_-ADTOMP/\\.^"), max_size=80))
def test_any_text_is_a_name_or_none(name):
    found = read_file_name(name)
    assert found is None or found.flag in {"0", "1", "2"}
