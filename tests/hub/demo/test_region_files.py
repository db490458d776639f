"""Every file of the region goes through the adapter that would take it, and nothing is refused but what is meant to be."""

import json
from datetime import datetime
from pathlib import PurePosixPath

import pytest

from adapters.care_manager import adapter as care_manager
from adapters.hospital import adapter as hospital
from adapters.visiting_nurse import adapter as visiting_nurse
from hub.demo.region.write import people, region
from schemas.adapter import Wire
from schemas.ids import KAIGO_INSURED

NOW = datetime.fromisoformat("2026-11-25T10:42:00+09:00")
ADAPTERS = (hospital, visiting_nurse, care_manager)


@pytest.fixture(scope="module")
def files():
    return region(seed=1, now=NOW)


@pytest.fixture(scope="module")
def told(files):
    return json.loads(files["story.json"])


def wires(files, rows):
    """The wires of these hand-ins as the doors would make them, a storage in the order of its files."""
    for row in rows:
        if row["door"] == "file":
            yield Wire(PurePosixPath(row["path"]).name, files[row["path"]], row["by"])
        elif row["door"] == "folder":
            for name in sorted(name for name in files if name.startswith(f"{row['path']}/")):
                yield Wire(name.removeprefix(f"{row['path']}/"), files[name], row["by"])


def converted(wire):
    claimed = [adapter for adapter in ADAPTERS if adapter.claims(wire)]
    assert len(claimed) == 1, wire.name
    return claimed[0].convert(wire)


def step(files, told, name):
    return converted(next(wires(files, [one for one in told["steps"] if one["name"] == name])))


@pytest.mark.parametrize(
    ("seed", "now"), [(1, "2026-11-25T10:42:00+09:00"), (2, "2027-01-01T00:01:00+09:00"), (9, "2028-02-29T23:58:00+09:00")]
)
def test_every_file_is_taken_whole_and_without_a_remark(seed, now):
    made = region(seed=seed, now=datetime.fromisoformat(now))
    for wire in wires(made, json.loads(made["hand-ins.json"])):
        conversion = converted(wire)
        assert conversion.parts, wire.name
        assert conversion.refused == (), wire.name
        remarks = {issue.rule for part in conversion.parts for issue in part.warnings}
        assert remarks <= {"HUB-1032"}, wire.name  # the name of a file whose admission was cancelled ends in 0, its message is still an A01


def test_only_the_damaged_files_of_the_story_are_refused(files, told):
    refused = {one["name"]: step(files, told, one["name"]).refused for one in told["steps"] if one["door"] == "file"}
    assert {name for name, found in refused.items() if found} == {"damaged-visits", "damaged-message"}


def test_a_shifted_column_costs_one_person_and_not_the_other(files, told):
    damaged, corrected = step(files, told, "damaged-visits"), step(files, told, "corrected-visits")
    assert (len(damaged.parts), [one.rows for one in damaged.refused]) == (1, [(3,)])
    assert len(corrected.parts) == 2
    assert damaged.parts[0].patient_key == told["persons"]["wife"]["numbers"]["1169900014"]


def test_a_broken_segment_is_refused_and_taken_when_sent_again(files, told):
    damaged, corrected = step(files, told, "damaged-message"), step(files, told, "corrected-message")
    assert damaged.parts == ()
    assert [draft.body["status"] for part in corrected.parts for draft in part.drafts if draft.type == "Encounter"] == ["finished"]


def test_the_main_person_is_admitted_to_ward_3e_and_leaves(files, told):
    (admitted,), (left,), (again,) = (step(files, told, name).parts for name in ("admission", "discharge", "readmission"))
    stays = [next(d for d in part.drafts if d.type == "Encounter") for part in (admitted, left, again)]
    assert [one.body["status"] for one in stays] == ["in-progress", "finished", "in-progress"]
    assert told["expect"]["ward"] in stays[0].body["location"][0]["location"]["display"]
    assert stays[0].body["period"]["start"] == told["moments"]["admitted"]
    assert stays[0].key == stays[1].key != stays[2].key
    assert admitted.patient_key == told["person"]["numbers"]["1119900015"]


def test_the_parts_of_the_couple_stay_apart(files):
    by_key = {case.person.key: case.person for case in people(seed=1, now=NOW)}
    pairs = {by_key[key].pair: by_key[key].name for key in ("wife", "husband")}
    for wire in wires(files, [one for one in json.loads(files["hand-ins.json"]) if one["by"] == "1179900012"]):
        kinds = [part for part in converted(wire).parts if any(pair in str(part.drafts) for pair in pairs)]
        for part in kinds:
            assert sum(pair in str(part.drafts) for pair in pairs) == 1


def test_care_side_patients_carry_the_number_that_joins_them(files):
    expected = {case.person.pair for case in people(seed=1, now=NOW) if case.part("plan")}
    found = set()
    for wire in wires(files, json.loads(files["hand-ins.json"])):
        if care_manager.claims(wire):
            found |= {
                i["value"] for part in converted(wire).parts for d in part.drafts if d.type == "Patient" for i in d.body["identifier"]
                if i["system"] == KAIGO_INSURED
            }  # fmt: skip
    assert found == expected


def test_the_night_visit_is_urgent_and_worse_than_usual(files, told):
    (part,) = step(files, told, "urgent-visit").parts
    visit = next(d.body for d in part.drafts if d.type == "Encounter")
    assert visit["priority"]["coding"][0]["code"] == "EM"
    assert visit["period"]["start"] == told["moments"]["urgent_visit"]
    values = {
        c["code"]: d.body.get("valueQuantity", {}).get("value")
        for d in part.drafts
        if d.type == "Observation"
        for c in d.body["code"].get("coding", ())
    }
    assert (values["9279-1"], values["59408-5"], values["8867-4"]) == (26, 90, 108)
