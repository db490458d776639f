"""Vital signs against the person's own usual range, the state of consciousness against the usual one, and what NEWS2 needs.

The usual range (ふだん) is mean ± 2σ (sample standard deviation) of the last thirty days before the newest set; it is given from five
measurements on. What was measured on an urgent visit is not usual and stays out. After: the Japanese facility score on own baselines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import fmean, stdev
from typing import Literal, cast

from hub.views.ages import Moment, is_old, relative
from hub.views.emergency_read import Shelf, has_code, line, reference, text
from hub.views.emergency_readings import TOGETHER, Reading, readings_of, rounded
from hub.views.emergency_shapes import Score, Vital
from hub.views.emergency_tables import Row, keyed, rows
from hub.views.news2 import YOUNGEST, Letter, Signs, not_for, score
from hub.views.shapes import Chip, Known, Line

DAYS = 30
FEWEST = 5
MOST_POINTS = 60


@dataclass(frozen=True, slots=True)
class State:
    """What the page shows of signs. `newest` is None when nothing was measured."""

    vitals: tuple[Vital, ...]
    consciousness: Line | None
    score: Score
    newest: datetime | None
    used: tuple[Known, ...]


def state(shelf: Shelf, age: int | None, *, pregnant: bool) -> State:
    """Read all Observations and say the newest signs, the usual ones beside them, and NEWS2."""
    readings = sorted((r for one in shelf.of("Observation") for r in readings_of(shelf, one)), key=lambda r: (r.at, r.known.id, r.key))
    signs = [r for r in readings if r.key in keyed("vitals", "key") and keyed("vitals", "key")[r.key]["order"] != "0"]
    newest = max((r.at for r in [*signs, *_awareness(readings)]), default=None)
    if newest is None:
        return State((), None, score(Signs()), None, ())
    order = sorted((row for row in rows("vitals") if row["order"] != "0"), key=lambda row: int(row["order"]))
    vitals = tuple(v for row in order if (v := _vital(shelf, row, readings, newest)))
    consciousness, letter, why = _consciousness(shelf, readings, newest)
    if age is not None and age < YOUNGEST:
        result = not_for(f"{YOUNGEST}歳未満")
    elif pregnant:
        result = not_for("妊娠中")
    else:
        result = _as_of(shelf, newest, score(_signs(shelf, readings, newest, letter, why)))
    used = {reference(r.known): r.known for r in readings if newest - r.at <= TOGETHER}
    return State(vitals, consciousness, result, newest, tuple(used.values()))


def _as_of(shelf: Shelf, newest: datetime, result: Score) -> Score:
    """Say of a score from an earlier day how old it is, and take the colour away: it tells nothing of now."""
    at = Moment(newest, "time")
    if not is_old("vital", at, shelf.now):
        return result
    return Score(result.total, result.complete, result.parts, result.missing, f"{relative(at, shelf.now)}の値です。{result.text}", "info")


# ── one sign ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _usual(readings: Sequence[Reading], key: str, newest: datetime) -> list[Reading]:
    first, last = newest - timedelta(days=DAYS), newest - TOGETHER
    return [r for r in readings if r.key == key and first <= r.at < last and not r.urgent]


def _vital(shelf: Shelf, row: Row, readings: Sequence[Reading], newest: datetime) -> Vital | None:
    mine = [r for r in readings if r.key == row["key"]]
    if not mine:
        return None
    last = mine[-1]
    usual = _usual(readings, row["key"], newest)
    low = high = None
    said = "ふだんの値なし"
    note = f"直近{DAYS}日に{len(usual)}回だけ" if usual else f"直近{DAYS}日の測定なし"
    if len(usual) >= FEWEST:
        values = [float(r.value) for r in usual]
        low, high = _range(fmean(values), stdev(values), row)
        said = f"ふだん {rounded(low, row)}–{rounded(high, row)}" if low != high else f"ふだん {rounded(low, row)}"
        note = f"直近{DAYS}日・{len(usual)}回の平均±2σ"
    shown, value = last.shown, Decimal(last.shown)
    if row["key"] == "sbp" and (low_side := _beside("dbp", readings, last)):
        shown = f"{last.shown}/{low_side.shown}"
    points = [r for r in mine if newest - timedelta(days=DAYS) <= r.at][-MOST_POINTS:]
    return Vital(
        name=_named(row, readings, last),
        value=shown,
        unit=row["unit"],
        usual=said,
        outside=low is not None and high is not None and not low <= value <= high,
        when=relative(Moment(last.at, "time"), shelf.now),
        source=last.known.source or last.known.custodian,
        points=tuple((round((shelf.now - r.at).total_seconds() / 3600, 2), float(r.value)) for r in points),
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        note="　".join(part for part in (note, "古い値です" if is_old("vital", Moment(last.at, "time"), shelf.now) else "") if part),
    )


def _range(mean: float, sigma: float, row: Row) -> tuple[Decimal, Decimal]:
    """Give mean ± 2σ as it is shown, so that the judgement and the printed range never disagree; within what can be measured."""
    low, high = (Decimal(rounded(Decimal(str(mean + side * 2 * sigma)), row)) for side in (-1, 1))
    return max(low, Decimal(row["low"])), min(high, Decimal(row["high"]))


def _beside(key: str, readings: Sequence[Reading], other: Reading) -> Reading | None:
    """Find what was measured at the same time: in the same resource, else at the same minute by the same custodian."""
    near = [r for r in readings if r.key == key and abs(r.at - other.at) < timedelta(minutes=1)]
    same = [r for r in near if r.known is other.known]
    return next(iter(same or [r for r in near if r.known.custodian == other.known.custodian]), None)


def _named(row: Row, readings: Sequence[Reading], last: Reading) -> str:
    if row["key"] != "spo2":
        return row["name"]
    flow = _beside("o2_flow", readings, last)
    if flow is not None and flow.value > 0:
        return f"{row['name']}（酸素{flow.value.normalize():f} L）"
    breathing = _oxygen(readings, last.at)
    return f"{row['name']}（{'酸素吸入中' if breathing else '室内気'}）" if breathing is not None else row["name"]


# ── consciousness and the score ──────────────────────────────────────────────────────────────────────────────────────


def _awareness(readings: Sequence[Reading]) -> list[Reading]:
    return [r for r in readings if r.key in {"jcs", "acvpu", "gcs"}]


def _letter(one: Reading) -> str:
    return next((row["letter"] for row in rows("consciousness") if row["scale"] == one.key and row["show"] == one.shown), "")


def _consciousness(shelf: Shelf, readings: Sequence[Reading], newest: datetime) -> tuple[Line | None, Letter | None, str]:
    """Say the newest state against the usual one, its ACVPU letter where it is of the newest set, and why there is none.

    JCS I-1 to I-3 count as C only when worse than usual: otherwise each person with dementia would score 3 (proposal, to be confirmed).
    """
    mine = _awareness(readings)
    if not mine:
        return None, None, "記録なし"
    last = max(mine, key=lambda r: (r.at, r.key == "jcs", r.key == "acvpu"))
    usual = [r for r in _usual(readings, last.key, newest) if r is not last]
    label = {"jcs": "JCS ", "acvpu": "", "gcs": "GCS "}[last.key]
    now_shown = f"{label}{last.shown}"
    if len(usual) >= FEWEST:
        counts = Counter((r.value, r.shown) for r in usual)
        rank, shown = min(counts, key=lambda k: (-counts[k], -k[0] if last.key == "gcs" else k[0]))
        worse = last.value < rank if last.key == "gcs" else last.value > rank
        said = "ふだん通り" if last.value == rank else "ふだんより悪い" if worse else "ふだんより良い"
        detail = f"{now_shown}　ふだん {label}{shown}（直近{DAYS}日・{len(usual)}回）"
    else:
        worse, said, detail = None, now_shown, "ふだんの値なし"
    chip = Chip("ふだんと違う", "danger") if worse else None
    shown_line = line(shelf, last.known, said, "vital", chip=chip, strong=bool(worse), detail=detail)
    if newest - last.at > TOGETHER:
        return shown_line, None, "今回は記録なし"
    direct = [r for r in mine if r.key == "acvpu" and newest - r.at <= TOGETHER]
    letter, why = _acvpu(direct[-1] if direct else last, worse=worse)
    return shown_line, letter, why


def _acvpu(one: Reading, *, worse: bool | None) -> tuple[Letter | None, str]:
    if one.key == "gcs":
        return ("A", "") if one.value == 15 else (None, f"GCS {one.shown} だけでは決められません")
    letter = _letter(one)
    if letter != "?":
        return cast("Letter", letter), ""
    if worse is None:
        return None, f"JCS {one.shown}、ふだんの値なし"
    return ("C" if worse else "A"), ""


def _oxygen(readings: Sequence[Reading], at: datetime) -> bool | None:
    """Say whether the person breathed oxygen then; None when nobody said so (never guessed from a device at home)."""
    near = [r for r in readings if abs(r.at - at) <= TOGETHER]
    flows = [r.value > 0 for r in near if r.key == "o2_flow"]
    rooms = [r.value > 21 for r in near if r.key == "fio2"]
    flags = [r.value > 0 for r in near if r.key == "o2_on"]
    said = flows or flags or rooms
    return any(said) if said else None


def _scale(shelf: Shelf, readings: Sequence[Reading], newest: datetime) -> Literal[1, 2]:
    """Give SpO₂ scale 2 only where it was said: with the measurement, or as an authored target of 88–92 %."""
    if any(r.key == "spo2_scale" and r.value == 2 and newest - r.at <= TOGETHER for r in readings):
        return 2
    for one in shelf.of("ServiceRequest", "Goal", "Observation"):
        if text(one.body, "status") in {"revoked", "completed", "cancelled"} or text(one.body, "lifecycleStatus") in {
            "cancelled",
            "completed",
        }:
            continue
        if has_code(one.body, "code", "spo2-scale-2", "1104321000000108"):
            return 2
    return 1


def _signs(shelf: Shelf, readings: Sequence[Reading], newest: datetime, letter: Letter | None, why: str) -> Signs:
    found = {r.key: r.value for r in readings if newest - r.at <= TOGETHER}
    reasons = {"acvpu": why} if why else {}
    for key in ("rr", "spo2", "sbp", "pr", "bt"):
        if key not in found and any(r.key == key for r in readings):
            reasons[key] = "今回は測定なし"
    return Signs(
        rr=found.get("rr"), spo2=found.get("spo2"), oxygen=_oxygen(readings, newest), sbp=found.get("sbp"), pr=found.get("pr"),
        acvpu=letter, bt=found.get("bt"), scale=_scale(shelf, readings, newest), why=reasons,
    )  # fmt: skip
