"""The care level (要介護状態区分) and its period → Observation, as the 急変時 page and the 入退院 board look for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from adapters.care_manager.elements import CATEGORY, PROFILE, coded, day, system
from adapters.care_manager.told import Person
from adapters.wire.csv_ja import Row
from adapters.wire.elements import Body, coding, concept, filled
from schemas.adapter import Draft

_CODE = concept(coding(system("observation"), "care-level", "要介護状態区分"), coding("http://loinc.org", "80391-6"), text="要介護状態区分")
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_APPLIED = "1"
CERTIFIED, LIMIT = "certified", "limit"
_PERIODS = {CERTIFIED: "期間は要介護認定の有効期間です", LIMIT: "期間は区分支給限度額の適用期間です"}
"""1表 has the period of the certification, 利用者補足情報 that of the limit: two statements, so that neither overwrites the other."""


def certified_level(row: Row, person: Person) -> Iterator[Draft]:
    """Give the level of 1表 (items 17–21) with the period of the certification."""
    yield from _level(row, person, CERTIFIED, row["要介護状態区分"], (row["認定有効期間開始日"], row["認定有効期間終了日"]))


def limit_levels(row: Row, person: Person) -> Iterator[Draft]:
    """Give the level of 利用者補足情報 (items 13–18); where it changed within the month, the one before it too (17, 59)."""
    start, end, changed = row["限度額適用開始年月日"], row["限度額適用終了年月日"], row["要介護状態変更日"]
    if changed and row["前回要介護状態区分"] and start < changed:
        yield from _level(row, person, LIMIT, row["前回要介護状態区分"], (start, _day_before(changed)), over=True)
    yield from _level(row, person, LIMIT, row["要介護状態区分"], (changed or start, end))


def _day_before(text: str) -> str:
    return (date.fromisoformat(day(text)) - timedelta(days=1)).strftime("%Y%m%d")


def _level(row: Row, person: Person, kind: str, level: str, period: tuple[str, str], *, over: bool = False) -> Iterator[Draft]:
    """Make one Observation: preliminary while the application runs (申請中), else final; nothing where the file says nothing.

    The level before a change was decided, whatever runs now.
    """
    status, (start, end) = row["認定状況区分"], period
    if not level and status != _APPLIED:
        return
    value: Body = {"valueCodeableConcept": coded("care_level", level)} if level else {}
    absent = {"dataAbsentReason": concept(coding(_ABSENT, "temp-unknown"), text="申請中")}
    decided = "final" if over or status or row["認定日"] else "unknown"
    yield person.draft("Observation", f"{person.key}:care-level:{kind}:{start or 'undated'}", {
        "meta": {"profile": [f"{PROFILE}JP_Observation_Common"]},
        "status": "preliminary" if status == _APPLIED and not over else decided,
        "category": [concept(coding(CATEGORY, "functional-status"))],
        "code": _CODE,
        "subject": person.subject,
        "effectivePeriod": filled({"start": day(start), "end": day(end)}),
        "issued": f"{day(row['認定日'])}T00:00:00+09:00" if row["認定日"] and not over else "",
        **(value or absent),
        "note": [{"text": _PERIODS[kind]}],
    })  # fmt: skip


def level_key(row: Row, person: Person) -> str:
    """Give the key of the level that 1表 states; empty where it states none."""
    return next((draft.key for draft in certified_level(row, person)), "")
