"""Lines of text that flow over A4 pages: a page is one text object, and each line moves down from the one before.

Whoever has many lines makes their operators himself and puts them down by `put`: they begin at the left edge and end there, one line lower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.views.pdf_file import HEIGHT
from hub.views.pdf_font import Face

LEFT, RIGHT, TOP, BOTTOM = 40, 555, HEIGHT - 52, 46
"""Edges of what is written, in points."""


class Flow:
    """The pages of one document as they grow. `begins` is called for each new page but the first, to put its head down."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self.begins: Callable[[], None] = lambda: None
        self._pages: list[list[bytes]] = []
        self._drawn: list[list[bytes]] = []
        self.left = 0.0
        """Points that are left on this page."""
        self._new()

    def _new(self) -> None:
        self._pages.append([])
        self._drawn.append([])
        self.left = TOP - BOTTOM
        if len(self._pages) > 1:
            self.begins()

    def room(self, height: float) -> None:
        """Begin a new page unless so much is left."""
        if self.left < height:
            self._new()

    def put(self, operators: bytes, height: float) -> None:
        """Put a line down that is so high."""
        if self.left < height:
            self._new()
        self._pages[-1].append(operators)
        self.left -= height

    def line(self, text: str, size: float = 9, *, height: float = 0, indent: float = 0) -> None:
        """Put one line of text down."""
        height = height or size * 1.5
        there, back = (b"%g 0 Td " % indent, b"%g 0 Td " % -indent) if indent else (b"", b"")
        self.put(b"/F %g Tf %s(%s) Tj %s0 %g Td\n" % (size, there, self.face.encode(text), back, -height), height)

    def text(self, text: str, size: float = 9, *, indent: float = 0, hang: float = 0) -> None:
        """Put text down that is as long as it is; its further lines begin so much further in."""
        for number, part in enumerate(wrapped(self.face, text, (RIGHT - LEFT - indent - hang) / size)):
            self.line(part, size, indent=indent + (hang if number else 0))

    def space(self, height: float) -> None:
        """Leave so much free, unless a page begins here."""
        if TOP - BOTTOM - self.left > 0:
            self.put(b"0 %g Td\n" % -height, height)

    def rule(self, grey: float = 0.6) -> None:
        """Draw a line across, above the next line of text."""
        y = BOTTOM + self.left + 9
        self._drawn[-1].append(b"%g G 0.6 w %d %g m %d %g l S\n" % (grey, LEFT, y, RIGHT, y))

    def done(self, foot: Callable[[int, int], str], size: float = 8) -> list[bytes]:
        """Give the operators of all pages, each with its foot, of page and pages."""
        made = []
        for number, (lines, drawn) in enumerate(zip(self._pages, self._drawn, strict=True), 1):
            told = foot(number, len(self._pages))
            x = RIGHT - self.face.width(told) * size
            below = b"BT /F %g Tf %g 28 Td (%s) Tj ET\n" % (size, x, self.face.encode(told))
            made.append(b"".join([*drawn, b"BT %d %d Td\n" % (LEFT, TOP), *lines, b"ET\n", below]))
        return made


def wrapped(face: Face, text: str, ems: float) -> Sequence[str]:
    """Part a text into lines of so many ems at most; at a blank or 、where one is near, else anywhere."""
    lines: list[str] = []
    widths = face.widths(text)
    begin = 0
    while sum(widths[begin:]) > ems:
        end, width = begin, 0.0
        while width + widths[end] <= ems or end == begin:
            width += widths[end]
            end += 1
        soft = max(text.rfind(mark, begin, end) for mark in " 、。）") + 1
        cut = soft if soft > begin + 0.6 * (end - begin) else end
        lines.append(text[begin:cut].rstrip(" "))
        begin = cut + (text[cut:] + "|").startswith(" ")
    return [*lines, text[begin:]]
