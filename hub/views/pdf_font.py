"""The font of printed documents: a part of BIZ UDGothic, embedded, so that every reader shows it and gives its text back.

ISO 32000-1 §9.7 (composite fonts), §9.10.3 (ToUnicode). One Type 0 font of 16-bit codes, given as they are first used.
"""

from __future__ import annotations

import io
import threading
import zlib
from collections.abc import Callable
from importlib.resources import files

from reportlab.pdfbase.ttfonts import TTFontFile

_FILE = "data_provisions/font/BIZUDGothic-Regular.ttf"
_INSTEAD = "〓"
"""Stands for what the font does not have."""
_AVOIDED = frozenset(b"\n\r()\\")
"""Bytes that would have to be escaped in a string (ISO 32000-1 §7.3.4.2): no code holds one."""
_CODES = tuple(
    bytes((high, low)) for high in range(256) if high not in _AVOIDED for low in range(256) if low not in _AVOIDED and (high or low)
)


_held = threading.local()


def _font() -> TTFontFile:
    """Give the font as it was read; each thread has its own, for it remembers where it reads."""
    if not hasattr(_held, "font"):
        _held.font = TTFontFile(io.BytesIO(files("hub.views").joinpath(_FILE).read_bytes()))
    return _held.font


class Face:
    """The font as far as one document uses it."""

    def __init__(self) -> None:
        self._font = _font()
        self._used: dict[int, tuple[bytes, str]] = {}
        """Glyph → its code and the character that it is read back as."""
        self._of: dict[str, bytes] = {}
        self._widths: dict[str, float] = {}

    def encode(self, text: str) -> bytes:
        """Give the content of a PDF string."""
        of = self._of
        try:
            return b"".join([of[c] for c in text])
        except KeyError:
            return b"".join([of.get(c) or self._take(c) for c in text])

    def _take(self, character: str) -> bytes:
        held = self._font.charToGlyph
        shown = character if ord(character) in held else _INSTEAD
        code, _ = self._used.setdefault(held[ord(shown)], (_CODES[len(self._used)], shown))
        self._of[character] = code
        return code

    def encoder(self, letters: str) -> Callable[[str], bytes]:
        """Give a faster `encode` for texts of these ASCII letters alone; to be asked for before anything else is encoded."""
        table = bytearray(256)
        for letter in letters:
            high, low = self._of.get(letter) or self._take(letter)
            if high:
                raise ValueError("too many letters were encoded before")
            table[ord(letter)] = low
        held = bytes(table)
        return lambda text: text.encode("utf-16-be").translate(held)

    def width(self, text: str) -> float:
        """Give the width of a text in ems: half of one for each Latin letter, one for each kanji."""
        return sum(self.widths(text))

    def widths(self, text: str) -> list[float]:
        """Give the width of each character."""
        held = self._widths
        try:
            return [held[c] for c in text]
        except KeyError:
            held |= {c: float(self._font.charWidths.get(ord(c), 1_000)) / 1_000 for c in text}
            return [held[c] for c in text]

    def embedded(self) -> Embedded:
        """Give what the document has to hold of the font."""
        return Embedded(self._font, self._used)


class Embedded:
    """The used part of the font, as streams and dictionaries."""

    def __init__(self, font: TTFontFile, used: dict[int, tuple[bytes, str]]) -> None:
        self._font = font
        self._codes = [(code, text) for code, text in used.values()]
        self.program: bytes = font.makeSubset([font.glyphToChar[glyph][0] for glyph in used])
        """A TrueType font whose glyph n+1 is the n-th that was used."""

    @property
    def glyphs(self) -> bytes:
        """Give the CIDToGIDMap (§9.7.4.2): two bytes of glyph for each code, deflated."""
        most = int.from_bytes(self._codes[-1][0], "big")
        table = bytearray(2 * (most + 1))
        for glyph, (code, _) in enumerate(self._codes, 1):
            at = 2 * int.from_bytes(code, "big")
            table[at : at + 2] = glyph.to_bytes(2, "big")
        return zlib.compress(bytes(table), 6)

    @property
    def widths(self) -> bytes:
        """Give the array W (§9.7.4.3) of the codes that are not one em wide."""
        wide = self._font.charWidths
        unlike = [(int.from_bytes(code, "big"), wide.get(ord(text), 1_000)) for code, text in self._codes]
        return b"[" + b" ".join(b"%d [%d]" % (code, width) for code, width in unlike if width != 1_000) + b"]"

    @property
    def texts(self) -> bytes:
        """Give the ToUnicode map."""
        lines = [b"<%s> <%s>" % (code.hex().encode(), text.encode("utf-16-be").hex().encode()) for code, text in self._codes]
        parts = [lines[i : i + 100] for i in range(0, len(lines), 100)]
        body = b"\n".join(b"%d beginbfchar\n%s\nendbfchar" % (len(part), b"\n".join(part)) for part in parts)
        return _CMAP % body

    @property
    def descriptor(self) -> bytes:
        """Give the FontDescriptor's entries but for the font itself (§9.8)."""
        font = self._font
        box = b" ".join(b"%d" % x for x in font.bbox)
        return b"/Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%s] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV %d" % (
            NAME, box, font.ascent, font.descent, font.capHeight, font.stemV,
        )  # fmt: skip


NAME = b"TSNAGU+BIZUDGothic-Regular"
_CMAP = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
%s
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""
