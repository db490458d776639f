import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fhir.present import present
from schemas.fhir.resource import read

from .good import ALL, OBSERVATION, PATIENT, but, text

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
SUBSETTED = ("http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "SUBSETTED")
AT = "2026-05-01T00:00:00.000Z"


def without(value):
    return {k: v for k, v in value.items() if k not in {"id", "meta"}}


@pytest.mark.parametrize("value", ALL, ids=lambda v: v["resourceType"])
def test_only_id_and_meta_differ_from_what_was_received(value):
    body = read(present(text(value), id="tsu-1", version=3, updated=AT))
    assert without(body.value) == without(value)
    assert body.value["id"] == "tsu-1"
    assert body.value["meta"] == value.get("meta", {}) | {"versionId": "3", "lastUpdated": AT}


def test_decimals_keep_their_digits_and_other_elements_their_bytes():
    raw = b'{"resourceType":"Observation","valueQuantity": { "value" : 1.10 },"note":[ {"text":"\\u5c71"} ]}'
    given_out = present(raw, id="x", version=1, updated=AT)
    assert b'"valueQuantity":{ "value" : 1.10 }' in given_out
    assert b'"note":[ {"text":"\\u5c71"} ]' in given_out


def test_what_the_sender_said_in_meta_stays_except_version_and_time():
    sent = but(
        PATIENT,
        meta={
            "versionId": "99",
            "lastUpdated": "2000-01-01T00:00:00Z",
            "source": "http://example.org",
            "tag": [{"code": "own"}],
            "profile": ["http://example.org/p"],
        },
    )
    meta = orjson.loads(present(text(sent), id="x", version=2, updated=AT, tags=[SUBSETTED]))["meta"]
    assert meta == {
        "versionId": "2",
        "lastUpdated": AT,
        "source": "http://example.org",
        "tag": [{"code": "own"}, {"system": SUBSETTED[0], "code": SUBSETTED[1]}],
        "profile": ["http://example.org/p"],
    }


def test_confidentiality_goes_to_the_security_labels_and_stands_there_once():
    sent = but(PATIENT, meta={"security": [{"system": CONFIDENTIALITY, "code": "R"}]})
    meta = orjson.loads(
        present(text(sent), id="x", version=1, updated=AT, tags=[(CONFIDENTIALITY, "R"), (CONFIDENTIALITY, "V"), (CONFIDENTIALITY, "V")])
    )["meta"]
    assert meta["security"] == [{"system": CONFIDENTIALITY, "code": "R"}, {"system": CONFIDENTIALITY, "code": "V"}]
    assert "tag" not in meta


def test_references_are_changed_on_the_way_out():
    known = {"Patient/p1": "Patient/tsu-9"}
    assert orjson.loads(present(text(OBSERVATION), id="x", version=1, updated=AT, change=known.get))["subject"] == {
        "reference": "Patient/tsu-9"
    }


@given(st.sampled_from(ALL), st.integers(1, 10**9), st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True))
def test_giving_out_and_reading_gives_the_same_tree(value, version, number):
    read_back = read(present(text(value), id=number, version=version, updated=AT))
    assert without(read_back.value) == without(value)
    assert (read_back.id, read_back.value["meta"]["versionId"]) == (number, str(version))
