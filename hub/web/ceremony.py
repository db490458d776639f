"""The two ceremonies of passkeys (W3C Web Authentication Level 2, §7.1 and §7.2): what a browser is asked for, and whether its answer is right.

A challenge needs no memory: it says when it was made and is sealed for the browser that it was drawn for, so that any process may judge the
answer. That an answer serves once is judged where it is recorded (`hub.writes.passkeys`).
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import urlsplit

import msgspec
import webauthn
from webauthn.helpers import bytes_to_base64url, options_to_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from hub.log.secrets import Secrets
from hub.region import User
from hub.tables.passkeys import Passkey
from hub.writes.passkeys import Answer
from schemas.errors import NotSignedIn

MINUTES = 5
"""For which a challenge may be answered."""
ALGORITHMS = [Algorithm.ECDSA_SHA_256, Algorithm.EDDSA, Algorithm.RSASSA_PKCS1_v1_5_SHA_256]
_STAMP, _RANDOM, _SEAL = 8, 16, 16


class _Told(msgspec.Struct, frozen=True):
    """What a browser says that it answered: `clientDataJSON`, in part."""

    challenge: str


class _Response(msgspec.Struct, frozen=True):
    told: str = msgspec.field(name="clientDataJSON")
    handle: str | None = msgspec.field(name="userHandle", default=None)


class _Credential(msgspec.Struct, frozen=True):
    """What a browser's credential looks like in JSON, in part (W3C Web Authentication Level 3 §5.1)."""

    id: str
    response: _Response


class Ceremonies:
    """Both over the hub's public address."""

    def __init__(self, base: str, network: str, keys: Secrets, seconds: Callable[[], float] | None = None) -> None:
        """`network` = the name under which users find their passkeys; `seconds` = the wall clock, unless another."""
        parts = urlsplit(base)
        self._network, self._keys, self._seconds = network, keys, seconds or time.time
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.host = parts.hostname or ""

    @property
    def possible(self) -> bool:
        """Say whether the hub's address can have passkeys: under a host's name (never a number), with TLS or on the machine itself."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return self.origin.startswith("https://") or self.host == "localhost"
        return False

    # ── what the browser is asked for ────────────────────────────────────────────────────────────────────────────────

    def making(self, user: User, browser: str) -> str:
        """Give the options of `navigator.credentials.create` as JSON. `browser` = the secret of the browser that they are drawn for."""
        return options_to_json(
            webauthn.generate_registration_options(
                rp_id=self.host, rp_name=self._network, user_id=self._handle(user.id), user_name=user.id, user_display_name=user.name,
                challenge=self._challenge("create", browser), timeout=MINUTES * 60_000, supported_pub_key_algs=ALGORITHMS,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
                ),
            )
        )  # fmt: skip

    def asking(self, browser: str) -> str:
        """Give the options of `navigator.credentials.get` as JSON: of whichever passkey the user chooses."""
        return options_to_json(
            webauthn.generate_authentication_options(
                rp_id=self.host, challenge=self._challenge("get", browser), timeout=MINUTES * 60_000,
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )  # fmt: skip

    # ── whether its answer is right ──────────────────────────────────────────────────────────────────────────────────

    def made(self, credential: str, browser: str) -> tuple[Answer, str, bool]:
        """Verify a new passkey; give it, its public key (COSE, base64url), and whether other devices may have it. Raises NotSignedIn (HUB-5231)."""
        challenge, challenged, _ = self._told("create", credential, browser)
        try:
            found = webauthn.verify_registration_response(
                credential=credential, expected_challenge=challenge, expected_rp_id=self.host, expected_origin=self.origin,
                require_user_verification=True, supported_pub_key_algs=ALGORITHMS,
            )  # fmt: skip
        except Exception as fault:  # whatever was sent, it is no passkey
            raise NotSignedIn("HUB-5231") from fault
        answer = Answer(bytes_to_base64url(found.credential_id), found.sign_count, challenged)
        synced = found.credential_device_type == CredentialDeviceType.MULTI_DEVICE
        return answer, bytes_to_base64url(found.credential_public_key), synced

    def answered(self, credential: str, browser: str, of: Callable[[str], Passkey | None]) -> tuple[Passkey, Answer]:
        """Verify who signs in; `of` gives a passkey by its id. Raises NotSignedIn (HUB-5231)."""
        challenge, challenged, sent = self._told("get", credential, browser)
        held = of(sent.id)
        if held is None or sent.response.handle != bytes_to_base64url(self._handle(held.holder)):
            raise NotSignedIn("HUB-5231")
        try:
            found = webauthn.verify_authentication_response(
                credential=credential, expected_challenge=challenge, expected_rp_id=self.host, expected_origin=self.origin,
                credential_public_key=held.public_key, credential_current_sign_count=held.counter, require_user_verification=True,
            )  # fmt: skip
        except Exception as fault:  # whatever was sent, nobody signs in by it
            raise NotSignedIn("HUB-5231") from fault
        return held, Answer(held.credential, found.new_sign_count, challenged)

    def _told(self, kind: str, credential: str, browser: str) -> tuple[bytes, int, _Credential]:
        """Give the challenge that was answered, when it was made, and what was sent; raise NotSignedIn (HUB-5231) for one that is not this browser's."""
        try:
            sent = msgspec.json.decode(credential, type=_Credential)
            told = msgspec.json.decode(webauthn.base64url_to_bytes(sent.response.told), type=_Told)
            challenge = webauthn.base64url_to_bytes(told.challenge)
        except ValueError as fault:  # of msgspec and base64 too
            raise NotSignedIn("HUB-5231") from fault
        head, seal = challenge[: _STAMP + _RANDOM], challenge[_STAMP + _RANDOM :]
        if not browser or not hmac.compare_digest(self._seal(kind, browser, head), seal):
            raise NotSignedIn("HUB-5231")
        challenged = int.from_bytes(head[:_STAMP], "big")
        if not 0 <= self._seconds() * 1000 - challenged <= MINUTES * 60_000:
            raise NotSignedIn("HUB-5231")
        return challenge, challenged, sent

    def _challenge(self, kind: str, browser: str) -> bytes:
        head = int(self._seconds() * 1000).to_bytes(_STAMP, "big") + secrets.token_bytes(_RANDOM)
        return head + self._seal(kind, browser, head)

    def _seal(self, kind: str, browser: str, head: bytes) -> bytes:
        return hmac.digest(self._keys.sessions, f"passkey:{kind}:{browser}:".encode() + head, sha256)[:_SEAL]

    def _handle(self, user: str) -> bytes:
        """Give the name under which an authenticator keeps a user: it tells nothing of them (§14.6.1)."""
        return self._keys.name("passkey", user)
