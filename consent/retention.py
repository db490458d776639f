"""How long records of care are kept, and on which grounds a person is erased (consent-and-audit facts §1.8, §5.1): dated tables, no law in code."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from consent.tables import keyed

ANY = "*"


def years(kind: str) -> int:
    """Give the years for which an organization of a kind keeps its records."""
    rows = keyed("retention", "kind")
    return int(rows.get(kind, rows[ANY])["years"])


def free(kind: str, newest: date) -> date:
    """Give the first day on which an organization's records, the newest of that day, need be kept no longer.

    The day itself does not count, and the years end with the day before the same day of the year (民法 140条, 143条): from 2026-11-24 on
    five years last through 2031-11-24. Where that year has no such day (29 February), through the last of the month.
    """
    year = newest.year + years(kind)
    try:
        last = newest.replace(year=year)
    except ValueError:
        last = date(year, 2, 28)
    return last + timedelta(days=1)


def due(records: Iterable[tuple[str, date]]) -> date | None:
    """Give the first day on which none of these need be kept: (kind of organization, day of the record); None when there is none."""
    return max((free(kind, day) for kind, day in records), default=None)


def bases() -> tuple[str, ...]:
    """Give the codes of the grounds on which a person may be erased."""
    return tuple(keyed("erasure", "code"))


def basis_of_erasure(code: str) -> tuple[str, str]:
    """Say a ground in Japanese and English; a code of another edition stands for itself."""
    row = keyed("erasure", "code").get(code)
    return (row["ja"], row["en"]) if row else (code, code)
