"""Which stays are one episode: a stay that follows another by transfer (転院) carries its id on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from hub.views.stays_values import Stay
from schemas.adapter import BASE

_DAY = timedelta(days=1)


def once(stays: Iterable[Stay]) -> list[Stay]:
    """Put together one stay that a hospital told both as messages and as FHIR: the same custodian and day of admission."""
    by_day: dict[tuple[str, date], list[Stay]] = {}
    kept: list[Stay] = []
    for one in stays:
        if one.admitted is None or one.cancelled:
            kept.append(one)
        else:
            by_day.setdefault((one.custodian, one.admitted.start.date()), []).append(one)
    for each in by_day.values():
        forms = {one.form: one for one in each}
        if len(each) == len(forms) == 2:
            kept.append(_together(*sorted(each, key=lambda one: (one.sent, one.form))))
        else:
            kept += each
    return kept


def _together(older: Stay, newer: Stay) -> Stay:
    chief = older if older.form == "messages" else newer
    return replace(
        newer, encounter=chief.encounter, references=newer.references | older.references, ward=newer.ward or older.ward,
        reason=newer.reason or older.reason, discharge=newer.discharge or older.discharge, disposition=newer.disposition or older.disposition,
        urgency=newer.urgency or older.urgency, window=newer.window or older.window, planned_start=newer.planned_start or older.planned_start,
        first_sent=min(newer.first_sent, older.first_sent), told=chief.told,
    )  # fmt: skip


def episodes(stays: Sequence[Stay], person: str) -> tuple[Stay, ...]:
    """Give each stay its episode: that of the stay which it continues by transfer, else its own."""
    own = _own_episodes(stays, person)
    made: list[Stay] = []
    for one in sorted(stays, key=_by_time):
        before = next((other for other in reversed(made) if _transfer(other, one)), None)
        if before is None:
            made.append(replace(one, episode=own[one.encounter, one.first_sent]))
        else:
            left_open = ("left-open",) if before.ended is None else ()
            made.append(replace(one, episode=before.episode, continues=True, doubts=(*one.doubts, *left_open)))
    return tuple(made)


def _by_time(one: Stay) -> tuple[bool, datetime, datetime, str, str]:
    return one.begins is None, one.begins.start if one.begins else one.sent, one.first_sent, one.custodian, one.encounter


def _own_episodes(stays: Sequence[Stay], person: str) -> dict[tuple[str, datetime], str]:
    """Name the episode that each stay would begin: by its Patient, custodian and day; a second one of that day by its number.

    Not by the person where the Patient is named: who else holds the person's records would show in the name.
    """
    made: dict[tuple[str, datetime], str] = {}
    numbers: dict[str, int] = {}
    for one in sorted(stays, key=lambda s: (s.first_sent, s.encounter)):
        day = one.begins.start.date().isoformat() if one.begins else ""
        seed = f"{BASE}/episode/{one.named or person or one.patient}/{one.custodian}/{day}"
        numbers[seed] = numbers.get(seed, 0) + 1
        made[one.encounter, one.first_sent] = str(uuid5(NAMESPACE_URL, f"{seed}/{numbers[seed]}"))
    return made


def _transfer(earlier: Stay, later: Stay) -> bool:
    """Say whether a stay follows another by transfer (転院): within one day of its end, or begun while the other was still open.

    A hospital that says the person went home is believed, unless the next one says that the person came from a hospital.
    """
    if earlier.cancelled or later.cancelled or earlier.admitted is None or later.admitted is None:
        return False
    told = later.transferred_in or earlier.disposition == "hospital"
    if earlier.custodian == later.custodian and not told:
        return False
    if earlier.ended is None:
        return earlier.is_open and earlier.custodian != later.custodian
    if later.admitted.start.date() - earlier.ended.start.date() > _DAY:
        return False
    return told or later.admitted.start < earlier.ended.start or earlier.disposition in {"", "other"}
