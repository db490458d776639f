"""Invitations and passkeys: who may make one, who got in by one, whose are taken back. Each is in the log before it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from consent.ask import Requester
from hub.clock import milliseconds
from hub.commands import Asking
from hub.log.event import NewEvent
from hub.log.store import Store, Tx
from hub.names import drawn
from hub.region import Region, User
from hub.tables import passkeys
from hub.tables.passkeys import Passkey, Standing
from hub.writer import Writer
from hub.writes.events import append, within
from hub.writes.tombstone import Network
from schemas.errors import Denied, NotFound, NotSignedIn
from schemas.events import SIGNED_IN, Signed
from schemas.sign_in_events import PASSKEY_REGISTERED, PASSKEYS_REVOKED, USER_INVITED, Invited, Registered, Revoked

DAYS = 7
"""For which an invitation is open."""
_LETTERS = 20
"""Of a code: 20 letters of 31 are 99 bits, so that none is found by trying."""
_OFFICE = frozenset({"privacy-officer", "clerk"})


@dataclass(frozen=True, slots=True)
class Invitation:
    """What is handed to a user: the code, which is nowhere else, and until when it is open."""

    user: User
    code: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What an authenticator answered, verified: id and counter of the passkey, when the challenge was made (milliseconds)."""

    credential: str
    counter: int
    challenged: int


def may_invite(requester: Requester) -> bool:
    """Say whether somebody of the network's office asks who looks after its users."""
    return requester.kind == "network" and requester.role in _OFFICE and bool(requester.person)


class Passkeys:
    """These facts over their ports. Thread-safe, and the same in every process."""

    def __init__(self, *, store: Store, writer: Writer, network: Network, region: Region, now: Callable[[], datetime]) -> None:
        self._store, self._writer, self._network, self._region, self._now = store, writer, network, region, now

    # ── invitations ──────────────────────────────────────────────────────────────────────────────────────────────────

    def invite(self, user: str, asking: Asking | None) -> Invitation:
        """Invite a registered user to make a passkey; an invitation that was open before is void. `asking` None = at the machine itself.

        Raises NotFound (HUB-5015) for a user who is not registered, Denied (HUB-5043) for anybody but the network's office.
        """
        by, named = self._by(asking), self._user(user)
        code, now = drawn(_LETTERS), self._now()
        until = now + timedelta(days=DAYS)
        body = Invited(named.organization, user, _hash(code), milliseconds(until), by)
        append(self._writer, lambda: self._event(USER_INVITED, body, now))
        return Invitation(named, code, until)

    def invited(self, code: str) -> User:
        """Give whom a code invites; raise Denied (HUB-5230) for one that is unknown, used or too old."""
        with self._store.read() as tx:
            return self._invited(tx, _hash(code))

    def _invited(self, tx: Tx, code: str) -> User:
        user = self._region.users.get(passkeys.invited(tx, code, milliseconds(self._now())) or "")
        if user is None:
            raise Denied("HUB-5230", where="code")
        return user

    # ── passkeys ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def register(self, code: str, answer: Answer, public_key: str, *, synced: bool, address: str) -> tuple[User, int]:
        """Record the passkey that an invited user made, which uses the invitation up; give the user, and the turn of the session that it opens.

        Raises Denied (HUB-5230) where the invitation is open no longer, NotSignedIn (HUB-5231) for a passkey that is registered already.
        """
        hashed = _hash(code)

        def make(tx: Tx) -> tuple[Sequence[NewEvent], tuple[User, int]]:
            user = self._invited(tx, hashed)
            if passkeys.passkey(tx, answer.credential) is not None:
                raise NotSignedIn("HUB-5231")
            body = Registered(
                user.organization, user.id, answer.credential, public_key, answer.counter, answer.challenged, hashed, synced, address
            )
            return [self._event(PASSKEY_REGISTERED, body, self._now())], (user, passkeys.turn(tx, user.id))

        return within(self._writer, make)

    def of(self, credential: str) -> Passkey | None:
        """Give a passkey of somebody who is registered still; None = there is none."""
        with self._store.read() as tx:
            found = passkeys.passkey(tx, credential)
        return found if found and found.holder in self._region.users else None

    def signed_in(self, requester: Requester, answer: Answer, address: str) -> int:
        """Record a sign-in before its session is given out; give the turn of that session, which what is taken back from here on ends.

        Raises NotSignedIn (HUB-5231) where the passkey was taken back meanwhile, or this answer, or a later one, has served already.
        """

        def make(tx: Tx) -> tuple[Sequence[NewEvent], int]:
            held = passkeys.passkey(tx, answer.credential)
            if held is None or held.holder != requester.person or answer.challenged <= held.challenged:
                raise NotSignedIn("HUB-5231")
            body = Signed(
                requester.organization, requester.kind, requester.role, requester.person, "passkey", address, answer.credential, answer.counter,
                answer.challenged,
            )  # fmt: skip
            return [self._event(SIGNED_IN, body, self._now())], passkeys.turn(tx, requester.person)

        return within(self._writer, make)

    def revoke(self, user: str, asking: Asking | None) -> None:
        """Take all passkeys, invitations and sessions of a user back; of one who is no longer registered too. Raises as `invite`."""
        by = self._by(asking)
        organization = self._region.users[user].organization if user in self._region.users else self._region.network
        with self._store.read() as tx:
            if user not in self._region.users and user not in passkeys.standing(tx, 0):
                raise NotFound("HUB-5015")
        append(self._writer, lambda: self._event(PASSKEYS_REVOKED, Revoked(organization, user, by), self._now()))

    def turn(self, user: str) -> int:
        """Give the turn that a session of this user must be of."""
        with self._store.read() as tx:
            return passkeys.turn(tx, user)

    def holds(self, user: str, turn: int, login: str) -> bool:
        """Say whether a session still holds: it is of the user's turn of now, and was not ended."""
        with self._store.read() as tx:
            return passkeys.turn(tx, user) == turn and not passkeys.ended(tx, login)

    def standing(self, asking: Asking) -> dict[str, Standing]:
        """Give how each user gets in; raise Denied (HUB-5043) for anybody but the network's office."""
        self._by(asking)
        with self._store.read() as tx:
            return passkeys.standing(tx, milliseconds(self._now()))

    def _by(self, asking: Asking | None) -> str:
        if asking is None:
            return ""
        if not may_invite(asking.requester):
            raise Denied("HUB-5043")
        return asking.requester.person

    def _user(self, user: str) -> User:
        if user not in self._region.users:
            raise NotFound("HUB-5015")
        return self._region.users[user]

    def _event(self, topic: str, body: Invited | Registered | Revoked | Signed, at: datetime) -> NewEvent:
        return self._network.event(topic, "SignIn", body, patient=b"", at=at)


def _hash(code: str) -> str:
    """Give a code's hash: typed with or without hyphens, in whatever case."""
    return sha256("".join(c for c in code.upper() if c.isalnum()).encode()).hexdigest()
