"""How people get in: invitations and passkeys (W3C Web Authentication Level 2). Under the network's own key, and without any secret."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

USER_INVITED = "user-invited.v1"
"""A registered user may make a passkey, once, until a moment."""
PASSKEY_REGISTERED = "passkey-registered.v1"
"""They did; the invitation is used up by it."""
PASSKEYS_REVOKED = "passkeys-revoked.v1"
"""All passkeys, open invitations and open sessions of a user hold no longer."""


class Invited(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of USER_INVITED. `code` = SHA-256 of the invitation's code, in hex; `until` in milliseconds since 1970."""

    organization: str
    user: str
    code: str
    until: int
    by: str = ""
    """User; empty = at the machine itself."""


class Registered(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of PASSKEY_REGISTERED. `credential` and `public_key` (COSE) in base64url; `challenged` = when the challenge was made, in milliseconds."""

    organization: str
    user: str
    credential: str
    public_key: str
    counter: int
    challenged: int
    code: str
    synced: bool = False
    """Whether the user's other devices may have it too."""
    address: str = ""


class Revoked(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of PASSKEYS_REVOKED."""

    organization: str
    user: str
    by: str = ""


BODIES: Mapping[str, type[msgspec.Struct]] = MappingProxyType({
    USER_INVITED: Invited, PASSKEY_REGISTERED: Registered, PASSKEYS_REVOKED: Revoked,
})  # fmt: skip
"""Topic → the form of its body."""
