"""Delimiters of HL7 v2 and the escape sequences that keep them apart from text (HL7 v2.5 chapter 2.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The five marks that MSH-1 and MSH-2 name."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @property
    def encoding(self) -> str:
        """Give MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent


def escaped(text: str, marks: Delimiters) -> str:
    """Write plain text so that no delimiter and no line end stands in it."""
    e = marks.escape
    table = {
        e: "E", marks.field: "F", marks.component: "S", marks.subcomponent: "T", marks.repetition: "R", "\n": ".br", "\r": "X0D",
    }  # fmt: skip
    return "".join(f"{e}{table[ch]}{e}" if ch in table else ch for ch in text)


def unescaped(text: str, marks: Delimiters) -> str:
    """Read the sequences for delimiters, line breaks and bytes; drop those that only switch highlighting; leave any other as it stands."""
    if marks.escape not in text:
        return text
    table = {"F": marks.field, "S": marks.component, "T": marks.subcomponent, "R": marks.repetition, "E": marks.escape, "H": "", "N": ""}

    def plain(found: re.Match[str]) -> str:
        code = found[1]
        if code in table:
            return table[code]
        if code.startswith("."):
            return "\n"
        return _bytes(code[1:]) or found[0]

    return _sequence(marks.escape).sub(plain, text)


@cache
def _sequence(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    return re.compile(rf"{e}([FSTREHN]|\.br|\.sp|X(?:[0-9A-Fa-f]{{2}})+){e}")


def _bytes(digits: str) -> str:
    r"""Read the text of `\X..\`; empty when the bytes are no text, or a control character that has no place in a resource."""
    try:
        found = bytes.fromhex(digits).decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "" if re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", found) else found
