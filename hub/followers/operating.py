"""RetryFollower, SkipEvent: what the network's office may do about a follower that stands."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from hub.commands import Asking
from hub.followers.run import Pulling, Runner
from hub.gate import AUDIT
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.tables import skips
from hub.writer import Proposal, Writer
from hub.writes.events import event
from schemas.errors import BrokenRule, Conflict, Denied, MissingValue, NotFound
from schemas.events import FOLLOWER_SKIPPED, Skipped

OPERATORS = frozenset({"privacy-officer", "system"})
"""Roles of the network's office that may."""
REASON_LEAST = 10
"""Characters."""


class Operating:
    """These commands over their ports. All raise Denied for anybody but the network's office."""

    def __init__(
        self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, runner: Runner, now: Callable[[], datetime]
    ) -> None:
        self._store, self._keys, self._secrets, self._writer, self._runner, self._now = store, keys, secrets, writer, runner, now

    def retry(self, asking: Asking, name: str) -> None:
        """Let a follower try at once, in whatever process it runs. Raises NotFound (HUB-5130)."""
        operator(asking)
        self._named(name)
        self._runner.retry(name)

    def skip(self, asking: Asking, name: str, reason: str) -> None:
        """Let a follower pass by the event that it stands at; recorded in the log with its reason, in the transaction that moves it.

        Raises NotFound (HUB-5130), MissingValue (HUB-5132: reason too short), BrokenRule (HUB-5133: this one must take every event),
        Conflict (HUB-5131: it does not stand, or does no more).
        """
        operator(asking)
        if not self._named(name):
            raise BrokenRule("HUB-5133")
        if len(reason.strip()) < REASON_LEAST:
            raise MissingValue("HUB-5132", where="reason", least=str(REASON_LEAST))

        def again(tx: Tx) -> Proposal:
            return self._passing(tx, asking, name, reason.strip())

        with self._store.read() as tx:
            proposal = again(tx)
        proposal.again = again
        self._writer.submit(proposal).result()
        self._runner.wake(name)

    def _named(self, name: str) -> bool:
        """Say whether a follower can pass an event by."""
        found = next((f for f in self._runner.followers if f.name == name), None)
        if found is None:
            raise NotFound("HUB-5130")
        return isinstance(found, Pulling)

    def _passing(self, tx: Tx, asking: Asking, name: str, reason: str) -> Proposal:
        row = skips.all_standing(tx).get(name)
        if row is None or self._store.position_of(tx, name) != row.position - 1:
            raise Conflict("HUB-5131")
        requester, position = asking.requester, row.position
        made = event(
            topic=FOLLOWER_SKIPPED, kind="FollowerSkipped", body=Skipped(name, position, reason, requester.person, row.fault),
            key=self._keys.of(self._secrets.name("audit", requester.organization), AUDIT), custodian=requester.organization, patient=b"",
            secrets=self._secrets, at=self._now(),
        )  # fmt: skip

        def holds(later: Tx) -> bool:
            standing = skips.all_standing(later).get(name)
            return skips.claim(later, name) == position - 1 and standing is not None and standing.position == position

        def moved(later: Tx, _: object) -> None:
            self._store.track(later, name, position)
            skips.clear(later, name)

        return Proposal(os.urandom(16), [made], holds=holds, also=moved)


def operator(asking: Asking) -> None:
    """Raise Denied for anybody but the network's privacy officer and its application."""
    if asking.requester.kind != "network" or asking.requester.role not in OPERATORS:
        raise Denied("HUB-5043")
