"""When consents in force end, the powers of those who gave them, and findings of capacity: days in clear beside ids that tell nobody whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from consent.times import midnight
from hub.clock import milliseconds
from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.capacity_events import CAPACITY_STATED, CapacityStated
from schemas.events import KEY_ERASED, RESOURCE_RECORDED, RESOURCE_WITHDRAWN, Erased

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS expiries (
  consent BLOB NOT NULL, what TEXT NOT NULL, ends INTEGER NOT NULL, version INTEGER NOT NULL, patient BLOB NOT NULL, custodian TEXT NOT NULL,
  position INTEGER NOT NULL, PRIMARY KEY (consent, what)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS expiries_ends ON expiries (ends)",
)
VERSION = 2
TABLES = ("expiries",)
CONSENT, POWER, CAPACITY = "consent", "power", "capacity"


class ExpiryRow(NamedTuple):
    """One end: of a consent, of the power of the representative who gave it, or of the finding that a person cannot decide (its day of review).

    `ends` in milliseconds, exclusive; `position` of its version. Of a finding `consent` is the Patient and `version` 0.
    """

    ends: int
    what: str
    consent: bytes
    version: int
    patient: bytes
    custodian: str
    position: int


_COLUMNS = ExpiryRow._fields


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow Consents: the ends of the newest version, while it is in force."""
    for r in recorded:
        if r.header.kind == "Consent" and r.topic in {RESOURCE_RECORDED, RESOURCE_WITHDRAWN}:
            if r.version > 1:
                tx.run("DELETE FROM expiries WHERE consent=?", (r.stream,))
            if r.topic == RESOURCE_RECORDED and r.rows is not None:
                found = [(ends, what) for what, ends in zip((CONSENT, POWER), r.rows.ends, strict=True) if ends]
                rows = [(*one, r.stream, r.version, r.header.patient, r.header.custodian, r.position) for one in found]
                tx.insert("expiries", _COLUMNS, rows)
        elif r.topic == CAPACITY_STATED and isinstance(r.rows, CapacityStated):
            _capacity(tx, r, r.rows)
        elif r.topic == KEY_ERASED and isinstance(r.rows, Erased):
            tx.many("DELETE FROM expiries WHERE patient=?", [(bytes.fromhex(owner),) for owner in sorted({k.owner for k in r.rows.keys})])


def _capacity(tx: Tx, r: Recorded, stated: CapacityStated) -> None:
    """Take the newest finding about a Patient; one that the person can decide has no day of review."""
    patient = r.header.patient
    tx.run("DELETE FROM expiries WHERE consent=? AND what=?", (patient, CAPACITY))
    if stated.review:
        ends = midnight(date.fromisoformat(stated.review) + timedelta(days=1))
        tx.insert("expiries", _COLUMNS, [(milliseconds(ends), CAPACITY, patient, 0, patient, stated.organization, r.position)])


FIRST = (0, b"", "")


def between(tx: Tx, since: int, until: int, *, limit: int, custodian: str = "", after: tuple[int, bytes, str] = FIRST) -> list[ExpiryRow]:
    """Give what ends from one moment (inclusive) to another (exclusive), soonest first; of one custodian, or of all.

    `after` = (ends, consent, what) of the last one that was given before.
    """
    ends, consent, what = after
    more, params = (" AND custodian=?", (custodian,)) if custodian else ("", ())
    sql = f"""SELECT {", ".join(_COLUMNS)} FROM expiries WHERE ends>=? AND ends<?
      AND (ends>? OR (ends=? AND (consent>? OR (consent=? AND what>?)))){more} ORDER BY ends, consent, what LIMIT ?"""
    return [ExpiryRow(*r) for r in tx.all(sql, (since, until, ends, ends, consent, consent, what, *params, limit))]


def count(tx: Tx, since: int, until: int, *, most: int) -> int:
    """Count consents that end from one moment to another, up to `most`."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM expiries WHERE ends>=? AND ends<? AND what=? LIMIT ?) AS soon"
    return int(tx.one(sql, (since, until, CONSENT, most))[0])
