"""A message whose header is understood: who sent it, of which kind it is, when, about whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.hospital.fields import clean
from adapters.hospital.file_name import FileName
from adapters.hospital.tables import Row, rows
from adapters.wire.hl7_time import Stamp, read_stamp
from adapters.wire.hl7v2 import Message, Segment
from schemas.errors import BrokenRule, Issue, Unsupported

_INSTITUTION = re.compile("[0-4][0-9][1-3][0-9]{7}")
"""Ten digits: prefecture, table of points (点数表), seven digits (jp-core §8.1). Anything else in MSH-4 is a name and judged by nobody."""
_INJECTION = "99I02"
_NOTES = 50
"""Warnings of one message at most: the next ones say nothing new."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the header and PID-3 say. `kind` is a row of kinds.csv; `notes` gathers warnings while the message is converted."""

    message: Message
    kind: Row
    sender: str
    control: str
    sent: Stamp
    patient: str
    file: FileName | None
    notes: list[Issue] = field(default_factory=list)

    @property
    def event(self) -> str:
        """Give the trigger event, `A01`."""
        return self.kind["event"]

    def note(self, rule: str, where: str, **words: str) -> None:
        """Add a warning, once: the message is taken, and somebody should know this of it."""
        issue = Issue(rule, where, words, code="value", severity="warning")
        if len(self.notes) < _NOTES and issue not in self.notes:
            self.notes.append(issue)

    def stamp(self, segment: Segment | None, place: int) -> Stamp | None:
        """Read a time; None when the field is empty. Raises BadValue; notes an hour beyond 23."""
        text = clean(segment[place, 1]) if segment else ""
        if segment is None or not text:
            return None
        found = read_stamp(text, where=segment.at(place))
        if found.late:
            self.note("HUB-1016", segment.at(place))
        return found

    def file_day(self) -> Stamp | None:
        """Give 診療日 of the file's name, which is the day of the event where kinds.csv names a field (hospital facts §1.4)."""
        return read_stamp(self.file.day, where="file name") if self.file and self.file.day else None


def occurred(heard: Heard) -> Stamp:
    """Say when the thing happened: the field that kinds.csv names, else EVN-6, the day of the file's name, EVN-2, MSH-7."""
    name, _, place = heard.kind["occurred"].partition("-")
    event = heard.message.first("EVN")
    return (
        (heard.stamp(heard.message.first(name), int(place)) if name else None)
        or heard.stamp(event, 6)
        or (heard.file_day() if name else None)
        or heard.stamp(event, 2)
        or heard.sent
    )


def facts(heard: Heard) -> Mapping[str, str]:
    """Give what views need to put messages in order; times are ISO 8601 with +09:00, a day without time stays a day."""
    return {
        "event": heard.event,
        "kind": heard.kind["kind"],
        "undo": heard.kind["undo"],
        "occurred": occurred(heard).fhir,
        "sent": heard.sent.iso,
        "control": heard.control,
    }


def hear(message: Message, sender: str, file: FileName | None) -> Heard:
    """Understand a header.

    Raises MissingValue, BadValue, Unsupported (version, kind of message), BrokenRule (another institution, a message for practice, two
    persons), each at its field.
    """
    header = message.need("MSH")
    kind = _kind(message, header, file)
    control = header.need(10)
    sent = read_stamp(header.need(7), where="MSH-7")
    _judge(header, sender)
    pid = _person(message)
    heard = Heard(message, kind, sender, control, sent, pid, file, list(message.warnings))
    _compare(heard)
    return heard


def _kind(message: Message, header: Segment, file: FileName | None) -> Row:
    """Find the row of kinds.csv; where several kinds share one event the file's name decides, then the drugs' form."""
    kind, event = header.need(9), header.need(9, 2)
    found = [row for row in rows("kinds") if (row["type"], row["event"]) == (kind, event)]
    if not found:
        raise Unsupported("HUB-1021", where="MSH-9")
    named = [row for row in found if file and row["kind"] == file.kind]
    if named or len(found) == 1:
        return (named or found)[0]
    injected = bool(message.all("RXC")) or any(clean(one[2, 3]) == _INJECTION for one in message.all("RXE"))
    return found[1] if injected else found[0]


def _judge(header: Segment, sender: str) -> None:
    if not header.need(12).startswith("2."):
        raise Unsupported("HUB-1022", where="MSH-12")
    if clean(header[11, 1]) not in {"P", ""}:
        raise BrokenRule("HUB-1023", where="MSH-11")
    for component in (1, 2):
        code = clean(header[4, component])
        if _INSTITUTION.fullmatch(code) and code != sender:
            raise BrokenRule("HUB-1024", where="MSH-4")


def _person(message: Message) -> str:
    """Give the patient number exactly as sent: PID-3.1 of the repetition of type PI, else of the first."""
    message.need("PID")
    first, *others = message.all("PID")
    if others:
        raise BrokenRule("HUB-1025", where=others[0].at(3))
    numbers = [rep for rep in first.each(3) if clean(rep[1])]
    if not numbers:
        first.need(3)
    own = [rep for rep in numbers if clean(rep[5]) == "PI"]
    return clean((own or numbers)[0][1])


def _compare(heard: Heard) -> None:
    """Warn where the file's name and the message differ: public samples do, so it is no ground for refusal (hospital facts §5.1 row 20)."""
    if heard.file is None:
        return
    if heard.file.patient != heard.patient:
        heard.note("HUB-1030", "PID-3")
    if heard.file.kind != heard.kind["kind"]:
        heard.note("HUB-1031", "MSH-9")
    if (heard.file.flag == "0") != bool(heard.kind["undo"]) and heard.kind["type"] == "ADT":
        heard.note("HUB-1032", "file name")
