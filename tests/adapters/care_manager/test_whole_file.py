"""What becomes of a file of the exchange standard as a whole: whose it is, who is taken, who is refused, what is kept of whom."""

import dataclasses
import os
import time

import pytest

from adapters.care_manager import adapter
from adapters.care_manager.elements import PACKAGE
from adapters.wire.csv_layout import read_codes
from schemas.adapter import Wire
from schemas.errors import BadInput
from schemas.messages import english, japanese
from tests.adapters.care_manager.builders import (
    INSURER,
    OFFICE,
    OTHER_OFFICE,
    PAIR,
    bytes_of,
    items,
    line,
    name_of,
    wire,
)

COLUMNS = {"UPHOSOKU": 63, "UP1KYO": 28, "UP2KYO": 22, "DLT1KYO": 4}


def taken(sent):
    return [part.patient_key for part in adapter.convert(sent).parts]


def refusals(sent):
    found = adapter.convert(sent).refused
    assert all(japanese(issue) and english(issue) for one in found for issue in one.issues)
    return [[(issue.rule, issue.where) for issue in one.issues] for one in found]


def warnings(sent):
    return [(issue.rule, issue.where) for part in adapter.convert(sent).parts for issue in part.warnings]


def refused_whole(sent):
    with pytest.raises(BadInput) as caught:
        adapter.convert(sent)
    (issue,) = caught.value.issues
    assert japanese(issue)
    return issue.rule, issue.where


def forty(kind, **more):
    return [items(kind, 被保険者番号=f"{n:010}", **more) for n in range(1, 41)]


# ── layouts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_record_has_the_number_of_items_of_the_standard(kind):
    record = items(kind)
    assert len(record) == COLUMNS[kind]
    assert taken(wire(kind, record)) == [PAIR]
    assert refusals(wire(kind, [*record, ""])) == [[("HUB-2010", "row 1")]]


@pytest.mark.parametrize(
    ("kind", "number", "item"),
    [
        ("UPHOSOKU", 4, "居宅サービス計画作成（変更）日"),
        ("UPHOSOKU", 18, "要介護状態区分"),
        ("UPHOSOKU", 24, "２サービス種類コード"),
        ("UPHOSOKU", 55, "９限度超単位数"),
        ("UPHOSOKU", 59, "前回要介護状態区分"),
        ("UPHOSOKU", 63, "対象年月"),
        ("UP1KYO", 14, "居宅サービス計画作成（変更）日"),
        ("UP1KYO", 24, "総合的な援助の方針"),
        ("UP2KYO", 13, "援助内容ＮＯ"),
        ("UP2KYO", 17, "サービス事業者コード"),
    ],
)
def test_an_item_stands_at_its_number(kind, number, item):
    record = items(kind)
    record[number - 1] = "\x07"
    assert refusals(wire(kind, record)) == [[("HUB-2017", f"row 1, column {number} {item}")]]


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_name_of_an_older_edition_without_service_types_is_read():
    for name in (f"UP1KYO_{OFFICE}_1169900121_20260320101500.CSV", f"UP1KYO_{OFFICE}_431_1169900121_131_20260320101500.csv"):
        (part,) = adapter.convert(wire("UP1KYO", items("UP1KYO"), name=name)).parts
        assert part.occurred.isoformat() == "2026-03-20T10:15:00+09:00"


def test_control_is_the_name_without_month_and_sequence_and_the_person():
    for sequence in ("20260320101500", "20260401090000"):
        sent = wire("UPHOSOKU", items("UPHOSOKU"), name="box/" + name_of("UPHOSOKU", month="000000", sequence=sequence))
        (part,) = adapter.convert(sent).parts
        assert (part.control, part.revises) == (f"UPHOSOKU_{OFFICE}_43_1169900121_13:{PAIR}", True)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("plan.csv", ("HUB-2200", "file name")),
        ("UP1KYO.CSV", ("HUB-2200", "file name")),
        ("UP1KYO_1179900251_43_1169900121_13_202603201015.CSV", ("HUB-2200", "file name")),
        ("UP9KYO_1179900251_43_1169900121_13_20260320101500.CSV", ("HUB-2200", "file name")),
        ("UP1KYO_1179900251_43_1169900121_13_20260320251500.CSV", ("HUB-2209", "file name")),
        ("UP1KYO_1179900269_43_1169900121_13_20260320101500.CSV", ("HUB-2202", "file name")),
        ("UP3KYO_1179900251_43_1169900121_13_20260320101500.CSV", ("HUB-2201", "file name")),
        ("UPKIHON_SUB1_1179900251_46_1169900121_63_20260320101500.CSV", ("HUB-2201", "file name")),
    ],
)
def test_a_name_that_is_not_the_standards_or_not_the_senders_is_refused(name, found):
    assert refused_whole(wire("UP1KYO", items("UP1KYO"), name=name)) == found


def test_every_kind_of_the_standard_is_claimed_so_that_its_refusal_can_speak():
    for kind in read_codes(PACKAGE, "data/codes.csv")["kind"]:
        assert adapter.claims(Wire(f"in/{name_of(kind).lower()}", b"", OFFICE))


def test_a_record_is_claimed_under_any_name_and_other_files_are_not():
    assert adapter.claims(Wire("export.txt", bytes_of(items("UP1KYO")), OFFICE))
    assert not adapter.claims(Wire("export.txt", b"visit_id,obs_id\n", OFFICE))
    assert not adapter.claims(Wire("export.txt", b"202407,119990,71234", OFFICE))


# ── charset and quotes ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("codec", "rule"),
    [("utf-8", "HUB-2002"), ("utf-8-sig", "HUB-2002"), ("utf-16", "HUB-2003"), ("euc_jp", "HUB-2001"), ("iso2022_jp", "HUB-2001")],
)
def test_any_charset_but_ms932_is_refused_whole(codec, rule):
    assert refused_whole(wire("UPHOSOKU", items("UPHOSOKU"), codec=codec)) == (rule, "file")


def test_the_extra_characters_of_ms932_are_read():
    (part,) = adapter.convert(wire("UPHOSOKU", items("UPHOSOKU", 利用者氏名="髙﨑　①子"))).parts
    assert part.drafts[0].body["name"][0]["text"] == "髙﨑 ①子"


def test_a_character_of_the_senders_own_is_said_at_its_item():
    data = bytes_of(items("UPHOSOKU")).replace("早瀬".encode("cp932"), b"\xf0\x41" + "瀬".encode("cp932"))
    sent = Wire(name_of("UPHOSOKU", month="000000"), data, OFFICE)
    assert warnings(sent) == [("HUB-2018", "row 1, column 6 利用者氏名")]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_breaks_and_commas_in_quotes_stay_in_one_record(end):
    text = f'心不全を早く見つける。{end}緊急連絡先：長女, 090-0000-0000 "夜間も可"'
    first = items("UP1KYO", 総合的な援助の方針=text)
    sent = wire("UP1KYO", first, items("UP1KYO", 被保険者番号="0000000002"), end=end)
    one, two = adapter.convert(sent).parts
    assert one.drafts[0].body["description"] == '心不全を早く見つける。\n緊急連絡先：長女, 090-0000-0000 "夜間も可"'
    assert one.raw + two.raw == sent.data


def test_a_header_that_the_standard_does_not_have_is_passed_over_and_kept():
    names = [f"項目{n}" for n in range(1, 5)]
    sent = wire("DLT1KYO", names, items("DLT1KYO"))
    (part,) = adapter.convert(sent).parts
    assert part.raw == sent.data


def test_a_first_row_that_names_somebody_is_no_header():
    broken = items("DLT1KYO")
    broken[0] = "2024O7"
    sent = wire("DLT1KYO", broken, items("DLT1KYO", 被保険者番号="0000000002"))
    assert refusals(sent) == [[("HUB-2012", "row 1, column 1 CSVバージョン")]]


# ── persons ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "change", "rule"),
    [
        ("UPHOSOKU", {"利用者生年月日": "19380230"}, "HUB-2013"),
        ("UPHOSOKU", {"利用者性別": "3"}, "HUB-2015"),
        ("UPHOSOKU", {"要介護状態区分": "26"}, "HUB-2015"),
        ("UPHOSOKU", {"利用者氏名": ""}, "HUB-2011"),
        ("UP1KYO", {"居宅サービス計画作成（変更）日": "00000000"}, "HUB-2013"),
        ("UP1KYO", {"介護支援事業者コード": "117990025"}, "HUB-2020"),
        ("UP2KYO", {"課題ＮＯ": "一"}, "HUB-2020"),
    ],
)
def test_of_forty_persons_one_is_refused_at_its_item_and_the_rest_are_taken(kind, change, rule):
    records = forty(kind)
    (item,) = change
    records[16] = items(kind, 被保険者番号=f"{17:010}", **change)
    conversion = adapter.convert(wire(kind, *records))
    assert len(conversion.parts) == 39
    (refused,) = conversion.refused
    assert [issue.rule for issue in refused.issues] == [rule]
    assert refused.issues[0].where.startswith("row 17, column ")
    assert refused.issues[0].where.endswith(f" {item}")
    assert refused.raw == bytes_of(records[16])


def test_a_shifted_column_is_refused_for_its_person_alone():
    records = forty("UP1KYO")
    del records[16][4]
    conversion = adapter.convert(wire("UP1KYO", *records))
    assert len(conversion.parts) == 39
    assert [(one.rows, one.issues[0].rule) for one in conversion.refused] == [((17,), "HUB-2010")]


def test_a_line_of_a_plan_that_shifted_takes_the_plan_with_it():
    broken = line(1, 1, 2, サービス内容="掃除")
    del broken[-1]
    sent = wire("UP2KYO", line(1, 1, 1, サービス内容="入浴"), broken, items("UP2KYO", 被保険者番号="0000000002", サービス内容="買い物"))
    assert taken(sent) == [f"{INSURER}:0000000002"]
    assert [one.rows for one in adapter.convert(sent).refused] == [(1, 2)]


def test_a_line_of_nobody_refuses_the_whole_of_the_second_table_and_only_itself_elsewhere():
    for kind in ("UPHOSOKU", "UP1KYO", "DLT1KYO"):
        sent = wire(kind, items(kind), items(kind, 被保険者番号="71234"))
        assert taken(sent) == [PAIR]
        assert refusals(sent) == [[("HUB-2020", "row 2, column 3 被保険者番号")]]
    assert refused_whole(wire("UP2KYO", line(1, 1, 1, サービス内容="a"), items("UP2KYO", 被保険者番号="71234"))) == ("HUB-2212", "row 2")


def test_an_insurer_with_a_wrong_check_digit_is_refused_an_insured_number_is_not_checked():
    assert refusals(wire("UP1KYO", items("UP1KYO", 保険者番号="119991"))) == [[("HUB-2021", "row 1, column 2 保険者番号")]]
    assert taken(wire("UP1KYO", items("UP1KYO", 被保険者番号="0000000009"))) == [f"{INSURER}:0000000009"]
    assert taken(wire("UP1KYO", items("UP1KYO", 被保険者番号="H000000009"))) == [f"{INSURER}:H000000009"]


def test_the_same_plan_twice_is_one_when_it_says_the_same_and_refused_when_it_does_not():
    assert taken(wire("UP1KYO", items("UP1KYO"), items("UP1KYO"))) == [PAIR]
    other = items("UP1KYO", 総合的な援助の方針="別")
    assert refusals(wire("UP1KYO", items("UP1KYO"), other)) == [[("HUB-2213", "row 2, column 14 居宅サービス計画作成（変更）日")]]
    later = items("UP1KYO", **{"居宅サービス計画作成（変更）日": "20260401"})
    assert taken(wire("UP1KYO", items("UP1KYO"), later)) == [PAIR]


def test_a_period_that_ends_before_it_begins_is_refused():
    change = {"認定有効期間開始日": "20260401", "認定有効期間終了日": "20260331"}
    assert refusals(wire("UP1KYO", items("UP1KYO", **change))) == [[("HUB-2207", "row 1, column 20 認定有効期間終了日")]]


def test_rows_of_two_editions_refuse_the_file():
    assert refused_whole(wire("DLT1KYO", items("DLT1KYO"), items("DLT1KYO", CSVバージョン="202208"))) == ("HUB-2204", "file")


@pytest.mark.parametrize(
    ("kind", "change", "rule", "where"),
    [
        ("UP1KYO", {"CSVバージョン": "202410"}, "HUB-2203", "row 1, column 1 CSVバージョン"),
        ("UP1KYO", {"更新業者コード": OTHER_OFFICE}, "HUB-2211", "row 1, column 27 更新業者コード"),
        ("UP2KYO", {"サービス事業者コード": "1369900120"}, "HUB-2022", "row 1, column 17 サービス事業者コード"),
        ("UPHOSOKU", {"対象年月": "202604"}, "HUB-2206", "row 1, column 63 対象年月"),
        ("UPHOSOKU", {"居宅サービス計画作成（変更）日": "00000000"}, "HUB-2206", "row 1, column 63 対象年月"),
    ],
)
def test_what_is_odd_is_taken_and_said(kind, change, rule, where):
    assert warnings(wire(kind, items(kind, **change))) == [(rule, where)]


def test_the_original_of_a_part_read_again_says_the_same():
    people = [{"被保険者番号": "0000000001"}, {"被保険者番号": "0000000002"}]
    for kind in COLUMNS:
        sent = wire(kind, *(items(kind, **one) for one in people))
        for part in adapter.convert(sent).parts:
            (again,) = adapter.convert(dataclasses.replace(sent, data=part.raw)).parts
            assert again == part


def test_fifty_megabytes_of_rubbish_are_refused_at_once():
    for data in (os.urandom(1_000_000) * 50, bytes_of(items("UP1KYO")) * 400_000, b"202407,119990," * 3_500_000):
        begun = time.monotonic()
        assert refused_whole(Wire(name_of("UP1KYO"), data, OFFICE))[0] in {"HUB-2000", "HUB-2003"}
        assert time.monotonic() - begun < 2
