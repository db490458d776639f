"""A scanned paper that is handed in: told by its first bytes, and recorded as a DocumentReference that nobody else sees."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from typing import Any

from consent.rules import PRACTITIONER
from schemas.errors import BadValue, TooLong

MOST = 10_000_000
"""Bytes of one scan."""
_MAGIC = ((b"%PDF-", "application/pdf"), (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))
"""First bytes (ISO 32000-2 §7.5.2; ISO/IEC 10918-1 B.1.1.3 SOI; PNG 3rd ed. §5.2) → media type."""
TITLES = {"consent": "同意書の写し", "power": "代理の権限を示す書類の写し"}


@dataclass(frozen=True, slots=True)
class Scan:
    """The bytes of one paper, of a kind that its own first bytes tell."""

    media: str
    data: bytes


def scan(data: bytes, where: str) -> Scan | None:
    """Read a file that came with a form; None when none was chosen. Raises TooLong, and BadValue for what is no PDF, JPEG or PNG."""
    if not data:
        return None
    if len(data) > MOST:
        raise TooLong("HUB-4000", where=where, limit=f"{MOST:,}")
    media = next((media for magic, media in _MAGIC if data.startswith(magic)), "")
    if not media:
        raise BadValue("HUB-5137", where=where)
    return Scan(media, data)


def document_tree(one: Scan, *, kind: str, patient: str, user: str, name: str, at: datetime) -> dict[str, Any]:
    """Make the DocumentReference (R4). It is marked V, as the consent itself is: what somebody has signed is told to no other organization."""
    return {
        "resourceType": "DocumentReference",
        "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}]},
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}], "text": TITLES[kind]},
        "subject": {"reference": patient},
        "date": at.isoformat(timespec="milliseconds"),
        "author": [{"identifier": {"system": PRACTITIONER, "value": user}, "display": name}],
        "content": [
            {
                "attachment": {
                    "contentType": one.media,
                    "data": base64.b64encode(one.data).decode(),
                    "size": len(one.data),
                    "hash": base64.b64encode(sha1(one.data, usedforsecurity=False).digest()).decode(),
                    "title": TITLES[kind],
                    "creation": at.isoformat(timespec="milliseconds"),
                }
            }
        ],
    }
