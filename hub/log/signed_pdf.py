"""Signs a PDF and checks one: PAdES baseline B (ETSI EN 319 142-1) over the whole file, by the hub's own certificate. The one door to pyHanko."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from hub.log.certificates import Certified, fingerprint


@dataclass(frozen=True, slots=True)
class SignedPdf:
    """What a file says once its signature was checked."""

    fingerprint: str
    """Of the certificate that signed it: whose that is, the file cannot say."""
    claimed: str
    """When, by the signer's own clock (ISO)."""
    attachments: dict[str, bytes]


@lru_cache(4)
def _signer(key: bytes, certificate: bytes) -> Any:
    from asn1crypto import keys, x509
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    store: Any = SimpleCertificateStore
    return SimpleSigner(x509.Certificate.load(certificate), keys.PrivateKeyInfo.load(key), store())


def sign(data: bytes, gap: tuple[int, int], by: Certified) -> bytes:
    """Put the signature into the gap of a file: it is over all else. Raises ValueError when the gap is too small."""
    digest = sha256(memoryview(data)[: gap[0]])
    digest.update(memoryview(data)[gap[1] :])
    made = asyncio.run(_signer(by.key, by.certificate).async_sign(digest.digest(), "sha256", use_pades=True)).dump()
    room = gap[1] - gap[0] - 2
    text = made.hex().encode().ljust(room, b"0")
    if len(text) > room:
        raise ValueError("the signature has no room")
    return b"".join([data[: gap[0] + 1], text, data[gap[1] - 1 :]])


def check(data: bytes) -> SignedPdf | None:
    """Check a file by the certificate that it carries; None when it has not one signature over the whole of it that holds."""
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.general import ValueErrorWithMessage
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    try:
        reader = PdfFileReader(io.BytesIO(data))
        found = reader.embedded_signatures
        if len(found) != 1:
            return None
        (one,) = found
        status = validate_pdf_signature(one, ValidationContext(trust_roots=[one.signer_cert]))
        if not (status.intact and status.valid and status.coverage is SignatureCoverageLevel.ENTIRE_FILE):
            return None
        at = status.signer_reported_dt or one.self_reported_timestamp
        return SignedPdf(fingerprint(one.signer_cert.dump()), at.isoformat() if at else "", _attachments(reader))
    except (PdfError, ValueErrorWithMessage, ValueError, KeyError, IndexError, TypeError):
        return None


def _attachments(reader: Any) -> dict[str, bytes]:
    names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
    return {str(names[i]): bytes(names[i + 1]["/EF"]["/F"].data) for i in range(0, len(names), 2)}
