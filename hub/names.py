"""Ids of the hub: streams, the ids that stand for them outside, event ids, random references."""

from __future__ import annotations

import base64
import os
import secrets
import time
from functools import lru_cache

PREFIX = "tsu-"
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Letters that are not taken for one another when they are read aloud or typed from paper."""
A_REFERENCE = r"[2-9A-Z]{4}-[2-9A-Z]{4}(?:-[2-9A-Z]{4})?"
"""Pattern of a reference: of twelve letters, or of eight, as all were before 0.3.0."""
MAIN = "main"
"""The compartment of clinical and care records."""
QUARANTINE = "quarantine"
"""Compartment of the keys of messages whose person is not known: one key a message. They are of the main compartment."""
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(a + b for a in _BASE32 for b in _BASE32)
_SHIFTS = tuple(range(120, -1, -10))


def lies_in(compartment: str) -> str:
    """Give the compartment that an event lies in, from what its header says."""
    return MAIN if compartment == QUARANTINE else compartment


@lru_cache(16_384)
def hub_id(stream: bytes) -> str:
    """Give the FHIR id by which organizations other than the custodian know a stream (16 bytes)."""
    # two letters at a time by a table: base64.b32encode, being Python, takes four times as long
    number = int.from_bytes(stream, "big") << 2
    return PREFIX + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def stream_of(text: str) -> bytes | None:
    """Give the stream of a hub id; None when the text is none."""
    if not text.startswith(PREFIX) or len(text) != len(PREFIX) + 26:
        return None
    try:
        stream = base64.b32decode(text[len(PREFIX) :].upper() + "======")
    except ValueError:
        return None
    return stream if hub_id(stream) == text else None


def event_id(milliseconds: int) -> bytes:
    """Make a UUIDv7 (RFC 9562 §5.7)."""
    return event_ids(milliseconds, 1)[0]


def event_ids(milliseconds: int, count: int) -> list[bytes]:
    """Make as many UUIDv7 of one moment; all that is random in them is drawn at once."""
    when, random = milliseconds.to_bytes(6, "big"), bytearray(os.urandom(10 * count))
    for at in range(0, len(random), 10):
        random[at] = 0x70 | random[at] & 0x0F
        random[at + 2] = 0x80 | random[at + 2] & 0x3F
    return [when + random[at : at + 10] for at in range(0, len(random), 10)]


def new_stream() -> bytes:
    """Make a stream that nothing names: a resource whose id the hub gives."""
    return event_id(int(time.time() * 1000))


def reference() -> str:
    """Make a random reference that can be read out over the telephone: `K7Q2-9DXM-4TRB`.

    Twelve letters of 31 are 7.9e17: of a hundred million decisions any two share one with a probability of 0.6 %, and the later one of them is
    refused then and can be asked for again. Before 0.3.0 there were eight, which some of ten million would have shared.
    """
    return drawn(12)


def drawn(letters: int) -> str:
    """Draw so many letters at random, in groups of four."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(letters))
    return "-".join(text[i : i + 4] for i in range(0, letters, 4))
