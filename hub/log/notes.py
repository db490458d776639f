"""Signed checkpoints of the tree in the form of C2SP: signed-note and tlog-checkpoint (Ed25519). Pure; shared with the checker."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: size in leaves, root hash."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """Give the note's text (tlog-checkpoint: origin, size, root in Base64, a line each)."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Give the 32 bytes of the public key."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_hash(name: str, public: bytes) -> bytes:
    """Give the four bytes that name a key in a signature line (signed-note)."""
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_text(name: str, public: bytes) -> str:
    """Give the public key as checkers take it (signed-note vkey)."""
    return f"{name}+{key_hash(name, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def sign(point: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Give the signed note."""
    public = public_bytes(key)
    signature = key_hash(point.origin, public) + key.sign(point.text.encode())
    return f"{point.text}\n— {point.origin} {base64.b64encode(signature).decode()}\n"


def verify(note: str, verifier: str) -> Checkpoint | None:
    """Read a signed note and check its signature against a verifier text; None when anything does not fit."""
    try:
        name, _, rest = verifier.partition("+")
        _, _, encoded = rest.partition("+")
        public = base64.b64decode(encoded, validate=True)[1:]
        text, _, lines = note.partition("\n\n")
        text += "\n"
        origin, size, root = text.splitlines()[:3]
        point = Checkpoint(origin, int(size), base64.b64decode(root, validate=True))
        signatures = [base64.b64decode(line.split(" ")[2]) for line in lines.splitlines() if line.startswith(f"— {name} ")]
        mine = [s[4:] for s in signatures if s[:4] == key_hash(name, public)]
        if not mine or origin != name or point.text != text:
            return None
        Ed25519PublicKey.from_public_bytes(public).verify(mine[0], text.encode())
    except (ValueError, IndexError, InvalidSignature):
        return None
    return point
