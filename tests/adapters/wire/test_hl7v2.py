"""HL7 v2.5 on the wire: what is read, what is written comes back, and what is refused at which field."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.wire import charset_ja
from adapters.wire.charset_ja import NotInCharset
from adapters.wire.hl7_escapes import Delimiters, escaped, unescaped
from adapters.wire.hl7_write import build, write
from adapters.wire.hl7v2 import MAX_BYTES, MAX_REPETITIONS, MAX_SEGMENTS, looks_like, parse, split
from schemas.errors import BadInput, Malformed, MissingValue, TooLong, UnknownCode, Unsupported

HEAD = "MSH|^~\\&|HIS-A|1319000129|GW|HUB|20260401090000||ADT^A08^ADT_A01|1|P|2.5||||||{set}||ISO 2022-1994"


def message(*lines: str, charset: str = "~ISO IR87", codec: str = "iso2022_jp", end: str = "\r") -> bytes:
    return (end.join((HEAD.format(set=charset), *lines)) + end).encode(codec)


def refused(data: bytes, kind: type[BadInput]) -> tuple[str, str]:
    with pytest.raises(kind) as caught:
        parse(data)
    issue = caught.value.issues[0]
    return issue.rule, issue.where


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fields_are_counted_as_the_standard_counts_them():
    read = parse(message("PID|0001||0040718^^^^PI||一ノ瀬^ハル~イチノセ^ハル"))
    header, pid = read.need("MSH"), read.need("PID")
    assert (header[1, 1], header[2, 1]) == ("|", "^~\\&")
    assert (header.raw(1), header.raw(2), header[3, 1], header[9, 2], header[12, 1]) == ("|", "^~\\&", "HIS-A", "A08", "2.5")
    assert (pid[1, 1], pid[3, 1], pid[3, 5], pid[5, 2]) == ("0001", "0040718", "PI", "ハル")
    assert [rep[1] for rep in pid.each(5)] == ["一ノ瀬", "イチノセ"]
    assert (pid[30, 1], pid[3, 9], pid[2, 1], pid.each(2)) == ("", "", "", ())


def test_subcomponents_are_read_inside_their_component():
    tq1 = parse(message("TQ1|1||1011000400000000&内服・１日１回朝食後&JAMISDP01")).need("TQ1")
    assert (tq1[3, 1, 1], tq1[3, 1, 2], tq1[3, 1, 3], tq1[3, 1]) == (
        "1011000400000000",
        "内服・１日１回朝食後",
        "JAMISDP01",
        "1011000400000000",
    )


@pytest.mark.parametrize("word", ["日向", "糖尿病", "骨折", "急性", "錠剤", "入院", "本宮", "商店・愛", "施設＋", "α右側"])
def test_kanji_whose_bytes_are_delimiters_stay_whole(word):
    assert any(mark in word.encode("iso2022_jp") for mark in b"|^~&\\")
    assert parse(message(f"NTE|1||{word}|x")).need("NTE").fields == ("1", "", word, "x")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_lines_may_end_with_cr_lf_or_both(end):
    assert [one.name for one in parse(message("EVN||20260401", "PID|1||7", end=end)).segments] == ["MSH", "EVN", "PID"]


@pytest.mark.parametrize(("before", "after"), [(b"", b"\x1c"), (b"\x0b", b"\x1c\r"), (b"\xef\xbb\xbf", b""), (b"\r\n", b"\r\n\x1a")])
def test_frame_marks_are_no_part_of_a_message(before, after):
    data = before + message("PID|1||7") + after
    assert looks_like(data)
    assert parse(data) == parse(message("PID|1||7"))


def test_delimiters_are_read_from_the_message():
    data = b"MSH$*@!%$HIS$$$$20260401$$ADT*A08$1$P$2.5\rPID$1$$7**@8$$a!F!b%c\r"
    pid = parse(data).need("PID")
    assert [rep[1] for rep in pid.each(3)] == ["7", "8"]
    assert (pid[5, 1], pid[5, 1, 2]) == ("a$b", "c")


def test_segments_that_say_nothing_are_left_out_and_still_counted():
    read = parse(message("OBX", "OBX|||", "OBX|3"))
    assert [(one.name, one.number) for one in read.all("OBX")] == [("OBX", 3)]
    assert read.all("OBX")[0].at(5, 2) == "OBX[3]-5.2"


def test_blank_lines_are_no_segments_and_are_counted():
    assert [one.name for one in parse(message("", "EVN||1", "")).segments] == ["MSH", "EVN"]
    assert refused(message("", "PXD|1"), UnknownCode) == ("HUB-1006", "line 3")


def test_segments_of_other_chapters_and_of_the_sender_are_kept_and_harm_nobody():
    assert [one.name for one in parse(message("PD1|1", "ZAB|1", "ROL|1")).segments] == ["MSH", "PD1", "ZAB", "ROL"]


def test_a_file_of_several_messages_is_cut_and_nothing_is_lost():
    one, two = message("PID|1||7"), b"\x0b" + message("PID|1||8") + b"\x1c\r"
    assert split(one + two) == (one + b"\x0b", two.removeprefix(b"\x0b"))
    assert b"".join(split(one + two)) == one + two


# ── character sets ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("charset", ["~ISO IR87", "~ISOIR87", "ISO IR87", "", "ISO IR6~ISO IR87", "~ISO IR87~ISO IR159", "JIS X 0202"])
def test_names_of_the_japanese_set_may_be_spelt_in_many_ways(charset):
    read = parse(message("PID|1||7||桜", charset=charset))
    assert (read.need("PID")[5, 1], read.warnings) == ("桜", ())


def test_utf8_is_read_where_it_is_declared():
    read = parse(message("PID|1||7||髙𠮷①ｱ", charset="UNICODE UTF-8", codec="utf-8"))
    assert (read.need("PID")[5, 1], read.warnings) == ("髙𠮷①ｱ", ())


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp"])
def test_text_in_another_set_than_declared_is_read_with_a_warning(codec):
    read = parse(message("PID|1||7||桜井 和江様", codec=codec))
    assert read.need("PID")[5, 1] == "桜井 和江様"
    assert [(one.rule, one.where, one.severity) for one in read.warnings] == [("HUB-1012", "MSH-18", "warning")]


def test_half_width_kana_in_eight_bits_are_kept_half_width():
    read = parse(message("PID|1||7||ｶﾝﾄﾞﾘ", charset="ISO IR13", codec="cp932"))
    assert (read.need("PID")[5, 1], read.warnings) == ("ｶﾝﾄﾞﾘ", ())


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b$B-!-j\x1b(B", "①㈱"),  # NEC row 13
        (b"\x1b$B|byu\x1b(B", "髙﨑"),  # IBM characters in NEC's rows
        (b"\x1b$@:y\x1b(J", "桜"),  # JIS C 6226-1978, back by JIS X 0201 Roman
        (b"\x1b(I6@E6\x1b(B", "ｶﾀﾅｶ"),
        (b"\x1b$(DbG\x1b$B>.J?\x1b(B", "鄧小平"),  # JIS X 0212
        (b"\x1b$(Q.\x21\x1b(B", "\u4ff1"),  # JIS X 0213 plane 1
        (b"\x1b(Ja~b\x1b(B", "a"),  # ~ is a delimiter in Roman state too
    ],
)
def test_escapes_beyond_plain_iso_2022_jp_are_read(raw, text):
    assert parse(message("PID|1||7||@").replace(b"@", raw)).need("PID")[5, 1] == text


def test_a_line_that_forgets_to_go_back_to_ascii_is_read_with_a_warning():
    read = parse(message("PID|1||7||桜", "PV1|1|I").replace(b"\x1b(B\rPV1", b"\rPV1"))
    assert (read.need("PID")[5, 1], read.need("PV1")[2, 1]) == ("桜", "I")
    assert [one.rule for one in read.warnings] == ["HUB-1013"]


def test_a_character_of_the_senders_own_is_marked_and_named():
    read = parse(message("PID|1||7||@子").replace(b"@", b"\x1b$Bu!\x1b(B"))
    assert read.need("PID")[5, 1] == "\ufffd子"
    assert [(one.rule, one.where) for one in read.warnings] == [("HUB-1014", "PID-5")]


@settings(deadline=None)
@given(st.text(st.sampled_from("桜井①㈱髙﨑ｱｲ鄧−〜日急入&^|~\\aZ 　ぁーァ")))
def test_what_is_written_in_iso_2022_is_read_back(text):
    written = charset_ja.encode(text)
    assert written.isascii()
    assert charset_ja.decode(written, "iso2022").text == text


@pytest.mark.parametrize("text", ["𠮷", "한", "¥", "\ue000", "纊纊한", "a\x1bb"])
def test_what_iso_2022_does_not_have_is_not_written(text):
    with pytest.raises(NotInCharset):
        charset_ja.encode(text)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("data", [b"", b"PID|1", b"MSHX", b"BHS|^~\\&|x", b"{}", b"\x00\x01"])
def test_what_does_not_begin_with_msh_is_no_message(data):
    assert not looks_like(data)
    assert refused(data, Malformed) == ("HUB-1001", "MSH")
    with pytest.raises(Malformed):
        split(data)


@pytest.mark.parametrize("head", [b"MSH|", b"MSH|^|x", b"MSH|^^\\&|x", b"MSH|^~\\|", b"MSH|ab~&|", b"MSH|^~\\&xy|", "MSH|^~＼&|".encode()])
def test_delimiters_that_are_missing_or_twice_the_same_are_refused(head):
    assert refused(head, Malformed) == ("HUB-1002", "MSH-2")


@pytest.mark.parametrize("charset", ["8859/1", "~ISO IR149", "KS X 1001", "桜"])
def test_a_character_set_that_is_not_japanese_is_refused_at_msh_18(charset):
    assert refused(message("PID|1", charset=charset, codec="utf-8"), UnknownCode) == ("HUB-1009", "MSH-18")


@pytest.mark.parametrize(
    ("charset", "raw", "rule"),
    [
        ("~ISO IR87", b"\x80\xff\xff", "HUB-1003"),  # no set has this
        ("~ISO IR87", b"\x1b$A0!\x1b(B", "HUB-1003"),  # GB 2312
        ("UNICODE UTF-8", "桜".encode("cp932"), "HUB-1003"),
        ("~ISO IR87", b"\x1b$B:y0\x1b(B", "HUB-1004"),  # half a character
    ],
)
def test_bytes_that_are_no_text_are_refused_at_their_field(charset, raw, rule):
    data = message("EVN||1", "PID|1||7||x^@", charset=charset).replace(b"@", raw)
    assert refused(data, Malformed) == (rule, "PID-5")


@pytest.mark.parametrize(
    "data",
    [
        message("PID|1||7||桜井")[:-4],  # inside the escape back
        message("PID|1||7||桜井")[:-5],  # kanji state never left
        message("PID|1||7||桜井", charset="UNICODE UTF-8", codec="utf-8")[:-2],
        message("PID|1||7||桜井", codec="utf-8")[:-2],  # not declared, and still no CP932
    ],
)
def test_a_message_cut_inside_a_character_is_refused_at_its_field(data):
    assert refused(data, Malformed) == ("HUB-1004", "PID-5")


def test_a_control_character_in_a_field_is_refused_there():
    assert refused(message("NK1|1|a", "NK1|2|b^\x07"), Malformed) == ("HUB-1011", "NK1[2]-2")


@pytest.mark.parametrize("line", ["pid|1", "PID-1", "P1D1|x", "  x", "PI", "患者|1"])
def test_a_line_that_is_no_segment_is_refused(line):
    assert refused(message("EVN||1", line), Malformed) == ("HUB-1005", "line 3")


def test_an_unknown_segment_is_refused_at_its_line():
    assert refused(message("EVN||1", "PXD|1"), UnknownCode) == ("HUB-1006", "line 3")


def test_the_first_edition_of_ss_mix_is_refused_by_its_segments():
    assert refused(message("ZGW|1"), Unsupported) == ("HUB-1008", "line 2")


def test_a_segment_or_field_that_must_be_there_is_refused_at_its_place():
    read = parse(message("PID|1||^^^^PI", 'PV1|1|""'))
    for ask, place in (
        (lambda: read.need("NK1"), "NK1"),
        (lambda: read.need("PID").need(3), "PID-3"),
        (lambda: read.need("PV1").need(2), "PV1-2"),
    ):
        with pytest.raises(MissingValue) as caught:
            ask()
        assert caught.value.issues[0].where == place
    assert read.need("PID").need(3, 5) == "PI"


def test_a_message_of_too_many_lines_or_repetitions_is_refused_soon():
    assert refused(message("NTE|1\r" * (MAX_SEGMENTS + 1)), TooLong)[0] == "HUB-1019"
    assert refused(message("PID|1||7" + "~7" * (MAX_REPETITIONS + 1)), TooLong) == ("HUB-1028", "line 2")
    assert parse(message("NTE|1\r" * (MAX_SEGMENTS - 1))).segments
    assert len(parse(message("PID|1||7" + "~7" * MAX_REPETITIONS)).need("PID").each(3)) == MAX_REPETITIONS + 1


def test_a_file_beyond_the_limit_is_refused_before_it_is_read():
    with pytest.raises(TooLong):
        split(b"MSH|^~\\&|" + b"x" * MAX_BYTES)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_after_a_header_are_read_or_refused(data):
    try:
        issues = parse(message() + data).warnings
    except BadInput as error:
        issues = error.issues
    assert all(issue.where for issue in issues)


@settings(deadline=None)
@given(st.data())
def test_any_truncation_is_refused_or_a_shorter_reading(data):
    whole = message("EVN||20260401090000", "PID|0001||0040718||一ノ瀬^ハル~@").replace(b"@", b"\x1b(I2AI>\x1b(B")
    cut = data.draw(st.integers(0, len(whole)))
    try:
        read = parse(whole[:cut])
    except BadInput:
        return
    assert len(read.segments) <= 3
    full = {one.name: one for one in parse(whole).segments}
    for one in read.segments:
        assert "|".join(full[one.name].fields).startswith("|".join(one.fields[:-1]))


# ── writing and escapes ──────────────────────────────────────────────────────────────────────────────────────────────

WORDS = st.text(st.sampled_from("a桜^~\\&|\n\rFSTREXH.br 　入日"), min_size=1, max_size=8)


def several(inner):
    return st.lists(inner, min_size=1, max_size=3).map(tuple)


FIELDS = st.dictionaries(st.integers(1, 12), st.lists(several(several(WORDS)), min_size=1, max_size=3), min_size=1, max_size=5)
"""Field number → repetitions of components of subcomponents."""


@settings(deadline=None)
@given(FIELDS, st.sampled_from(["~ISO IR87", "UNICODE UTF-8"]))
def test_whatever_is_written_is_read_back_component_by_component(fields, charset):
    header = build("MSH", {9: ("ADT", "A08", "ADT_A01"), 18: ["", charset.removeprefix("~")] if charset[0] == "~" else charset})
    pid = build("PID", fields)
    read = parse(write([header, pid])).need("PID")
    for number, reps in fields.items():
        found = read.each(number)
        assert len(found) == len(reps)
        for rep, components in zip(found, reps, strict=True):
            assert tuple(tuple(rep[c, s] for s in range(1, len(subs) + 1)) for c, subs in enumerate(components, start=1)) == components


@settings(deadline=None)
@given(FIELDS)
def test_what_was_read_is_written_as_it_stood(fields):
    data = write([build("MSH", {9: ("ADT", "A08"), 18: ["", "ISO IR87"]}), build("PID", fields)])
    assert write(parse(data).segments) == data


@settings(deadline=None)
@given(st.text(), st.sampled_from([Delimiters(), Delimiters("$", "*", "@", "!", "%")]))
def test_escaping_hides_every_delimiter_and_is_undone(text, marks):
    written = escaped(text, marks)
    assert not set(written) & {marks.field, marks.component, marks.repetition, marks.subcomponent, "\r", "\n"}
    assert unescaped(written, marks) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("1\\.br\\2", "1\n2"),
        ("\\H\\重要\\N\\", "重要"),
        ("\\XE6A19C\\", "桜"),
        ("\\X00\\", "\\X00\\"),  # a control character is not let in
        ("\\XFF\\", "\\XFF\\"),
        ("C:\\dir\\F", "C:\\dir\\F"),  # starts no sequence
        ("\\Q\\F\\", "\\Q|"),
    ],
)
def test_escape_sequences_are_read_and_what_is_none_stays(written, text):
    assert unescaped(written, Delimiters()) == text
