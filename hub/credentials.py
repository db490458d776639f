"""API tokens of organizations: only their hashes are kept. Purpose and role are fixed when a token is registered."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import msgspec

from consent.ask import Requester
from hub.compartments import Compartment
from hub.names import MAIN
from hub.region import Region
from schemas.errors import Broken

PREFIX = "tsunagu_"
"""Begins every token: one that is left lying in a file or a log is found by those who look for such, and none begins with a dash."""


class Grant(msgspec.Struct, frozen=True):
    """What a token stands for."""

    organization: str
    role: str
    purpose: str
    compartment: str = MAIN


@dataclass(frozen=True, slots=True)
class Identified:
    """Who a credential turned out to be: the requester, the purpose that is fixed with it, a name to show."""

    requester: Requester
    purpose: str
    name: str
    compartment: str = MAIN


class Credentials:
    """The file of token hashes beside the database; what another process writes there holds here from then on too. Thread-safe."""

    def __init__(self, path: Path, region: Region, compartments: Mapping[str, Compartment] = MappingProxyType({})) -> None:
        self._path, self._region, self.compartments, self._lock = path, region, compartments, threading.Lock()
        self._grants: dict[str, Grant] = {}
        self._seen: tuple[int, ...] = ()
        with self._lock:
            self._read()

    def issue(self, organization: str, compartment: str = MAIN) -> str:
        """Make a token for an organization's own application, with its registered purpose. It is shown once and never kept.

        `compartment` = where what it reads and writes lies. Raises Broken for an organization that is not registered (HUB-5014), or is no
        member there (HUB-5141).
        """
        if organization not in self._region.offices:
            raise Broken("HUB-5014")
        purpose = self._region.purposes[organization]
        if compartment != MAIN:
            place = self.compartments.get(compartment)
            if place is None or not place.admits(self._application(organization)):
                raise Broken("HUB-5141")
            purpose = place.purpose(purpose)
        token = PREFIX + secrets.token_urlsafe(32)
        with self._lock:
            self._read()
            self._grants[_hash(token)] = Grant(organization, "system", purpose, compartment)
            self._write()
        return token

    def revoke(self, organization: str) -> int:
        """Take all tokens of an organization back; give how many there were."""
        with self._lock:
            self._read()
            kept = {name: grant for name, grant in self._grants.items() if grant.organization != organization}
            count, self._grants = len(self._grants) - len(kept), kept
            if count:
                self._write()
        return count

    def _read(self) -> None:
        """Take in what the file says by now; raise Broken (HUB-5013) where that cannot be read."""
        if (seen := self._stamp()) == self._seen:
            return
        try:
            self._grants = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Grant]) if seen else {}
        except (OSError, msgspec.DecodeError) as fault:
            raise Broken("HUB-5013", where=self._path.name) from fault
        self._seen = seen

    def _stamp(self) -> tuple[int, ...]:
        """Say which file stands there: each is a new one; empty = none."""
        try:
            told = self._path.stat()
        except FileNotFoundError:
            return ()
        return told.st_ino, told.st_mtime_ns, told.st_size

    def _write(self) -> None:
        beside = self._path.with_name(self._path.name + ".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(self._grants))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        self._seen = self._stamp()

    def forget(self) -> None:
        """Take all tokens back."""
        with self._lock:
            self._grants.clear()
            self._path.unlink(missing_ok=True)
            self._seen = ()

    def identify(self, token: str) -> Identified | None:
        """Give who a token stands for now; None when it is unknown, or its organization is no longer registered or no member any more."""
        with self._lock:
            self._read()
            grant = self._grants.get(_hash(token))
        office = self._region.offices.get(grant.organization) if grant else None
        if grant is None or office is None:
            return None
        requester = self._application(office.code)
        if grant.compartment != MAIN and not self._admitted(grant, requester):
            return None
        return Identified(requester, grant.purpose, office.name, grant.compartment)

    def _application(self, organization: str) -> Requester:
        return Requester(organization, self._region.kind_of(organization), "system")

    def _admitted(self, grant: Grant, requester: Requester) -> bool:
        place = self.compartments.get(grant.compartment)
        return place is not None and place.admits(requester) and grant.purpose in place.purposes


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
