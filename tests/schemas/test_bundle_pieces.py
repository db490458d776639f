"""A Bundle is read a resource at a time where nothing is off, and whole where something is: nobody must see a difference."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import BadInput
from schemas.fhir.bundle import _by_pieces, _whole, read_bundle
from schemas.fhir.limits import bounded

from .good import ALL, OBSERVATION, PATIENT, bundle, but, post, put

MAX = 1_000_000
RIGHT = bundle(
    {"fullUrl": "https://example.org/fhir/Patient/p1", **put(PATIENT)},
    put(OBSERVATION),
    *(post(r) for r in ALL[2:]),
    post(but(PATIENT, id="p2")),
)
INSERTED = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"\xff",
    b"\x01",
    b"\\u0000",
    b"\\ud800",
    b'"id":"x",',
    b'"fullUrl":"urn:uuid:a",',
    b" ",
]


def told(kind: str, tree: dict[str, Any], text: bytes) -> tuple[Any, ...]:
    return kind, tree, text


def pieces(raw: bytes) -> Any:
    return _by_pieces(raw, bounded(raw, max_bytes=MAX), 5_000, told)


def said(read: Any) -> Any:
    """Give what was read, or what was said of it."""
    try:
        found = read()
    except BadInput as refusal:
        return type(refusal), [(i.rule, i.where, dict(i.words)) for i in refusal.issues]
    refused = [[(i.rule, i.where) for i in e.refusal.issues] if e.refusal else None for e in found.entries]
    return found.type, [(e.index, e.full_url, e.method, e.url, e.body) for e in found.entries], refused


def same(raw: bytes) -> bool:
    return bool(said(lambda: read_bundle(raw, max_bytes=MAX, keep=told)) == said(lambda: _whole(raw, MAX, 5_000, told)))


def test_what_is_common_is_read_by_pieces_with_the_received_bytes_and_what_was_kept():
    found = pieces(RIGHT)
    assert [e.body.type for e in found.entries] == ["Patient", "Observation", "Condition", "MedicationRequest", "Composition", "Patient"]
    assert all(e.body.raw in RIGHT and e.body.kept == (e.body.type, e.body.value, e.body.raw) for e in found.entries)
    assert same(RIGHT)


@pytest.mark.parametrize(
    ("was", "became"),
    [
        (b'"gender":"female"', b'"gender":"female","gender":"male"'),
        (b'"gender":"female"', b'"gender":"zzz"'),
        (b'"type":"transaction"', b'"type":"batch","type":"transaction"'),
        (b'"type":"transaction"', b'"type":"document"'),
        (b'"type":"transaction"', b'"type":"transaction","total":1'),
        (b'"request":{', b'"request":{"method":"POST",'),
        (b'"resource":{', b'"resource":{},"resource":{'),
        (b'"fullUrl":"', b'"fullUrl":"urn:uuid:a","fullUrl":"'),
        (b'"entry":[', b'"entry":[],"entry":['),
        (b'"entry":[', b'"entry":[{"request":{"method":"DELETE","url":"Patient/p9"}},'),
    ],
)
def test_a_key_that_stands_twice_and_every_other_fault_is_left_to_the_reading_of_the_whole(was, became):
    raw = RIGHT.replace(was, became, 1)
    assert raw != RIGHT
    assert pieces(raw) is None
    assert same(raw)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(RIGHT)), st.integers(0, 12), st.sampled_from([b"", *INSERTED]))
def test_no_text_is_judged_otherwise_by_pieces_than_as_a_whole(at, gone, put_in):
    assert same(RIGHT[:at] + put_in + RIGHT[at + gone :])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(sorted({bytes([c]) for c in b'{}[],:"\\ ax1'} | {b'"entry"', b'"resource"', b'"request"'})), max_size=12).map(
        b"".join
    )
)
def test_no_short_text_either(middle):
    assert same(b'{"resourceType":"Bundle","type":"batch",' + middle + b"}")
