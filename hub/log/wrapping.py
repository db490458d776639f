"""How keys are wrapped: AES-256-GCM under a key drawn from the master key, bound to their place; and the ciphers' test at the start.

The form of a wrapped data key is that of 0.1.0 and stays: nonce (12), then ciphertext and tag; AAD = purpose, key id, owner, compartment.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InternalError, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import Broken

SALT = b"tsunagu/1"
_ROOT = b"tsunagu/1/root"


def derive(secret: bytes, purpose: str) -> bytes:
    """Draw 32 bytes for one purpose (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=SALT, info=purpose.encode()).derive(secret)


def commitment(secret: bytes) -> bytes:
    """Give the 16 bytes that stand for a key and fit no other."""
    return hmac.digest(secret, b"tsunagu/1 key commitment", sha256)[:16]


class Wrapping:
    """Wraps under one master key."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def of(cls, master: bytes) -> Wrapping:
        """Take a master key (32 bytes)."""
        return cls(derive(master, "wrapping"))

    def wrap(self, key_id: bytes, owner: bytes, compartment: str, secret: bytes) -> bytes:
        """Wrap a data key."""
        return self._shut(secret, _aad(key_id, owner, compartment))

    def unwrap(self, key_id: bytes, owner: bytes, compartment: str, wrapped: bytes) -> bytes:
        """Give the data key; raise Broken (HUB-5071) when the row is damaged or another's."""
        secret = self._open(wrapped, _aad(key_id, owner, compartment))
        if secret is None or commitment(secret) != key_id:
            raise Broken("HUB-5071")
        return secret

    def wrap_root(self, root: bytes) -> bytes:
        """Wrap the root secret."""
        return self._shut(root, _ROOT)

    def unwrap_root(self, wrapped: bytes) -> bytes | None:
        """Give the root secret; None when it was wrapped under another master key, or is damaged."""
        return self._open(wrapped, _ROOT)

    def _shut(self, secret: bytes, aad: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, secret, aad)

    def _open(self, wrapped: bytes, aad: bytes) -> bytes | None:
        try:
            return self._cipher.decrypt(wrapped[:12], wrapped[12:], aad)
        except (InvalidTag, ValueError):
            return None


def _aad(key_id: bytes, owner: bytes, compartment: str) -> bytes:
    return b"tsunagu/1/key\0" + key_id + owner + compartment.encode()


def check_ciphers(siv: Callable[[bytes], Any] = AESGCMSIV) -> None:
    """Raise Broken (HUB-5074) when this machine's library lacks AES-256-GCM-SIV (OpenSSL before 3.2) or computes it wrong (RFC 8452 §C.2)."""
    try:
        tag = siv(b"\1" + bytes(31)).encrypt(b"\3" + bytes(11), b"", None)
    except (UnsupportedAlgorithm, InternalError, ValueError) as fault:
        raise Broken("HUB-5074") from fault
    if tag != bytes.fromhex("07f5f4169bbf55a8400cd47ea6fd400f"):
        raise Broken("HUB-5074")
