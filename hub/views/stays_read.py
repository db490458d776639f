"""Reads Encounters as statements about hospital stays (入院): what one message or one FHIR version says, with the times that put it in order.

A hospital's messages (ADT) carry facts beside the resource: event, undo, occurred, sent, control, stay. Encounters that came as FHIR have
none; there each version is a statement at the sender's `meta.lastUpdated`, else at the time of its recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from hub.views.ages import JST, Moment, moment
from hub.views.emergency_read import codings, extension, has_code, reference, said, text, walk, words
from hub.views.shapes import Known
from hub.views.stays_tables import keyed, rows

INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})
"""v3-ActCode classes that are stays; HH, AMB, EMER, SS (短期入所) and the rest are not."""
_PLANNED_END = ("extension-Encounter.plannedEndDate", "planned-end", "plannedEndDate")
_PLANNED_START = ("extension-Encounter.plannedStartDate", "planned-start", "plannedStartDate")


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement about a stay. `effect` is a row of events.csv; empty for a FHIR version, which speaks of the whole stay."""

    custodian: str
    source: str
    patient: str
    reference: str
    """`Encounter/id` of the resource that says it."""
    event: str
    effect: str
    undo: bool
    occurred: Moment | None
    sent: datetime
    control: str
    stay: str
    """Key of the stay; empty when the message cannot name it."""
    body: Mapping[str, Any]
    named: str = ""
    """Opaque name of the Patient, the same for every asker."""

    @property
    def told(self) -> tuple[datetime, bool, str]:
        """Give the place in the order in which the sender told it: at one instant, what takes back comes after what it takes back."""
        return self.sent, self.undo, self.control

    @property
    def happened(self) -> tuple[datetime, datetime, bool, str]:
        """Give the place in the order of what happened: occurred, sent, control."""
        return self.occurred.start if self.occurred else self.sent, *self.told


@dataclass(frozen=True, slots=True)
class Names:
    """Names of what Encounters point to, by reference: wards and diagnoses."""

    places: Mapping[str, str]
    conditions: Mapping[str, str]


def pieces(known: Iterable[Known]) -> list[Piece]:
    """Read the statements about stays, each once."""
    found: dict[tuple[Any, ...], Piece] = {}
    for one in known:
        made = _piece(one) if one.type == "Encounter" else None
        if made is None:
            continue
        key = (made.custodian, made.patient, made.stay, made.event, made.undo, made.occurred, made.sent, made.control)
        if key not in found or _smaller(made, found[key]):
            found[key] = made
    return list(found.values())


def _smaller(one: Piece, other: Piece) -> bool:
    """Choose between two messages of one number and time by their text, so that the order of arrival does not decide."""
    if one.body == other.body:
        return one.reference < other.reference
    return _canonical(one.body) < _canonical(other.body)


def _canonical(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps({name: part for name, part in body.items() if name != "meta"}, option=orjson.OPT_SORT_KEYS)


def _piece(one: Known) -> Piece | None:
    facts, body = one.facts, one.body
    row = keyed("events", "event").get(facts.get("event", "")) if facts else None
    if row is None and (facts.get("event") or text(body, "class.code") not in INPATIENT or _is_part(body)):
        return None
    patient = text(body, "subject.reference")
    if row is None:
        sent = moment(text(body, "meta.lastUpdated"))
        return Piece(
            one.custodian, one.source, patient, reference(one), "", "", undo=False, occurred=moment(text(body, "period.start")),
            sent=sent.start if sent else one.recorded.astimezone(JST), control=f"{one.version:09}", stay=reference(one), body=body, named=one.patient,
        )  # fmt: skip
    occurred = _occurred(facts)
    sent = moment(facts.get("sent", ""))
    at = sent.start if sent else occurred.start if occurred else one.recorded.astimezone(JST)
    undo = row["undo"] == "yes" or facts.get("undo") == "yes"
    return Piece(
        one.custodian, one.source, patient, reference(one), facts["event"], row["effect"], undo=undo, occurred=occurred,
        sent=at, control=facts.get("control", ""), stay=facts.get("stay", ""), body=body, named=one.patient,
    )  # fmt: skip


def _occurred(facts: Mapping[str, str]) -> Moment | None:
    """Give when it happened, no more precise than the message was (`precision`): a day stays a day."""
    found = moment(facts.get("occurred", ""))
    known = facts.get("precision", "")
    if found is None or found.precision != "time" or known not in {"year", "month", "day"}:
        return found
    return Moment(found.start, "year" if known == "year" else "month" if known == "month" else "day")


def _is_part(body: Mapping[str, Any]) -> bool:
    """Say whether an Encounter is a part of another (a ward's leg of a stay): the whole speaks for it."""
    return bool(text(body, "partOf.reference"))


# ── what a body says ─────────────────────────────────────────────────────────────────────────────────────────────────


def begins(body: Mapping[str, Any]) -> Moment | None:
    """Give the start of the period."""
    return moment(text(body, "period.start"))


def ends(body: Mapping[str, Any]) -> Moment | None:
    """Give the end of the period."""
    return moment(text(body, "period.end"))


def planned_start(body: Mapping[str, Any]) -> Moment | None:
    """Give the planned start that an extension tells (R5 `plannedStartDate`)."""
    return _extended(body, _PLANNED_START)


def planned_end(body: Mapping[str, Any]) -> Moment | None:
    """Give the planned end that an extension tells (R5 `plannedEndDate`)."""
    return _extended(body, _PLANNED_END)


def _extended(body: Mapping[str, Any], names: tuple[str, ...]) -> Moment | None:
    for one in extension(body, names):
        for path in ("valueDateTime", "valueDate", "valueInstant"):
            if found := moment(text(one, path)):
                return found
    return None


def ward(body: Mapping[str, Any], places: Mapping[str, str]) -> str:
    """Say where the person lies now: the ward (病棟) of the locations not left. `places` are the names of known Locations by reference."""
    found = [
        one
        for one in walk(body, "location")
        if isinstance(one, Mapping) and text(one, "status") not in {"completed", "planned", "reserved"}
    ]
    return _ward_of(found, body, places)


def left_ward(body: Mapping[str, Any], places: Mapping[str, str]) -> str:
    """Say which ward a message left: of the locations marked as completed (PV1-6 of a move, PV1-3 of a discharge)."""
    return _ward_of(
        [one for one in walk(body, "location") if isinstance(one, Mapping) and text(one, "status") == "completed"], body, places
    )


def _ward_of(found: Sequence[Mapping[str, Any]], body: Mapping[str, Any], places: Mapping[str, str]) -> str:
    """Take the last location marked as a ward, else the last not marked as room or bed, else the last; of `病棟 3E　病室 301` the first part."""
    if len(found) > 1:
        found = (
            [one for one in found if has_code(one, "physicalType", "wa")]
            or [one for one in found if not has_code(one, "physicalType", "ro", "bd")]
            or found
        )
    return next((shown.partition("　")[0] for one in reversed(found) if (shown := _place(one, body, places))), "")


def locations(body: Mapping[str, Any], places: Mapping[str, str]) -> Iterator[tuple[str, Moment | None]]:
    """Give the wards of a FHIR Encounter in their order, with their beginnings."""
    for one in walk(body, "location"):
        if (
            isinstance(one, Mapping)
            and text(one, "status") not in {"planned", "reserved"}
            and not has_code(one, "physicalType", "ro", "bd")
        ):
            shown = _place(one, body, places)
            if shown:
                yield shown, begins(one)


def leave_until(body: Mapping[str, Any]) -> Moment | None:
    """Give when the person means to be back from a leave (PV2-47): the end of a location's period."""
    return next((at for one in walk(body, "location") if (at := ends(one))), None)


def words_of_condition(body: Mapping[str, Any]) -> str:
    """Say a diagnosis; empty when it was refuted or entered in error."""
    return "" if has_code(body, "verificationStatus", "refuted", "entered-in-error") else said(body, "code")


def _place(one: Mapping[str, Any], body: Mapping[str, Any], places: Mapping[str, str]) -> str:
    told = text(one, "location.display")
    if told:
        return told
    target = text(one, "location.reference")
    if target.startswith("#"):
        inside = next((inner for inner in walk(body, "contained") if text(inner, "id") == target[1:]), None)
        return text(inside, "name") or text(inside, "identifier.value")
    return places.get(target, "") or text(one, "location.identifier.value")


def reason(body: Mapping[str, Any], conditions: Mapping[str, str]) -> str:
    """Say why the person is in hospital: the reason's words, else the diagnosis; empty when none was told or released."""
    told = [said(body, "reasonCode")]
    told += [conditions.get(text(one, "reference"), "") for one in walk(body, "reasonReference")]
    told += [text(one, "condition.display") or conditions.get(text(one, "condition.reference"), "") for one in walk(body, "diagnosis")]
    return next((one for one in told if one), "")


def disposition(body: Mapping[str, Any]) -> tuple[str, str]:
    """Give the words and the group (home, hospital, facility, died, other) of where the person went; empty when not told."""
    for concept in walk(body, "hospitalization.dischargeDisposition"):
        row = next((keyed("dispositions", "code")[code] for _, code, _ in codings(concept) if code in keyed("dispositions", "code")), None)
        own = words(concept)
        if row is not None:
            return (row["words"] if own.isascii() else own), row["group"]
        if own:
            return own, "other"
    return "", ""


def came_by_transfer(body: Mapping[str, Any]) -> bool:
    """Say whether the source of admission tells that the person came from another hospital (転院)."""
    told = {(system, code) for concept in walk(body, "hospitalization.admitSource") for system, code, _ in codings(concept)}
    return any((row["system"], row["code"]) in told for row in rows("admit_sources") if row["transfer"])


def urgency(body: Mapping[str, Any]) -> str:
    """Say whether a FHIR Encounter tells that the admission was an emergency or planned; empty when it does not."""
    if has_code(body, "priority", "EM", "UR", "S", "EMER"):
        return "emergency"
    return "planned" if has_code(body, "priority", "EL", "R") else ""


def window(body: Mapping[str, Any]) -> str:
    """Say whom to call at the hospital about the stay (連携の窓口): a participant marked as contact; empty when none is."""
    for one in walk(body, "participant"):
        told = said(one, "type")
        if has_code(one, "type", "CALLBCK") or any(word in told for word in ("窓口", "連携", "相談員")):
            return text(one, "individual.display")
    return ""
