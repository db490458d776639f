"""Small files of the organizations in tests.hub.world, as their systems would write them."""

from __future__ import annotations

from typing import Any

from adapters.wire.hl7_write import write
from tests.adapters.hospital.messages import evn, header, pid, pv1
from tests.adapters.visiting_nurse.builders import csv_of, visit
from tests.hub.world import HOSPITAL, STATION


def admission(
    control: str = "C1", number: str = "0040718", *, site: str = HOSPITAL, admitted: str = "20261124093000", **more: Any
) -> bytes:
    """An ADT^A01 of SS-MIX2 (ADT-22)."""
    parts = (header(control=control, site=site, sent="20261124094500", **more), evn(f2="20261124094500"), pid(number), pv1(f44=admitted))
    return write(parts)


def named(number: str = "0040718", control: str = "1") -> str:
    """The path of an admission in SS-MIX2 storage: it holds the patient's number three times."""
    return f"{number[:3]}/{number[3:6]}/{number}/20261124/ADT-22/{number}_20261124_ADT-22_{control:0>15}_20261124094500000_01_1"


def visits(*rows: dict[str, Any], station: str = STATION, codec: str = "utf-8") -> bytes:
    """A vn_visit.csv with these visits."""
    return csv_of(
        *(
            visit(
                **{
                    "station_code": station,
                    "visit_date": "2026-11-23",
                    "start_at": "2026-11-23T10:02+09:00",
                    "end_at": "2026-11-23T10:58+09:00",
                    "next_visit_date": "2026-11-30",
                }
                | row
            )
            for row in rows
        ),
        codec=codec,
    )
