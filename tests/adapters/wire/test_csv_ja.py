"""Japanese CSV files: read as they are or refused at the row and column, by the rule, never with the cell."""

import csv
import io
import time
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wire.csv_ja import MAX_BYTES, MAX_ROWS, by_person, first_cells, read_sheet
from adapters.wire.csv_layout import Column, Layout, fault, instant, read_layout
from schemas.errors import BadInput, Malformed, MissingValue, TooLong
from schemas.messages import english, japanese


def column(number, name, kind="text", *, required=False, length=100, codes=(), low=None, high=None):
    return Column(number, name, kind, required, low, high, length, codes)


PEOPLE = Layout(
    "people",
    (
        column(1, "id", "word", required=True),
        column(2, "name", "line", required=True),
        column(3, "born", "day"),
        column(4, "note", length=1000),
    ),
    header=True,
    charsets=("utf-8", "cp932"),
)
PLAIN = Layout("plain", PEOPLE.columns, header=False, charsets=("cp932",))
TEXT = 'id,name,born,note\r\nA1,髙田 花子,1940-05-03,"一行目\r\n二行目、""引用"""\r\nA2,﨑山 光男,,①\r\n'


def refusal(data, layout=PEOPLE, kind=BadInput):
    with pytest.raises(kind) as caught:
        read_sheet(data, layout)
    (issue,) = caught.value.issues
    assert japanese(issue)
    assert english(issue)
    return issue.rule, issue.where


def faults(data, layout=PEOPLE):
    return [(issue.rule, issue.where) for row in read_sheet(data, layout).rows for issue in row.issues]


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_file_is_read_the_same_in_each_charset_and_with_each_line_end(codec, end):
    sheet = read_sheet(TEXT.replace("\r\n", end).encode(codec), PEOPLE)
    assert [(row["id"], row["name"], row["born"], row["note"]) for row in sheet.rows] == [
        ("A1", "髙田 花子", "1940-05-03", '一行目\n二行目、"引用"'),
        ("A2", "﨑山 光男", "", "①"),
    ]
    assert sheet.charset == ("cp932" if codec == "cp932" else "utf-8")


def test_a_row_is_counted_by_its_first_line_in_the_file():
    assert [row.line for row in read_sheet(TEXT.encode(), PEOPLE).rows] == [2, 4]


def test_columns_are_found_by_name_whatever_their_order():
    (row,) = read_sheet(b"note,id,name\nx,A1,B\n", PEOPLE).rows
    assert (row["id"], row["name"], row["note"], row["born"]) == ("A1", "B", "x", "")


def test_a_column_of_the_senders_own_is_passed_over_and_said_by_its_place():
    sheet = read_sheet(b"id,name,nots\nA1,B,secret\n", PEOPLE)
    assert not sheet.rows[0].issues
    assert [(i.rule, i.where, i.severity, dict(i.words)) for i in sheet.warnings] == [
        ("HUB-2009", "row 1, column 3", "warning", {"near": "note"})
    ]


def test_empty_lines_and_lines_of_commas_are_no_rows():
    assert len(read_sheet(b"id,name\n\nA1,B\n,\n\n", PEOPLE).rows) == 1


def test_blanks_around_a_cell_are_dropped_also_full_width_ones():
    (row,) = read_sheet("id,name\nA1,　花子 \n".encode(), PEOPLE).rows
    assert row["name"] == "花子"


def test_a_character_of_the_senders_own_becomes_a_geta_mark_and_is_said():
    (row,) = read_sheet("id,name\nA1,".encode("cp932") + b"\xf0\x40" + "田\n".encode("cp932"), PEOPLE).rows
    assert row["name"] == "〓田"
    assert [(i.rule, i.where) for i in row.warnings] == [("HUB-2018", "row 2, name")]
    assert not row.issues


# ── cutting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_persons_rows_are_cut_out_byte_for_byte_under_the_header_as_it_came():
    data = b'\xef\xbb\xbfid,name\r\nA1,B\r\nA2,C\r\nA1,"D\r\nE"\r\n'
    sheet = read_sheet(data, PEOPLE)
    people = by_person(sheet.rows, lambda row: row["id"])
    assert list(people) == ["A1", "A2"]
    assert sheet.cut(people["A1"]) == b'\xef\xbb\xbfid,name\r\nA1,B\r\nA1,"D\r\nE"\r\n'
    assert sheet.cut(people["A2"]) == b"\xef\xbb\xbfid,name\r\nA2,C\r\n"


cell = st.text(st.characters(codec="cp932", exclude_characters="\x00\x1a¢£¬‖−〜", exclude_categories=["Cc", "Co"]), max_size=12)
table = st.lists(st.tuples(st.sampled_from(["A1", "A2", "A3"]), cell.map(lambda c: f"見本{c}"), cell), min_size=1, max_size=8)


def written(rows, codec, end, header="id,name,note"):
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(rows)
    return f"{header}{end}{out.getvalue()}".encode(codec)


@given(table, st.sampled_from(["utf-8", "utf-8-sig", "cp932"]), st.sampled_from(["\r\n", "\n"]))
def test_what_is_written_is_read_back(rows, codec, end):
    sheet = read_sheet(written(rows, codec, end), PEOPLE)
    blanks = " \t\r\n\u3000"
    assert [(r["id"], r["name"], r["note"]) for r in sheet.rows] == [(a, b.strip(blanks), c.strip(blanks)) for a, b, c in rows]


@given(table, st.sampled_from(["utf-8", "utf-8-sig", "cp932"]), st.sampled_from(["\r\n", "\n"]))
def test_the_cuts_of_all_persons_read_again_are_the_file(rows, codec, end):
    sheet = read_sheet(written(rows, codec, end), PEOPLE)
    people = by_person(sheet.rows, lambda row: row["id"])
    for person, mine in people.items():
        again = read_sheet(sheet.cut(mine), PEOPLE).rows
        assert [row.cells for row in again] == [row.cells for row in sheet.rows if row["id"] == person]
    assert sum(len(sheet.cut(mine)) - len(sheet.head) for mine in people.values()) == sum(len(row.raw) for row in sheet.rows)


@given(st.binary(max_size=300), st.sampled_from([PEOPLE, PLAIN]))
def test_any_bytes_are_read_or_refused(data, layout):
    assert read_or_refused(data, layout)


def read_or_refused(data, layout):
    """Say what came of it: the rows, or the issues in words."""
    try:
        return read_sheet(data, layout).rows
    except BadInput as error:
        return [(issue.where, japanese(issue)) for issue in error.issues if issue.where]


@given(st.binary(max_size=60))
def test_the_first_cells_of_any_bytes_can_be_asked_for(data):
    assert all(isinstance(one, str) for one in first_cells(data))


# ── what is refused as a whole ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ("id,name\nA1,花子\n".encode("utf-16"), "HUB-2003"),
        (b"id,name\nA1,\x00\n", "HUB-2003"),
        ("id,name\nA1,日本語の名前\n".encode("euc_jp"), "HUB-2001"),
        ("id,name\nA1,日本語の名前\n".encode("iso2022_jp"), "HUB-2001"),
        ("id,name\nA1,髙田花子\n".encode()[:-2] + b"\n", "HUB-2001"),
        (b"", "HUB-2005"),
        (b"id,name\n", "HUB-2005"),
        (b"\xef\xbb\xbf", "HUB-2005"),
        (b"A1,B,1940-05-03,x\n", "HUB-2006"),
        (b"id,note\nA1,B\n", "HUB-2007"),
        (b"id,name,id\nA1,B,A1\n", "HUB-2008"),
        (b'id,name\nA1,"B\nA2,C\n', "HUB-2004"),
        (b'id,name\nA1,"B"C\n', "HUB-2004"),
    ],
)
def test_a_file_that_cannot_be_read_as_rows_is_refused_whole(data, rule):
    assert refusal(data)[0] == rule


def test_damaged_utf8_is_not_read_as_another_charset():
    whole = "id,name,note\nA1,見本花子,入浴は当面見合わせます\n".encode()
    for at in range(whole.index("見".encode()), len(whole) - 1):
        assert refusal(whole[:at] + b"\xff" + whole[at + 1 :])[0] == "HUB-2001"


def test_utf8_where_the_standard_wants_shift_jis_is_refused_by_a_rule_of_its_own():
    assert refusal("A1,花子,,\n".encode(), PLAIN) == ("HUB-2002", "file")
    assert refusal("A1,花子,,\n".encode("utf-8-sig"), PLAIN) == ("HUB-2002", "file")
    assert read_sheet("A1,花子,,\n".encode("cp932"), PLAIN).rows[0]["name"] == "花子"


def test_the_place_of_a_missing_quotation_mark_is_the_row_where_it_was_opened():
    assert refusal(b'id,name\nA1,B\nA2,"C\nA3,D\n') == ("HUB-2004", "row 3")


def test_a_missing_header_column_is_named_from_the_layout():
    with pytest.raises(MissingValue) as caught:
        read_sheet(b"id,note\nA1,B\n", PEOPLE)
    assert dict(caught.value.issues[0].words) == {"columns": "name"}


def test_no_refusal_repeats_what_was_sent():
    secret = "ﾋﾐﾂ太郎秘密"
    for data in (f"id,name\n{secret}\n", f"id,name,born\nA1,B,{secret}\n", f"id,{secret},name\nA1,x,\n", f'id,name\nA1,"{secret}'):
        try:
            found = [i for row in read_sheet(data.encode(), PEOPLE).rows for i in row.issues]
        except Malformed as error:
            found = list(error.issues)
        assert found
        assert not [issue for issue in found if secret in f"{issue.where}{dict(issue.words)}{japanese(issue)}{english(issue)}"]


# ── what is refused row by row ───────────────────────────────────────────────────────────────────────────────────────


def test_a_shifted_row_is_named_with_the_columns_it_has_and_should_have():
    sheet = read_sheet(b"id,name,born\nA1,B,\nA2,C\nA3,D,,\n", PEOPLE)
    assert [[(i.rule, i.where, dict(i.words)) for i in row.issues] for row in sheet.rows] == [
        [],
        [("HUB-2010", "row 3", {"found": "2", "expected": "3"})],
        [("HUB-2010", "row 4", {"found": "4", "expected": "3"})],
    ]


def test_a_missing_value_is_named_by_row_and_column():
    assert faults(b"id,name\nA1,\n") == [("HUB-2011", "row 2, name")]


def test_a_column_of_a_file_without_header_is_named_by_its_number_too():
    assert faults("A1,,,\n".encode("cp932"), PLAIN) == [("HUB-2011", "row 1, column 2 name")]


@pytest.mark.parametrize(
    ("kind", "good", "bad", "rule"),
    [
        ("day", ["2024-02-29"], ["2026-02-30", "2026-13-01"], "HUB-2013"),
        ("day", [], ["2026/4/1", "20260401", "R8.4.1", "２０２６-04-01"], "HUB-2012"),
        ("day8", ["20240229"], ["20230229", "00000000"], "HUB-2013"),
        ("day8-or-zeros", ["00000000", "20260401"], ["20260431"], "HUB-2013"),
        ("month6-or-zeros", ["000000", "202604"], ["202613"], "HUB-2013"),
        ("time", ["2026-11-04T10:02+09:00", "2026-11-04T10:02:30Z", "2026-11-04T10:02"], ["2026-11-04T25:02+09:00"], "HUB-2013"),
        ("time", [], ["2026-11-04 10:02", "10:02"], "HUB-2012"),
        ("integer", ["0", "6000"], ["-1", "1.5", "０", "007", "1e3"], "HUB-2012"),
        ("number", ["37.90", "0.5", "-1"], ["37,9", ".5", "036.5", "NaN", "1e3"], "HUB-2012"),
        ("flag", ["0", "1"], ["2", "true", "○"], "HUB-2012"),
        ("word", ["U-0031"], ["U 31"], "HUB-2012"),
        ("kana", ["ミホン　ハナコ", "ﾐﾎﾝ ﾊﾅｺ", "みほん はなこ"], ["見本 花子", "Mihon"], "HUB-2012"),
        ("insurer", ["139998", "121012"], ["139990", "121013"], "HUB-2021"),
        ("insurer", [], ["39998", "1399980"], "HUB-2020"),
        ("insured", ["0000012344", "H000000001"], ["12344", "h000000001"], "HUB-2020"),
        ("office", ["1369990013", "13A9999015"], ["136999001", "136999001３"], "HUB-2020"),
    ],
)
def test_a_cell_fits_its_type_or_is_refused_by_the_rule_for_it(kind, good, bad, rule):
    one = column(1, "x", kind)
    assert [fault(text, one) for text in good] == [None] * len(good)
    assert [found.rule for text in bad if (found := fault(text, one))] == [rule] * len(bad)


def test_limits_lengths_and_codes_are_kept():
    assert fault("101", column(1, "x", "integer", low=Decimal(0), high=Decimal(100))).rule == "HUB-2014"
    assert fault("100", column(1, "x", "integer", low=Decimal(0), high=Decimal(100))) is None
    assert fault("abcd", column(1, "x", "word", length=3)).rule == "HUB-2016"
    assert fault("c", column(1, "x", "code", codes=("a", "b"))).rule == "HUB-2015"
    assert fault("a|b", column(1, "x", "codes", codes=("a", "b"))) is None
    assert fault("a|c", column(1, "x", "codes", codes=("a", "b"))).rule == "HUB-2015"
    assert fault("a\x07b", column(1, "x")).rule == "HUB-2017"


def test_a_time_without_zone_is_japanese_time():
    assert instant("2026-11-04T10:02").isoformat() == "2026-11-04T10:02:00+09:00"
    assert instant("2026-11-04T01:02:30Z").isoformat() == "2026-11-04T01:02:30+00:00"


def test_a_data_file_that_is_no_layout_does_not_load():
    with pytest.raises(KeyError):
        read_layout("adapters.visiting_nurse", "data/keys.csv", "data/codes.csv", header=True, charsets=("utf-8",))


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


RUBBISH = {
    "50 MB": b'\x93\xfa,"' * 12_500_000,
    "commas": b"," * 19_000_000,
    "lines": b"\n" * 19_000_000,
    "short rows": b"id,name\n" + b"1,\n" * 6_000_000,
    "quotes": b'id,name\n"' + b'""' * 9_000_000,
    "kanji": b"\x93\xfa" * 9_500_000,
    "broken utf-8": b"\xe3\x81" * 9_500_000,
}


@pytest.mark.parametrize("kind", RUBBISH)
@pytest.mark.parametrize("layout", [PEOPLE, PLAIN], ids=["header", "plain"])
def test_rubbish_of_any_size_is_refused_fast_and_in_bounded_memory(kind, layout):
    data = RUBBISH[kind]
    tracemalloc.start()
    begun = time.monotonic()
    with pytest.raises((Malformed, TooLong)):
        read_sheet(data, layout)
    took, (_, peak) = time.monotonic() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000_000
    assert took < 20


def test_a_file_at_the_limit_of_rows_is_read_and_one_more_row_is_refused():
    rows = [f"A{n},B" for n in range(MAX_ROWS)]
    assert len(read_sheet("\n".join(["id,name", *rows]).encode(), PEOPLE).rows) == MAX_ROWS
    assert refusal("\n".join(["id,name", *rows, "A,B"]).encode(), kind=TooLong)[0] == "HUB-2019"


def test_a_file_larger_than_the_limit_is_refused_before_it_is_read():
    assert refusal(b"id,name\nA1,B\n" + b"x" * MAX_BYTES, kind=TooLong) == ("HUB-2000", "file")
