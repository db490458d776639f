"""The story that is handed in later, step by step: what happens to its main person, told as files and resources (`story.json`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from hub.demo.region.clock import Clock, stamp
from hub.demo.region.consents import sharing
from hub.demo.region.elements import Pen, patient_id
from hub.demo.region.handins import HandIn, text
from hub.demo.region.people import INSURER, Case
from hub.demo.region.ssmix2 import HospitalRecord, Stored
from hub.demo.region.tables import code, rows, tree
from hub.demo.region.visits import observation_rows, visit_row, written, zipped

MAIN = "kiyo"
_URGENT = "-1d 22:20"
_ADMITTED = "-1d 23:10"
"""After the care manager's office has closed on any day of the week: the deadline of class Ⅰ is then today (care-manager facts §3.1)."""

_LATER = timedelta(minutes=1)


def story(cases: list[Case], clock: Clock) -> tuple[dict[str, Any], list[HandIn]]:
    """Give the tree of story.json and the steps with their files."""
    by_key = {case.person.key: case for case in cases}
    moments = {
        "urgent_visit": clock.at(_URGENT),
        "admitted": clock.at(_ADMITTED),
        "discharged": clock.at("-10m"),
        "readmitted": clock.at("-3m"),
    }
    steps = list(_steps(by_key, moments, clock))
    facts = {
        "now": clock.now.isoformat(),
        "person": _person(by_key[MAIN]),
        "expect": tree("story"),
        "organizations": {row["alias"]: row["code"] for row in rows("organizations")},
        "users": {row["id"].replace("-", "_"): row["id"] for row in rows("users")},
        "persons": {case.person.key: _brief(case) for case in cases},
        "moments": {name: at.isoformat() for name, at in moments.items()},
        "steps": [{"name": name, **step.row()} for name, step in steps],
    }
    return facts, [step for _, step in steps]


def _person(case: Case) -> dict[str, Any]:
    person = case.person
    return {
        "key": person.key, "name": person.name, "kana": person.kana, "birth": person.birth.isoformat(), "sex": person.sex,
        "address": person.address, "phone": person.phone, "insurer": INSURER, "insured": person.insured, "pair": person.pair,
        "numbers": {code(alias): number for alias, number in person.numbers.items()},
        "patient": {"organization": code("midori"), "id": patient_id(person, "midori")},
    }  # fmt: skip


def _brief(case: Case) -> dict[str, Any]:
    person = case.person
    return {
        "name": person.name, "kana": person.kana, "birth": person.birth.isoformat(), "pair": person.pair, "purpose": person.purpose,
        "numbers": {code(alias): number for alias, number in person.numbers.items()},
    }  # fmt: skip


def _steps(by_key: dict[str, Case], moments: dict[str, datetime], clock: Clock) -> Iterator[tuple[str, HandIn]]:
    main = by_key[MAIN]
    record, stay = HospitalRecord(main.person, "central"), tree("story_stay")
    admitted, left, again = (moments[name] for name in ("admitted", "discharged", "readmitted"))
    yield "admission", _stored("1-admission", "救急で入院（ADT-22）", record.admission(stay, admitted, clock.at("-35m")))
    yield "urgent-visit", _urgent_visit(main, clock)
    yield from _damaged(by_key, clock)
    yield "discharge", _stored("4-discharge", "自宅へ退院（ADT-52）", record.discharge(stay, admitted, left, left + _LATER))
    yield "withdrawal", _withdrawal(main, clock)
    note = "ふたたび入院（ADT-22）。同意がないので、だれにも知らせない"
    yield "readmission", _stored("6-readmission", note, record.admission(stay, again, again + _LATER))


def _stored(folder: str, note: str, one: Stored) -> HandIn:
    path = f"story/{folder}/{one.path.name}"
    return HandIn("central", "file", path, note, {path: one.data})


def _urgent_visit(main: Case, clock: Clock) -> HandIn:
    visit = {"at": _URGENT, "until": "-1d 22:50", **tree("story_visit")}
    row = visit_row(main, visit, 90, clock)
    files = {
        "vn_visit.csv": written("vn_visit", [row]),
        "vn_observation.csv": written("vn_observation", observation_rows(visit, row["visit_id"], clock)),
    }
    path = f"story/2-urgent-visit/vn_{stamp(clock.at(_URGENT))}.zip"
    return HandIn("tsubame", "file", path, "夜の臨時訪問：息苦しさ、SpO₂ 88 %", {path: zipped(files)})


def _damaged(by_key: dict[str, Case], clock: Clock) -> Iterator[tuple[str, HandIn]]:
    """Give two files with a fault and, for each, the corrected one that is sent again."""
    visits = [(by_key["wife"], "-1d 09:00", "-1d 09:40"), (by_key["nobody"], "-1d 16:00", "-1d 16:40")]
    made = [visit_row(case, {"at": at, "until": until, "a": "変わりなし"}, 80, clock) for case, at, until in visits]
    right = written("vn_visit", made)
    lines = right.split(b"\r\n")
    cells = lines[2].split(b",")
    shifted = b"\r\n".join([*lines[:2], b",".join([*cells[:10], *cells[11:]]), *lines[3:]])
    name = f"vn_visit_{stamp(clock.at('-1d 18:00'), to='day')}.csv"
    for step, data, note in (
        ("damaged-visits", shifted, "3行目で列が一つずれている：その人の分だけ受け取らない"),
        ("corrected-visits", right, "列を直して送り直す"),
    ):
        path = f"story/3-{step}/{name}"
        yield step, HandIn("tsubame", "file", path, note, {path: data})
    case = by_key["no-manager"]
    stay = case.part("stays")[0]
    whole = HospitalRecord(case.person, "central").discharge(stay, clock.at(stay["in"]), clock.at("-20m"), clock.at("-18m"))
    broken = whole.data.replace(b"\rPV1|", b"\rPVI|")
    for step, data, note in (
        ("damaged-message", broken, "PV1 のセグメント名が壊れている：受け取らない"),
        ("corrected-message", whole.data, "直して送り直す"),
    ):
        path = f"story/3-{step}/{whole.path.name}"
        yield step, HandIn("central", "file", path, note, {path: data})


def _withdrawal(main: Case, clock: Clock) -> HandIn:
    spec = main.part("consents")[0]
    pen = Pen(main.person, spec["by"], clock)
    path = f"story/5-withdrawal/{pen.id}-sharing.json"
    return HandIn(spec["by"], "put", path, "同意の取りやめ", {path: text(sharing(pen, spec, status="inactive"))})
