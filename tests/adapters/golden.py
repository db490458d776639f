"""Golden cases of a source of files: what was sent, what it says by the domain facts, and why the case is there."""

from pathlib import Path

import orjson

from schemas.adapter import Wire


def cases(folder: Path) -> list[Path]:
    """Give the cases below a source's tests."""
    return sorted(path for path in (folder / "cases").iterdir() if path.is_dir())


def load(case: Path) -> tuple[Wire, dict]:
    """Give what was sent and what is expected of it."""
    expected = orjson.loads((case / "expected.json").read_bytes())
    (sent,) = case.glob("input.*")
    return Wire(expected["name"], sent.read_bytes(), expected["sender"]), expected


def agrees(adapter, case: Path) -> None:
    """Compare a conversion with what was written by hand."""
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


def explained(found: list[Path], least: int) -> None:
    """Judge that every case says why it is there, and that there are enough."""
    assert all((case / "why.md").read_text(encoding="utf-8").startswith("# ") for case in found)
    assert len(found) >= least
