"""The stored bytes of an event: one byte of layout, the clear header, the sealed body.

    state = 0x01 | u16 length of header | header (MessagePack array, order of the fields below) | body

The header holds what routing needs and nothing of the content; it is covered by the leaf hash together with the body.
"""

from __future__ import annotations

import msgspec

from schemas.errors import Broken

LAYOUT = 1


class Header(msgspec.Struct, array_like=True, frozen=True):
    """What lies in clear beside a sealed body. Times are milliseconds since 1970 UTC; absent ones 0; absent ids empty."""

    event: bytes
    """UUIDv7 of the event, made before the append; part of the seal's AAD."""
    submission: bytes
    """The submission that the event came with: one submission is one atomic append."""
    recorded: int
    occurred: int
    schema: int
    """Version of the body's form for this topic."""
    shard: int
    compartment: str
    custodian: str
    """Code of the organization that holds what the event tells."""
    kind: str
    """FHIR type, or the kind of fact."""
    patient: bytes
    """Patient stream that it concerns; empty for the directory."""
    pseudonym: bytes
    key: bytes
    """Id of the data key; empty when the body is not sealed (no content)."""
    digest: bytes
    """Keyed digest of the received text."""
    confidentiality: str
    """N, R, V …; empty = unknown."""
    sensitivities: tuple[str, ...]
    deleted: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Header).decode


def pack(header: Header, body: bytes) -> bytes:
    """Join header and sealed body."""
    head = _encode(header)
    return bytes((LAYOUT,)) + len(head).to_bytes(2, "big") + head + body


def unpack(state: bytes) -> tuple[Header, bytes]:
    """Part stored bytes; raise Broken when they are of no known layout."""
    try:
        if state[0] != LAYOUT:
            raise Broken("HUB-5004")
        end = 3 + int.from_bytes(state[1:3], "big")
        return _decode(state[3:end]), state[end:]
    except (IndexError, msgspec.DecodeError) as fault:
        raise Broken("HUB-5004") from fault
