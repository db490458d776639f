"""Published messages of others, where they lie beside the checkout: each is taken, or refused at a place by a rule, as this table says."""

import os
from pathlib import Path

import orjson
import pytest

from adapters.hospital import adapter
from schemas.adapter import Conversion, RefusedPart, Wire
from schemas.errors import BadInput
from schemas.fhir.resource import read
from schemas.messages import catalogue

SHARED = os.environ.get("TSUNAGU_SHARED", str(Path(__file__).resolve().parents[4] / "shared"))
SAMPLES = Path(SHARED) / "samples" / "hl7v2"
TAKEN = {
    "ADT-00": {"Patient": 1, "Coverage": 1, "AllergyIntolerance": 1, "Observation": 3},
    "ADT-22": {"Encounter": 1},
    "ADT-61": {"AllergyIntolerance": 4},
    "OMP-01": {"MedicationRequest": 3},
    "PPR-01": {"Condition": 1},
}
"""Kind → resources of each type; the SEL contact of ADT-00 is the patient and no RelatedPerson."""
REFUSED = {"ADT-42": 1, "L-OBSERVATIONS": 1, "OMD": 1, "OMG-13": 1, "OML-01": 1, "OML-11": 2, "OMP-02": 1, "OMP-11": 2, "OMP-12": 1}
"""Kinds that are not taken yet → files; two of OMP-11 are damaged on purpose."""

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the published samples do not lie beside this checkout")


def wires():
    for path in sorted(SAMPLES.rglob("*")):
        if path.is_file() and path.name != "README.md":
            yield Wire(str(path.relative_to(SAMPLES)), path.read_bytes(), "1319000129")


def test_every_published_message_is_taken_or_refused_as_the_table_says():
    taken, refused = {}, {}
    for wire in wires():
        assert adapter.claims(wire)
        conversion = adapter.convert(wire)
        for part in conversion.parts:
            counts = taken.setdefault(conversion.layout, {})
            for draft in part.drafts:
                read(orjson.dumps(dict(draft.body)), expected_type=draft.type)
                counts[draft.type] = counts.get(draft.type, 0) + 1
        for one in conversion.refused:
            refused[conversion.layout] = refused.get(conversion.layout, 0) + 1
            assert [(issue.rule, issue.where) for issue in one.issues] == [("HUB-1020", "MSH-9")]
    assert (taken, refused) == (TAKEN, REFUSED)


def test_every_published_message_is_read_to_its_last_field_without_a_warning_of_the_wire():
    spelt = [issue.rule for wire in wires() for part in adapter.convert(wire).parts for issue in part.warnings]
    assert sorted(spelt) == ["HUB-1030", "HUB-1030"]  # two files whose names hold another patient number, so made


@pytest.mark.parametrize("cut", range(1, 40))
def test_no_published_message_cut_short_makes_anything_but_a_refusal_or_right_resources(cut):
    for wire in wires():
        short = Wire(wire.name, wire.data[: len(wire.data) * cut // 40], wire.sender)
        try:
            conversion = adapter.convert(short)
        except BadInput as error:
            conversion = Conversion("", (), (RefusedPart(short.data, error.issues),))
        assert all(issue.rule in catalogue() and issue.where for one in conversion.refused for issue in one.issues)
        for draft in (draft for part in conversion.parts for draft in part.drafts):
            read(orjson.dumps(dict(draft.body)), expected_type=draft.type)
