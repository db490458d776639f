"""A small server that speaks HashiCorp Vault's transit API as its documentation has it: encrypt, decrypt, token, errors; on loopback."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.log.kms import VaultTransit
from hub.log.master import KmsMaster

TOKEN = "hvs.CAESIJ-only-for-this-test"


@dataclass
class Transit:
    """A transit mount at `secrets/transit` with one key, `tsunagu`, in versions. `fault` = how it fails: a status, "hang up", "nonsense"."""

    port: int = 0
    versions: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    asked: list[str] = field(default_factory=list)
    fault: int | str = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/secrets/transit/tsunagu"

    def rotate(self) -> None:
        self.versions.append(os.urandom(32))

    def encrypt(self, said: dict[str, Any]) -> dict[str, Any]:
        nonce, number = os.urandom(12), len(self.versions)
        sealed = nonce + AESGCM(self.versions[-1]).encrypt(nonce, base64.b64decode(said["plaintext"], validate=True), None)
        return {"ciphertext": f"vault:v{number}:{base64.b64encode(sealed).decode()}", "key_version": number}

    def decrypt(self, said: dict[str, Any]) -> dict[str, Any]:
        kind, version, text = said["ciphertext"].split(":")
        if kind != "vault":
            raise ValueError("invalid ciphertext: no prefix")
        sealed = base64.b64decode(text, validate=True)
        opened = AESGCM(self.versions[int(version[1:]) - 1]).decrypt(sealed[:12], sealed[12:], None)
        return {"plaintext": base64.b64encode(opened).decode()}


class _Handler(BaseHTTPRequestHandler):
    transit: Transit

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.transit.asked.append(self.path)
        if self.transit.fault == "hang up":
            self.close_connection = True
            return
        if self.transit.fault == "nonsense":
            self._give(200, {"data": None})
        elif self.transit.fault:
            self._give(int(self.transit.fault), {"errors": ["internal error"]})
        elif self.headers.get("X-Vault-Token") != TOKEN:
            self._give(403, {"errors": ["permission denied"]})
        elif self.path not in {"/v1/secrets/transit/encrypt/tsunagu", "/v1/secrets/transit/decrypt/tsunagu"}:
            self._give(404, {"errors": []})
        else:
            try:
                done = self.transit.encrypt(said) if "/encrypt/" in self.path else self.transit.decrypt(said)
            except (KeyError, ValueError, IndexError, InvalidTag):
                self._give(400, {"errors": ["invalid ciphertext"]})
            else:
                self._give(200, {"request_id": "0b9a", "lease_id": "", "renewable": False, "lease_duration": 0, "data": done})

    def _give(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def vault() -> Iterator[Transit]:
    """Run it."""
    made = Transit()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"transit": made}))
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kms(transit: Transit, token: str = TOKEN) -> KmsMaster:
    return KmsMaster(VaultTransit.at(transit.address, token))
