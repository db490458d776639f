"""Published files go through their doors: each set is taken or refused as this table, kept by hand, says; every refusal names its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hub.real_input import ADAPTERS, SAMPLES, Became, files, through
from tests.hub.world import FHIR, HOSPITAL, World, world

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the published samples do not lie beside this checkout")

# set → files, taken, resources, rules of the refusals
TABLE: dict[str, tuple[int, int, int, dict[str, int]]] = {
    "jpcore": (25, 25, 25, {}),
    # a document and a collection; eight that name their patient by an insurance number alone, five that name nobody, one by an entry of a
    # Bundle in which it does not stand
    "clins": (29, 13, 13, {"HUB-4050": 2, "HUB-4077": 13, "HUB-4075": 1}),
    # a document; an Encounter of nobody; a Composition whose references are bare words
    "ereferral": (5, 2, 2, {"HUB-4050": 1, "HUB-4077": 1, "HUB-4033": 1}),
    "examplecreation": (1, 0, 0, {"HUB-4050": 1}),
    # eleven of kinds that are not taken yet, two of them damaged on purpose; one that bears the number and time of another
    "hl7v2": (16, 4, 14, {"HUB-1020": 11, "HUB-5050": 1}),
    "synthea blaze-2021": (11, 11, 2_144, {}),
    "synthea smart-2019": (4, 4, 340, {}),
}


@pytest.mark.parametrize("name", sorted(TABLE))
def test_each_set_is_taken_or_refused_as_the_table_says(tmp_path: Path, name: str) -> None:
    with world(tmp_path, adapters=ADAPTERS) as w:
        made: Became = through(w, name)
    assert (made.files, made.taken, made.resources, dict(made.rules)) == TABLE[name]
    assert made.taken + len(made.refused) == made.files
    assert all(where for _, where in made.refused.values())


def sent(w: World, path: Path) -> dict[str, Any]:
    tree: dict[str, Any] = w.ask("POST", "/fhir", by=HOSPITAL, content=path.read_bytes(), headers=FHIR).json()
    return tree


def test_without_its_seeds_no_patient_of_synthea_is_taken(tmp_path: Path) -> None:
    """Each refers by condition to a Practitioner or an Organization that is not there."""
    with world(tmp_path) as w:
        for path in [p for p in files("synthea blaze-2021") if ".transaction." in p.name]:
            issue = sent(w, path)["issue"][0]
            assert issue["details"]["coding"][0]["code"] == "HUB-4073"
            assert issue["expression"][0].startswith("Bundle.entry[")
        assert w.get(HOSPITAL, "/fhir/Patient?_summary=count").json()["total"] == 0


def test_seeds_that_are_loaded_twice_are_found_and_not_doubled(tmp_path: Path) -> None:
    with world(tmp_path) as w:
        hospitals, practitioners = files("synthea blaze-2021")[:2]
        assert {e["response"]["status"] for e in sent(w, hospitals)["entry"]} == {"201 Created"}
        assert {e["response"]["status"] for e in sent(w, hospitals)["entry"]} == {"200 OK"}
        for _ in range(2):
            sent(w, practitioners)
        counts = [
            w.get(HOSPITAL, f"/fhir/{kind}?_summary=count").json()["total"]
            for kind in ("Organization", "Location", "Practitioner", "PractitionerRole")
        ]
        assert counts == [194, 194, 195, 390]  # a PractitionerRole bears no condition: it is made each time
