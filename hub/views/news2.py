"""NEWS2 (Royal College of Physicians, 2017) by its published table; what was not measured stays missing, never zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, cast

from hub.views.emergency_shapes import Score
from hub.views.emergency_tables import Row, rows
from hub.views.shapes import Tone

Letter = Literal["A", "C", "V", "P", "U"]
PARTS = ("rr", "spo2", "oxygen", "sbp", "pr", "acvpu", "bt")
"""In the order in which they are said."""
NAMES = {"rr": "呼吸数", "spo2": "SpO₂", "oxygen": "酸素吸入の有無", "sbp": "血圧", "pr": "脈拍", "acvpu": "意識", "bt": "体温"}
MAXIMUM = 20
YOUNGEST = 16
"""The score is not made for children under 16 years (RCP 2017, §2)."""


@dataclass(frozen=True, slots=True)
class Signs:
    """One set of measurements: rr /min, spo2 %, sbp mmHg, pr /min, bt ℃; None = not measured.

    `oxygen`: True on oxygen, False on air, None not said. `scale` 2 only when a clinician has set it. `why` gives for a missing part the
    words that explain it.
    """

    rr: Decimal | None = None
    spo2: Decimal | None = None
    oxygen: bool | None = None
    sbp: Decimal | None = None
    pr: Decimal | None = None
    acvpu: Letter | None = None
    bt: Decimal | None = None
    scale: Literal[1, 2] = 1
    why: Mapping[str, str] = field(default_factory=dict)


def points(part: str, signs: Signs) -> int | None:
    """Give one parameter's points; None when it is missing, or cannot be told without knowing of oxygen (SpO₂ scale 2 from 93 %)."""
    breathing = {True: "oxygen", False: "air", None: ""}[signs.oxygen]
    word = breathing if part == "oxygen" else signs.acvpu if part == "acvpu" else None
    value = getattr(signs, part) if word is None and part not in {"oxygen", "acvpu"} else None
    for row in rows("news2"):
        if row["parameter"] != part or row["scale"] not in {"", str(signs.scale)} or row["oxygen"] not in {"", breathing}:
            continue
        if (row["word"] and row["word"] == word) or (value is not None and not row["word"] and _within(value, row)):
            return int(row["points"])
    return None


def _within(value: Decimal, row: Row) -> bool:
    held = value.quantize(Decimal(row["step"]), rounding=ROUND_HALF_UP)
    return (not row["from"] or held >= Decimal(row["from"])) and (not row["to"] or held <= Decimal(row["to"]))


def not_for(reason: str) -> Score:
    """Give the score of somebody for whom NEWS2 is not made, with the reason."""
    return Score(None, complete=False, parts=(), missing=(), text=f"NEWS2 は使えません（{reason}）")


def score(signs: Signs) -> Score:
    """Add up what was measured. Incomplete: no total, the parts so far, and what is missing by name."""
    found = {part: points(part, signs) for part in PARTS}
    label = {row["parameter"]: row["label"] for row in rows("news2")}
    parts = tuple(f"{label[part]}{value}" for part, value in found.items() if value is not None)
    missing = tuple(f"{NAMES[part]}（{signs.why[part]}）" if part in signs.why else NAMES[part] for part in PARTS if found[part] is None)
    values = [value for value in found.values() if value is not None]
    scale = "SpO₂は尺度2（医師の指定あり）" if signs.scale == 2 else "SpO₂は尺度1（尺度2の指定なし）"
    if not values:
        return Score(None, complete=False, parts=(), missing=missing, text="採点できる測定値がありません")
    band = _band(sum(values), 3 in values)
    if missing:
        so_far = f"合計は出せません。測れた項目だけで{sum(values)}点以上"
        tone = cast("Tone", band["tone"] or "info")
        return Score(None, complete=False, parts=parts, missing=missing, text=f"{so_far}。{scale}", tone=tone)
    return Score(sum(values), complete=True, parts=parts, missing=(), text=f"{band['text']}。{scale}", tone=cast("Tone", band["tone"]))


def _band(total: int, single_three: bool) -> Row:
    for row in rows("news2_bands"):
        if int(row["from"]) <= total <= int(row["to"]) and (single_three or not row["single_three"]):
            return row
    raise ValueError("news2_bands.csv leaves a gap")
