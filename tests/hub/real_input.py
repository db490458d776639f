"""Every published file beside the checkout goes through its door: `python -m tests.hub.real_input` prints what became of each set.

FHIR files go as a client sends them: a Bundle whole, a resource to its own address. Files of hospitals go to the file door. Each set has a
hub of its own; its files are sent in the order of their names, so that Synthea's seeds come before its patients.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from tests.hub.web.answers import outcome
from tests.hub.world import FHIR, HOSPITAL, World, world

SHARED = Path(os.environ.get("TSUNAGU_SHARED", str(Path(__file__).resolve().parents[3] / "shared")))
SAMPLES = SHARED / "samples"
ADAPTERS = ("hospital", "visiting_nurse", "care_manager")
SETS = {
    "jpcore": "fhir/jpcore", "clins": "fhir/clins", "ereferral": "fhir/ereferral", "examplecreation": "fhir/examplecreation", "hl7v2": "hl7v2",
    "synthea blaze-2021": "synthea/blaze-2021", "synthea smart-2019": "synthea/smart-2019",
}  # fmt: skip
LAST = ("patient",)
"""Files whose names begin so come after those that they refer to."""


@dataclass(slots=True)
class Became:
    """What became of a set. `refused` = file → (rule, place) of its first issue."""

    files: int = 0
    taken: int = 0
    resources: int = 0
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def rules(self) -> Counter[str]:
        """Give how many files each rule refused."""
        return Counter(rule for rule, _ in self.refused.values())


def files(name: str) -> list[Path]:
    """Give the files of a set in the order in which they are sent."""
    found = [p for p in (SAMPLES / SETS[name]).rglob("*") if p.is_file() and p.name != "README.md"]
    return sorted(found, key=lambda p: (p.name.startswith(LAST), p))


def through(w: World, name: str) -> Became:
    """Send a set."""
    made = Became()
    for path in files(name):
        made.files += 1
        inside = str(path.relative_to(SAMPLES / SETS[name]))
        answer = w.file(HOSPITAL, inside, path.read_bytes()) if name == "hl7v2" else _fhir(w, path.read_bytes())
        count, wrong = _file(answer) if name == "hl7v2" else _resources(answer)
        if wrong is None:
            made.taken += 1
            made.resources += count
        else:
            made.refused[inside] = wrong
    return made


def _fhir(w: World, data: bytes) -> httpx.Response:
    tree = orjson.loads(data)
    kind, number = tree["resourceType"], tree.get("id")
    if kind == "Bundle":
        return w.ask("POST", "/fhir", by=HOSPITAL, content=data, headers=FHIR)
    if number:
        return w.ask("PUT", f"/fhir/{kind}/{number}", by=HOSPITAL, content=data, headers=FHIR)
    return w.ask("POST", f"/fhir/{kind}", by=HOSPITAL, content=data, headers=FHIR)


def _resources(answer: httpx.Response) -> tuple[int, tuple[str, str] | None]:
    """Give how many resources were taken; of a batch the first entry that was not stands for all."""
    tree: dict[str, Any] = answer.json()
    if tree["resourceType"] == "OperationOutcome":
        return 0, outcome(answer)[0][:2]
    answers = [e["response"] for e in tree.get("entry", ())] if tree["resourceType"] == "Bundle" else [{"status": str(answer.status_code)}]
    assert all(a["status"].startswith("20") for a in answers), answers
    return len(answers), None


def _file(answer: httpx.Response) -> tuple[int, tuple[str, str] | None]:
    tree: dict[str, Any] = answer.json()
    if tree["refused"]:
        issue = tree["refused"][0]["issues"][0]
        return 0, (issue["rule"], issue["where"])
    return sum(t["resources"] for t in tree["taken"]), None


def all_sets() -> Iterator[tuple[str, Became]]:
    """Send each set to a hub of its own."""
    for name in SETS:
        with tempfile.TemporaryDirectory() as folder, world(Path(folder) / "data", adapters=ADAPTERS) as w:
            yield name, through(w, name)


def main(words: Sequence[str]) -> int:
    """Print the table; `--files` names each refused file too."""
    if not SAMPLES.is_dir():
        print("the published samples do not lie beside this checkout", file=sys.stderr)
        return 2
    print(f"| {'set':<18} | files | taken | refused | resources | rules |")
    print(f"|{'-' * 20}|------:|------:|--------:|----------:|-------|")
    for name, made in all_sets():
        rules = "、".join(f"{rule} × {count}" for rule, count in sorted(made.rules.items()))
        print(f"| {name:<18} | {made.files:>5} | {made.taken:>5} | {len(made.refused):>7} | {made.resources:>9} | {rules} |")
        for file, (rule, where) in made.refused.items() if "--files" in words else ():
            print(f"    {file}: {rule} at {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
