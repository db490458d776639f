"""QR codes (ISO/IEC 18004) as squares to be drawn; pure."""

from __future__ import annotations

from typing import NamedTuple

from reportlab.graphics.barcode.qrencoder import QR8bitByte, QRCode, QRErrorCorrectLevel

QUIET = 4
"""Modules of white around the code (ISO/IEC 18004 §9.1)."""


class Squares(NamedTuple):
    """A code: modules along a side with the white around it, and the dark ones as the path of an SVG."""

    side: int
    path: str


def squares(text: str) -> Squares:
    """Encode a text at level M; raise ValueError for one that no code holds."""
    made = QRCode(None, QRErrorCorrectLevel.M)
    made.addData(QR8bitByte(text))
    made.make()
    count = made.getModuleCount()
    dark = [f"M{x + QUIET} {y + QUIET}h1v1h-1z" for y in range(count) for x in range(count) if made.isDark(y, x)]
    return Squares(count + 2 * QUIET, "".join(dark))
