"""Segments from plain texts, and their bytes as they are stored; the way back from `hl7v2.parse`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from adapters.wire.charset_ja import encode
from adapters.wire.hl7_escapes import Delimiters, escaped
from adapters.wire.hl7v2 import Segment, declared_set

Value = str | Sequence["str | Sequence[str]"]
"""One repetition: a text, or components, each a text or subcomponents."""


def build(name: str, fields: Mapping[int, Value | list[Value]], delimiters: Delimiters | None = None) -> Segment:
    """Make a segment from plain texts: field number → text, tuple of components, or list of repetitions.

    MSH-1 and MSH-2 are set from the delimiters.
    """
    marks = delimiters or Delimiters()
    texts = {number: _joined(value, marks) for number, value in fields.items()}
    if name == "MSH":
        texts |= {1: marks.field, 2: marks.encoding}
    return Segment(name, tuple(texts.get(number, "") for number in range(1, max(texts, default=0) + 1)), marks)


def _joined(value: Value | list[Value], marks: Delimiters) -> str:
    if isinstance(value, list):
        return marks.repetition.join(_joined(one, marks) for one in value)
    if isinstance(value, str):
        return escaped(value, marks)
    components = ([one] if isinstance(one, str) else one for one in value)
    return marks.component.join(marks.subcomponent.join(escaped(text, marks) for text in subs) for subs in components)


def write(segments: Iterable[Segment]) -> bytes:
    """Write segments as stored: CR after each, text in the set that MSH-18 names, each component closing its own escapes.

    Raises charset_ja.NotInCharset at a character that has no place in the set, UnknownCode for an unknown name in MSH-18.
    """
    lines = list(segments)
    text = "".join(_line(one) + "\r" for one in lines)
    utf8 = declared_set(text.encode("utf-8"), lines[0].delimiters) == "utf-8"
    return text.encode("utf-8") if utf8 else encode(text)


def _line(one: Segment) -> str:
    fields = one.fields[1:] if one.name == "MSH" else one.fields
    return one.delimiters.field.join((one.name, *fields))
