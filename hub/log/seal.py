"""Bodies and row cells, compressed and sealed under the person's own key, and opened again.

AAD of a body = purpose, stream, event id, key id: a body moved to another stream, event or column does not open.
AAD of a cell = purpose (table and column), row's own key, key id. Cells use AES-256-GCM-SIV with a nonce drawn from AAD and text, so
that a replay gives the same bytes; bodies use AES-256-GCM with a random nonce.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from hashlib import sha256
from importlib.resources import files

import zstandard
from cryptography.exceptions import InvalidTag

from hub.log.keys import DataKey
from schemas.errors import Broken

_local = threading.local()
MAX_BODY = 64 * 1024 * 1024
"""No body is larger once unpacked; a stored frame that claims more is refused."""
DICTIONARIES = {1: "bodies-1.zdict"}
"""By the number that a frame names; bodies of 0.1.0 name none. Kept for ever."""
NEWEST = 1


class _Codecs:
    """The contexts of one thread: they are not safe to share, and dear to make."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=1, dict_data=_dictionary(NEWEST), write_checksum=False).compress
        self._openers: dict[int, zstandard.ZstdDecompressor] = {}

    def decompress(self, frame: bytes) -> bytes:
        number = zstandard.get_frame_parameters(frame).dict_id
        opener = self._openers.get(number)
        if opener is None:
            if number and number not in DICTIONARIES:
                raise Broken("HUB-5004")
            opener = zstandard.ZstdDecompressor(dict_data=_dictionary(number)) if number else zstandard.ZstdDecompressor()
            self._openers[number] = opener
        return opener.decompress(frame, max_output_size=MAX_BODY)


@cache
def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    made = zstandard.ZstdCompressionDict(files("hub.log").joinpath(f"data/{DICTIONARIES[number]}").read_bytes())
    made.precompute_compress(level=1)
    return made


def _codecs() -> _Codecs:
    if not hasattr(_local, "codecs"):
        _local.codecs = _Codecs()
    codecs: _Codecs = _local.codecs
    return codecs


def _aad(purpose: str, place: bytes, key: DataKey) -> bytes:
    return b"tsunagu/1/" + purpose.encode() + b"\0" + place + key.key_id


def seal_body(key: DataKey, text: bytes, *, stream: bytes, event: bytes, purpose: str = "body") -> bytes:
    """Compress and seal the text of an event."""
    nonce = os.urandom(12)
    return nonce + key.body.encrypt(nonce, _codecs().compress(text), _aad(purpose, stream + event, key))


def open_body(key: DataKey, sealed: bytes, *, stream: bytes, event: bytes, purpose: str = "body") -> bytes:
    """Open what `seal_body` made; raise Broken when it does not belong to this stream, event and purpose."""
    try:
        packed = key.body.decrypt(sealed[:12], sealed[12:], _aad(purpose, stream + event, key))
        return _codecs().decompress(packed)
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
