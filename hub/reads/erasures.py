"""The erasures that were asked for, for the network's officers: how far each has come, and by when the last copy of the keys will have gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from consent.retention import basis_of_erasure
from hub.commands import Asking
from hub.gate import Gate
from hub.log.store import Store, Tx
from hub.names import stream_of
from hub.reads.officers import LOOK, officer
from hub.reads.opaque import Opaque
from hub.tables import erasures, identities
from hub.writes.erase import Erasing
from schemas.errors import NotFound

KEY_BACKUP_DAYS = 14
"""Days for which copies of the key store are kept, unless the settings say otherwise."""
State = Literal["restricted", "lifted", "shredding", "erased"]


@dataclass(frozen=True, slots=True)
class Told:
    """One erasure. `state` shredding = a copy of the key store may still hold the keys, through `copies_until`; None = they are not destroyed yet."""

    reference: str
    person: str
    at: datetime
    basis: str
    basis_ja: str
    basis_en: str
    state: State
    due: str
    erased: datetime | None
    copies_until: datetime | None
    keys: int


class Erasures:
    """The officer's questions over their ports."""

    def __init__(self, *, store: Store, gate: Gate, opaque: Opaque, erasing: Erasing, backups: timedelta) -> None:
        self._store, self._gate, self._opaque, self._erasing, self._backups = store, gate, opaque, erasing, backups

    def named(self, asking: Asking, person: str) -> bytes:
        """Give the stream of a person or Practitioner named by `Patient/tsu-…` or by the officer's own reference; raise NotFound (HUB-5110)."""
        officer(asking)
        kind, _, number = person.rpartition("/")
        stream = stream_of(number) if kind in {"Patient", "Practitioner"} else None
        if stream is None and not kind:
            try:
                stream = self._opaque.open("person", asking.requester.organization, number)
            except NotFound:
                stream = None
        if stream is None:
            raise NotFound("HUB-5110", where="person")
        return stream

    def listed(self, asking: Asking, now: datetime) -> list[Told]:
        """Give all, newest first; the look is recorded."""
        officer(asking)
        self._gate.note(asking, b"", LOOK)
        with self._store.read() as tx:
            return [self._told(tx, asking, row, now) for row in erasures.asked_for(tx)]

    def _told(self, tx: Tx, asking: Asking, row: erasures.ErasureRow, now: datetime) -> Told:
        erased = datetime.fromtimestamp(row.erased_at / 1000, UTC) if row.erased_at is not None else None
        there = row.erased is not None and any(key.destroyed is None for key in erasures.keys_of(tx, row.erased))
        until = erased + self._backups if erased is not None and not there else None
        state: State = "lifted" if row.lifted is not None else "restricted"
        if erased is not None:
            state = "shredding" if until is None or until > now else "erased"
        due = self._erasing.due_of(tx, row.patient).isoformat() if state == "restricted" else row.due
        person = identities.person_of(tx, row.patient)
        return Told(
            row.reference, self._opaque.shut("person", asking.requester.organization, person), datetime.fromtimestamp(row.at / 1000, UTC),
            row.basis, *basis_of_erasure(row.basis), state, due, erased, until, row.keys,
        )  # fmt: skip
