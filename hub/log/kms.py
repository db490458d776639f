"""A master key that a key-management service guards: a port of two calls, and HashiCorp Vault's transit engine behind it.

The master key itself is 32 bytes drawn by the hub. The key store keeps it as the service has wrapped it; opened it is in memory alone.
Who holds the key store and no access to the service holds nothing.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import httpx

from schemas.errors import Broken

CONNECT, ANSWER = 5.0, 10.0
"""Seconds at most: to connect, to wait for each part of an answer."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Kms(Protocol):
    """A service that wraps a key and unwraps it again; both raise Broken (HUB-5077) when it does not do so."""

    def wrap(self, key: bytes) -> bytes:
        """Give the key as only this service can open it."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """Give the key that `wrap` was given."""


@dataclass(frozen=True, slots=True, repr=False)
class VaultTransit:
    """Vault's transit engine (its HTTP API: `POST /v1/{mount}/encrypt/{key}` and `…/decrypt/{key}`, token in `X-Vault-Token`).

    `authority` = a file with the certificates that its server's is checked against; empty = those of the machine.
    """

    server: str
    mount: str
    key: str
    token: str = field(repr=False)
    authority: str = ""

    @classmethod
    def at(cls, address: str, token: str, authority: str = "") -> VaultTransit:
        """Read `https://host:port/mount/keyname`; plain http is for loopback alone. Raises ValueError when it is not of this form."""
        parts = urlsplit(address)
        mount, _, key = parts.path.strip("/").rpartition("/")
        plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not (parts.scheme == "https" or plain) or not parts.hostname or not mount or not key:
            raise ValueError("no address of a transit key")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("an address carries neither a query nor credentials")
        return cls(f"{parts.scheme}://{parts.netloc}", mount, key, token, authority)

    def wrap(self, key: bytes) -> bytes:
        """Give Vault's ciphertext of the key (`vault:v1:…`)."""
        found = self._ask("encrypt", {"plaintext": base64.b64encode(key).decode()}, "ciphertext")
        if not found.startswith("vault:"):
            raise Broken("HUB-5077", where="TSUNAGU_MASTER")
        return found.encode()

    def unwrap(self, wrapped: bytes) -> bytes:
        """Give the key of a ciphertext."""
        try:
            return base64.b64decode(self._ask("decrypt", {"ciphertext": wrapped.decode("ascii")}, "plaintext"), validate=True)
        except (binascii.Error, UnicodeDecodeError) as fault:
            raise Broken("HUB-5077", where="TSUNAGU_MASTER") from fault

    def _ask(self, what: str, said: dict[str, str], wanted: str) -> str:
        """Ask once. The fault that is passed on tells neither address, token nor what was answered."""
        address = f"{self.server}/v1/{quote(self.mount)}/{what}/{quote(self.key, safe='')}"
        try:
            with httpx.Client(timeout=httpx.Timeout(ANSWER, connect=CONNECT), verify=self._trusted(), trust_env=False) as client:
                answer = client.post(address, json=said, headers={"X-Vault-Token": self.token, "X-Vault-Request": "true"})
            told: Any = answer.json() if answer.status_code == 200 else None
            found = told["data"][wanted]
        except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as fault:
            raise Broken("HUB-5077", where="TSUNAGU_MASTER") from fault
        if not isinstance(found, str):
            raise Broken("HUB-5077", where="TSUNAGU_MASTER")
        return found

    def _trusted(self) -> ssl.SSLContext | bool:
        if not self.server.startswith("https://"):
            return False
        return ssl.create_default_context(cafile=self.authority or None)
