r"""Japanese text in HL7 messages: ISO 2022 with escapes (ISO IR 87 …), UTF-8, CP932; bytes to text and back.

Standards: ISO/IEC 2022, JIS X 0202, JIS X 0201, JIS X 0208, JIS X 0212; HL7 v2.5 table 0211; the habits of senders are those of
hospital facts §1.9. Python's `iso2022_jp` refuses NEC row 13 (①㈱) and the NEC-selected IBM rows, and reads `ESC ( J` as a set in which
`\\` and `~` are other characters than HL7's delimiters; hence a reader of our own for the escapes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

Declared = Literal["iso2022", "utf-8", "kana"]
"""What MSH-18 says: ISO 2022 with escapes (also plain ASCII), UTF-8, or JIS X 0201 in eight bits."""

_ESCAPE = re.compile(rb"\x1b(\([BIJ]|\$[@B]|\$\([@BDOQ])")
_SETS = {
    b"(B": "ascii", b"(J": "ascii", b"(I": "kana",
    b"$@": "kanji", b"$B": "kanji", b"$(@": "kanji", b"$(B": "kanji", b"$(D": "supplement", b"$(O": "plane1", b"$(Q": "plane1",
}  # fmt: skip
"""JIS X 0201 Roman counts as ASCII: senders write HL7 delimiters in it. JIS X 0213 plane 1 holds JIS X 0208 in the same places."""
_END = re.compile(rb"[\r\n\x0b\x1c]")
_OUT = {"ascii": b"\x1b(B", "kana": b"\x1b(I", "kanji": b"\x1b$B", "supplement": b"\x1b$(D"}
GAIJI = "\N{REPLACEMENT CHARACTER}"
"""Stands for a character of the sender's own (外字) that no table knows; also for one that UTF-8 or CP932 put into the private use area."""
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_NO_TEXT = re.compile("[\x80\xa0\uf8f0-\uf8ff]")
"""What Python's CP932 makes of single bytes that are no character (80, A0, FD to FF)."""


class NotInCharset(ValueError):
    """The bytes are not text in this character set. `text` is what was read before byte `at`."""

    def __init__(self, at: int, text: str, *, truncated: bool = False) -> None:
        self.at, self.text, self.truncated = at, text, truncated
        super().__init__(f"byte {at}")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text, and how it was really written. `deviates`: not as declared; `gaiji`: characters were lost; `unclosed`: lines that end in kanji state."""

    text: str
    really: Literal["ascii", "iso2022", "utf-8", "cp932", "euc_jp"]
    deviates: bool = False
    unclosed: bool = False

    @property
    def gaiji(self) -> bool:
        """Say whether a character could not be read."""
        return GAIJI in self.text


def decode(data: bytes, declared: Declared) -> Decoded:
    """Read bytes; raise NotInCharset when they are text in no set that may stand here.

    Bytes with escapes are ISO 2022 whatever was declared. Without escapes and with eight bits: what was declared, and otherwise UTF-8, CP932,
    EUC-JP, whichever holds without a fault. Where UTF-8 was declared nothing else is tried, since cut UTF-8 makes fluent nonsense in CP932.
    """
    found = _decode(data, declared)
    return replace(found, text=_PRIVATE.sub(GAIJI, found.text))


def _decode(data: bytes, declared: Declared) -> Decoded:
    if b"\x1b" in data:
        text, unclosed = _iso2022(data)
        return Decoded(text, "iso2022", deviates=declared != "iso2022", unclosed=unclosed)
    if data.isascii():
        return Decoded(data.decode("ascii"), "ascii")
    if declared == "utf-8":
        return Decoded(_utf8(data), "utf-8")
    if declared == "kana" and (kana := _cp932(data)) is not None:
        return Decoded(kana, "cp932")
    return _eight_bits(data)


def _eight_bits(data: bytes) -> Decoded:
    try:
        return Decoded(data.decode("utf-8"), "utf-8", deviates=True)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and not data[: error.start].isascii():
            raise NotInCharset(error.start, data[: error.start].decode("utf-8"), truncated=True) from error
    if (text := _cp932(data)) is not None:
        return Decoded(text, "cp932", deviates=True)
    if (text := _try(data, "euc_jp")) is not None:
        return Decoded(text, "euc_jp", deviates=True)
    at = next(i for i, byte in enumerate(data) if byte > 0x7F)
    raise NotInCharset(at, data[:at].decode("ascii"))


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        truncated = error.reason == "unexpected end of data"
        raise NotInCharset(error.start, data[: error.start].decode("utf-8"), truncated=truncated) from error


def _cp932(data: bytes) -> str | None:
    found = _try(data, "cp932")
    return None if found is None or _NO_TEXT.search(found) else found


def _try(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


# ── ISO 2022 ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _iso2022(data: bytes) -> tuple[str, bool]:
    """Read bytes with escapes; say whether some line, but not the last, ends in kanji state (read as if it had gone back to ASCII)."""
    parts: list[str] = []
    here, state, unclosed = 0, "ascii", False
    while here < len(data):
        if data[here] == 0x1B:
            found = _ESCAPE.match(data, here)
            if not found:
                raise NotInCharset(here, "".join(parts), truncated=len(data) - here < 4)
            state, here = _SETS[found[1]], found.end()
            continue
        end = data.find(b"\x1b", here)
        end = len(data) if end < 0 else end
        if state != "ascii" and (line_end := _END.search(data, here, end)):
            end = line_end.start()
        run = data[here:end]
        parts.append(_run(run, state, here, parts))
        if state != "ascii" and end < len(data) and data[end] != 0x1B:
            state, unclosed = "ascii", True
        here = end
    if state != "ascii":
        raise NotInCharset(len(data), "".join(parts), truncated=True)
    return "".join(parts), unclosed


def _run(run: bytes, state: str, at: int, before: list[str]) -> str:
    if state == "ascii":
        if run.isascii():
            return run.decode("ascii")
        try:
            return _eight_bits(run).text
        except NotInCharset as error:
            raise NotInCharset(at + error.at, "".join(before) + error.text) from error
    if not run.isascii() or any(byte < 0x20 for byte in run):
        raise NotInCharset(at, "".join(before))
    if state == "kana":
        return bytes(byte | 0x80 for byte in run).decode("cp932", errors="replace")
    if len(run) % 2:
        raise NotInCharset(at + len(run) - 1, "".join(before), truncated=True)
    codec = {"kanji": "iso2022_jp", "supplement": "iso2022_jp_1", "plane1": "iso2022_jp_2004"}[state]
    escape = {"kanji": b"\x1b$B", "supplement": b"\x1b$(D", "plane1": b"\x1b$(Q"}[state]
    whole = _try(escape + run + b"\x1b(B", codec)
    if whole is not None:
        return whole
    return "".join(_pair(run[i : i + 2], escape, codec) for i in range(0, len(run), 2))


def _pair(pair: bytes, escape: bytes, codec: str) -> str:
    """Read one two-byte character: the standard's own, else NEC row 13 and IBM rows by way of CP932, else a mark that it was lost."""
    found = _try(escape + pair + b"\x1b(B", codec)
    if found is None and 0x21 <= pair[0] <= 0x7E and 0x21 <= pair[1] <= 0x7E:
        found = _try(_shifted(pair), "cp932")
    return found if found and len(found) == 1 else GAIJI


def _shifted(pair: bytes) -> bytes:
    """Give the Shift_JIS form of a pair of JIS X 0208 (JIS X 0208:1997 annex 1)."""
    row, cell = pair
    lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
    trail = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
    return bytes((lead, trail))


def _unshifted(two: bytes) -> bytes | None:
    """Give the JIS pair of a Shift_JIS character, or None beyond row 94."""
    lead, trail = two
    row = (lead - (0x70 if lead < 0xA0 else 0xB0)) * 2
    if trail >= 0x9F:
        cell = trail - 0x7E
    else:
        row, cell = row - 1, trail - (0x1F if trail < 0x7F else 0x20)
    return bytes((row, cell)) if row <= 0x7E else None


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def encode(text: str) -> bytes:
    """Write ISO 2022 with escapes, each run closed before the next ASCII character; raise NotInCharset at a character that has no place in it."""
    out, state = bytearray(), "ascii"
    for i, ch in enumerate(text):
        new, code = _code(ch, i, text)
        if new != state:
            out += _OUT[new]
            state = new
        out += code
    if state != "ascii":
        out += _OUT["ascii"]
    return bytes(out)


def _code(ch: str, at: int, text: str) -> tuple[str, bytes]:
    if ch.isascii():
        if ch == "\x1b":
            raise NotInCharset(at, text[:at])
        return "ascii", ch.encode("ascii")
    if "\uff61" <= ch <= "\uff9f":
        return "kana", bytes((ch.encode("cp932")[0] & 0x7F,))
    for codec, state, skip in (("iso2022_jp", "kanji", 3), ("iso2022_jp_1", "supplement", 4)):
        try:
            found = ch.encode(codec)
        except UnicodeEncodeError:
            continue
        if found.startswith(_OUT[state]):
            return state, found[skip : skip + 2]
    try:
        two = ch.encode("cp932")
    except UnicodeEncodeError as error:
        raise NotInCharset(at, text[:at]) from error
    pair = _unshifted(two) if len(two) == 2 else None
    if pair is None:
        raise NotInCharset(at, text[:at])
    return "kanji", pair
