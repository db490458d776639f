"""Records of provision (提供の記録): what left of whose records, to whom, on which ground; a line for each decision, custodian and Patient.

Filled by a follower, with its position in the same transaction. A line follows from the recorded decision alone. Codes stand here, no names
(Act on the Protection of Personal Information, Art. 29 and 30; consent-and-audit §1.8). Looks of an organization at its own records are
lines too: they are no provision to a third party, and belong to the answer to 「だれが見たか」.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.names import stream_of
from hub.tables import resources, skips
from hub.tables.decisions import GIVING, gave
from hub.tables.wheres import Where
from schemas.events import ACCESS_DECIDED, Decided, SeenRow
from schemas.provision import ProvisionRow

NAME = "provisions"
"""Of the follower too."""
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS provisions (
  position INTEGER NOT NULL, line INTEGER NOT NULL, reference TEXT NOT NULL, at INTEGER NOT NULL, patient BLOB NOT NULL,
  custodian TEXT NOT NULL, receiver TEXT NOT NULL, kind TEXT NOT NULL, staff TEXT NOT NULL, role TEXT NOT NULL, purpose TEXT NOT NULL,
  action TEXT NOT NULL, effect TEXT NOT NULL, reason TEXT NOT NULL, basis TEXT NOT NULL, items TEXT NOT NULL, consents TEXT NOT NULL,
  session TEXT NOT NULL, rules TEXT NOT NULL, PRIMARY KEY (position, line)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS provisions_patient ON provisions (patient, position)",
    "CREATE INDEX IF NOT EXISTS provisions_custodian ON provisions (custodian, position)",
    "CREATE INDEX IF NOT EXISTS provisions_receiver ON provisions (receiver, position)",
)
VERSION = 1
TABLES = ("provisions",)


_COLUMNS = ProvisionRow._fields
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM provisions"


class Wanted(NamedTuple):
    """What lines are searched by. Times in milliseconds, `until` exclusive; empty = any. `third` = without looks at own records."""

    patients: tuple[bytes, ...] = ()
    custodian: str = ""
    receiver: str = ""
    since: int | None = None
    until: int | None = None
    third: bool = True


def lines(tx: Tx, recorded: Recorded, decided: Decided) -> list[ProvisionRow]:
    """Make the lines of a decision; none where nothing of anybody left."""
    if decided.effect == "deny" or decided.action not in GIVING:
        return []
    parts: dict[tuple[str, bytes], list[SeenRow]] = {}
    for seen in decided.seen:
        if gave(seen) and (owner := _owner(tx, decided, seen)) is not None:
            parts.setdefault(owner, []).append(seen)
    return [
        ProvisionRow(
            recorded.position, number, decided.reference, recorded.header.recorded, patient, custodian, decided.organization, decided.kind,
            decided.user, decided.role, decided.purpose, decided.action, "redact" if any(s.effect == "redact" for s in rows) else "permit",
            *_ground(rows), _items(rows), _permitting(decided), decided.session, decided.network,
        )
        for number, ((custodian, patient), rows) in enumerate(sorted(parts.items()))
    ]  # fmt: skip


def _owner(tx: Tx, decided: Decided, seen: SeenRow) -> tuple[str, bytes] | None:
    """Give custodian and Patient of a resource; None for one that is about no person (the directory)."""
    if seen.owner >= 0:
        told = decided.owners[seen.owner]
        return (told.custodian, stream_of(told.patient) or b"") if told.patient else None
    stream = stream_of(seen.id)  # of an edition that did not say: by what lies in clear, which no erasure takes away
    row = resources.version(tx, stream, seen.version) if stream is not None else None
    return (row.custodian, row.patient) if row is not None and row.patient else None


def _ground(rows: Sequence[SeenRow]) -> tuple[str, str]:
    """Give the commonest reason of what left, with its basis."""
    (pair, _), *_ = Counter((s.reason, s.basis) for s in rows).most_common(1)
    return pair


def _items(rows: Sequence[SeenRow]) -> str:
    counted = Counter(s.type for s in rows)
    return " ".join(f"{kind}:{counted[kind]}" for kind in sorted(counted))


def _permitting(decided: Decided) -> str:
    return " ".join(f"{consent}/{version}" for consent, version, effect in decided.consents if effect == "permit")


def add(tx: Tx, rows: Sequence[ProvisionRow]) -> None:
    """Take lines in."""
    if rows:
        tx.insert("provisions", _COLUMNS, rows)


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take decisions in as they come (a replay's)."""
    add(tx, [row for r in recorded if r.topic == ACCESS_DECIDED and isinstance(r.rows, Decided) for row in lines(tx, r, r.rows)])


def cut(tx: Tx, until: int) -> None:
    """Leave what the follower has taken by a position: nothing of later ones, nor of those that it was told to pass by (a replay's)."""
    tx.run("DELETE FROM provisions WHERE position>?", (until,))
    tx.many("DELETE FROM provisions WHERE position=?", [(p,) for p in sorted(skips.passed(tx, NAME, 0, until))])


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def search(tx: Tx, by: Wanted, *, limit: int, below: tuple[int, int] | None = None) -> list[ProvisionRow]:
    """Give lines, newest first. `below` = go on under this (position, line)."""
    where, params = _where(by)
    if below is not None:
        where.append("(position, line) < (?,?)")
        params += below
    sql = f"{_SELECT} WHERE {' AND '.join(where) or 'true'} ORDER BY position DESC, line DESC LIMIT ?"
    return list(map(ProvisionRow._make, tx.all(sql, (*params, limit))))


def count(tx: Tx, by: Wanted) -> int:
    """Count lines."""
    where, params = _where(by)
    return int(tx.one(f"SELECT count(*) FROM provisions WHERE {' AND '.join(where) or 'true'}", params)[0])


def after(tx: Tx, by: Wanted, line: tuple[int, int], *, until: int, limit: int) -> list[ProvisionRow]:
    """Give lines after (position, line) and up to a position, oldest first."""
    where, params = _where(by)
    where += ["position<=?", "(position, line) > (?,?)"]
    sql = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY position, line LIMIT ?"
    return list(map(ProvisionRow._make, tx.all(sql, (*params, until, *line, limit))))


def ascending(tx: Tx, by: Wanted, *, until: int, at_once: int) -> Iterator[list[ProvisionRow]]:
    """Give all lines up to a position, oldest first, some at a time."""
    last = (0, -1)
    while rows := after(tx, by, last, until=until, limit=at_once):
        yield rows
        last = rows[-1].position, rows[-1].line


def fits(row: ProvisionRow, by: Wanted) -> bool:
    """Say whether a line is one of those that are wanted: for one that is in no table yet."""
    return (
        (not by.patients or row.patient in by.patients)
        and by.custodian in {"", row.custodian}
        and by.receiver in {"", row.receiver}
        and (by.since is None or row.at >= by.since)
        and (by.until is None or row.at < by.until)
        and not (by.third and row.custodian == row.receiver)
    )


def _where(by: Wanted) -> tuple[list[str], list[object]]:
    where = Where()
    where.one_of("patient", by.patients)
    where.equal("custodian", by.custodian)
    where.equal("receiver", by.receiver)
    where.between(by.since, by.until)
    if by.third:
        where.said.append("custodian<>receiver")
    return where.said, where.params
