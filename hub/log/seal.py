"""Bodies and row cells, compressed and sealed under the person's own key, and opened again.

AAD of a body = purpose, stream, event id, key id: a body moved to another stream, event or column does not open.
AAD of a cell = purpose (table and column), row's own key, key id. Cells use AES-256-GCM-SIV with a nonce drawn from AAD and text, so
that a replay gives the same bytes; bodies use AES-256-GCM with a random nonce.
"""

from __future__ import annotations

import os
import threading
from hashlib import sha256

import zstandard
from cryptography.exceptions import InvalidTag

from hub.log.keys import DataKey
from schemas.errors import Broken

_local = threading.local()
MAX_BODY = 64 * 1024 * 1024
"""No body is larger once unpacked; a stored frame that claims more is refused."""


def _codecs() -> tuple[zstandard.ZstdCompressor, zstandard.ZstdDecompressor]:
    # zstd contexts are not safe to share between threads, and dear to make
    if not hasattr(_local, "codecs"):
        _local.codecs = (zstandard.ZstdCompressor(level=1), zstandard.ZstdDecompressor())
    codecs: tuple[zstandard.ZstdCompressor, zstandard.ZstdDecompressor] = _local.codecs
    return codecs


def _aad(purpose: str, place: bytes, key: DataKey) -> bytes:
    return b"tsunagu/1/" + purpose.encode() + b"\0" + place + key.key_id


def seal_body(key: DataKey, text: bytes, *, stream: bytes, event: bytes, purpose: str = "body") -> bytes:
    """Compress and seal the text of an event."""
    nonce = os.urandom(12)
    return nonce + key.body.encrypt(nonce, _codecs()[0].compress(text), _aad(purpose, stream + event, key))


def open_body(key: DataKey, sealed: bytes, *, stream: bytes, event: bytes, purpose: str = "body") -> bytes:
    """Open what `seal_body` made; raise Broken when it does not belong to this stream, event and purpose."""
    try:
        packed = key.body.decrypt(sealed[:12], sealed[12:], _aad(purpose, stream + event, key))
        return _codecs()[1].decompress(packed, max_output_size=MAX_BODY)
    except (InvalidTag, ValueError, zstandard.ZstdError) as fault:
        raise Broken("HUB-5005") from fault


def seal_cell(key: DataKey, text: bytes, *, column: str, row: bytes) -> bytes:
    """Seal one cell of a view; equal text in the same place gives equal bytes."""
    aad = _aad(column, row, key)
    nonce = sha256(len(aad).to_bytes(4, "big") + aad + text).digest()[:12]
    return nonce + key.row.encrypt(nonce, text, aad)


def open_cell(key: DataKey, sealed: bytes, *, column: str, row: bytes) -> bytes:
    """Open what `seal_cell` made; raise Broken when it does not belong to this cell."""
    try:
        return key.row.decrypt(sealed[:12], sealed[12:], _aad(column, row, key))
    except (InvalidTag, ValueError) as fault:
        raise Broken("HUB-5005") from fault
