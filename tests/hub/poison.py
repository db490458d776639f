"""An event that nobody can take: a stored body of which one byte has changed, and the same put right again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hub.log.store import Store
from schemas.events import DOMAIN_EVENT, RESOURCE_RECORDED


def positions(store: Store, topic: str, kind: str) -> list[int]:
    """Give the positions of all events of a topic and kind."""
    with store.read() as tx:
        return [e.position for e in store.events_of(tx, topic, 0, store.head(tx)) if e.header.kind == kind]


def encounters(store: Store) -> list[int]:
    return positions(store, RESOURCE_RECORDED, "Encounter")


def heard(store: Store, kind: str) -> list[int]:
    return positions(store, DOMAIN_EVENT, kind)


def flip(store: Store, position: int) -> None:
    """Change the last byte of what is stored; done twice it is as it was."""
    with store.write() as tx:
        state = bytearray(tx.one("SELECT state FROM events WHERE position=?", (position,))[0])
        state[-1] ^= 1
        tx.run("UPDATE events SET state=? WHERE position=?", (bytes(state), position))


@contextmanager
def poisoned(store: Store, position: int) -> Iterator[None]:
    """Poison an event for a while."""
    flip(store, position)
    try:
        yield
    finally:
        flip(store, position)
