"""Content of what is stored, given only against a permit; and permits, which only the gate can make."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from hub.log.event import Recorded, open_content, parted
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.tables.resources import Row
from schemas.errors import Broken


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's word that one version may be opened. `inside` = for the hub's own reckoning: what is opened so does not leave."""

    stream: bytes
    version: int
    masks: frozenset[str]
    inside: bool
    proof: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class Content:
    """An opened version: received text, the adapter's facts beside it."""

    text: bytes
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Worded:
    """An opened version as one kind of asker sees it: its id there, its text, the adapter's facts beside it."""

    id: str
    text: bytes
    facts: Mapping[str, str]


KEPT = 32_000_000
"""Bytes of worded texts that stay in memory, the oldest given up first: a board of 1,000 stays takes 12 million."""


class Vault:
    """The one place that opens resources. `proof` is shared with the gate alone, where both are built."""

    def __init__(self, store: Store, keys: Keyring, proof: object, *, keep: int = KEPT) -> None:
        self._store, self._keys, self._proof, self._keep_bytes = store, keys, proof, keep
        self._kept: dict[tuple[int, Hashable], Worded] = {}
        self._size, self._lock = 0, Lock()

    def worded(self, tx: Tx, permit: Permit, row: Row, form: Hashable, word: Callable[[Content], Worded | None]) -> Worded | None:
        """As `open`, then worded. What was worded in a form once is given again: only against a permit, and only while its key is there.

        `form` is all that the words depend on beside the version itself. Raises Broken (HUB-5030) for a permit that is for the hub's own reckoning.
        """
        self._judge(permit, row)
        if permit.inside:
            raise Broken("HUB-5030")
        name = row.position, form
        if self._keys.held(row.key) is None:
            self._drop(name)
            return None
        if (kept := self._kept.get(name)) is not None:
            return kept
        content = self.open(tx, permit, row)
        made = word(content) if content is not None else None
        if made is not None:
            self._keep(name, made)
        return made

    def _keep(self, name: tuple[int, Hashable], made: Worded) -> None:
        with self._lock:
            self._size += len(made.text) - len(before.text if (before := self._kept.pop(name, None)) else b"")
            self._kept[name] = made
            while self._size > self._keep_bytes:
                self._size -= len(self._kept.pop(next(iter(self._kept))).text)

    def _drop(self, name: tuple[int, Hashable]) -> None:
        with self._lock:
            gone = self._kept.pop(name, None)
            self._size -= len(gone.text) if gone is not None else 0

    def _judge(self, permit: Permit, row: Row) -> None:
        if type(permit) is not Permit or permit.proof is not self._proof or (permit.stream, permit.version) != (row.stream, row.version):
            raise Broken("HUB-5030")

    def open(self, tx: Tx, permit: Permit, row: Row, recorded: Recorded | None = None) -> Content | None:
        """Open a version; None when its key was erased. Raises Broken (HUB-5030) without a permit for just this version.

        `recorded` = its event, where that has been read already.
        """
        self._judge(permit, row)
        recorded = recorded or self._store.event(tx, row.position)
        if recorded is None or recorded.stream != row.stream:
            raise Broken("HUB-5008")
        body = open_content(self._keys, recorded)
        if body is None:
            return None
        text, facts = parted(body)
        return Content(text, facts)
