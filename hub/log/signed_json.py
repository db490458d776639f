"""A JSON document that the hub signs with the key of its log, and that anybody checks with the log's public key.

The document is canonical: UTF-8, no blanks, members in the order of their names (as RFC 8785 for texts, integers and ASCII names). Its last
member `signature` is over the SHA-256 of the document without it: Ed25519 (RFC 8032) over CONTEXT and that digest. No note of the log has
this form, so no signature of one passes for the other's.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.log.notes import ED25519, Verifier, decoded, public_bytes

CONTEXT = b"tsunagu signed document v1\n"
_LAST = b',"signature":'


@dataclass(frozen=True, slots=True)
class Checked:
    """A document whose signature holds."""

    name: str
    """Of the key that signed it."""
    sha256: str
    tree: dict[str, Any]


def sign(document: bytes, *, name: str, key: Ed25519PrivateKey) -> bytes:
    """Give the file. `document` = a canonical object of at least one member, none of which comes after `signature`."""
    digest = sha256(document).digest()
    made = Verifier(name, ED25519, public_bytes(key))
    held = {
        "ed25519": base64.b64encode(key.sign(CONTEXT + digest)).decode(),
        "key": f"{name}+{made.key_id.hex()}",
        "sha256": digest.hex(),
    }
    return b"".join([document[:-1], _LAST, orjson.dumps(held, option=orjson.OPT_SORT_KEYS), b"}"])


def check(data: bytes, keys: Sequence[str]) -> Checked | None:
    """Check a file by the log's verifier keys; None when anything does not fit. Raises ValueError for a key that is none."""
    known = [Verifier.parse(key) for key in keys]
    at = data.rfind(_LAST)
    document, tail = data[:at] + b"}", data[at + len(_LAST) : -1]
    try:
        tree, held = orjson.loads(document), orjson.loads(tail)
        if (
            at < 0
            or not data.endswith(b"}")
            or not isinstance(tree, dict)
            or orjson.dumps(tree, option=orjson.OPT_SORT_KEYS) != document
            or "signature" in tree
        ):
            return None
        digest = sha256(document).digest()
        key = next((k for k in known if k.kind == ED25519 and f"{k.name}+{k.key_id.hex()}" == held["key"]), None)
        if key is None or held["sha256"] != digest.hex() or orjson.dumps(held, option=orjson.OPT_SORT_KEYS) != tail:
            return None
        Ed25519PublicKey.from_public_bytes(key.public).verify(decoded(held["ed25519"]), CONTEXT + digest)
    except (ValueError, KeyError, TypeError, InvalidSignature):
        return None
    return Checked(key.name, digest.hex(), tree)
