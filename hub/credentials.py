"""API tokens of organizations: only their hashes are kept. Purpose and role are fixed when a token is registered."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

import msgspec

from consent.ask import Requester
from hub.region import Region
from schemas.errors import Broken

PREFIX = "tsunagu_"
"""Begins every token: one that is left lying in a file or a log is found by those who look for such, and none begins with a dash."""


class Grant(msgspec.Struct, frozen=True):
    """What a token stands for."""

    organization: str
    role: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Identified:
    """Who a credential turned out to be: the requester, the purpose that is fixed with it, a name to show."""

    requester: Requester
    purpose: str
    name: str


class Credentials:
    """The file of token hashes beside the database. Thread-safe."""

    def __init__(self, path: Path, region: Region) -> None:
        self._path, self._region, self._lock = path, region, threading.Lock()
        self._grants: dict[str, Grant] = {}
        if path.exists():
            try:
                self._grants = msgspec.json.decode(path.read_bytes(), type=dict[str, Grant])
            except msgspec.DecodeError as fault:
                raise Broken("HUB-5013", where=path.name) from fault

    def issue(self, organization: str) -> str:
        """Make a token for an organization's own application, with its registered purpose. It is shown once and never kept."""
        if organization not in self._region.offices:
            raise Broken("HUB-5014")
        token = PREFIX + secrets.token_urlsafe(32)
        with self._lock:
            self._grants[_hash(token)] = Grant(organization, "system", self._region.purposes[organization])
            beside = self._path.with_name(self._path.name + ".new")
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(self._grants))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        return token

    def forget(self) -> None:
        """Take all tokens back."""
        with self._lock:
            self._grants.clear()
            self._path.unlink(missing_ok=True)

    def identify(self, token: str) -> Identified | None:
        """Give who a token stands for; None when it is unknown or its organization is no longer registered."""
        grant = self._grants.get(_hash(token))
        office = self._region.offices.get(grant.organization) if grant else None
        if grant is None or office is None:
            return None
        return Identified(Requester(office.code, self._region.kind_of(office.code), "system"), grant.purpose, office.name)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
