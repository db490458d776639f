"""Content that leaves sealed: a version as its asker sees it, under a key that follows from the person's own and is asked for by itself.

A sealed content is a JWE in compact form (RFC 7516; `dir`, A256GCM, DEFLATE), its key a JWK (RFC 7517). The key is drawn by HKDF (RFC 5869)
from the data key of the person for one organization and one version. When the data key is erased, it can never be drawn again: whatever
copies of the sealed content there are, wherever they lie, nobody who has not asked before can read them.
"""

from __future__ import annotations

import base64
import os
import zlib
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.tables import resources
from schemas.errors import Gone, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.commands import Asking
    from hub.gate import Gate, Given
    from hub.log.keys import DataKey, Keyring
    from hub.log.store import Store, Tx
    from hub.reads.opaque import Opaque
    from hub.reads.presenting import Presenting

LARGEST = 700_000
"""Characters of a sealed content at most: what is larger is read by the FHIR door."""
_PURPOSE = "content-key"


class _Named(msgspec.Struct, array_like=True, frozen=True):
    """What the id of a content key says to the hub alone: data key, version, masks that were laid over it."""

    key: bytes
    stream: bytes
    version: int
    masks: tuple[str, ...]


_pack, _unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(_Named).decode


class Sealing:
    """Seals contents for one organization each, and gives their keys out."""

    def __init__(self, *, store: Store, keys: Keyring, gate: Gate, presenting: Presenting, opaque: Opaque) -> None:
        self._store, self._keys, self._gate, self._presenting, self._opaque = store, keys, gate, presenting, opaque

    def content(self, tx: Tx, given: Given, organization: str, bound: Mapping[str, str]) -> str | None:
        """Seal a version that the gate gave, as the organization sees it; `bound` stands in its header, so that it fits no other event.

        None when its key was erased, the masks leave nothing of it, or it is too large.
        """
        shown = self._presenting(tx, given, organization)
        key = self._keys.by_id(given.row.key)
        if shown is None or key is None:
            return None
        named = _Named(given.row.key, given.row.stream, given.row.version, tuple(sorted(given.permit.masks)))
        head = {"alg": "dir", "enc": "A256GCM", "zip": "DEF", "kid": self._id(named, organization), "cty": "application/fhir+json", **bound}
        protected = _text(orjson.dumps(head))
        nonce = os.urandom(12)
        packed = zlib.compress(shown.text, wbits=-15)  # DEFLATE alone, as RFC 7516 §4.1.3 wants it
        sealed = AESGCM(_derived(key, named, organization)).encrypt(nonce, packed, protected.encode())
        made = f"{protected}..{_text(nonce)}.{_text(sealed[:-16])}.{_text(sealed[-16:])}"
        return made if len(made) <= LARGEST else None

    def key(self, asking: Asking, shown: str) -> dict[str, Any]:
        """Give the key of one sealed content, decided now and recorded, as a JWK.

        Raises NotFound for one that is not the asker's or is not permitted any more, Gone (HUB-5095) once the person's key is erased.
        """
        organization = asking.requester.organization
        named = _unpack(self._opaque.open(_PURPOSE, organization, shown))
        with self._store.read() as tx:
            row = resources.version(tx, named.stream, named.version)
        if self._keys.by_id(named.key) is None:
            raise Gone("HUB-5095")
        if row is None or row.key != named.key:
            raise NotFound("HUB-5041")
        given = self._gate.release(asking, [row]).given
        # masks that are laid over it now and were not then: what was sealed shows more than may be seen
        if not given or not given[0].permit.masks <= frozenset(named.masks):
            raise NotFound("HUB-5041")
        key = self._keys.by_id(named.key)
        if key is None:
            raise Gone("HUB-5095")
        return {"kty": "oct", "alg": "A256GCM", "kid": shown, "k": _text(_derived(key, named, organization))}

    def _id(self, named: _Named, organization: str) -> str:
        return self._opaque.shut(_PURPOSE, organization, _pack(named))


def _derived(key: DataKey, named: _Named, organization: str) -> bytes:
    info = b"sealed content\0" + _pack((organization, named.stream, named.version, named.masks))
    return HKDF(algorithm=SHA256(), length=32, salt=b"tsunagu/1", info=info).derive(key.secret)


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
