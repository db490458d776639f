"""`tsunagu import PATH`: hands files to a running hub, as a user would, and reports what was taken, refused and why.

Names are never printed whole: a file of the storage carries its patient's number.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from hub.web.bodies import MAX_BYTES
from schemas.errors import Issue
from schemas.messages import japanese

_BAR = 30
_TELLING = re.compile(r"[^!-~]+|[0-9]+")
"""What may tell of a person in a path: numbers, and words that are no ASCII."""


class _Stop(Exception):
    """The hub does not answer, or takes nothing from this token."""


def hand_in(path: Path, base: str, token: str) -> int:
    """Hand in a file, or all files below a folder in the order of their names; 0 when nothing was refused, 2 when there is none."""
    files = list(_files(path))
    if not files:
        print("ファイルがありません / no file there", file=sys.stderr)
        return 2
    totals: Counter[str] = Counter()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=base, headers=headers, timeout=120, trust_env=False) as client:
        for number, file in enumerate(files, 1):
            _progress(number, len(files))
            try:
                said = list(_one(client, file, str(file.relative_to(path.parent)), totals))
            except (httpx.HTTPError, _Stop) as fault:
                why = str(fault) if isinstance(fault, _Stop) else type(fault).__name__
                print(f"\nハブに届きません / the hub does not answer ({why})", file=sys.stderr)
                return 1
            for line in said:
                print(f"受け取れず / refused: {number}/{len(files)} {_TELLING.sub('…', str(file.relative_to(path.parent)))}: {line}")
    print(
        f"受け取り {totals['taken']} 件（リソース {totals['resources']}）、繰り返し {totals['repeats']} 件、受け取れず {totals['refused']} 件"
        f" / taken {totals['taken']} ({totals['resources']} resources), repeats {totals['repeats']}, refused {totals['refused']}"
    )
    return 1 if totals["refused"] else 0


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))


def _one(client: httpx.Client, file: Path, name: str, totals: Counter[str]) -> Iterator[str]:
    """Hand one file in; give a line for each thing that was not taken."""
    if file.stat().st_size > MAX_BYTES:
        totals["refused"] += 1
        yield f"HUB-5052 {japanese(Issue('HUB-5052', words={'limit': f'{MAX_BYTES:,}'}))}"
        return
    data = file.read_bytes()
    if file.suffix == ".json":
        yield from _resources(_told(_fhir(client, data)), totals)
        return
    answer = client.post("/hand-in", content=data, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"})
    told = _told(answer)
    if "taken" not in told:
        totals["refused"] += 1
        yield from _issues(told)
        return
    totals["taken"] += len(told["taken"])
    totals["resources"] += sum(t["resources"] for t in told["taken"])
    totals["repeats"] += told["repeats"]
    totals["refused"] += len(told["refused"])
    for refused in told["refused"]:
        rows = f"（{', '.join(map(str, refused['rows']))} 行目）" if refused["rows"] else ""
        yield from (f"{i['rule']} {i['where']}{rows} {i['ja']}" for i in refused["issues"])


def _resources(told: Mapping[str, Any], totals: Counter[str]) -> Iterator[str]:
    """Count what became of a Bundle or a resource; of a batch, each entry for itself."""
    if told.get("resourceType") == "OperationOutcome":
        totals["refused"] += 1
        yield from _issues(told)
        return
    answers: list[Mapping[str, Any]] = (
        [e["response"] for e in told.get("entry", ())] if told.get("resourceType") == "Bundle" else [{"status": "201"}]
    )
    refused = [a for a in answers if a["status"][0] != "2"]
    totals["taken"] += 1 if len(refused) < len(answers) or not answers else 0
    totals["resources"] += len(answers) - len(refused)
    totals["refused"] += len(refused)
    for one in refused:
        yield from _issues(one["outcome"])


def _issues(outcome: Mapping[str, Any]) -> Iterator[str]:
    for issue in outcome.get("issue", ()):
        yield f"{issue['details']['coding'][0]['code']} {(issue.get('expression') or [''])[0]} {issue['details']['text']}"


def _told(answer: httpx.Response) -> Mapping[str, Any]:
    """Read what the hub says; raise _Stop for what is no word of a hub, and where the token serves for nothing."""
    try:
        told = orjson.loads(answer.content)
    except orjson.JSONDecodeError as fault:
        raise _Stop(str(answer.status_code)) from fault
    if not isinstance(told, dict):
        raise _Stop(str(answer.status_code))
    if answer.status_code in {401, 503}:
        raise _Stop(next(_issues(told), str(answer.status_code)))
    return told


def _fhir(client: httpx.Client, data: bytes) -> httpx.Response:
    """Send a Bundle whole, and a single resource to its own address."""
    headers = {"Content-Type": "application/fhir+json"}
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError:
        tree = None
    kind = tree.get("resourceType") if isinstance(tree, dict) else None
    if not isinstance(kind, str) or kind == "Bundle" or not kind.isalpha():
        return client.post("/fhir", content=data, headers=headers)
    number = tree.get("id") if isinstance(tree, dict) else None
    if isinstance(number, str) and number:
        return client.put(f"/fhir/{kind}/{quote(number, safe='')}", content=data, headers=headers)
    return client.post(f"/fhir/{kind}", content=data, headers=headers)


def _progress(number: int, total: int) -> None:
    if not sys.stderr.isatty():
        return
    full = _BAR * number // total
    print(f"\r[{'█' * full}{' ' * (_BAR - full)}] {number}/{total}", end="" if number < total else "\n", file=sys.stderr, flush=True)
