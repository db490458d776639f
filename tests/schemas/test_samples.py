"""Published data of others: every file is taken, or refused with the place and rule that stand in a table kept by hand."""

import pytest

from schemas.errors import BadInput
from schemas.fhir.bundle import read_bundle
from schemas.fhir.resource import read

from .good import samples

REFUSED = {
    # references written as bare ids or as words instead of Type/id
    "ereferral/Composition-compositionReferralExample01.json": {
        ("HUB-4033", "Composition.subject.reference"),
        ("HUB-4033", "Composition.encounter.reference"),
        ("HUB-4033", "Composition.author[0].reference"),
    },
}


def test_every_fhir_example_is_taken_or_refused_as_the_table_says():
    refused = {}
    found = samples("fhir")
    for path in found:
        try:
            read(path.read_bytes())
        except BadInput as error:
            refused["/".join(path.parts[-2:])] = {(i.rule, i.where) for i in error.issues}
    assert refused.keys() == REFUSED.keys()
    assert all(REFUSED[name] <= issues for name, issues in refused.items())
    assert len(found) == 60


@pytest.mark.parametrize("folder", ["blaze-2021", "smart-2019"])
def test_every_synthea_bundle_is_taken_whole(folder):
    for path in samples("synthea", folder):
        raw = path.read_bytes()
        if b'"transaction"' not in raw[:2000] and b'"batch"' not in raw[:2000]:
            read(raw)
            continue
        envelope = read_bundle(raw)
        assert envelope.entries
        assert all(e.refusal is None and e.body is not None and e.body.raw in raw for e in envelope.entries)
