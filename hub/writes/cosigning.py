"""Takes what witnesses signed beside a head: judged against their registered keys and stored with it. No event: it is about the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.log.notes import cosignatures, verify
from hub.log.store import Store, Tx
from hub.log.witnesses import Witness
from hub.tables import tree
from hub.writer import Writer
from schemas.errors import BadValue, NotFound


class Cosigning:
    """Over a store. `taken` is called after each one that is new."""

    def __init__(self, *, store: Store, writer: Writer, verifier: str, witnesses: Sequence[Witness], taken: Callable[[], None]) -> None:
        self._store, self._writer, self._verifier, self._taken = store, writer, verifier, taken
        self.witnesses = tuple(witnesses)

    def take(self, note: str) -> str:
        """Take a cosigned head as a whole note; give the note with all that is signed under it now.

        Raises NotFound for a head that this log did not sign (HUB-5082), BadValue for a note with no signature of a registered witness, or a
        false one (HUB-5083).
        """
        point = verify(note, self._verifier)
        with self._store.read() as tx:
            head = tree.of_size(tx, point.size) if point else None
        if point is None or head is None or head.root != point.root:
            raise NotFound("HUB-5082")
        if not self.accept(head, note.removeprefix(point.text + "\n")):
            raise BadValue("HUB-5083")
        with self._store.read() as tx:
            return tree.note(tx, head)

    def accept(self, head: tree.Head, lines: str) -> frozenset[str]:
        """Take signature lines under a head; give the ids of the witnesses whose they are. Raises BadValue (HUB-5083) for a false one."""
        found: list[tuple[str, int, str]] = []
        text = head.note.partition("\n\n")[0] + "\n\n"
        for witness in self.witnesses:
            try:
                found += [(witness.id, at, line) for at, line in cosignatures(text + lines, witness.key)]
            except ValueError as fault:
                raise BadValue("HUB-5083") from fault

        def work(tx: Tx) -> None:
            for name, at, line in found:
                tree.cosign(tx, name, head.size, at, line)
                self._store.track(tx, follower(name), tree.witnessed(tx, name))

        if found:
            self._writer.work(work).result()
            self._taken()
        return frozenset(name for name, _, _ in found)


def follower(witness: str) -> str:
    """Give the name of the follower that pushes heads to a witness: how far it has come is how far the witness has signed."""
    return f"witness {witness}"
