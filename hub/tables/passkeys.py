"""Passkeys of the registered users, their open invitations, how often all of a user's were taken back, and the sign-ins that were ended."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.events import SIGNED_IN, SIGNED_OUT, Signed
from schemas.sign_in_events import PASSKEY_REGISTERED, PASSKEYS_REVOKED, USER_INVITED, Invited, Registered, Revoked

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS passkeys (
  credential TEXT PRIMARY KEY, holder TEXT NOT NULL, public_key BLOB NOT NULL, counter INTEGER NOT NULL, challenged INTEGER NOT NULL,
  since INTEGER NOT NULL, used INTEGER)""",
    "CREATE INDEX IF NOT EXISTS passkeys_holder ON passkeys (holder)",
    "CREATE TABLE IF NOT EXISTS invitations (holder TEXT PRIMARY KEY, code TEXT NOT NULL, until INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS invitations_code ON invitations (code)",
    "CREATE TABLE IF NOT EXISTS sign_in_turns (holder TEXT PRIMARY KEY, turn INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS sign_ins_ended (login TEXT PRIMARY KEY, since INTEGER NOT NULL)",
)
VERSION = 2
TABLES = ("passkeys", "invitations", "sign_in_turns", "sign_ins_ended")
FORGOTTEN = 86_400_000
"""Milliseconds after which a sign-in that was ended is no longer kept: by then it has ended by itself."""
_TOPICS = frozenset({USER_INVITED, PASSKEY_REGISTERED, SIGNED_IN, SIGNED_OUT, PASSKEYS_REVOKED})
_COLUMNS = ("credential", "holder", "public_key", "counter", "challenged", "since")


class Passkey(NamedTuple):
    """One passkey. `challenged` = when the newest challenge that it answered was made, in milliseconds: an answer serves once."""

    credential: str
    holder: str
    public_key: bytes
    counter: int
    challenged: int


class Standing(NamedTuple):
    """How a user gets in: number of passkeys, when one was used last, until when an invitation is open (milliseconds; None = never, none)."""

    passkeys: int
    used: int | None
    until: int | None


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take in what was invited, registered, used and taken back."""
    for r in recorded:
        if r.topic not in _TOPICS:  # nearly all
            continue
        match r.rows:
            case Invited() as e:
                tx.run("DELETE FROM invitations WHERE holder=?", (e.user,))
                tx.insert("invitations", ("holder", "code", "until"), [(e.user, e.code, e.until)])
            case Registered() as e:
                tx.run("DELETE FROM invitations WHERE holder=?", (e.user,))
                key = base64.urlsafe_b64decode(e.public_key + "==")
                tx.insert("passkeys", _COLUMNS, [(e.credential, e.user, key, e.counter, e.challenged, r.header.recorded)])
            case Signed(credential=credential) as e if credential and r.topic == SIGNED_IN:
                moved = (e.counter, e.challenged, r.header.recorded, credential)
                tx.run("UPDATE passkeys SET counter=?, challenged=?, used=? WHERE credential=?", moved)
            case Signed(login=login) if login and r.topic == SIGNED_OUT:
                tx.run("DELETE FROM sign_ins_ended WHERE since<?", (r.header.recorded - FORGOTTEN,))
                tx.insert("sign_ins_ended", ("login", "since"), [(login, r.header.recorded)], then="ON CONFLICT (login) DO NOTHING")
            case Revoked() as e:
                tx.run("DELETE FROM passkeys WHERE holder=?", (e.user,))
                tx.run("DELETE FROM invitations WHERE holder=?", (e.user,))
                tx.run("INSERT INTO sign_in_turns VALUES (?,1) ON CONFLICT (holder) DO UPDATE SET turn=sign_in_turns.turn+1", (e.user,))
            case _:
                pass


def passkey(tx: Tx, credential: str) -> Passkey | None:
    """Give a passkey by its id (base64url)."""
    found = tx.one("SELECT credential, holder, public_key, counter, challenged FROM passkeys WHERE credential=?", (credential,))
    return Passkey(found[0], found[1], bytes(found[2]), int(found[3]), int(found[4])) if found else None


def invited(tx: Tx, code: str, now: int) -> str | None:
    """Give whom an open invitation is for, by its code's hash; None = there is none."""
    found = tx.one("SELECT holder FROM invitations WHERE code=? AND until>?", (code, now))
    return str(found[0]) if found else None


def turn(tx: Tx, user: str) -> int:
    """Give how often a user's ways in were taken back: a session of an earlier turn holds no longer."""
    found = tx.one("SELECT turn FROM sign_in_turns WHERE holder=?", (user,))
    return int(found[0]) if found else 0


def ended(tx: Tx, login: str) -> bool:
    """Say whether a sign-in was ended by its user."""
    return tx.one("SELECT 1 FROM sign_ins_ended WHERE login=?", (login,)) is not None


def standing(tx: Tx, now: int) -> dict[str, Standing]:
    """Give how each user gets in; who has neither passkey nor open invitation is not in it."""
    held = {str(h): (int(n), u) for h, n, u in tx.all("SELECT holder, count(*), max(used) FROM passkeys GROUP BY holder")}
    open_ = {str(h): int(until) for h, until in tx.all("SELECT holder, until FROM invitations WHERE until>?", (now,))}
    return {user: Standing(*held.get(user, (0, None)), open_.get(user)) for user in {*held, *open_}}
