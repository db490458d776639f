"""`keys.csv` and what a row of `vn_observation.csv` must hold: value or reason for its absence, unit, limits."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

from adapters.wire.csv_ja import Row, Sheet
from schemas.errors import Issue

Table = Mapping[str, Mapping[str, str]]

DERIVED = frozenset({"news2", "qsofa", "mews_p"})
"""Scores that the hub reckons itself (訪問ファイル §1.10)."""
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?")
_SCALES = {"jcs": re.compile(r"(0|1|2|3|10|20|30|100|200|300)-?([RIA]{0,3})"), "acvpu": re.compile("([ACVPU])()")}


def _read(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files("adapters.visiting_nurse").joinpath(f"data/{name}.csv").read_text("utf-8").splitlines()))


@cache
def keys() -> Table:
    """Give keys.csv by key."""
    return {row["key"]: row for row in _read("keys")}


@cache
def scales() -> Mapping[tuple[str, str], str]:
    """Give the words of each stage of a scale: (`jcs`, `10`) → `II-10`."""
    return {(row["key"], row["code"]): row["display"] for row in _read("scales")}


@dataclass(frozen=True, slots=True)
class Measure:
    """A row whose cells are right. `stage` is (code, words) of a scale."""

    row: Row

    @property
    def key(self) -> str:
        """What was measured."""
        return self.row["key"]

    @property
    def stage(self) -> tuple[str, str] | None:
        """Read a scale's value: JCS `20-R` is stage 20 with its suffix."""
        match = _SCALES[self.key].fullmatch(self.row["value"]) if self.key in _SCALES else None
        return (match[1], f"{scales()[self.key, match[1]]}{match[2]}") if match else None


def faults(measure: Measure, sheet: Sheet) -> Iterator[Issue]:
    """Name what is wrong with a row whose single cells are right."""
    row = measure.row
    if measure.key in DERIVED:
        return
    if bool(row["value"]) == bool(row["absent_reason"]):
        yield Issue("HUB-2117", sheet.place(row, "value"), code="business-rule")
        return
    key = keys()[measure.key]
    units = key["units"].split("|") if key["units"] else []
    if row["unit"] and units and row["unit"] not in units:
        yield Issue("HUB-2118", sheet.place(row, "unit"), {"units": " ".join(units)}, "code-invalid")
    if not row["value"]:
        return
    if key["kind"] == "scale":
        if measure.stage is None:
            codes = " ".join(code for name, code in scales() if name == measure.key)
            yield Issue("HUB-2015", sheet.place(row, "value"), {"codes": codes}, "code-invalid")
    elif not _NUMBER.fullmatch(row["value"]):
        yield Issue("HUB-2012", sheet.place(row, "value"), {"form": "12.3"}, "value")
    elif not Decimal(key["hard_low"]) <= Decimal(row["value"]) <= Decimal(key["hard_high"]):
        yield Issue("HUB-2119", sheet.place(row, "value"), {"limit": f"{key['hard_low']}–{key['hard_high']} {key['unit']}"}, "value")


def remarks(measure: Measure, sheet: Sheet) -> Iterator[Issue]:
    """Name what is odd about a row that is taken."""
    row = measure.row
    if measure.key in DERIVED:
        yield Issue("HUB-2121", sheet.place(row, "key"), {}, "informational", "warning")
        return
    key = keys()[measure.key]
    if row["value"] and key["soft_low"] and not Decimal(key["soft_low"]) <= Decimal(row["value"]) <= Decimal(key["soft_high"]):
        yield Issue(
            "HUB-2120", sheet.place(row, "value"), {"limit": f"{key['soft_low']}–{key['soft_high']} {key['unit']}"}, "value", "warning"
        )
    if row["o2_on"] == "0" and row["o2_flow"] and Decimal(row["o2_flow"]) > 0:
        yield Issue("HUB-2125", sheet.place(row, "o2_on"), {}, "business-rule", "warning")
