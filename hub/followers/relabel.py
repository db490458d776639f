"""Goes through everything that is kept when the table of labels has another edition, and records the labels that are other ones by it.

Begun is an edition by an event of its own, before the program that brings it serves: from there on it raises by itself (`hub.gate.labelling`).
What it labels less strictly holds once the event that says so is recorded. Stopped anywhere, it goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime

from consent.labels import newest_edition
from hub.gate import labelling
from hub.log.event import Recorded
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.region import Region
from hub.tables import labels, resources
from hub.tables.derive import open_facts
from hub.tables.labels import Progress
from hub.tables.resources import UNKNOWN, Row
from hub.writer import Proposal, Writer
from hub.writes.tombstone import Network
from schemas.events import LABELS_REVISED, LabelsRevised, Relabelled

BATCH = 500
"""Positions of one transaction."""


class Relabelling:
    """The follower `relabel`. `edition` empty = the newest of the table."""

    name = "relabel"

    def __init__(
        self,
        *,
        store: Store,
        keys: Keyring,
        writer: Writer,
        region: Region,
        network: Network,
        now: Callable[[], datetime],
        edition: str = "",
    ) -> None:
        self._store, self._keys, self._writer, self._region, self._network, self._now = store, keys, writer, region, network, now
        self._edition = edition or newest_edition()

    def begin(self) -> None:
        """Record that this edition begins, when it is another one than the log knows; a log that has not begun knows it from the first."""
        with self._store.read() as tx:
            if self._begun(tx):
                return
            before, empty = labels.edition(tx), self._store.head(tx) == 0

        def holds(tx: Tx) -> bool:
            return not self._begun(tx)

        def noted(tx: Tx, recorded: Sequence[Recorded] = ()) -> None:
            labels.proceed(tx, self._edition, Progress(recorded[0].position if recorded else 0, 0))

        def born(tx: Tx) -> None:
            if holds(tx) and self._store.head(tx) == 0:
                noted(tx)

        if empty:
            self._writer.work(born).result()
        else:
            self._put(LabelsRevised(self._edition, before), holds, noted)

    def step(self) -> bool:
        """Look at the next stretch; say whether there is more."""
        self.begin()
        with self._store.read() as tx:
            at = labels.progress(tx, self._edition)
            if at is None or at.done >= at.until:
                return False
            to = Progress(at.until, min(at.done + BATCH, at.until))
            made = tuple(found for row in labels.current(tx, resources.stretch(tx, at.done, to.done)) if (found := self._other(row)))
            before = labels.edition(tx)

        def holds(tx: Tx) -> bool:
            return labels.progress(tx, self._edition) == at

        def moved(tx: Tx, _: Sequence[Recorded] = ()) -> None:
            if holds(tx):
                labels.proceed(tx, self._edition, to)

        if made:
            self._put(LabelsRevised(self._edition, before, made), holds, moved)
        else:
            self._writer.work(moved).result()
        return True

    def _begun(self, tx: Tx) -> bool:
        """Say whether this edition is the one that the log goes by."""
        return labels.progress(tx, self._edition) is not None and labels.edition(tx) in {"", self._edition}

    def _other(self, row: Row) -> Relabelled | None:
        """Give the label of a version, when it is another one by this edition than stands; None also where its key was erased."""
        key = self._keys.held(row.key)
        if key is None:
            return None
        made = labelling.by_table(row, open_facts(key, row.facts, row.event), self._edition, self._kind_of)
        if made == labelling.of_row(row):
            return None
        kinds = UNKNOWN if made.sensitivities is None else tuple(sorted(made.sensitivities))
        return Relabelled(row.position, made.confidentiality or "", kinds)

    def _kind_of(self, code: str) -> str:
        office = self._region.offices.get(code)
        return office.kind if office is not None else ""

    def _put(self, body: LabelsRevised, holds: Callable[[Tx], bool], also: Callable[[Tx, Sequence[Recorded]], None]) -> None:
        """Record it, unless another process was first."""

        def dropped(_: Tx) -> Proposal:
            return Proposal(os.urandom(16), [])

        event = self._network.event(LABELS_REVISED, "LabelsRevised", body, patient=b"", at=self._now())
        self._writer.submit(Proposal(os.urandom(16), [event], holds=holds, again=dropped, also=also)).result()
