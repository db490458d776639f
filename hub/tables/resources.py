"""Versions of each resource with their labels, and the tokens by which they are found.

Whatever is asked for is of one compartment, the main one where none is named: nothing is found across.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.names import MAIN
from schemas.events import KEY_ERASED, RESOURCE_RECORDED, RESOURCE_WITHDRAWN, Erased

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS resources (
  position INTEGER PRIMARY KEY, stream BLOB NOT NULL, version INTEGER NOT NULL, event BLOB NOT NULL, type TEXT NOT NULL,
  custodian TEXT NOT NULL, compartment TEXT NOT NULL, patient BLOB NOT NULL, updated INTEGER NOT NULL, deleted INTEGER NOT NULL,
  confidentiality TEXT NOT NULL, sensitivities TEXT, key BLOB NOT NULL, digest BLOB NOT NULL, facts BLOB NOT NULL, newest INTEGER NOT NULL,
  tokens BLOB NOT NULL)""",
    "CREATE UNIQUE INDEX IF NOT EXISTS resources_event ON resources (event)",
    "CREATE INDEX IF NOT EXISTS resources_patient ON resources (patient, type, position)",
    "CREATE INDEX IF NOT EXISTS resources_own ON resources (custodian, type, position) WHERE newest = 1",
    "CREATE TABLE IF NOT EXISTS tokens (token BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (token, position)) WITHOUT ROWID",
)
"""A row's tokens stand beside it, one after the other, and by token with its position, of newest versions alone. Streams have no index here:
the log has one. Keyed hashes fall all over an index, so that each index more writes a page a resource (229 a Bundle of 50 resources with four such indexes, 160 with two)."""
TOKEN = 24
"""Bytes of a token: 16 of a value, 8 of its system."""
VERSION = 4
TABLES = ("resources", "tokens")
_COLUMNS = "position, stream, version, event, type, custodian, compartment, patient, updated, deleted, confidentiality, sensitivities, key, digest, facts, newest"
_INSERTED = (*_COLUMNS.split(", "), "tokens")
_SELECT = f"SELECT {_COLUMNS} FROM resources"

WITHDRAWN, ERASED = 1, 2
"""What `deleted` says of a row beside 0: taken back by its custodian; nobody can open it any more."""
UNKNOWN = ("?",)
"""Sensitivities of a header where labelling could not say: not the same as none."""


class Row(NamedTuple):
    """One version of a resource without its content. `sensitivities` None = labelling has not run."""

    position: int
    stream: bytes
    version: int
    event: bytes
    type: str
    custodian: str
    compartment: str
    patient: bytes
    updated: int
    deleted: int
    confidentiality: str
    sensitivities: str | None
    key: bytes
    digest: bytes
    facts: bytes
    newest: int


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take recorded and withdrawn resources in; empty the rows of what is erased."""
    for r in recorded:
        if r.topic == KEY_ERASED and isinstance(r.rows, Erased):
            for owner in sorted({bytes.fromhex(k.owner) for k in r.rows.keys}):
                _erase(tx, owner)
    new = [r for r in recorded if r.topic in {RESOURCE_RECORDED, RESOURCE_WITHDRAWN}]
    if not new:
        return
    for stream in {r.stream for r in new if r.version > 1}:
        _overtake(tx, stream)
    last = {r.stream: r.version for r in new}
    tx.insert("resources", _INSERTED, [_values(r, newest=last[r.stream] == r.version) for r in new])
    tokens = [(t, r.position) for r in new if r.rows is not None and last[r.stream] == r.version for t in r.rows.tokens]
    if tokens:
        tx.insert("tokens", ("token", "position"), tokens)


def _overtake(tx: Tx, stream: bytes) -> None:
    """Take from what was the newest version of a stream until now that it is, and its tokens."""
    for position, tokens in tx.each(
        "SELECT position, tokens FROM resources WHERE position IN", _positions(tx, stream), then=" AND newest=1"
    ):
        _forget(tx, position, tokens)
        tx.run("UPDATE resources SET newest=0, tokens=? WHERE position=?", (b"", position))


def _erase(tx: Tx, owner: bytes) -> None:
    """Leave of all versions under an owner's key (a Patient's, or one of the directory's own) what lies in clear in the log, as a replay does."""
    begin = "SELECT position, tokens FROM resources WHERE"
    own = tx.each(f"{begin} position IN", _positions(tx, owner), (b"",), " AND patient=?")
    for position, tokens in [*tx.all(f"{begin} patient=?", (owner,)), *own]:
        _forget(tx, position, tokens)
        tx.run("UPDATE resources SET facts=?, tokens=?, deleted=? WHERE position=?", (b"", b"", ERASED, position))


def _forget(tx: Tx, position: int, tokens: bytes) -> None:
    tx.many("DELETE FROM tokens WHERE token=? AND position=?", [(tokens[i : i + TOKEN], position) for i in range(0, len(tokens), TOKEN)])


def _values(r: Recorded, *, newest: bool) -> tuple[object, ...]:
    h = r.header
    sensitivities = None if h.sensitivities == UNKNOWN else "|".join(h.sensitivities)
    facts, tokens = (r.rows.facts, b"".join(r.rows.tokens)) if r.rows is not None else (b"", b"")
    return (
        r.position, r.stream, r.version, h.event, h.kind, h.custodian, h.compartment, h.patient, h.recorded, int(h.deleted),
        h.confidentiality, sensitivities, h.key, h.digest, facts, int(newest), tokens if newest else b"",
    )  # fmt: skip


def _positions(tx: Tx, stream: bytes) -> list[int]:
    """Give where a stream's events lie."""
    return [int(p) for (p,) in tx.all("SELECT position FROM events WHERE originator_id=?", (stream.hex(),))]


def _last(tx: Tx, stream: bytes, then: str, *params: object, below: int = 1 << 62) -> Row | None:
    """Give the newest version of a stream before a position that a condition holds of: nearly always that of its last event there.

    In two steps: of one statement over both tables PostgreSQL may begin with the larger one, where it has not yet counted them.
    """
    last = "SELECT position FROM events WHERE originator_id=? AND position<? ORDER BY originator_version DESC LIMIT 1"
    at = tx.one(last, (stream.hex(), below))
    if at is None:
        return None
    found = tx.one(f"{_SELECT} WHERE position=?{then}", (at[0], *params))
    if found is None:
        rows = tx.each(f"{_SELECT} WHERE position IN", _positions(tx, stream), (below, *params), f" AND position<?{then}")
        found = max(rows, default=None)
    return Row(*found) if found else None


def newest(tx: Tx, stream: bytes, compartment: str = MAIN) -> Row | None:
    """Give the newest version of a stream, deleted ones too."""
    return _last(tx, stream, " AND compartment=?", compartment)


def version(tx: Tx, stream: bytes, number: int, compartment: str = MAIN) -> Row | None:
    """Give one version of a stream."""
    at = tx.one("SELECT position FROM events WHERE originator_id=? AND originator_version=?", (stream.hex(), number))
    found = tx.one(f"{_SELECT} WHERE position=? AND compartment=?", (at[0], compartment)) if at else None
    return Row(*found) if found else None


def as_of(tx: Tx, stream: bytes, position: int) -> Row | None:
    """Give the version of a stream that was the newest at a position, deleted ones too."""
    return _last(tx, stream, " AND compartment=?", MAIN, below=position + 1)


def by_events(tx: Tx, events: Iterable[bytes]) -> dict[bytes, Row]:
    """Give the versions that these events recorded."""
    rows = (Row(*r) for r in tx.each(f"{_SELECT} WHERE event IN", events, (MAIN,), " AND compartment=?"))
    return {row.event: row for row in rows}


def by_event(tx: Tx, event: bytes) -> Row | None:
    """Give the version that an event recorded."""
    found = tx.one(f"{_SELECT} WHERE event=? AND compartment=?", (event, MAIN))
    return Row(*found) if found else None


def found(tx: Tx, token: bytes, compartment: str = MAIN) -> list[Row]:
    """Give the newest versions of what carries a token, in the order of the log; the token of a value alone begins those of the value in any system."""
    upper = token.ljust(TOKEN, b"\xff")
    marked = [int(p) for (p,) in tx.all("SELECT position FROM tokens WHERE token BETWEEN ? AND ?", (token, upper))]
    rows = tx.each(f"{_SELECT} WHERE position IN", marked, (compartment,), " AND deleted=0 AND compartment=?")
    return sorted(Row(*r) for r in rows)


def of_patients(
    tx: Tx,
    patients: Iterable[bytes],
    types: Sequence[str] = (),
    *,
    all_versions: bool = False,
    until: int | None = None,
    custodian: str = "",
    standing: bool = False,
    compartment: str = MAIN,
) -> list[Row]:
    """Give what is kept about these Patients, in the order of the log; deleted ones left out. `until` = as the log stood at a position.

    `custodian` = what one organization told alone; empty = all. `standing` = of what was taken back no version, where all versions are asked for.
    """
    then = " AND compartment=?"
    params: list[object] = [compartment]
    if custodian:
        then += " AND custodian=?"
        params.append(custodian)
    if types:
        then += f" AND type IN ({','.join('?' * len(types))})"
        params += types
    if until is not None:
        then += " AND position<=?"
        params.append(until)
    elif not all_versions:
        then += " AND newest=1"
    rows = [Row(*r) for r in tx.each(f"{_SELECT} WHERE patient IN", patients, params, then)]
    rows.sort()
    if until is not None and not all_versions:
        rows = list({r.stream: r for r in rows}.values())
    gone = {r.stream for r in {r.stream: r for r in rows}.values() if r.deleted} if standing else frozenset[bytes]()
    return [r for r in rows if not r.deleted and r.stream not in gone]


def last_told(tx: Tx, patients: Iterable[bytes]) -> list[tuple[str, int]]:
    """Give who told something of these Patients and when it last did (milliseconds); what was taken back counts. A custodian may come twice."""
    sql = "SELECT custodian, max(updated) FROM resources WHERE patient IN"
    of_main = tx.each(sql, patients, (MAIN,), " AND compartment=? GROUP BY custodian")
    return [(custodian, int(told)) for custodian, told in of_main]


def between(tx: Tx, types: Sequence[str], after: int, until: int) -> list[Row]:
    """Give versions of these types about persons, recorded after a position and up to another, in the order of the log; no deleted ones."""
    rows = tx.all(
        f"{_SELECT} WHERE position>? AND position<=? AND deleted=0 AND patient<>? AND compartment=? AND type IN ({','.join('?' * len(types))})"
        " ORDER BY position",
        (after, until, b"", MAIN, *types),
    )
    return [Row(*r) for r in rows]


def stretch(tx: Tx, after: int, until: int) -> list[Row]:
    """Give all versions recorded after a position and up to another, in the order of the log; none of what was taken back or erased."""
    rows = tx.all(f"{_SELECT} WHERE position>? AND position<=? AND deleted=0 ORDER BY position", (after, until))
    return [Row(*r) for r in rows]


def earlier(tx: Tx, row: Row) -> Row | None:
    """Give the version of the same resource that came before, deleted ones left out."""
    if row.version == 1:
        return None
    return _last(tx, row.stream, " AND deleted=0", below=row.position)


def versions(tx: Tx, patients: Iterable[bytes], types: Sequence[str], *, until: int, custodian: str = "") -> list[Row]:
    """Give all versions about these Patients up to a position, in the order of the log, withdrawals too. `custodian` = of one organization alone."""
    then = f" AND position<=? AND compartment=? AND type IN ({','.join('?' * len(types))})" + (" AND custodian=?" if custodian else "")
    params = (until, MAIN, *types, *([custodian] if custodian else []))
    return sorted(Row(*r) for r in tx.each(f"{_SELECT} WHERE patient IN", patients, params, then))


def own(tx: Tx, custodian: str, kind: str, compartment: str = MAIN) -> list[Row]:
    """Give an organization's own newest resources of a type, in the order of the log."""
    sql = f"{_SELECT} WHERE custodian=? AND type=? AND newest=1 AND deleted=0 AND compartment=? ORDER BY position"
    rows = tx.all(sql, (custodian, kind, compartment))
    return [Row(*r) for r in rows]


def directory(tx: Tx, kind: str, compartment: str = MAIN) -> list[Row]:
    """Give all newest resources of a type that belong to nobody (the network's directory)."""
    sql = f"{_SELECT} WHERE type=? AND patient=? AND newest=1 AND deleted=0 AND compartment=? ORDER BY position"
    rows = tx.all(sql, (kind, b"", compartment))
    return [Row(*r) for r in rows]


def own_patients(tx: Tx, custodian: str, at: int | None = None) -> list[bytes]:
    """Give the Patient streams that an organization holds, now or as of a position."""
    sql = "SELECT stream, position, deleted FROM resources WHERE custodian=? AND type='Patient' AND newest=1 AND compartment=?"
    rows = tx.all(sql, (custodian, MAIN))
    if at is None:
        return [stream for stream, _, deleted in rows if not deleted]
    held = [stream for stream, position, deleted in rows if position <= at and not deleted]
    changed = [stream for stream, position, deleted in rows if position > at or deleted]
    before = {r.stream for r in of_patients(tx, changed, ("Patient",), until=at, custodian=custodian)}
    return held + [stream for stream in changed if stream in before]


def owners(tx: Tx) -> list[tuple[bytes, bytes]]:
    """Give whose key each row lies under that is not erased: (Patient, or a Practitioner's own stream; key id). Reads all rows."""
    sql = "SELECT DISTINCT patient, key FROM resources WHERE patient<>? AND key<>? AND deleted<>? AND compartment=?"
    own = "SELECT DISTINCT stream, key FROM resources WHERE patient=? AND type=? AND key<>? AND deleted<>? AND compartment=?"
    return [*tx.all(sql, (b"", b"", ERASED, MAIN)), *tx.all(own, (b"", "Practitioner", b"", ERASED, MAIN))]
