"""What must not be overlooked: severe allergies, anticoagulants, devices, infection, choking, falls, cautions; and the devices in use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import cast

from hub.views.ages import moment
from hub.views.emergency_allergies import Allergies
from hub.views.emergency_drugs import Drug
from hub.views.emergency_read import (
    Shelf,
    codings,
    ended,
    extension,
    has_code,
    line,
    number,
    once,
    reference,
    said,
    text,
    true,
    walk,
    words,
)
from hub.views.emergency_tables import Row, folded_word, keyed, plain, rows
from hub.views.shapes import Chip, Known, Line, Tone

_IN_USE = {"active", "on-hold", "intended", ""}
_FROM_DRUGS = {"anticoagulant", "antiplatelet", "insulin"}
_WOUND = re.compile(r"褥瘡|design-r|pressure (ulcer|injury)")


def alerts(shelf: Shelf, allergic: Allergies, taken: tuple[Drug, ...]) -> tuple[Line, ...]:
    """Give the warnings in the order of alert_kinds.csv, each once; older statements of the same are named in its detail."""
    found = [("allergy", one) for one in allergic.grave]
    found += [
        (row["class"], line(shelf, drug.known, f"{drug.name}を服用中", "drug", detail=drug.dose))
        for drug in taken for row in drug.classes if row["class"] in _FROM_DRUGS
    ]  # fmt: skip
    found += [(row["alert"], _device_line(shelf, one, row)) for one, row in _in_use(shelf) if row is not None and row["alert"]]
    found += _stated(shelf)
    order = keyed("alert_kinds", "kind")
    ranked = sorted(found, key=lambda pair: int(order[pair[0]]["order"]))
    return once(_headed(order[kind], one) for kind, one in ranked)


def _headed(row: Row, one: Line) -> Line:
    tone = cast("Tone", row["tone"])
    return Line(
        one.text, one.when, one.source, one.old, strong=True, chip=Chip(row["chip"], tone), detail=one.detail, reference=one.reference
    )


def _stated(shelf: Shelf) -> Iterator[tuple[str, Line]]:
    """Give what Conditions, Flags and the like state as a warning (alerts.csv); a Flag of no known kind is a caution (注意)."""
    for one in shelf.of("Flag", "Condition", "Procedure", "NutritionOrder", "Observation", "AllergyIntolerance"):
        if not _holds(shelf, one):
            continue
        told = _words(one)
        kind = next((row["kind"] for row in rows("alerts") if one.type in row["types"].split("|") and _fits(one, row, told)), "")
        if not kind and one.type == "Flag" and told and not _administrative(one):
            kind = "caution"
        if kind and told:
            age = {"Flag": "alert-flag", "Condition": "problem", "AllergyIntolerance": "allergy"}.get(one.type, "usual")
            yield kind, line(shelf, one, told, age)


def _holds(shelf: Shelf, one: Known) -> bool:
    if one.type == "Flag":
        return text(one.body, "status") in {"active", ""} and not ended(one, shelf.now)
    if one.type in {"Condition", "AllergyIntolerance"}:
        resolved = has_code(one.body, "clinicalStatus", "resolved", "inactive", "remission")
        return not resolved and not has_code(one.body, "verificationStatus", "refuted") and not has_code(one.body, "category", "care-need")
    if one.type == "Observation":
        return text(one.body, "status") in {"final", "amended", "corrected"} and not _laboratory(one)
    return text(one.body, "status") not in {"revoked", "cancelled", "not-done", "stopped", "draft"}


def _laboratory(one: Known) -> bool:
    return has_code(one.body, "category", "laboratory", "vital-signs")


def _administrative(one: Known) -> bool:
    return has_code(one.body, "category", "admin", "administrative", "oncall-24h") or "24時間" in said(one.body, "code")


def _words(one: Known) -> str:
    if one.type == "NutritionOrder":
        diet = [
            f"{words(c)}"
            for path in ("oralDiet.texture.modifier", "oralDiet.fluidConsistencyType", "oralDiet.type")
            for c in walk(one.body, path)
        ]
        return "・".join(part for part in [*diet, text(one.body, "oralDiet.instruction")] if part)
    if one.type == "Observation":
        value = text(one.body, "valueString") or said(one.body, "valueCodeableConcept")
        return f"{said(one.body, 'code')}：{value}" if value else ""
    return said(one.body, "code")


def _fits(one: Known, row: Row, told: str) -> bool:
    if row["how"] == "icd10":
        icd = [code for concept in walk(one.body, "code") for system, code, _ in codings(concept) if "icd" in system.lower()]
        return any(code.replace(".", "").startswith(row["value"].replace(".", "")) for code in icd)
    folded = plain(told)
    return folded_word(row["value"]) in folded and not any(folded_word(word) in folded for word in row["except"].split("|") if word)


# ── devices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def devices(shelf: Shelf) -> tuple[Line, ...]:
    """Give the devices in use with their settings and next change, then wounds under care."""
    return once([*(_device_line(shelf, one, row) for one, row in _in_use(shelf)), *_wounds(shelf)])


def _in_use(shelf: Shelf) -> list[tuple[Known, Row | None]]:
    """Give the DeviceUseStatements in use, and Devices of the person that no statement speaks of, with their row of devices.csv."""
    found: list[tuple[Known, Row | None]] = []
    spoken_of: set[str] = set()
    for one in shelf.of("DeviceUseStatement"):
        device = shelf.find(next(walk(one.body, "device"), None), one)
        if device is not None:
            spoken_of.add(reference(device))
        stopped = ended(one, shelf.now, "timingPeriod.end") or (device is not None and text(device.body, "status") == "inactive")
        if text(one.body, "status") in _IN_USE and not stopped and _device_name(one, device):
            found.append((one, _device_row(one, device)))
    for one in shelf.of("Device"):
        mine = bool(text(one.body, "patient.reference") or text(one.body, "patient.identifier.value"))
        if mine and reference(one) not in spoken_of and text(one.body, "status") in {"active", ""} and _device_name(one, one):
            found.append((one, _device_row(one, one)))
    return found


def _device_name(one: Known, device: Known | None) -> str:
    if device is None:
        return text(one.body, "device.display") or said(one.body, "reasonCode")
    return text(device.body, "deviceName.name") or said(device.body, "type") or text(one.body, "device.display")


def _device_row(one: Known, device: Known | None) -> Row | None:
    codes = [code for concept in walk(device.body if device else {}, "type") for _, code, _ in codings(concept)]
    names = plain(f"{_device_name(one, device)} {said(device.body, 'type') if device else ''}")
    for row in rows("devices"):
        if (row["code"] and row["code"] in codes) or any(plain(word) in names for word in row["text"].split("|")):
            return row
    return None


def _device_line(shelf: Shelf, one: Known, row: Row | None) -> Line:
    device = one if one.type == "Device" else shelf.find(next(walk(one.body, "device"), None), one)
    name = _device_name(one, device)
    body = device.body if device else {}
    parts = [name, *_settings(one.body), *(_settings(body) if device is not one else ())]
    known_power = any(
        true(e, "valueBoolean")
        for source in (one.body, body)
        for e in extension(source, ("power-dependent", "powerDependent", "device-power"))
    )
    details = [_site(one), _vendor(one.body) or _vendor(body), "電源が要ります" if known_power else ""]
    kind = "device-implant" if row is not None and row["implant"] else "device"
    made = line(
        shelf, one, " ".join(dict.fromkeys(part for part in parts if part)), kind, detail="　".join(part for part in details if part)
    )
    change = _next_change(shelf, one.body) or _next_change(shelf, body)
    return Line(f"{made.text}{change}", made.when, made.source, made.old, made.strong, made.chip, made.detail, made.reference)


def _settings(body: object) -> Iterator[str]:
    for one in walk(body, "property"):
        amount = f"{number(one, 'valueQuantity.value')} {text(one, 'valueQuantity.unit') or text(one, 'valueQuantity.code')}".strip()
        value = amount or said(one, "valueCode")
        if value:
            yield value
    for one in extension(body, ("device-setting", "setting")):
        yield text(one, "valueString")
    for note in walk(body, "note"):
        yield text(note, "text")


def _site(one: Known) -> str:
    return said(one.body, "bodySite")


def _vendor(body: object) -> str:
    for one in extension(body, ("device-vendor-tel", "vendor-tel", "vendorTel")):
        if text(one, "valueString"):
            return f"業者 {text(one, 'valueString')}"
    phone = next((text(one, "value") for one in walk(body, "contact") if text(one, "system") == "phone"), "")
    return f"業者 {phone}" if phone else ""


def _next_change(shelf: Shelf, body: object) -> str:
    for one in extension(body, ("device-next-due", "next-due", "nextDue")):
        due = moment(text(one, "valueDate") or text(one, "valueDateTime"))
        if due is not None:
            late = "・予定日を過ぎています" if due.start.date() < shelf.now.date() else ""
            return f"（交換 {due.start:%m-%d}{late}）"
    return ""


def _wounds(shelf: Shelf) -> Iterable[Line]:
    seen: set[str] = set()
    for one in shelf.of("Observation"):
        name = said(one.body, "code")
        if not _WOUND.search(name.casefold()):
            continue
        site = said(one.body, "bodySite")
        if site not in seen:
            seen.add(site)
            total = number(one.body, "valueQuantity.value") or number(one.body, "valueInteger")
            value = total or text(one.body, "valueString") or said(one.body, "valueCodeableConcept")
            yield line(shelf, one, " ".join(part for part in (name, site, value) if part), "usual")
