"""Golden cases: a file as a care manager's software writes it, and what it says, written by hand from the domain facts."""

from pathlib import Path

import orjson
import pytest

from adapters.care_manager import adapter
from schemas.adapter import Wire

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())


def load(case: Path) -> tuple[Wire, dict]:
    expected = orjson.loads((case / "expected.json").read_bytes())
    (sent,) = case.glob("input.*")
    return Wire(expected["name"], sent.read_bytes(), expected["sender"]), expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_says_what_the_facts_say_of_it(case):
    wire, expected = load(case)
    assert adapter.claims(wire)
    conversion = adapter.convert(wire)
    assert conversion.layout == expected["layout"]
    assert [[[i.rule, i.where] for i in one.issues] for one in conversion.refused] == expected["refused"]
    assert [told(part) for part in conversion.parts] == expected["parts"]


def told(part) -> dict:
    return {
        "patient_key": part.patient_key,
        "control": part.control,
        "occurred": part.occurred.isoformat(),
        "drafts": [{"type": d.type, "key": d.key, "facts": dict(d.facts), "body": orjson.loads(orjson.dumps(d.body))} for d in part.drafts],
        "warnings": [[i.rule, i.where] for i in part.warnings],
    }


def test_every_case_says_why_it_is_there():
    assert all((case / "why.md").read_text(encoding="utf-8").startswith("# ") for case in CASES)
    assert len(CASES) >= 6
