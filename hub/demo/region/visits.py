"""Visits of a nursing station as the hub's own CSV files: `vn_visit.csv` and `vn_observation.csv` (visiting-nurse facts §1.9, §1.10)."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hub.demo.region.clock import Clock
from hub.demo.region.people import INSURER, Case
from hub.demo.region.tables import code, tree

_MADE = (2020, 1, 1, 0, 0, 0)
"""Time of the entries inside a ZIP: fixed, so that the same region gives the same bytes."""
_UNITS = {
    "bt": "Cel", "pr": "/min", "rr": "/min", "sbp": "mm[Hg]", "dbp": "mm[Hg]", "spo2": "%", "jcs": "", "weight": "kg", "glucose": "mg/dL",
    "pain_nrs": "{score}",
}  # fmt: skip

Row = dict[str, str]


def visit_zip(cases: Iterable[Case], clock: Clock) -> bytes:
    """Give the visits of these persons, all of one station, as one ZIP with both files."""
    visits, observations = [], []
    for case in cases:
        for index, visit in enumerate(case.part("nursing")["visits"], 1):
            row = visit_row(case, visit, index, clock)
            visits.append(row)
            observations += list(observation_rows(visit, row["visit_id"], clock))
    return zipped({"vn_visit.csv": written("vn_visit", visits), "vn_observation.csv": written("vn_observation", observations)})


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Make a ZIP whose bytes depend on nothing but the files: stored, since compressors differ between machines."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, _MADE)
            info.create_system = 3
            archive.writestr(info, data)
    return buffer.getvalue()


def written(table: str, rows: Iterable[Row]) -> bytes:
    """Write rows under the header of a table (columns.json), UTF-8, CRLF (RFC 4180)."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, tree("columns")[table], restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode("utf-8")


def visit_row(case: Case, visit: Mapping[str, Any], index: int, clock: Clock) -> Row:
    """Give one visit's row; the keys of `visit` are those of the cases' `nursing.visits`."""
    person, nursing = case.person, case.part("nursing")
    station = nursing["station"]
    start, end = clock.at(visit["at"]), clock.at(visit["until"])
    number = person.numbers[station]
    row = {
        "visit_id": f"V-{start:%Y%m%d}-{number.removeprefix('U-')}-{index:02}",
        "record_version": str(visit.get("version", 1)),
        "record_status": "submitted" if visit.get("version", 1) == 1 else "amended",
        "station_code": code(station),
        "patient_local_id": number,
        "kaigo_insurer_no": INSURER if person.insured else "",
        "kaigo_insured_no": person.insured,
        "name_kanji": person.name,
        "name_kana": person.kana,
        "birth_date": person.birth.isoformat(),
        "sex": {"male": "1", "female": "2"}[person.sex],
        "visit_date": start.date().isoformat(),
        "start_at": start.isoformat(),
        "end_at": end.isoformat(),
        "staff_id": nursing["staff"],
        "staff_role": "03",
        "place_code": "01",
        "insurance": nursing["insurance"],
        "visit_kind": "urgent" if "urgent" in visit else "planned",
        "urgent_flag": "1" if "urgent" in visit else "0",
        "oncall_24h": "1" if nursing["oncall"] else "0",
        "a_text": visit.get("a", ""),
        "s_text": visit.get("s", ""),
        "o_text": visit.get("o", ""),
        "p_text": visit.get("p", ""),
        "care_codes": visit.get("care", "med_mgmt"),
        "meal_pct": visit.get("meal", ""),
        "edema": visit.get("edema", ""),
        "plan_change": "1" if "plan_change" in visit else "0",
        "plan_change_note": visit.get("plan_change", ""),
        "care_caution": visit.get("caution", ""),
        "report_to_md": visit.get("report", "none"),
        "next_visit_date": clock.day(visit.get("next", f"{_after(visit, clock)}d")).isoformat(),
    }
    if order := nursing.get("order"):
        row |= {
            "order_type": order["type"], "order_from": clock.day(order["from"]).isoformat(), "order_to": clock.day(order["to"]).isoformat(),
        }  # fmt: skip
    return row | {f"urgent_{name}": _urgent(name, value, clock) for name, value in visit.get("urgent", {}).items()}


def _after(visit: Mapping[str, Any], clock: Clock) -> str:
    """Give the distance to a week after the visit, for a visit that names no next one."""
    return f"{(clock.day(visit['at']) - clock.now.date()).days + 7:+}"


def _urgent(name: str, value: str, clock: Clock) -> str:
    return clock.at(value).isoformat() if name.endswith("_at") else value


def observation_rows(visit: Mapping[str, Any], visit_id: str, clock: Clock) -> Iterator[Row]:
    """Give a visit's measurements; `o2` is the flow in L/min that SpO₂ was measured under."""
    taken = clock.at(visit["at"]).isoformat()
    for index, (key, value) in enumerate(visit.get("vitals", {}).items(), 1):
        row = {"visit_id": visit_id, "obs_id": f"O{index}", "taken_at": taken, "key": key, "value": value, "unit": _UNITS[key]}
        if key == "bt":
            row["method"] = "axilla"
        if key == "spo2":
            row |= {"o2_on": "1", "o2_device": "nasal", "o2_flow": visit["o2"]} if "o2" in visit else {"o2_on": "0"}
            row["spo2_scale"] = "1"
        yield row
