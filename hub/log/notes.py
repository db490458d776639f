"""Signed checkpoints of the tree and their cosignatures in the form of C2SP: signed-note, tlog-checkpoint, tlog-cosignature v1 (Ed25519).

Pure; shared with the checker.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ED25519, COSIGNATURE = 0x01, 0x04
"""Types of signatures (signed-note, "Signature types")."""
_MARK = "— "


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


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key by the name under which it signs."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read a verifier key (signed-note vkey: name, key id, key); raises ValueError for any other text."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        held = decoded(encoded)
        made = cls(name, held[0] if held else 0, held[1:])
        if made.kind not in {ED25519, COSIGNATURE} or len(made.public) != 32 or not _is_name(name) or made.key_id.hex() != key_id:
            raise ValueError("not a verifier key")
        return made

    @property
    def text(self) -> str:
        """Give the key as checkers take it."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes((self.kind,)) + self.public).decode()}"

    @property
    def key_id(self) -> bytes:
        """Give the four bytes that name the key in a signature line."""
        return sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:4]


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signature lines: (name, key id, signature, the line itself). Nothing is said yet about who signed."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes, str], ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """Part a note at its last empty line; raises ValueError for anything but a note."""
        text, _, lines = note.rpartition("\n\n")
        if not text or not lines.endswith("\n") or any(ord(c) < 32 and c != "\n" for c in note):
            raise ValueError("not a signed note")
        return cls(f"{text}\n", tuple(_signature(line) for line in lines[:-1].split("\n")))

    def of(self, key: Verifier) -> list[tuple[bytes, str]]:
        """Give the signatures that say they are of this key, with their lines."""
        return [(made, line) for name, key_id, made, line in self.signatures if (name, key_id) == (key.name, key.key_id)]

    @property
    def checkpoint(self) -> Checkpoint:
        """Read the text as a checkpoint; raises ValueError for any other, also for one with lines beyond the three."""
        origin, size, root = self.text.removesuffix("\n").split("\n")
        made = Checkpoint(origin, int(size), decoded(root))
        if made.text != self.text or len(made.root) != 32 or made.size < 0 or not origin:
            raise ValueError("not a checkpoint")
        return made


def _signature(line: str) -> tuple[str, bytes, bytes, str]:
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    held = decoded(encoded)
    if not line.startswith(_MARK) or not _is_name(name) or len(held) < 5:
        raise ValueError("not a signature line")
    return name, held[:4], held[4:], line


def decoded(text: str) -> bytes:
    """Read Base64 (RFC 4648 §4) that is written in the one right way; raises ValueError."""
    held = base64.b64decode(text, validate=True)
    if base64.b64encode(held).decode() != text:
        raise ValueError("not canonical Base64")
    return held


def _is_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(c.isspace() for c in text)


def notes_in(text: str) -> list[str]:
    """Part a file that holds several notes, one after the other; a piece that is none is given as it is."""
    found: list[list[str]] = [[]]
    for line in text.splitlines(keepends=True):
        if found[-1] and found[-1][-1].startswith(_MARK) and not line.startswith(_MARK):
            found.append([])
        if found[-1] or line.strip():
            found[-1].append(line)
    return ["".join(lines) for lines in found if lines]


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Give the 32 bytes of the public key."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def verifier_text(name: str, public: bytes, kind: int = ED25519) -> str:
    """Give the public key as checkers take it (signed-note vkey)."""
    return Verifier(name, kind, public).text


def sign(point: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Give the signed note."""
    key_id = Verifier(point.origin, ED25519, public_bytes(key)).key_id
    signature = key_id + key.sign(point.text.encode())
    return f"{point.text}\n{_MARK}{point.origin} {base64.b64encode(signature).decode()}\n"


def cosign(text: str, name: str, key: Ed25519PrivateKey, at: int) -> str:
    """Give a witness's signature line over a checkpoint's text, made at `at` (seconds since 1970)."""
    key_id = Verifier(name, COSIGNATURE, public_bytes(key)).key_id
    payload = key_id + at.to_bytes(8, "big") + key.sign(_cosigned(text, at))
    return f"{_MARK}{name} {base64.b64encode(payload).decode()}\n"


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def verify(note: str, verifier: str | Verifier) -> Checkpoint | None:
    """Read a signed note and check its signature against the log's key; None when anything does not fit."""
    try:
        key = verifier if isinstance(verifier, Verifier) else Verifier.parse(verifier)
        read = Note.parse(note)
        point = read.checkpoint
        mine = read.of(key)
        if not mine or key.kind != ED25519 or point.origin != key.name:
            return None
        public = Ed25519PublicKey.from_public_bytes(key.public)
        for signature, _ in mine:
            public.verify(signature, read.text.encode())
    except (ValueError, InvalidSignature):
        return None
    return point


def cosignatures(note: str, witness: Verifier) -> list[tuple[int, str]]:
    """Give the witness's signatures under a checkpoint: (when, in seconds since 1970; the line). Raises ValueError for one that is not genuine."""
    read = Note.parse(note)
    found = []
    for held, line in read.of(witness):
        at = int.from_bytes(held[:8], "big")
        try:
            Ed25519PublicKey.from_public_bytes(witness.public).verify(held[8:], _cosigned(read.text, at))
        except InvalidSignature as fault:
            raise ValueError("not a cosignature of this witness") from fault
        found.append((at, line + "\n"))
    return found
