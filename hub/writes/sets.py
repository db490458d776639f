"""Files that are corrected by sending them again: lines that vanished are taken back, and an older file that comes late changes nothing.

An adapter names for each draft the set that it belongs to (`set`), and when or in which version it was told (`sent`, `version`, `told`).
Messages that each tell their own part of a stay (facts `event`) are all recorded: the view puts them in order.
"""

from __future__ import annotations

from collections.abc import Mapping

from hub.commands import Write
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.names import hub_id
from hub.tables import resources
from hub.tables.derive import FactsCell, open_facts, set_token
from hub.writes.targets import Aim, Target


class Sets:
    """Compares one message's drafts with what its sets hold, within one snapshot."""

    def __init__(self, tx: Tx, aim: Aim, secrets: Secrets, keys: Keyring) -> None:
        self._tx, self._aim, self._secrets, self._keys = tx, aim, secrets, keys

    def order(self) -> None:
        """Leave out what is older than what is there, and take back what its newer set no longer holds."""
        for name, facts in {t.write.facts["set"]: t.write.facts for t in self._aim.targets if t.write.facts.get("set")}.items():
            self._set(name, facts)
        for target in self._aim.targets:
            row = self._aim.newest(target.stream)
            self._aim.reading.digests.setdefault(target.stream, row.digest if row is not None else None)
            if row is not None and target.write.facts and not _every_part(target.write) and self._late(target.write.facts, row):
                target.existing = row

    def _set(self, name: str, facts: Mapping[str, str]) -> None:
        """Compare one set: a late one says nothing at all, a newer one takes back what it lacks."""
        mark = set_token(self._secrets, self._aim.custodian, name)
        held = [r for r in resources.found(self._tx, mark, self._aim.compartment) if r.custodian == self._aim.custodian]
        if any(self._late(facts, row) for row in held):
            for target in self._aim.targets:
                target.absent = target.absent or target.write.facts.get("set") == name
            return
        told = {t.stream for t in self._aim.targets}
        for row in held:
            if row.stream not in told:
                self._aim.reading.digests[row.stream] = row.digest
                self._aim.targets.append(Target(Write(-1, "DELETE", row.type), row.type, hub_id(row.stream), row.stream))

    def _late(self, facts: Mapping[str, str], row: resources.Row) -> bool:
        """Say whether a draft is older than a row: by when it was sent; of one set by its version; else by when it was told."""
        cell = self._cell(row)
        if cell is None:
            return False
        if facts.get("set") and facts.get("set") == cell.set and facts.get("version") and cell.version:
            return _number(facts["version"]) < _number(cell.version)
        told = facts.get("sent", "") or facts.get("told", "")
        return bool(told and cell.told) and told < cell.told

    def _cell(self, row: resources.Row) -> FactsCell | None:
        key = self._keys.held(row.key)
        return open_facts(key, row.facts, row.event) if key is not None and row.facts else None


def _every_part(write: Write) -> bool:
    return bool(write.facts.get("event")) and write.url.startswith("Encounter")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
