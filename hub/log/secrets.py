"""The hub's own secrets, all drawn from one master key of 32 bytes: what wraps data keys, names streams and makes tokens."""

from __future__ import annotations

import base64
import hmac
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import Broken

MASTER_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Keys by purpose (HKDF-SHA256 of the master key). Losing the master key loses every body: it has its own backup."""

    wrapping: bytes
    naming: bytes
    tokens: bytes
    digests: bytes
    pseudonyms: bytes
    signing: bytes
    sessions: bytes
    codes: bytes

    @classmethod
    def of(cls, master: bytes) -> Secrets:
        """Derive all from `master` (32 bytes); raise Broken when it has another length."""
        if len(master) != MASTER_BYTES:
            raise Broken("HUB-5001")

        def derive(purpose: str) -> bytes:
            return HKDF(algorithm=SHA256(), length=32, salt=b"tsunagu/1", info=purpose.encode()).derive(master)

        return cls(
            wrapping=derive("wrapping"), naming=derive("naming"), tokens=derive("tokens"), digests=derive("digests"),
            pseudonyms=derive("pseudonyms"), signing=derive("signing"), sessions=derive("sessions"), codes=derive("codes"),
        )  # fmt: skip

    def name(self, *parts: str) -> bytes:
        """Give 16 bytes that name what the parts name, the same on every repeat and nothing to others."""
        return self._mac(self.naming, parts)[:16]

    def token(self, *parts: str) -> bytes:
        """Give 16 bytes to look an identifier up by, without the identifier lying in any table."""
        return self._mac(self.tokens, parts)[:16]

    def digest(self, text: bytes) -> bytes:
        """Give 32 bytes that tell whether two texts are the same, without helping to guess the text."""
        return hmac.digest(self.digests, text, sha256)

    def pseudonym(self, patient: bytes) -> bytes:
        """Give the 16 bytes by which a Patient stream is known to routing and audit."""
        return hmac.digest(self.pseudonyms, patient, sha256)[:16]

    def person(self, person: bytes) -> str:
        """Give the opaque name of a person from which episode ids follow: the same for every organization."""
        return self.name("person", person.hex()).hex()

    def totp_seed(self, user: str) -> str:
        """Give the secret that a user's authenticator app shares with the hub (Base32; RFC 4226 §4 asks for 20 bytes)."""
        return base64.b32encode(hmac.digest(self.codes, user.encode(), sha256)[:20]).decode()

    @staticmethod
    def _mac(key: bytes, parts: tuple[str, ...]) -> bytes:
        text = b"".join(len(p := part.encode()).to_bytes(4, "big") + p for part in parts)
        return hmac.digest(key, text, sha256)


def read_master(path: Path, *, create: bool) -> bytes:
    """Read the master key file (64 hex digits); make it, readable by its owner alone, when `create` and it is missing."""
    if path.exists():
        try:
            return bytes.fromhex(path.read_text(encoding="ascii").strip())
        except ValueError as fault:
            raise Broken("HUB-5001") from fault
    if not create:
        raise Broken("HUB-5002")
    path.parent.mkdir(parents=True, exist_ok=True)
    master = os.urandom(MASTER_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(master.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return master
