"""All that users hand in to build the region, in order, each through a door that the hub has for everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hub.demo.region.careplans import plan_files
from hub.demo.region.chart import chart
from hub.demo.region.clock import Clock, stamp
from hub.demo.region.consents import sharing, wishes
from hub.demo.region.directory import directory
from hub.demo.region.elements import Pen, put
from hub.demo.region.people import Case, holders
from hub.demo.region.ssmix2 import storage
from hub.demo.region.tables import code, office, rows
from hub.demo.region.visits import visit_zip


@dataclass(frozen=True, slots=True)
class HandIn:
    """One thing handed in. `files`: path below the region's folder → bytes; `path` is what the door gets: a file or a folder."""

    by: str
    """Alias of the organization."""
    door: str
    """fhir = POST a Bundle, put = one resource, file, folder = an SS-MIX2 tree, links = pairs for the network's clerk."""
    path: str
    note: str
    files: dict[str, bytes] = field(default_factory=dict)

    def row(self) -> dict[str, str]:
        """Give its row of hand-ins.json."""
        return {"by": code(self.by), "door": self.door, "path": self.path, "note": self.note}


def text(value: Any) -> bytes:
    """Write JSON as people can read it; the same value gives the same bytes."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def hand_ins(cases: list[Case], clock: Clock) -> Iterator[HandIn]:
    """Give everything in order: charts, storages, visits, plans, consents, and the links that a human makes."""
    for row in rows("organizations"):
        yield from _charts(cases, row["alias"], clock)
    for row in rows("organizations"):
        if row["kind"] == "hospital" and row["alias"] != "rehab":
            yield _storage(cases, row["alias"], clock)
        elif row["kind"] == "visiting-nurse":
            yield _visits(cases, row["alias"], clock)
        elif row["kind"] == "care-manager":
            yield from _plans(cases, row["alias"], clock)
    for case in cases:
        yield from _consents(case, clock)
    yield _links(cases)


def _one(by: str, door: str, path: str, note: str, data: bytes) -> HandIn:
    whole = f"files/{code(by)}/{path}"
    return HandIn(by, door, whole, note, {whole: data})


def _charts(cases: list[Case], alias: str, clock: Clock) -> Iterator[HandIn]:
    mine = [case for case in cases if alias in case.part("charts")]
    if not mine:
        return
    name = office(alias)["name"]
    yield _one(alias, "fhir", "fhir/directory.json", f"{name}：組織と職員の登録", text(put(directory(alias))))
    for case in mine:
        made = chart(case, alias, clock)
        yield _one(alias, "fhir", f"fhir/{made[0]['id']}.json", f"{name}：{case.person.name} さんの記録", text(put(made)))


def _storage(cases: list[Case], alias: str, clock: Clock) -> HandIn:
    root = f"files/{code(alias)}/ssmix2"
    stored = [one for case in holders(cases, alias) for one in storage(case, alias, clock)]
    files = {f"{root}/{one.path}": one.data for one in sorted(stored, key=lambda one: (one.sent, str(one.path)))}
    return HandIn(alias, "folder", root, f"{office(alias)['name']}：SS-MIX2 標準化ストレージ", files)


def _visits(cases: list[Case], alias: str, clock: Clock) -> HandIn:
    mine = [case for case in holders(cases, alias) if case.part("nursing") and case.part("nursing")["station"] == alias]
    day = stamp(clock.at("-1d 18:00"), to="day")
    return _one(alias, "file", f"visits/vn_{day}.zip", f"{office(alias)['name']}：訪問の記録と測定", visit_zip(mine, clock))


def _plans(cases: list[Case], alias: str, clock: Clock) -> Iterator[HandIn]:
    name = office(alias)["name"]
    for one in plan_files(cases, alias, clock):
        yield _one(alias, "file", f"plans/{one.name}", f"{name}：ケアプラン（標準仕様 4.1）", one.data)


def _consents(case: Case, clock: Clock) -> Iterator[HandIn]:
    for spec in case.part("consents"):
        pen = Pen(case.person, spec["by"], clock)
        path = f"consents/{pen.id}"
        who = f"{office(spec['by'])['name']}：{case.person.name} さんの同意"
        yield _one(spec["by"], "put", f"{path}-sharing.json", who, text(sharing(pen, spec)))
        if "withdrawn" in spec:
            yield _one(spec["by"], "put", f"{path}-sharing-withdrawn.json", f"{who}の取りやめ", text(sharing(pen, spec, status="inactive")))
    if spec := case.part("wishes"):
        pen = Pen(case.person, spec["by"], clock)
        note = f"{office(spec['by'])['name']}：{case.person.name} さんの意思（人生会議）"
        yield _one(spec["by"], "put", f"consents/{pen.id}-wishes.json", note, text(wishes(pen, spec)))


def _links(cases: list[Case]) -> HandIn:
    pairs = [pair for case in cases if not case.spec.get("unlinked") for pair in _pairs(case)]
    return _one("network", "links", "links.json", "事務局：病院の患者番号と介護の利用者が同じ人であると確かめた", text(pairs))


def _pairs(case: Case) -> Iterator[list[dict[str, str]]]:
    """Pair a person's Patients that no rule joins: those of hospital messages, and all of a person without a care-insurance number."""
    person = case.person
    by_number = [alias for alias in person.numbers if not _carries_pair(case, alias)]
    anchors = [alias for alias in person.numbers if alias not in by_number] or by_number[-1:]
    for alias in by_number:
        if alias != anchors[0]:
            yield [_end(case, alias), _end(case, anchors[0])]


def _carries_pair(case: Case, alias: str) -> bool:
    """Say whether an organization's Patient carries the care-insurance pair: FHIR, visits and plans do, a hospital's messages do not."""
    return bool(case.person.pair) and (alias in case.part("charts") or office(alias)["kind"] != "hospital")


def _end(case: Case, alias: str) -> dict[str, str]:
    number = case.person.pair if _carries_pair(case, alias) else case.person.numbers[alias]
    return {"organization": code(alias), "number": number}
