import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fhir.references import references, splice

from .good import OBSERVATION, REQUEST, but, text

KNOWN = {"urn:uuid:a": "Patient/1", "urn:uuid:b": "Encounter/2"}


def test_references_are_given_with_their_places():
    assert list(references(OBSERVATION)) == [
        ("Observation.subject.reference", "Patient/p1"),
        ("Observation.encounter.reference", "Encounter/e1"),
        ("Observation.performer[0].reference", "Practitioner/d1"),
    ]


def test_a_uri_that_is_called_reference_is_not_one():
    issue = {"resourceType": "DetectedIssue", "status": "final", "reference": "http://example.org", "patient": {"reference": "Patient/1"}}
    assert list(references(issue)) == [("DetectedIssue.patient.reference", "Patient/1")]


def test_only_the_known_tokens_change_and_every_other_byte_stays():
    raw = b'{ "resourceType" : "Observation",\n "valueQuantity":{"value":1.10,"unit":"\\u338e"},"subject" : {"reference"\t: "urn:uuid:a"}, "x":1.0e2 }'
    assert splice(raw, KNOWN.get) == raw.replace(b"urn:uuid:a", b"Patient/1")


@pytest.mark.parametrize("key", ["reference", "url", "uri", "valueUri", "valueUrl", "valueUuid", "valueOid"])
def test_each_key_of_the_family_is_replaced(key):
    assert json.loads(splice(text({key: "urn:uuid:a"}), KNOWN.get)) == {key: "Patient/1"}


@pytest.mark.parametrize(
    "key",
    [
        "system",
        "value",
        "valueString",
        "valueCanonical",
        "canonical",
        "profile",
        "instantiatesCanonical",
        "display",
        "xreference",
        "reference2",
    ],
)
def test_no_other_key_is(key):
    raw = text({key: "urn:uuid:a"})
    assert splice(raw, KNOWN.get) == raw


def test_text_that_looks_like_a_key_is_left():
    raw = text(
        {
            "valueString": '"reference":"urn:uuid:a"',
            "display": ', "url": "urn:uuid:a"',
            "code": "reference",
            "note": ["reference", "urn:uuid:a"],
        }
    )
    assert splice(raw, KNOWN.get) == raw


def test_keys_and_texts_that_are_written_with_escapes_are_understood():
    raw = b'{"refer\\u0065nce":"urn:uuid:a","display":"\\"url\\":","url":"urn\\u003auuid:b","note":"reference"}'
    assert splice(raw, KNOWN.get) == b'{"refer\\u0065nce":"Patient/1","display":"\\"url\\":","url":"Encounter/2","note":"reference"}'
    assert splice(b'{"url":"urn:uuid\\u003aa"}', KNOWN.get) == b'{"url":"Patient/1"}'


def test_a_part_behind_the_hash_stays_with_its_address():
    assert splice(b'{"reference":"urn:uuid:a#med"}', KNOWN.get) == b'{"reference":"Patient/1#med"}'
    assert splice(b'{"reference":"#urn:uuid:a"}', KNOWN.get) == b'{"reference":"#urn:uuid:a"}'


def test_links_in_the_narrative_follow_what_was_replaced_and_only_that():
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:a">urn:uuid:a</a><a href=\'urn:uuid:b\'>x</a></div>'
    raw = text({"text": {"status": "generated", "div": div}, "subject": {"reference": "urn:uuid:a"}})
    assert json.loads(splice(raw, KNOWN.get))["text"]["div"] == div.replace('href="urn:uuid:a"', 'href="Patient/1"')


def test_new_text_is_escaped_as_json_and_as_xhtml():
    raw = text({"text": {"div": '<a href="urn:uuid:a">x</a>'}, "reference": "urn:uuid:a"})
    assert json.loads(splice(raw, {"urn:uuid:a": 'Patient?x="&\\'}.get)) == {
        "text": {"div": '<a href="Patient?x=&quot;&amp;\\">x</a>'},
        "reference": 'Patient?x="&\\',
    }


KEYS = st.sampled_from(["reference", "url", "display", "value", 'a"reference', "valueUri", "漢"])
TEXTS = st.sampled_from(
    ["urn:uuid:a", "urn:uuid:b", "reference", '"url": "urn:uuid:a"', ', "reference":"urn:uuid:b"', "\\", '"', "漢字", ""]
)
TREES = st.recursive(
    TEXTS | st.integers() | st.none(), lambda t: st.lists(t, max_size=3) | st.dictionaries(KEYS, t, max_size=4), max_leaves=20
)
FAMILY = {"reference", "url", "valueUri"}


def changed(tree):
    if isinstance(tree, dict):
        return {k: KNOWN.get(v, v) if k in FAMILY and isinstance(v, str) else changed(v) for k, v in tree.items()}
    return [changed(t) for t in tree] if isinstance(tree, list) else tree


@given(TREES, st.booleans(), st.sampled_from([None, 1]))
def test_splicing_the_text_is_the_same_as_changing_the_tree(tree, ascii_only, indent):
    raw = json.dumps(tree, ensure_ascii=ascii_only, indent=indent).encode()
    assert json.loads(splice(raw, KNOWN.get)) == changed(tree)


@given(TREES)
def test_a_change_that_knows_nothing_gives_the_same_bytes(tree):
    raw = json.dumps(tree).encode()
    assert splice(raw, lambda _: None) == raw


def test_contained_references_are_among_them():
    contained = but(REQUEST, contained=[{"resourceType": "Medication", "id": "m", "manufacturer": {"reference": "Organization/o"}}])
    assert ("MedicationRequest.contained[0].manufacturer.reference", "Organization/o") in list(references(contained))
