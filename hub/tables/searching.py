"""The index of decisions searched page by page: however long the log is, one page looks at a bounded number of lines."""

from __future__ import annotations

from typing import NamedTuple

from hub.log.store import Tx
from hub.tables.decisions import GIVEN, DecisionRow, Filter

SCAN = 100_000
"""Lines that one page looks at; when no more fit the filter among them, the search goes on from there when asked to."""
MOST = 10_000
"""Up to here lines are counted; beyond it the count says `at least`."""
SPAN = 31 * 86_400_000
"""For so long a clock may have been set back (milliseconds): lines are in the order of the log, which for the end of a stretch of time matters."""
_COLUMNS = ", ".join(f'"{name}"' for name in DecisionRow._fields)
_LEADING = ("reference", "session", "user", "reason", "organization")
"""Columns with an index of their own, the narrowest first: one of them, or the persons, leads the search; the rest only sifts."""
_SIFTING = ("role", "purpose", "effect", "action", "basis", *_LEADING)


class Page(NamedTuple):
    """Decisions, newest first. `below` = where to go on; None = that was all."""

    rows: list[DecisionRow]
    below: int | None


class Counted(NamedTuple):
    """How many lines fit; `exact` False = at least so many."""

    number: int
    exact: bool


class _Asked(NamedTuple):
    led: str
    params: tuple[object, ...]
    sifted: str
    sifting: tuple[object, ...]


def page(tx: Tx, by: Filter, *, limit: int, below: int | None = None, scan: int = SCAN) -> Page:
    """Give one page, which may be short, or empty, and yet not the last."""
    asked = _asked(tx, by, below)
    sql = f"""SELECT * FROM (SELECT {_COLUMNS} FROM decisions WHERE {asked.led} ORDER BY position DESC LIMIT ?) AS few
      WHERE {asked.sifted} ORDER BY position DESC LIMIT ?"""
    rows = [DecisionRow(*r) for r in tx.all(sql, (*asked.params, scan, *asked.sifting, limit + 1))]
    if len(rows) > limit:
        return Page(rows[:limit], rows[limit - 1].position)
    last = tx.one(f"SELECT position FROM decisions WHERE {asked.led} ORDER BY position DESC LIMIT 1 OFFSET ?", (*asked.params, scan - 1))
    return Page(rows, int(last[0]) if last else None)


def count(tx: Tx, by: Filter, *, scan: int = SCAN, most: int = MOST) -> Counted:
    """Count what fits, up to `most`, among the first `scan` lines that could."""
    asked = _asked(tx, by, None)
    sql = f"""SELECT count(*), coalesce(sum(fits), 0) FROM (SELECT CASE WHEN {asked.sifted} THEN 1 ELSE 0 END AS fits FROM
      (SELECT {_COLUMNS} FROM decisions WHERE {asked.led} ORDER BY position DESC LIMIT ?) AS few) AS seen"""
    seen, fit = tx.one(sql, (*asked.sifting, *asked.params, scan))
    return Counted(min(int(fit), most), int(seen) < scan and int(fit) <= most)


def _asked(tx: Tx, by: Filter, below: int | None) -> _Asked:
    leading = next((name for name in _LEADING if getattr(by, name)), "")
    led, params = ["true"], []  # type: tuple[list[str], list[object]]
    if by.persons:
        led.append(f"person IN ({','.join('?' * len(by.persons))})")
        params += by.persons
        leading = ""
    elif leading:
        led.append(f'"{leading}"=?')
        params.append(getattr(by, leading))
    first, last = _stretch(tx, by)
    for condition, value in (("position>=?", first), ("position<=?", last), ("position<?", below)):
        if value is not None:
            led.append(condition)
            params.append(value)
    sifted, sifting = _sifted(by, leading)
    return _Asked(" AND ".join(led), tuple(params), sifted, sifting)


def _sifted(by: Filter, leading: str) -> tuple[str, tuple[object, ...]]:
    where, params = ["true"], []  # type: tuple[list[str], list[object]]
    for name in _SIFTING:
        value = getattr(by, name)
        if name == "effect" and value == GIVEN:
            where.append("effect<>?")
            params.append("deny")
        elif value and name != leading:
            where.append(f'"{name}"=?')
            params.append(value)
    for condition, moment in (("at>=?", by.since), ("at<?", by.until)):
        if moment is not None:
            where.append(condition)
            params.append(moment)
    return " AND ".join(where), tuple(params)


def _stretch(tx: Tx, by: Filter) -> tuple[int | None, int | None]:
    """Give the first and the last position of a stretch of time, so that the walk begins there. 0 and -1 stand for nothing at all."""
    if by.since is None and by.until is None:
        return None, None
    since, until = by.since if by.since is not None else 0, by.until if by.until is not None else 1 << 62
    first = None
    if by.since is not None:
        # no line of that time or later can stand before the first line of its minute, whatever the clock did meanwhile
        found = tx.one("SELECT min(position) FROM moments WHERE minute>=?", (since // 60_000,))
        if found[0] is None:
            return 0, -1
        first = int(found[0])
    if by.until is None:
        return first, None
    newest = tx.one("SELECT at FROM decisions WHERE at>=? AND at<? ORDER BY at DESC LIMIT 1", (since, until))
    if newest is None:
        return 0, -1
    after = max(since, int(newest[0]) - SPAN)
    return first, int(tx.one("SELECT max(position) FROM decisions WHERE at>=? AND at<?", (after, until))[0])
