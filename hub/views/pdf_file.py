"""A PDF file from its parts: objects, pages, one embedded font, one attachment, and the place of a signature. ISO 32000-1.

Written for documents of thousands of pages: what a page shows comes ready made as operators.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.views.pdf_font import NAME, Face

WIDTH, HEIGHT = 595, 842
"""A4 in points (ISO 216; §8.3.2.3)."""
_RANGE = b"/ByteRange [0 0000000000 0000000000 0000000000]"
CONTENTS = 16_384
"""Bytes of a signature at most."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file within the file."""

    name: str
    media: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A file that is whole but for its signature: `gap` = where the signature's hexadecimal string begins and ends, its brackets with it."""

    data: bytes
    gap: tuple[int, int]


class _File:
    def __init__(self) -> None:
        self._objects: list[bytes] = []

    def reserve(self) -> int:
        self._objects.append(b"")
        return len(self._objects)

    def put(self, number: int, body: bytes) -> None:
        self._objects[number - 1] = body

    def add(self, body: bytes) -> int:
        self._objects.append(body)
        return len(self._objects)

    def stream(self, data: bytes, entries: bytes = b"", *, deflated: bool = False) -> int:
        held = data if deflated else zlib.compress(data, 1)
        return self.add(b"<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (entries, len(held), held))

    def whole(self, root: int, info: int, name: bytes) -> tuple[bytes, list[int]]:
        """Give the file (§7.5) and where each object begins."""
        parts, places, at = [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"], [], 15
        for number, body in enumerate(self._objects, 1):
            places.append(at)
            part = b"%d 0 obj\n%s\nendobj\n" % (number, body)
            parts.append(part)
            at += len(part)
        table = b"".join([b"%010d 00000 n \n" % place for place in places])
        parts.append(b"xref\n0 %d\n0000000000 65535 f \n%strailer\n" % (len(places) + 1, table))
        parts.append(b"<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%s> <%s>] >>\n" % (len(places) + 1, root, info, name, name))
        parts.append(b"startxref\n%d\n%%%%EOF\n" % at)
        return b"".join(parts), places


def text_string(text: str) -> bytes:
    """Give a text string (§7.9.2.2) in UTF-16BE, as hexadecimals."""
    return b"<feff%s>" % text.encode("utf-16-be").hex().encode()


def date(at: datetime) -> bytes:
    """Give a date (§7.9.4)."""
    zone = at.strftime("%z") or "+0000"
    return f"(D:{at:%Y%m%d%H%M%S}{zone[:3]}'{zone[3:]}')".encode()


def write(
    pages: Sequence[bytes], face: Face, *, title: str, author: str, at: datetime, attached: Attached, reason: str, name: bytes
) -> Unsigned:
    """Write a document of A4 pages, to be signed. `pages` = operators of each; `face` holds whatever they show; `name` = 16 bytes for this one."""
    file = _File()
    font = _font(file, face)
    resources = file.add(b"<< /Font << /F %d 0 R >> >>" % font)
    tree = file.reserve()
    kids = []
    signature, widget = file.reserve(), file.reserve()
    for number, operators in enumerate(pages):
        shown = file.stream(operators)
        notes = b"/Annots [%d 0 R] " % widget if number == 0 else b""
        kids.append(file.add(b"<< /Type /Page /Parent %d 0 R /Resources %d 0 R %s/Contents %d 0 R >>" % (tree, resources, notes, shown)))
    box = b"/MediaBox [0 0 %d %d]" % (WIDTH, HEIGHT)
    file.put(tree, b"<< /Type /Pages /Count %d %s /Kids [%s] >>" % (len(kids), box, b" ".join([b"%d 0 R" % k for k in kids])))
    contents = b"/Contents <%s>" % (b"0" * (2 * CONTENTS))
    told = b"/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M %s /Reason %s" % (date(at), text_string(reason))
    file.put(signature, b"<< %s %s %s >>" % (told, _RANGE, contents))
    field = b"/FT /Sig /T (Signature) /Type /Annot /Subtype /Widget /F 132 /Rect [0 0 0 0] /P %d 0 R /V %d 0 R" % (kids[0], signature)
    file.put(widget, b"<< %s >>" % field)
    beside = _attached(file, attached, at)
    form = b"/AcroForm << /SigFlags 3 /Fields [%d 0 R] >>" % widget
    files = b"/AF [%d 0 R] /Names << /EmbeddedFiles << /Names [%s %d 0 R] >> >>" % (beside, text_string(attached.name), beside)
    root = file.add(b"<< /Type /Catalog /Pages %d 0 R /Lang (ja-JP) %s %s >>" % (tree, form, files))
    info = file.add(b"<< /Title %s /Author %s /Creator (Tsunagu) /CreationDate %s >>" % (text_string(title), text_string(author), date(at)))
    whole, places = file.whole(root, info, name.hex().encode())
    return _ranged(whole, places[signature - 1])


def _ranged(whole: bytes, at: int) -> Unsigned:
    """Say in the file which of its bytes the signature is over: all but its own (§12.8.1)."""
    begin = whole.index(b"/Contents <", at) + len(b"/Contents ")
    end = begin + 2 * CONTENTS + 2
    ranged = b"/ByteRange [0 %010d %010d %010d]" % (begin, end, len(whole) - end)
    there = whole.index(_RANGE, at)
    return Unsigned(b"".join([whole[:there], ranged, whole[there + len(_RANGE) :]]), (begin, end))


def _font(file: _File, face: Face) -> int:
    held = face.embedded()
    program = file.stream(held.program, b"/Length1 %d" % len(held.program))
    descriptor = file.add(b"<< %s /FontFile2 %d 0 R >>" % (held.descriptor, program))
    glyphs = file.stream(held.glyphs, deflated=True)
    system = b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    descendant = file.add(
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s %s /FontDescriptor %d 0 R /DW 1000 /W %s /CIDToGIDMap %d 0 R >>"
        % (NAME, system, descriptor, held.widths, glyphs)
    )
    texts = file.stream(held.texts)
    shown = b"/Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R"
    return file.add(b"<< %s >>" % (shown % (NAME, descendant, texts)))


def _attached(file: _File, attached: Attached, at: datetime) -> int:
    media = attached.media.replace("/", "#2F").encode()
    size = b"/Params << /Size %d /ModDate %s >>" % (len(attached.data), date(at))
    held = file.stream(attached.data, b"/Type /EmbeddedFile /Subtype /%s %s" % (media, size))
    named = text_string(attached.name)
    return file.add(b"<< /Type /Filespec /F %s /UF %s /AFRelationship /Data /EF << /F %d 0 R /UF %d 0 R >> >>" % (named, named, held, held))
