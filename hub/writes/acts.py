"""What the hub does itself, as events of the log: starts and stops, sign-ins, tokens, the officer's signature under a review. Under the network's own key."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.metadata import version
from typing import Any

from consent.ask import Requester
from hub.clock import milliseconds
from hub.commands import Asking
from hub.log.store import Store
from hub.tables import decisions
from hub.writer import Writer, free
from hub.writes.tombstone import Network
from schemas import events
from schemas.errors import BadValue, Denied, MissingValue, Refusal
from schemas.events import AccessReviewed, Ran, Resumed, Signed, SignInRefused, Token
from schemas.fhir.facts import JST

MINUTE = 60_000
"""Milliseconds within which sign-ins that were refused are one event."""
NOTE_LEAST = 10
"""Characters of what an officer says of a review."""
_log = logging.getLogger("tsunagu.acts")


@dataclass(slots=True)
class _Count:
    """Refusals of one minute that are not recorded yet: all but its first. Times in milliseconds."""

    since: int
    until: int
    count: int = 0


class Acts:
    """These facts over their ports. Thread-safe."""

    def __init__(
        self,
        *,
        store: Store,
        writer: Writer,
        network: Network,
        now: Callable[[], datetime],
        editions: Callable[[], Mapping[str, str]],
        process: str = "",
    ) -> None:
        """Take the ports; `editions` = of the network's rules (`network`) and of the register (`region`)."""
        self._store, self._writer, self._network, self._now = store, writer, network, now
        self._editions, self._process = editions, process
        self._lock = threading.Lock()
        self._refused: dict[tuple[str, str], _Count] = {}

    # ── the hub itself ───────────────────────────────────────────────────────────────────────────────────────────────

    def started(self) -> None:
        """Record that this process answers from here on. Raises nothing: a log without room does not keep the status from being told."""
        self._tried(events.HUB_STARTED)

    def stopped(self) -> None:
        """Record that it ends, and what is still counted."""
        self._tried(events.HUB_STOPPED)

    def _tried(self, topic: str) -> None:
        try:
            self.flush(late=True)
            held = self._editions()
            ran = Ran(version("tsunagu"), held["network"], held["region"], self._store.engine, self._process)
            self._append(topic, "Hub", ran).result()
        except Refusal as refusal:
            _log.warning("%s could not be recorded: %s", topic, refusal.issues[0].rule)

    def resumed(self, since: int, rule: str) -> None:
        """Record that events can be recorded again, and so that nothing was given out since; raises Busy while they cannot."""
        self._append(events.AUDIT_RESUMED, "Hub", Resumed(since, rule)).result()

    # ── who gets in ──────────────────────────────────────────────────────────────────────────────────────────────────

    def signed_in(self, requester: Requester, door: str, address: str = "") -> None:
        """Record a sign-in before its session is given out; blocks until it is durable."""
        self._signed(events.SIGNED_IN, requester, door, address)

    def signed_out(self, requester: Requester, door: str, address: str = "", *, login: str = "") -> None:
        """Record the end of a session that somebody ended: a copy of its cookie opens nothing from here on. `login` = name of the sign-in."""
        self._signed(events.SIGNED_OUT, requester, door, address, login)

    def _signed(self, topic: str, requester: Requester, door: str, address: str, login: str = "") -> None:
        body = Signed(requester.organization, requester.kind, requester.role, requester.person, door, address, login=login)
        self._append(topic, "SignIn", body).result()

    def refused(self, door: str, organization: str = "") -> None:
        """Count somebody who did not get in; waits for nothing.

        The first of a minute is recorded at once, all that follow within it as one more event: two a minute, a door and an organization at
        most. Of somebody unknown nothing is kept, whatever was typed. `organization` = of a known user; empty = unknown.
        """
        at = milliseconds(self._now())
        key = (door, organization)
        with self._lock:
            counted = self._refused.get(key)
            fresh = counted is None or at >= counted.since + MINUTE
            if counted is not None and not fresh:
                counted.count, counted.until = counted.count + 1, at
                return
            self._refused[key] = _Count(at, at)
        if counted is not None:
            self._count(key, counted)
        self._count(key, _Count(at, at, 1))

    def flush(self, *, late: bool = False) -> None:
        """Record what was counted in minutes that are over; `late` = all."""
        at = milliseconds(self._now())
        with self._lock:
            over = {key: c for key, c in self._refused.items() if late or at >= c.since + MINUTE}
            for key in over:
                del self._refused[key]
        for key, counted in over.items():
            self._count(key, counted)

    def _count(self, key: tuple[str, str], counted: _Count) -> None:
        if not counted.count:
            return
        door, organization = key
        body = SignInRefused(door, counted.count, counted.since, counted.until, organization)
        try:
            self._append(events.SIGN_IN_REFUSED, "SignIn", body).add_done_callback(lambda done: self._kept(key, counted, done))
        except Refusal:
            self._put_back(key, counted)

    def _kept(self, key: tuple[str, str], counted: _Count, done: Future[Any]) -> None:
        if done.exception() is not None:
            self._put_back(key, counted)

    def _put_back(self, key: tuple[str, str], counted: _Count) -> None:
        """Count on what could not be recorded."""
        with self._lock:
            now = self._refused.setdefault(key, _Count(counted.since, counted.until))
            now.count, now.since, now.until = now.count + counted.count, min(now.since, counted.since), max(now.until, counted.until)

    def token(self, *organizations: str, issued: bool, by: str = "") -> None:
        """Record that applications of these organizations got a token, or that theirs were taken back."""
        topic = events.TOKEN_ISSUED if issued else events.TOKEN_REVOKED
        self._append(topic, "Token", Token(tuple(organizations), by)).result()

    # ── the officer's review ─────────────────────────────────────────────────────────────────────────────────────────

    def reviewed(self, asking: Asking, since: str, until: str, note: str) -> int:
        """Record that the officer has looked through the decisions of these days (ISO, in Japan, both inclusive); give how many there are.

        Raises Denied (HUB-5043) for anybody but a privacy officer who is signed in, BadValue (HUB-5174) for days that are none or not over
        yet, MissingValue (HUB-5175) for a note too short. 医療情報システムの安全管理に関するガイドライン 6.0, システム運用編 17①.
        """
        requester = asking.requester
        if requester.kind != "network" or requester.role != "privacy-officer" or not requester.person:
            raise Denied("HUB-5043")
        first, last = _day(since, "since"), _day(until, "until")
        if last < first or last >= self._now().astimezone(JST).date():
            raise BadValue("HUB-5174", where="until")
        if len(note.strip()) < NOTE_LEAST:
            raise MissingValue("HUB-5175", where="note", least=str(NOTE_LEAST))
        with self._store.read() as tx:
            found = decisions.count(tx, decisions.Filter(since=_begin(first), until=_begin(last + timedelta(days=1))))
        body = AccessReviewed(first.isoformat(), last.isoformat(), found, requester.person, note.strip())
        self._append(events.ACCESS_REVIEWED, "AccessReview", body).result()
        return found

    def _append(self, topic: str, kind: str, body: Any) -> Future[Any]:
        return self._writer.submit(free(lambda: [self._network.event(topic, kind, body, patient=b"", at=self._now())]))


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise BadValue("HUB-5174", where=where) from fault


def _begin(day: date) -> int:
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=JST))
