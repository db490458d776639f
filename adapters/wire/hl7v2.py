"""HL7 v2.5 ER7 bytes ↔ segments; decoded before they are split, fields counted from 1 as the standard counts them (MSH-1 is the separator).

Standard: HL7 v2.5 chapter 2 (encoding rules, escape sequences), in the form that SS-MIX2 Ver.1.2 stores. Nothing of FHIR here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice, pairwise
from typing import cast

from adapters.wire.charset_ja import GAIJI, Declared, Decoded, NotInCharset, decode
from adapters.wire.hl7_escapes import Delimiters, escaped, unescaped
from schemas.errors import Issue, Malformed, MissingValue, TooLong, UnknownCode, Unsupported

MAX_BYTES = 1_000_000
"""A stored message is a few kilobytes; the longest (a list of all problems in one file) stays far below."""
MAX_SEGMENTS = 10_000
MAX_REPETITIONS = 1_000
"""In one line; beyond it a reading would take seconds and say nothing."""
_START = re.compile(rb"(?:\A|(?<=[\r\n\x0b\x1c]))MSH[^\w\s]")
_LINE_END = re.compile("\r\n|\r|\n")
_NAME = re.compile("[A-Z][A-Z0-9]{2}")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FRAME = b"\x0b\x1c\r\n\x1a"
"""Marks of a socket dump (MLLP), of an end of file, and blank lines: none of them is part of a message."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """One repetition of a field. `rep[2]` is component 2, `rep[3, 1]` its subcomponent 1: unescaped, empty when it is not there."""

    text: str
    delimiters: Delimiters

    def __getitem__(self, place: int | tuple[int, int]) -> str:
        component, sub = place if isinstance(place, tuple) else (place, 1)
        found = _nth(_nth(self.text, self.delimiters.component, component), self.delimiters.subcomponent, sub)
        return unescaped(found, self.delimiters)


@dataclass(frozen=True, slots=True)
class Segment:
    """One line. `fields[0]` is field 1, still escaped; `number` counts the segments of this name in the message from 1."""

    name: str
    fields: tuple[str, ...]
    delimiters: Delimiters
    number: int = 1

    def __getitem__(self, place: tuple[int, int] | tuple[int, int, int]) -> str:
        field, *rest = place
        found = self.each(field)
        return found[0][rest[0], rest[1] if len(rest) > 1 else 1] if found else ""

    def raw(self, field: int) -> str:
        """Give a field as it stands in the message; empty when the line ends before it."""
        return self.fields[field - 1] if field <= len(self.fields) else ""

    def each(self, field: int) -> tuple[Repetition, ...]:
        """Give the repetitions of a field in their order, empty ones too; none when the field is empty."""
        raw = self.raw(field)
        if self.name == "MSH" and field <= 2:
            return (Repetition(escaped(raw, self.delimiters), self.delimiters),)
        return tuple(Repetition(text, self.delimiters) for text in raw.split(self.delimiters.repetition)) if raw else ()

    def at(self, field: int, component: int = 0) -> str:
        """Name a place for an issue: `PID-3.1`, `NK1[2]-5`."""
        head = self.name if self.number == 1 else f"{self.name}[{self.number}]"
        return f"{head}-{field}.{component}" if component else f"{head}-{field}"

    def need(self, field: int, component: int = 1) -> str:
        """Give a component that must be there, without blanks around it; raise MissingValue at its place."""
        found = self[field, component].strip()
        if found in {"", '""'}:
            raise MissingValue("HUB-1010", where=self.at(field, component if component > 1 else 0))
        return found


@dataclass(frozen=True, slots=True)
class Message:
    """The segments that say something, in their order. `warnings`: what was read although it is not as declared."""

    segments: tuple[Segment, ...]
    warnings: tuple[Issue, ...] = ()

    def all(self, name: str) -> tuple[Segment, ...]:
        """Give the segments of this name."""
        return tuple(one for one in self.segments if one.name == name)

    def first(self, name: str) -> Segment | None:
        """Give the first segment of this name, if any."""
        return next(iter(self.all(name)), None)

    def groups(self, name: str) -> tuple[tuple[Segment, ...], ...]:
        """Give the runs of segments that each begin with one of this name; what stands before the first is in none."""
        starts = [at for at, one in enumerate(self.segments) if one.name == name]
        return tuple(self.segments[a:b] for a, b in pairwise([*starts, len(self.segments)]))

    def need(self, name: str) -> Segment:
        """Give the first segment of this name; raise MissingValue when there is none."""
        found = self.first(name)
        if found is None:
            raise MissingValue("HUB-1007", where=name, segment=name)
        return found


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def looks_like(data: bytes) -> bool:
    """Say whether bytes begin as a message, a frame mark or a byte order mark before it left aside."""
    return bool(_START.match(data[:64].removeprefix(b"\xef\xbb\xbf").lstrip(_FRAME)))


def split(data: bytes) -> tuple[bytes, ...]:
    """Cut a file into its messages, none lost and none changed: joined they are the file.

    Raises Malformed when no message begins at its head, TooLong beyond MAX_BYTES.
    """
    if len(data) > MAX_BYTES:
        raise TooLong("HUB-1000", where="file", limit=str(MAX_BYTES))
    if not looks_like(data):
        raise Malformed("HUB-1001", where="MSH")
    starts = [match.start() for match in _START.finditer(data)]
    edges = [0, *starts[1:], len(data)]
    return tuple(data[a:b] for a, b in pairwise(edges))


def parse(data: bytes) -> Message:
    """Read one message.

    Raises Malformed (no MSH, broken delimiters, text in no character set, cut off, a line that is no segment), UnknownCode (character set,
    segment name), Unsupported (SS-MIX 1), TooLong (segments, repetitions), each with segment and field. Segments of other standards' chapters and Z segments are kept.
    """
    body = data.removeprefix(b"\xef\xbb\xbf").strip(_FRAME)
    if not _START.match(body):
        raise Malformed("HUB-1001", where="MSH")
    delimiters = _delimiters(body)
    declared = declared_set(body, delimiters)
    try:
        decoded = decode(body, declared)
    except NotInCharset as error:
        rule = "HUB-1004" if error.truncated else "HUB-1003"
        raise Malformed(rule, where=_place(error.text, delimiters)) from error
    segments = tuple(islice(_segments(decoded.text, delimiters), MAX_SEGMENTS + 1))
    if len(segments) > MAX_SEGMENTS:
        raise TooLong("HUB-1019", where=f"line {MAX_SEGMENTS + 1}", limit=str(MAX_SEGMENTS))
    return Message(segments, tuple(_warnings(decoded, delimiters)))


def _delimiters(body: bytes) -> Delimiters:
    separator = body[3:4]
    marks = body[4:].split(separator, 1)[0]
    text = (separator + marks).decode("ascii", errors="replace")
    if not 5 <= len(text) <= 6 or len(set(text)) < len(text) or any(ch.isalnum() or not "!" <= ch <= "~" for ch in text):
        raise Malformed("HUB-1002", where="MSH-2")
    return Delimiters(*text[:5])


def declared_set(body: bytes, delimiters: Delimiters) -> Declared:
    """Read MSH-18 from the header line alone: it is ASCII in every set that may be declared. Raises UnknownCode for any other."""
    line = re.split(rb"[\r\n]", body, maxsplit=1)[0]
    fields = line.split(delimiters.field.encode())
    names = fields[17].decode("ascii", errors="replace").split(delimiters.repetition) if len(fields) > 17 else []
    found: Declared = "iso2022"
    for name in names:
        folded = re.sub(r"\s", "", name).upper()
        if folded not in _charsets():
            raise UnknownCode("HUB-1009", where="MSH-18")
        found = _charsets()[folded] if folded else found
    return found


def _segments(text: str, delimiters: Delimiters) -> Iterator[Segment]:
    counts: dict[str, int] = {}
    for number, line in enumerate(_LINE_END.split(text), start=1):
        if not line.strip():
            continue
        name, rest = line[:3], line[3:]
        if not _NAME.fullmatch(name) or (not rest.startswith(delimiters.field) and rest.strip()):
            raise Malformed("HUB-1005", where=f"line {number}")
        if name not in _names() and not name.startswith("Z"):
            raise UnknownCode("HUB-1006", where=f"line {number}")
        if _names().get(name) == "SS-MIX 1":
            raise Unsupported("HUB-1008", where=f"line {number}")
        counts[name] = counts.get(name, 0) + 1
        if control := _CONTROL.search(line):
            raise Malformed("HUB-1011", where=_in_line(line[: control.start()], name, counts[name], delimiters))
        if line.count(delimiters.repetition) > MAX_REPETITIONS:
            raise TooLong("HUB-1028", where=f"line {number}", limit=str(MAX_REPETITIONS))
        fields = tuple(rest[1:].split(delimiters.field))
        if name == "MSH":
            fields = (delimiters.field, *fields)
        if any(fields):
            yield Segment(name, fields, delimiters, counts[name])


def _warnings(decoded: Decoded, delimiters: Delimiters) -> Iterator[Issue]:
    def warning(rule: str, where: str) -> Issue:
        return Issue(rule, where, code="value", severity="warning")

    if decoded.deviates:
        yield warning("HUB-1012", "MSH-18")
    if decoded.unclosed:
        yield warning("HUB-1013", "MSH-18")
    if decoded.gaiji:
        yield warning("HUB-1014", _place(decoded.text.partition(GAIJI)[0], delimiters))


def _place(before: str, delimiters: Delimiters) -> str:
    """Name segment and field at the end of the text before a fault."""
    lines = _LINE_END.split(before)
    name = lines[-1][:3]
    if not _NAME.fullmatch(name):
        return f"line {len(lines)}"
    return _in_line(lines[-1], name, sum(line[:3] == name for line in lines), delimiters)


def _in_line(before: str, name: str, number: int, delimiters: Delimiters) -> str:
    field = before.count(delimiters.field) + (name == "MSH")
    return Segment(name, (), delimiters, number).at(field)


def _nth(text: str, delimiter: str, n: int) -> str:
    parts = text.split(delimiter)
    return parts[n - 1] if n <= len(parts) else ""


@cache
def _charsets() -> dict[str, Declared]:
    return {row["name"]: cast("Declared", row["declared"]) for row in _rows("charsets")}


@cache
def _names() -> dict[str, str]:
    return {row["name"]: row["standard"] for row in _rows("segments")}


def _rows(table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files("adapters.wire").joinpath(f"hl7_data/{table}.csv").read_text(encoding="utf-8").splitlines()))
