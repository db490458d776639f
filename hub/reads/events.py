"""What a subscriber hears: its own numbers, decided again at the moment of delivery; what was withdrawn meanwhile keeps its number alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from consent.ask import Decision
from hub.followers.feeds import cause_of
from hub.log.event import open_event
from hub.names import hub_id
from hub.tables import feeds, identities, resources
from schemas.events import NOTICE, Derived, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hub.commands import Asking
    from hub.gate import Gate, Given
    from hub.log.keys import Keyring
    from hub.log.secrets import Secrets
    from hub.log.store import Store, Tx
    from hub.reads.sealed import Sealing
    from hub.region import Region

_NOTICE = Decision("permit", "P-NOTICE", trail=("notice:yes",))
FRESH = 5.0
"""Seconds after which what waits to be sent is decided anew, whatever stands: consents end by the clock too."""
TYPE = "jp.example.tsunagu"
"""Prefix of CloudEvents types; followed by the domain event's name and `.v1`."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One number of a feed. `event` None = withdrawn between matching and delivery."""

    number: int
    type: str
    event: Mapping[str, Any] | None


class Hearing:
    """The feed of each subscriber over its ports, and the bell that wakes open streams."""

    def __init__(self, *, store: Store, keys: Keyring, gate: Gate, region: Region, secrets: Secrets, base: str, sealing: Sealing) -> None:
        self._store, self._keys, self._gate, self._region, self._secrets, self._base = store, keys, gate, region, secrets, base
        self._sealing = sealing
        self._bells: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @contextmanager
    def bell(self) -> Iterator[asyncio.Event]:
        """Give an event that is set after each append, as long as the context is open."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        self._bells.add(mine)
        try:
            yield mine[1]
        finally:
            self._bells.discard(mine)

    def heard(self) -> None:
        """Ring: called from the writer's thread."""
        for loop, event in tuple(self._bells):
            loop.call_soon_threadsafe(event.set)

    def last(self, asking: Asking) -> int:
        """Give the subscriber's newest number."""
        return self.last_of(asking.requester.organization)

    def last_of(self, code: str) -> int:
        """Give an organization's newest number."""
        with self._store.read() as tx:
            return feeds.last(tx, code)

    def after(self, asking: Asking, number: int, limit: int, *, sealed: bool = False) -> list[Heard]:
        """Give what comes after a number, each decided now and recorded. `sealed` = with the resource itself, sealed."""
        return self.following(asking, number, limit, sealed=sealed)[0]

    def following(self, asking: Asking, number: int, limit: int, *, sealed: bool = False) -> tuple[list[Heard], Callable[[], bool]]:
        """As `after`, with a question for whoever sends them one by one: whether they may still be sent as they were decided."""
        subscriber = asking.requester.organization
        with self._store.read() as tx:
            numbered = feeds.after(tx, subscriber, number, limit)
            notices = {f.position: told for f in numbered if (told := self._notice(tx, f.position)) is not None}
            waiting = [(f, self._opened(tx, f.position) if f.position not in notices else None) for f in numbered]
        rows = [found[1] for _, found in waiting if found is not None]
        released, decided = (self._gate.release(asking, rows), monotonic()) if rows else (None, 0.0)
        given = {g.row.position: g for g in released.given} if released else {}
        heard = []

        def stands() -> bool:
            if released is None:
                return True
            with self._store.read() as tx:
                return monotonic() - decided < FRESH and released.stands(tx)

        for feed, found in waiting:
            if feed.position in notices:
                heard.append(self._noticed(asking, feed.number, *notices[feed.position]))
            elif found is None or found[1].position not in given:
                heard.append(Heard(feed.number, "", None))
            else:
                derived, row, at = found
                event = self._cloud_event(subscriber, feed.number, derived, row, at)
                if sealed:
                    self._with_content(event, given[row.position], subscriber)
                heard.append(Heard(feed.number, f"{TYPE}.{derived.kind}.v1", event))
        return heard, stands

    def _notice(self, tx: Tx, position: int) -> tuple[Notice, int] | None:
        """Give the notice of an erasure that stands at a position; None where something else does."""
        recorded = self._store.event(tx, position)
        if recorded is None or recorded.header.kind != NOTICE:
            return None
        body = open_event(self._keys, recorded)
        return None if body is None else (msgspec.json.decode(body, type=Notice), recorded.header.recorded)

    def _noticed(self, asking: Asking, number: int, notice: Notice, at: int) -> Heard:
        """Tell of an erasure: whose records they were by the hub's id, and nothing else. That it was told is recorded."""
        patient = bytes.fromhex(notice.patient)
        self._gate.note(asking, patient, _NOTICE)
        data = {"event": NOTICE, "resource": {"reference": f"Patient/{hub_id(patient)}"}, "occurred": notice.occurred}
        return Heard(number, f"{TYPE}.{NOTICE}.v1", self._envelope(asking.requester.organization, number, NOTICE, patient, at, data))

    def _with_content(self, event: dict[str, Any], given: Given, subscriber: str) -> None:
        with self._store.read() as tx:
            content = self._sealing.content(tx, given, subscriber, {"ce_source": event["source"], "ce_id": event["id"]})
        if content is not None:
            event["data"]["content"] = content

    def _opened(self, tx: Tx, position: int) -> tuple[Derived, resources.Row, int] | None:
        recorded = self._store.event(tx, position)
        body = open_event(self._keys, recorded) if recorded is not None else None
        if recorded is None or body is None:
            return None
        derived = msgspec.json.decode(body, type=Derived)
        cause = cause_of(tx, derived)
        newest = resources.newest(tx, cause.stream) if cause is not None else None
        if cause is None or newest is None or newest.deleted:
            return None
        return derived, cause, recorded.header.recorded

    def _cloud_event(self, subscriber: str, number: int, derived: Derived, row: resources.Row, at: int) -> dict[str, Any]:
        """Make the CloudEvent (1.0): thin, with references that the subscriber can read by the FHIR door."""
        with self._store.read() as tx:
            person = identities.person_of(tx, row.patient)
            own = resources.of_patients(tx, identities.patients_of(tx, person), ("Patient",))
        mine = min((r.stream for r in own if r.custodian == subscriber), default=b"")
        data: dict[str, Any] = {
            "event": derived.kind,
            "episode": derived.episode,
            "organization": {"code": derived.custodian, "name": self._region.name_of(derived.custodian)},
            "resource": {"reference": derived.resource},
        }
        if mine:
            data["patient"] = {"reference": f"Patient/{hub_id(mine)}"}
        if derived.occurred:
            data["occurred"] = derived.occurred
        return self._envelope(subscriber, number, derived.kind, mine or row.patient, at, data)

    def _envelope(self, subscriber: str, number: int, kind: str, about: bytes, at: int, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": str(number),
            "source": f"{self._base}/events/{subscriber}",
            "type": f"{TYPE}.{kind}.v1",
            "time": datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "subject": self._secrets.name("subject", subscriber, about.hex()).hex(),
            "datacontenttype": "application/json",
            "data": data,
        }
