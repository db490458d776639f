"""The hub's own secrets, all drawn from one root secret of 32 bytes: what names streams, makes tokens and signs.

The root lies in the key store, wrapped by the master key, and never changes: no name changes with the master key.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256

from hub.log.wrapping import derive
from hub.names import MAIN
from schemas.errors import Broken

ROOT_BYTES = 32
_BLOCK = 64
_LENGTHS = tuple(n.to_bytes(4, "big") for n in range(256))


class _Mac:
    """HMAC-SHA256 under one key (RFC 2104 §2): the key's two blocks are hashed once, which leaves a third of the time of `hmac.digest`."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(_BLOCK, b"\0")
        self._inner = sha256(bytes(b ^ 0x36 for b in padded))
        self._outer = sha256(bytes(b ^ 0x5C for b in padded))

    def __call__(self, text: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()


def _framed(part: str) -> bytes:
    text = part.encode()
    return (_LENGTHS[len(text)] if len(text) < len(_LENGTHS) else len(text).to_bytes(4, "big")) + text


@lru_cache(4_096)
def _head(*parts: str) -> bytes:
    """Frame what comes again and again: kinds of names, types of resources, systems of identifiers."""
    return b"".join([_framed(p) for p in parts])


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Keys by purpose (HKDF-SHA256 of the root)."""

    naming: bytes
    tokens: bytes
    digests: bytes
    pseudonyms: bytes
    signing: bytes
    sessions: bytes
    codes: bytes
    compartment: str = field(default=MAIN, kw_only=True)
    """The compartment that names, tokens, digests and pseudonyms are of."""
    _name: _Mac = field(init=False, compare=False)
    _token: _Mac = field(init=False, compare=False)
    _digest: _Mac = field(init=False, compare=False)
    _pseudonym: _Mac = field(init=False, compare=False)

    def __post_init__(self) -> None:
        for attribute, key in (("_name", self.naming), ("_token", self.tokens), ("_digest", self.digests), ("_pseudonym", self.pseudonyms)):
            object.__setattr__(self, attribute, _Mac(key))

    @classmethod
    def of(cls, root: bytes) -> Secrets:
        """Derive all from `root` (32 bytes); raise Broken when it has another length."""
        if len(root) != ROOT_BYTES:
            raise Broken("HUB-5071")
        return cls(*(derive(root, p) for p in ("naming", "tokens", "digests", "pseudonyms", "signing", "sessions", "codes")))

    def within(self, compartment: str) -> Secrets:
        """Give the secrets of a compartment: what bears the same name or number in two of them has nothing in common there."""
        if compartment == self.compartment:
            return self
        if self.compartment != MAIN:
            raise Broken("HUB-5149")
        return _within(self, compartment)

    def name(self, *parts: str) -> bytes:
        """Give 16 bytes that name what the parts name, the same on every repeat and nothing to others."""
        return self._name(b"".join([_framed(p) for p in parts]))[:16]

    def namer(self, *parts: str) -> Callable[[str, str], bytes]:
        """Give `name` with its first parts said already: a submission names hundreds of streams of one custodian."""
        head, mac = _head(*parts), self._name

        def name(one: str, other: str) -> bytes:
            return mac(head + _framed(one) + _framed(other))[:16]

        return name

    def token(self, *parts: str) -> bytes:
        """Give 16 bytes to look an identifier up by, without the identifier lying in any table."""
        return self._token(_head(*parts[:-1]) + _framed(parts[-1]))[:16]

    def digest(self, text: bytes) -> bytes:
        """Give 32 bytes that tell whether two texts are the same, without helping to guess the text."""
        return self._digest(text)

    def pseudonym(self, patient: bytes) -> bytes:
        """Give the 16 bytes by which a Patient stream is known to routing and audit."""
        return self._pseudonym(patient)[:16]

    def person(self, person: bytes) -> str:
        """Give the opaque name of a person from which episode ids follow: the same for every organization."""
        return self.name("person", person.hex()).hex()

    def totp_seed(self, user: str) -> str:
        """Give the secret that a user's authenticator app shares with the hub (Base32; RFC 4226 §4 asks for 20 bytes)."""
        return base64.b32encode(_Mac(self.codes)(user.encode())[:20]).decode()


@lru_cache(64)
def _within(whole: Secrets, compartment: str) -> Secrets:
    return replace(
        whole,
        compartment=compartment,
        naming=derive(whole.naming, f"naming/{compartment}"),
        tokens=derive(whole.tokens, f"tokens/{compartment}"),
        digests=derive(whole.digests, f"digests/{compartment}"),
        pseudonyms=derive(whole.pseudonyms, f"pseudonyms/{compartment}"),
    )
