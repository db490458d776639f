"""Notices unusual access by the stated rules (`hub.views.unusual`) and records what it found: an event each, once for each asker, person and window."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple

from hub.clock import milliseconds, moment
from hub.followers.noticing_persons import Persons
from hub.followers.run import BATCH
from hub.gate import Gate
from hub.log.event import NewEvent
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import reference
from hub.region import Region
from hub.tables import emergencies, looks, skips
from hub.tables.decisions import DecisionRow
from hub.tables.looks import Asker, Stretch
from hub.views.ages import JST
from hub.views.unusual import Rule, closed, rules, usual, window_of
from hub.writer import Proposal, Writer
from hub.writes.tombstone import Network
from schemas.events import UNUSUAL_NOTICED, Noticed

NAMED = 50
"""References of decisions that a finding names at most."""
DAY = 86_400_000
_BULK = {"user": ("bulk-hour", "bulk-day"), "application": ("bulk-program-hour",)}
_DENIALS = {"user": ("denials-hour",), "application": ("denials-program-hour",)}


class Found(NamedTuple):
    """One finding before it is an event. `patient` empty = it is about nobody in particular."""

    rule: Rule
    asker: Asker
    patient: bytes
    since: int
    until: int
    number: int
    usual: int
    decisions: tuple[str, ...]


class Noticing:
    """The follower `unusual`. What it finds is in the log: another edition of the rules finds nothing anew in what lies behind it."""

    name = "unusual"

    def __init__(
        self, *, store: Store, secrets: Secrets, writer: Writer, gate: Gate, region: Region, network: Network, now: Callable[[], datetime]
    ) -> None:
        self._store, self._secrets, self._writer, self._region, self._network, self._now = store, secrets, writer, region, network, now
        self._persons = Persons(secrets=secrets, gate=gate, region=region)

    def step(self) -> bool:
        """Look at the next batch."""
        return self.take(BATCH)

    def take(self, limit: int) -> bool:
        """Look outside the lock; findings and position are one transaction, which does nothing when the position has moved meanwhile."""
        with self._store.read() as tx:
            after, head = self._store.position_of(tx, self.name), self._store.head(tx)
            last = min(head, after + limit)
            made = self._made(tx, after, last)
        if last == after:
            return False
        return last < head if self._put(after, last, made) else True

    def _put(self, after: int, last: int, made: list[NewEvent]) -> bool:
        streams = {e.stream for e in made}

        def holds(tx: Tx) -> bool:
            return skips.claim(tx, self.name) == after and not self._store.last_versions(tx, streams)

        def moved(tx: Tx, _: object = None) -> None:
            self._store.track(tx, self.name, last)

        def work(tx: Tx) -> bool:
            if skips.claim(tx, self.name) != after:
                return False
            moved(tx)
            return True

        if not made:
            return bool(self._writer.work(work).result())
        dropped = Proposal(os.urandom(16), [], answer=False)
        proposal = Proposal(os.urandom(16), made, holds=holds, again=lambda _: dropped, also=moved, answer=True)
        return bool(self._writer.submit(proposal).result().answer)

    def _made(self, tx: Tx, after: int, last: int) -> list[NewEvent]:
        passed = skips.passed(tx, self.name, after, last)
        rows = [row for row in looks.between(tx, after, last) if row.position not in passed]
        events: dict[bytes, NewEvent] = {}
        for found in self._found(tx, rows, last):
            event = self._event(found)
            events.setdefault(event.stream, event)
        known = self._store.last_versions(tx, events)
        return [event for stream, event in events.items() if stream not in known]

    def _event(self, found: Found) -> NewEvent:
        rule, asker = found.rule, found.asker
        stream = self._secrets.name(
            "unusual",
            rule.id,
            asker.organization,
            asker.user,
            found.patient.hex(),
            window_of(moment(found.since), rule.window)[0].isoformat(),
        )
        body = Noticed(
            reference(), rule.id, rule.edition, asker.organization, asker.user, found.since, found.until, found.number, found.usual,
            rule.bound, found.decisions[:NAMED],
        )  # fmt: skip
        made = self._network.event(UNUSUAL_NOTICED, "UnusualAccess", body, patient=found.patient, at=self._now(), stream=stream)
        made.version = 1
        return made

    # ── the rules ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _found(self, tx: Tx, rows: list[DecisionRow], last: int) -> Iterator[Found]:
        for asker, windows in _askers(rows).items():
            yield from self._counted(tx, asker, windows, last)
        for row in rows:
            if row.user and row.person and row.effect != "deny" and looks.alone(tx, row):
                held = rules(_day(row.at))
                for name, number in self._persons.unusual(tx, row, held):
                    yield Found(held[name], Asker(row.organization, row.user), row.person, row.at, row.at + 1, number, 0, (row.reference,))

    def _counted(self, tx: Tx, asker: Asker, moments: Iterable[int], last: int) -> Iterator[Found]:
        """Judge all that is counted within an hour or a day, once for each that these moments lie in."""
        who, seen = ("user" if asker.user else "application"), set[tuple[str, int]]()
        for at in moments:
            held = rules(_day(at))
            names = (*_BULK[who], *_DENIALS[who], *(("out-of-hours", "glass-day") if asker.user else ()))
            for rule in (held[name] for name in names if name in held):
                begins, ends = (milliseconds(one) for one in window_of(moment(at), rule.window))
                if (rule.id, begins) in seen:
                    continue
                seen.add((rule.id, begins))
                found = self._judged(tx, rule, asker, Stretch(begins, ends, looks.first_of(tx, begins), last))
                if found is not None:
                    yield found

    def _judged(self, tx: Tx, rule: Rule, asker: Asker, stretch: Stretch) -> Found | None:
        if rule.id == "glass-day":
            sessions = emergencies.opened_by(tx, asker.user, stretch.since, stretch.until)
            names = tuple(r for _, _, r, _ in looks.of(tx, asker, stretch, own=True)) if rule.unusual(len(sessions), 0) else ()
            return self._finding(rule, asker, stretch, len(sessions), 0, names)
        if rule.id == "out-of-hours":
            office = self._region.offices.get(asker.organization)
            if office is None or office.kind not in rule.kinds:
                return None
            outside = [one for one in looks.of(tx, asker, stretch, own=True) if closed(office, moment(one[0]))]
            return self._finding(rule, asker, stretch, len({p for _, p, _, _ in outside}), 0, tuple(r for _, _, r, _ in outside))
        if rule.id.startswith("denials"):
            refused = tuple(r for _, _, r, effect in looks.of(tx, asker, stretch) if effect == "deny")
            return self._finding(rule, asker, stretch, len(refused), 0, refused)
        seen = looks.of(tx, asker, stretch)
        number = len({person for _, person, _, _ in seen})
        often = self._usual(tx, rule, asker, stretch) if number >= rule.least else 0
        return self._finding(rule, asker, stretch, number, often, tuple(r for _, _, r, _ in seen))

    @staticmethod
    def _finding(rule: Rule, asker: Asker, stretch: Stretch, number: int, often: int, names: tuple[str, ...]) -> Found | None:
        return Found(rule, asker, b"", stretch.since, stretch.until, number, often, names) if rule.unusual(number, often) else None

    def _usual(self, tx: Tx, rule: Rule, asker: Asker, stretch: Stretch) -> int:
        """Give the median of persons that the asker saw in the hours, or days, of the time before in which there was any look."""
        since = stretch.since - rule.days * DAY
        before = looks.of(tx, asker, Stretch(since, stretch.since, looks.first_of(tx, since), stretch.last))
        persons: dict[datetime, set[bytes]] = {}
        for at, person, _, _ in before:
            persons.setdefault(window_of(moment(at), rule.window)[0], set()).add(person)
        return usual([len(found) for found in persons.values()])


def _day(at: int) -> date:
    return moment(at).astimezone(JST).date()


def _askers(rows: Iterable[DecisionRow]) -> dict[Asker, list[int]]:
    """Give the moments of looks by who looked."""
    found: dict[Asker, list[int]] = {}
    for row in rows:
        found.setdefault(Asker(row.organization, row.user), []).append(row.at)
    return found
