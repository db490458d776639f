"""fhir.resources as the oracle: right resources are bent in one place, and what the library refuses must be refused here too."""

import copy
import logging
import random

import orjson
import pytest

from schemas.errors import Refusal
from schemas.fhir import oracle
from schemas.fhir.resource import check, read
from schemas.fhir.schema import resource_types

from .good import ALL, samples

BENT = [
    None,
    {},
    [],
    "",
    5,
    1.5,
    -1,
    True,
    "zzz",
    "a b",
    " ",
    "\n",
    "2026-02-30",
    "2026-13",
    "24:00",
    "2026-01-01T24:00:00Z",
    {"x": 1},
    [None],
    ["zzz"],
    [{}],
    {"url": "x"},
    "urn:uuid:x",
    "#",
]
BESIDE = [{}, {"id": "x"}, {"extension": []}, {"extension": [{"url": "x", "valueCode": "y"}]}, None, [None], [{"id": "x"}]]
NAMES = ["foo", "valueString", "id", "extension"]

WRONG_REFUSALS = {
    "a primitive's companion in an Extension": lambda place: ".value" in place and ".extension[" in place,
    "a url that is no address of the web": lambda place: place.endswith("Url"),
    "a uuid of another version than 4": lambda place: place.endswith("Uuid"),
}
"""Where the library refuses what R4 permits, by the place it names."""


def places(value, path=()):
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from places(inner, (*path, step))


def bend(value, rnd):
    made = copy.deepcopy(value)
    path = rnd.choice(list(places(made)))
    parent = made
    for step in path[:-1]:
        parent = parent[step]
    match rnd.choice(["remove", "set", "rename", "again", "beside"]):
        case "remove":
            del parent[path[-1]]
        case "rename" if isinstance(parent, dict):
            parent[rnd.choice([*NAMES, f"_{path[-1]}"])] = parent.pop(path[-1])
        case "again" if isinstance(parent, list):
            parent.append(rnd.choice([None, "zzz", {}, copy.deepcopy(parent[0])]))
        case "beside" if isinstance(parent, dict):
            parent[f"_{path[-1]}"] = rnd.choice(BESIDE)
        case _:
            parent[path[-1]] = rnd.choice(BENT)
    return made


def right_samples():
    found = list(ALL)
    for path in samples("fhir"):
        try:
            found.append(read(path.read_bytes()).value)
        except Refusal:
            continue
    return found


def unexcused(value):
    kind = value.get("resourceType")
    if not isinstance(kind, str) or kind not in resource_types() or check(kind, value, orjson.dumps(value)):
        return []
    return [p for p in oracle.places(kind, value) if not any(excuse(p) for excuse in WRONG_REFUSALS.values())]


@pytest.mark.parametrize("seed", range(4))
def test_what_the_library_refuses_is_refused_here(seed):
    logging.getLogger("fhir_core").setLevel(logging.CRITICAL)
    rnd = random.Random(seed)
    for value in ALL:
        for _ in range(150):
            assert unexcused(bend(value, rnd)) == []


def test_what_the_library_refuses_of_bent_samples_is_refused_here():
    rnd = random.Random(4711)
    found = right_samples()
    for _ in range(1_500):
        assert unexcused(bend(rnd.choice(found), rnd)) == []


def test_what_is_right_here_is_right_for_the_library():
    for value in right_samples():
        assert oracle.places(value["resourceType"], value) == []


@pytest.mark.parametrize(
    "wrong",
    [{"resourceType": "Patient", "gender": "zzz"}, {"resourceType": "Patient", "name": []}, {"resourceType": "Patient", "active": "true"}],
)
def test_what_the_library_takes_wrongly_is_refused_here(wrong):
    assert oracle.places("Patient", wrong) == []
    assert check("Patient", wrong, orjson.dumps(wrong)) != []


def test_the_library_adds_places_and_never_values():
    wrong = {"resourceType": "Patient", "contained": [{"resourceType": "Himitsu"}], "gender": 5, "birthDate": "ヒミツ"}
    for issue in oracle.further("Patient", wrong, []):
        assert issue.severity == "warning"
        assert issue.words == {}
        assert "imitsu" not in issue.where
        assert "ヒミツ" not in issue.where
