"""A hospital's file → conversion: cut into messages, each heard, then told by the function for its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from adapters.hospital.allergy_list import allergy_list
from adapters.hospital.basics import basics
from adapters.hospital.encounter import stay
from adapters.hospital.file_name import read_file_name
from adapters.hospital.heard import Heard, facts, hear, occurred
from adapters.hospital.prescription import prescriptions
from adapters.hospital.problem import problems
from adapters.wire.hl7v2 import looks_like, parse, split
from schemas.adapter import Conversion, Draft, Part, RefusedPart, Wire
from schemas.errors import BadInput, Unsupported

KINDS: Mapping[str, Callable[[Heard], Iterator[Draft]]] = {
    "ADT-00": basics,
    "ADT-22": stay,
    "ADT-52": stay,
    "ADT-61": allergy_list,
    "PPR-01": problems,
    "OMP-01": prescriptions,
}
"""Kind of message → the function that gives its resources. A kind that is not here is refused by its name."""
_UNKNOWN = "HL7 v2"
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class HospitalAdapter:
    """The source `hospital`."""

    name: str = "hospital"

    def claims(self, wire: Wire) -> bool:
        """Say whether the name is that of an SS-MIX2 file or the bytes begin with MSH; never raises."""
        return read_file_name(wire.name) is not None or looks_like(wire.data)

    def convert(self, wire: Wire) -> Conversion:
        """Turn messages into resources, each for itself; raise Malformed or TooLong when there is no message at all."""
        file = read_file_name(wire.name)
        parts: list[Part] = []
        refused: list[RefusedPart] = []
        layouts: set[str] = set()
        line = 1
        for raw in split(wire.data):
            try:
                heard = hear(parse(raw), wire.sender, file)
                layouts.add(heard.kind["kind"])
                parts.append(_tell(heard, raw))
            except BadInput as error:
                refused.append(RefusedPart(raw, error.issues, rows=(line,)))
            line += len(_LINE_END.findall(raw))
        layout = layouts.pop() if len(layouts) == 1 else file.kind if file else _UNKNOWN
        return Conversion(layout, tuple(parts), tuple(refused))


def _tell(heard: Heard, raw: bytes) -> Part:
    tell = KINDS.get(heard.kind["kind"])
    if tell is None:
        raise Unsupported("HUB-1020", where="MSH-9", kind=heard.kind["kind"], event=heard.event, name=heard.kind["name"])
    drafts = _once(heard, tell(heard))
    control = f"{heard.control}|{heard.message.need('MSH').need(7)}"
    return Part(heard.patient, raw, drafts, control, occurred=occurred(heard).at, warnings=tuple(heard.notes))


def _once(heard: Heard, drafts: Iterator[Draft]) -> tuple[Draft, ...]:
    """Keep the first draft of each key, and what repeats it is noted; the facts of the message are added to each draft's own."""
    common = facts(heard)
    found: dict[tuple[str, str], Draft] = {}
    for draft in drafts:
        if (draft.type, draft.key) in found:
            heard.note("HUB-1035", draft.type, type=draft.type)
        found.setdefault((draft.type, draft.key), replace(draft, facts={**common, **draft.facts}))
    return tuple(found.values())
