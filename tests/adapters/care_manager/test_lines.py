"""2表 as it is printed: numbers and texts that stand once for several lines, goals that share a number, numbers left out."""

import time

from hypothesis import given
from hypothesis import strategies as st

from adapters.care_manager import adapter
from adapters.care_manager.convert import is_header, layout_of
from adapters.care_manager.lines import read_lines
from adapters.wire.csv_ja import read_sheet
from tests.adapters.care_manager.builders import line, wire


def rows_of(*lines):
    return read_sheet(wire("UP2KYO", *lines).data, layout_of("UP2KYO"), heads=is_header).rows


def needs(*lines):
    return [(one.key, one.text) for one in read_lines(rows_of(*lines)).needs]


def services(*lines):
    return [
        (one.key, one.row["サービス内容"], one.need and one.need.text, one.aim and one.aim.text)
        for one in read_lines(rows_of(*lines)).services
    ]


def goals(*lines):
    table = read_lines(rows_of(*lines))
    return [(one.term, one.key, one.text, one.above and one.above.text) for one in (*table.long, *table.short)]


FULL = {"課題": "転びそうで怖い", "長期目標": "転ばない", "短期目標": "手すりを使う"}


def test_cells_left_empty_belong_to_what_stands_above():
    lines = [
        line(1, 1, 1, **FULL, サービス内容="手すり"),
        line(1, 1, 2, サービス内容="体操"),
        line(2, 1, 1, 課題="眠れない", サービス内容="相談"),
    ]
    assert needs(*lines) == [("1", "転びそうで怖い"), ("2", "眠れない")]
    assert services(*lines) == [
        ("1.1.1", "手すり", "転びそうで怖い", "手すりを使う"),
        ("1.1.2", "体操", "転びそうで怖い", "手すりを使う"),
        ("2.1.1", "相談", "眠れない", None),
    ]


def test_cells_repeated_on_each_line_say_it_once():
    lines = [line(1, 1, 1, **FULL, サービス内容="手すり"), line(1, 1, 2, **FULL, サービス内容="体操")]
    assert needs(*lines) == [("1", "転びそうで怖い")]
    assert goals(*lines) == [("long", "1.1", "転ばない", None), ("short", "1.1", "手すりを使う", "転ばない")]


def test_another_short_goal_under_the_same_number_is_a_further_one_of_the_same_long_goal():
    lines = [line(1, 1, 1, **FULL, サービス内容="手すり"), line(1, 1, 2, 短期目標="外へ出る", サービス内容="散歩")]
    assert goals(*lines) == [
        ("long", "1.1", "転ばない", None),
        ("short", "1.1", "手すりを使う", "転ばない"),
        ("short", "1.1-2", "外へ出る", "転ばない"),
    ]
    assert [aim for _, _, _, aim in services(*lines)] == ["手すりを使う", "外へ出る"]


def test_goals_of_one_need_do_not_run_over_into_the_next():
    lines = [line(1, 1, 1, **FULL, サービス内容="手すり"), line(1, 2, 1, サービス内容="散歩")]
    assert services(*lines)[1] == ("1.2.1", "散歩", "転びそうで怖い", None)


def test_lines_are_put_in_the_order_of_their_numbers():
    lines = [line(1, 1, 2, サービス内容="後"), line(2, 1, 1, 課題="眠れない"), line(1, 1, 1, **FULL, サービス内容="先")]
    assert [key for key, *_ in services(*lines)] == ["1.1.1", "1.1.2"]
    assert services(*lines)[1] == ("1.1.2", "後", "転びそうで怖い", "手すりを使う")


def test_where_numbers_are_left_out_other_words_open_the_next_one():
    lines = [
        line("", "", "", **FULL, サービス内容="手すり"),
        line("", "", "", サービス内容="体操"),
        line("", "", "", 課題="眠れない", 長期目標="眠れる", サービス内容="相談"),
    ]
    assert needs(*lines) == [("1", "転びそうで怖い"), ("2", "眠れない")]
    assert [key for key, *_ in services(*lines)] == ["1.1.1", "1.1.2", "2.1.1"]


def test_a_number_used_twice_for_a_service_loses_neither():
    lines = [line(1, 1, 1, サービス内容="入浴"), line(1, 1, 1, サービス内容="食事")]
    assert [(key, text) for key, text, *_ in services(*lines)] == [("1.1.1", "入浴"), ("1.1.1-2", "食事")]


def test_a_line_with_goals_alone_is_no_service():
    assert services(line(1, 1, 1, **FULL)) == []


cells = st.fixed_dictionaries({
    "課題ＮＯ": st.sampled_from(["", "1", "2"]), "課題": st.sampled_from(["", "い", "ろ"]), "援助目標ＮＯ": st.sampled_from(["", "1", "2"]),
    "長期目標": st.sampled_from(["", "は", "に"]), "短期目標": st.sampled_from(["", "ほ", "へ"]), "援助内容ＮＯ": st.sampled_from(["", "1", "2"]),
    "サービス内容": st.sampled_from(["", "と", "ち"]),
})  # fmt: skip


@given(st.lists(cells, min_size=1, max_size=8))
def test_whatever_is_numbered_how_every_text_is_kept_and_no_key_stands_twice(told):
    lines = [line("", "", "", **one) for one in told]
    table = read_lines(rows_of(*lines))
    for found, column in ((table.needs, "課題"), (table.long, "長期目標"), (table.short, "短期目標")):
        assert {one.text for one in found} == {one[column] for one in told if one[column]}
        assert len({one.key for one in found}) == len(found)
    assert sorted(one.row["サービス内容"] for one in table.services) == sorted(one["サービス内容"] for one in told if one["サービス内容"])
    assert len({one.key for one in table.services}) == len(table.services)
    (part,) = adapter.convert(wire("UP2KYO", *lines)).parts
    keys = [(draft.type, draft.key) for draft in part.drafts]
    assert len(keys) == len(set(keys))


def test_thousands_of_lines_of_one_plan_are_read_in_time_linear_to_them():
    lines = [line("", "", "", 課題=f"課題{n}", 長期目標=f"長期{n}", 短期目標=f"短期{n}", サービス内容=f"内容{n}") for n in range(4000)]
    begun = time.monotonic()
    table = read_lines(rows_of(*lines))
    assert time.monotonic() - begun < 20
    assert [len(found) for found in (table.needs, table.long, table.short, table.services)] == [4000] * 4
