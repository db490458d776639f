import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BadInput, Malformed, TooLong
from schemas.fhir.limits import check_text, parse

LIMIT = 10_000_000


def rule(raw: bytes, **limits: int) -> str:
    with pytest.raises(BadInput) as caught:
        check_text(raw, **({"max_bytes": LIMIT} | limits))
    return caught.value.issues[0].rule


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"a":"\xe3\x81"}', "HUB-4001"),
        (b'{"a":"\xed\xa0\x80"}', "HUB-4001"),
        (b"\xef\xbb\xbf{}", "HUB-4002"),
        (b'{"a":"\\ud800"}', "HUB-4003"),
        (b'{"a":"\\udc00\\ud800"}', "HUB-4003"),
        (b'{"a":"\\u0000"}', "HUB-4003"),
        (b'{"a":1,}', "HUB-4005"),
        (b"", "HUB-4005"),
        (b'{"a":NaN}', "HUB-4006"),
        (b'{"a":-Infinity}', "HUB-4006"),
        (b'{"a":1e999}', "HUB-4008"),
        (b'{"a":1,"a":1}', "HUB-4007"),
    ],
)
def test_text_that_is_no_sound_json_is_refused_with_its_own_rule(raw, expected):
    assert rule(raw) == expected


@pytest.mark.parametrize(
    "raw", [b'{"a":"NaN"}', b'{"a":"\\\\ud800"}', b'{"a":"\\\\u0000"}', b'{"a":"\\ud83d\\ude00"}', b'{"a":"]]}}{{"}', b'{"a":"b","c":"b"}']
)
def test_what_only_looks_wrong_inside_a_string_is_taken(raw):
    assert parse(raw, max_bytes=LIMIT) == json.loads(raw)


def test_one_byte_more_than_the_limit_is_too_large():
    check_text(b'{"a":1}', max_bytes=7)
    with pytest.raises(TooLong):
        check_text(b'{"a":1}', max_bytes=6)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_sixty_four_levels_pass_and_sixty_five_do_not(opening, closing):
    def nested(n: int) -> bytes:
        return (opening * n + ("1" if opening != "[" else "") + closing * n).encode()

    check_text(nested(64), max_bytes=LIMIT)
    assert rule(nested(65)) == "HUB-4004"
    assert rule(nested(100_000)) == "HUB-4004"


def test_brackets_that_never_close_end_in_a_refusal_and_not_in_a_crash():
    assert rule(b"[" * 1_000_000) == "HUB-4005"


def test_brackets_in_strings_neither_hide_nor_make_depth():
    assert rule(b'{"a":"}}}}","b":' + b"[" * 64 + b"]" * 64 + b"}") == "HUB-4004"
    check_text(b'{"a":"' + b"[" * 500 + b'\\"{"}', max_bytes=LIMIT)


def test_a_doubled_key_is_named_by_its_place_and_never_by_the_senders_own_word():
    raw = b'{"resourceType":"Patient","name":[{"family":"a"},{"family":"b","family":"c"}]}'
    with pytest.raises(Malformed) as caught:
        check_text(raw, max_bytes=LIMIT)
    assert caught.value.issues[0].where == "Patient.name[1]"
    with pytest.raises(Malformed) as caught:
        check_text(b'{"resourceType":"Patient","himitsu":{"a":1,"a":2}}', max_bytes=LIMIT)
    assert caught.value.issues[0].where == "Patient"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a" : ":", "a":"x"}',
        b'{"a":"\\u0022:","a":1}',
        b'{"a":":\\u003a","b":{"c":1,"\\u0063" :2}}',
        b'{"a\\"":1,"a\\u0022":2}',
        b'[{"a":[{"b":{"c":1},"b":{"c":1}}]}]',
    ],
)
def test_no_spelling_hides_a_doubled_key(raw):
    assert rule(raw) == "HUB-4007"


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='ab":\\{}[]漢 ', max_size=4), inner, max_size=4),
    max_leaves=30,
)


@given(TREES, st.sampled_from([None, 2]), st.booleans())
def test_every_tree_that_json_can_write_is_read_back_the_same(tree, indent, ascii_only):
    raw = json.dumps(tree, indent=indent, ensure_ascii=ascii_only).encode()
    assert parse(raw, max_bytes=LIMIT) == tree


@given(TREES, st.text(alphabet='ab":\\漢', min_size=1, max_size=3))
def test_a_key_written_twice_is_always_refused(tree, key):
    inner = orjson.dumps(tree).decode()
    name = json.dumps(key)
    spelt = "".join(f"\\u{ord(c):04x}" for c in key)
    assert rule(f'{{"x":[{{{name}:{inner},"{spelt}" : {inner}}}]}}'.encode()) == "HUB-4007"


@given(st.integers(1, 120))
def test_depth_counts_objects_and_lists_alike(levels):
    raw = b"1"
    for i in range(levels):
        raw = b'{"a":%b}' % raw if i % 2 else b"[%b]" % raw
    if levels <= 64:
        check_text(raw, max_bytes=LIMIT)
    else:
        assert rule(raw) == "HUB-4004"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":"' + b'\\"' * 500_000,
        b'{"a":"' + b'" "' * 300_000,
        b"{" + b'"a\\u0041":1,' * 50_000 + b'"b":1}',
        b'{"a":"' + b"\\ud800" * 200_000 + b'"}',
    ],
)
def test_hostile_text_is_refused_without_being_scanned_again_and_again(raw):
    assert rule(raw) in {"HUB-4005", "HUB-4007", "HUB-4003"}
