"""Opaque references for addresses and cursors: no patient number, no position of the log and no name ever stands in a URL."""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from schemas.errors import NotFound


class Opaque:
    """Bytes in and out of a text that only the same organization can give back (AES-SIV, RFC 5297)."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESSIV(secret)

    def shut(self, purpose: str, organization: str, value: bytes) -> str:
        """Make the text."""
        sealed = self._cipher.encrypt(value, [purpose.encode(), organization.encode()])
        return base64.b32encode(sealed).decode().rstrip("=").lower()

    def open(self, purpose: str, organization: str, text: str) -> bytes:
        """Give the bytes back; raise NotFound for a text that was not made for this organization and purpose."""
        try:
            sealed = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
            return self._cipher.decrypt(sealed, [purpose.encode(), organization.encode()])
        except (ValueError, InvalidTag) as fault:
            raise NotFound("HUB-5041") from fault
