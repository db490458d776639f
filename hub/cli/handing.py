"""`tsunagu import PATH`: hands files to a running hub, as a user would, and reports what was taken, refused and why."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx

_BAR = 30


def hand_in(path: Path, base: str, token: str) -> int:
    """Hand in a file, or all files below a folder in the order of their names; 0 when nothing was refused."""
    files = list(_files(path))
    if not files:
        print("ファイルがありません / no file there", file=sys.stderr)
        return 2
    totals: Counter[str] = Counter()
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=120, trust_env=False) as client:
        for number, file in enumerate(files, 1):
            _progress(number, len(files))
            try:
                _one(client, file, str(file.relative_to(path.parent)), totals)
            except httpx.HTTPError as fault:
                print(f"\nハブに届きません / the hub does not answer ({type(fault).__name__})", file=sys.stderr)
                return 1
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


def _one(client: httpx.Client, file: Path, name: str, totals: Counter[str]) -> None:
    data = file.read_bytes()
    if file.suffix == ".json":
        answer = _fhir(client, data)
        if answer.is_success:
            totals["taken"] += 1
            totals["resources"] += len(answer.json().get("entry", ())) or 1
        else:
            totals["refused"] += 1
            issues = answer.json().get("issue", ())
            _say(name, [f"{i['details']['coding'][0]['code']} {(i.get('expression') or [''])[0]} {i['details']['text']}" for i in issues])
        return
    answer = client.post("/hand-in", content=data, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"})
    told = answer.json()
    if "taken" not in told:
        totals["refused"] += 1
        _say(name, [f"{i['details']['coding'][0]['code']} {i['details']['text']}" for i in told.get("issue", ())])
        return
    totals["taken"] += len(told["taken"])
    totals["resources"] += sum(t["resources"] for t in told["taken"])
    totals["repeats"] += told["repeats"]
    totals["refused"] += len(told["refused"])
    for refused in told["refused"]:
        rows = f"（{', '.join(map(str, refused['rows']))} 行目）" if refused["rows"] else ""
        _say(name, [f"{i['rule']} {i['where']}{rows} {i['ja']}" for i in refused["issues"]])


def _fhir(client: httpx.Client, data: bytes) -> httpx.Response:
    """Send a Bundle whole, and a single resource to its own address."""
    import orjson

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


def _say(name: str, lines: list[str]) -> None:
    """Say what was refused: the file's own folder stands for it, since a storage file's name holds a patient number."""
    shown = Path(name).name if "_" not in Path(name).name else f"{Path(name).parent}/…"
    for line in lines:
        print(f"受け取れず / refused: {shown}: {line}")
