"""The hub's certificate for what it signs as PDF: P-256, self-issued, drawn from the root secret, so that every process has the same one.

Nothing is stored: key, serial number and signature (RFC 6979) follow from the secret. X.509 by RFC 5280. Whoever checks a document compares
the fingerprint with the one that the hub publishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hub.log.wrapping import derive

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256 (FIPS 186-5, SP 800-186)."""
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""No well-defined end (RFC 5280 §4.1.2.5): the key lives as long as the root secret."""


@dataclass(frozen=True, slots=True, repr=False)
class Certified:
    """A key with its certificate, both DER."""

    key: bytes
    certificate: bytes

    @property
    def fingerprint(self) -> str:
        """Give the SHA-256 of the certificate in groups that can be read out: `3F A0 …`."""
        return fingerprint(self.certificate)


def fingerprint(certificate: bytes) -> str:
    """Give the SHA-256 of a certificate (DER) in hexadecimals, two by two."""
    return sha256(certificate).digest().hex(" ").upper()


def certified(secret: bytes, name: str) -> Certified:
    """Draw key and certificate from a secret of 32 bytes. `name` = under which the log is signed."""
    number = int.from_bytes(derive(secret, "document key") + derive(secret, "document key, wider"), "big") % (_ORDER - 1) + 1
    key = ec.derive_private_key(number, ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64]), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tsunagu")])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(derive(secret, f"document serial {name}")[:16], "big") >> 1 or 1)
        .not_valid_before(BEGINS)
        .not_valid_after(ENDS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256(), ecdsa_deterministic=True)
    )
    return Certified(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), made.public_bytes(Encoding.DER))
