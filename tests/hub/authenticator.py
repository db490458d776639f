"""An authenticator in software, and a browser that keeps cookies: what a passkey's two ceremonies look like from outside.

Made after W3C Web Authentication Level 2 §6.1 (authenticator data), §6.5.4 (attestation object of the form `none`), §7.
"""

from __future__ import annotations

import asyncio
import base64
import html
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
import httpx
import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


@dataclass(slots=True)
class Authenticator:
    """One passkey at a time; `origin` = the address that its browser shows."""

    origin: str
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    name: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    user: bytes = b""

    def make(self, options: dict[str, Any]) -> str:
        """Answer `navigator.credentials.create`."""
        self.user = raw(options["user"]["id"])
        point = self.key.public_key().public_numbers()
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.name).to_bytes(2, "big") + self.name + key
        data = self._data(options["rp"]["id"], self.flags | ATTESTED) + attested
        told = {"attestationObject": b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}))}
        return self._credential("webauthn.create", options["challenge"], told)

    def answer(self, options: dict[str, Any], *, user: bytes | None = None) -> str:
        """Answer `navigator.credentials.get`."""
        self.counter += self.counter > 0
        data = self._data(options["rpId"], self.flags)
        signature = self.key.sign(data + sha256(self._client("webauthn.get", options["challenge"])).digest(), ec.ECDSA(hashes.SHA256()))
        told = {"authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(self.user if user is None else user)}
        return self._credential("webauthn.get", options["challenge"], told)

    def _data(self, host: str, flags: int) -> bytes:
        return sha256(host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return orjson.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False})

    def _credential(self, kind: str, challenge: str, told: dict[str, str]) -> str:
        response = {"clientDataJSON": b64(self._client(kind, challenge)), **told}
        return orjson.dumps({"id": b64(self.name), "rawId": b64(self.name), "type": "public-key", "response": response}).decode()


class Browser:
    """Asks an application and keeps its cookies."""

    def __init__(self, app: FastAPI, base: str, loop: asyncio.AbstractEventLoop) -> None:
        self._app, self._base, self._loop = app, base, loop
        self.cookies: dict[str, str] = {}
        self.attributes: dict[str, str] = {}
        """Of each cookie, as it was set last."""

    def ask(self, method: str, path: str, **fields: str) -> httpx.Response:
        """Ask, or post a form."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self._base, cookies=self.cookies) as client:
                return await client.request(method, path, data=fields or None)

        answer = self._loop.run_until_complete(send())
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            self.cookies[name], _, self.attributes[name] = rest.partition(";")
        return answer

    def form(self, path: str, **fields: str) -> httpx.Response:
        """Post a form of a page that somebody is signed in on."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.ask("GET", "/").text)
        assert found is not None
        return self.ask("POST", path, csrf=found[1], **fields)


def options(page: httpx.Response) -> dict[str, Any]:
    """Give what a page asks the browser for."""
    found = re.search(r'data-options="([^"]+)"', page.text)
    assert found is not None, page.text
    told: dict[str, Any] = orjson.loads(html.unescape(found[1]))
    return told
