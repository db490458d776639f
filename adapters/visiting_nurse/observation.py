"""Rows of `vn_observation.csv` → Observations in LOINC and MEDIS codes and UCUM units; the two pressures of one moment are one panel."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from adapters.visiting_nurse.elements import OBSERVATION, PROFILE, TERMS, fhir_time, quantity, station
from adapters.visiting_nurse.encounter import staff
from adapters.visiting_nurse.measure import DERIVED, Measure, keys
from adapters.visiting_nurse.nursing import CATEGORY
from adapters.visiting_nurse.visit import Visit
from adapters.wire.csv_layout import read_codes
from adapters.wire.elements import Body, coding, concept
from schemas.adapter import BASE, Draft

LAYOUT = "vn_observation"
_LOINC = "http://loinc.org"
_MEDIS = "http://medis.or.jp/CodeSystem/master-nursingObservationKeyCode"
_ABSENT = f"{TERMS}data-absent-reason"
_PRESSURE = concept(coding(_LOINC, "85354-9"), coding(_MEDIS, "31002365"), coding(OBSERVATION, "bp", "血圧"), text="血圧")
_VITAL = concept(coding(f"{TERMS}observation-category", "vital-signs"))
_PROFILES = {"vital-signs": "JP_Observation_VitalSigns", "body-measurement": "JP_Observation_BodyMeasurement"}
"""The rest are JP_Observation_Common: a finger-stick glucose has no specimen that JP_Observation_LabResult would demand."""


def measured(visit: Visit, measures: list[Measure]) -> Iterator[Draft]:
    """Give the measurements of one visit, in the order of the rows; scores that the hub reckons itself are left out."""
    own = [one for one in measures if one.key not in DERIVED]
    partner = dict(_pairs(own))
    seconds = {id(second) for second in partner.values()}
    for one in own:
        if id(one) in seconds:
            continue
        if one.key in {"sbp", "dbp"}:
            yield _pressure(visit, one, partner.get(id(one)))
        else:
            yield _single(visit, one)


def pairs(measures: list[Measure]) -> Iterator[tuple[Measure, Measure]]:
    """Give (systolic, diastolic) of the same moment, posture and place, in the order of the rows."""
    low: dict[tuple[str, str, str], deque[Measure]] = {}
    for one in measures:
        if one.key == "dbp":
            low.setdefault(_moment(one), deque()).append(one)
    for high in measures:
        if high.key == "sbp" and (fitting := low.get(_moment(high))):
            yield high, fitting.popleft()


def _pairs(measures: list[Measure]) -> Iterator[tuple[int, Measure]]:
    for high, low in pairs(measures):
        yield id(high), low


def _moment(one: Measure) -> tuple[str, str, str]:
    return one.row["taken_at"], one.row["posture"], one.row["body_site"]


def _pressure(visit: Visit, first: Measure, second: Measure | None) -> Draft:
    """Make the panel with both components; one that was not measured is said to be absent (FHIR R4 vital signs: bp)."""
    by_key = {one.key: one for one in (first, second) if one is not None}
    components = [
        {"code": _code(key), **(_value(by_key[key]) if key in by_key else {"dataAbsentReason": concept(coding(_ABSENT, "unknown"))})}
        for key in ("sbp", "dbp")
    ]
    notes = dict.fromkeys(one.row["note"] for one in by_key.values() if one.row["note"])
    return _observation(visit, first, {
        "code": _PRESSURE,
        "component": [*components, *_circumstances(first)],
        "note": [{"text": note} for note in notes],
    })  # fmt: skip


def _single(visit: Visit, one: Measure) -> Draft:
    return _observation(visit, one, {
        "code": _code(one.key),
        **_value(one),
        "component": _circumstances(one),
        "note": [{"text": one.row["note"]}] if one.row["note"] else [],
    })  # fmt: skip


def _observation(visit: Visit, one: Measure, told: Body) -> Draft:
    row, category = one.row, keys()[one.key]["category"]
    when: Body = {"effectiveDateTime": fhir_time(row["taken_at"])} if row["taken_at"] else {"effectivePeriod": visit.period()}
    categories = [concept(coding(CATEGORY, category)), *([_VITAL] if category in _PROFILES else [])]
    return visit.draft("Observation", visit.key("obs", row["obs_id"]), {
        "meta": {"profile": [f"{PROFILE}{_PROFILES.get(category, 'JP_Observation_Common')}"]},
        "identifier": [{"system": f"{BASE}/sid/vn-observation/{visit.row['station_code']}", "value": visit.key("obs", row["obs_id"])}],
        "status": visit.status("final"),
        "category": categories,
        "subject": visit.subject(),
        "encounter": visit.encounter(),
        **when,
        "performer": [staff(visit), station(visit.row["station_code"])],
        "bodySite": {"text": row["body_site"]} if row["body_site"] else {},
        "method": {"text": row["method"]} if row["method"] else {},
        **told,
    }, LAYOUT)  # fmt: skip


def _code(key: str) -> Body:
    row = keys()[key]
    shown = read_codes("adapters.visiting_nurse", "data/codes.csv")["key"][key]
    codings = [coding(_LOINC, code) for code in row["loinc"].split("|") if code]
    codings += [coding(_MEDIS, row["medis"])] if row["medis"] else []
    return concept(*codings, coding(OBSERVATION, key, shown), text=shown)


def _value(one: Measure) -> Body:
    row = one.row
    if row["absent_reason"]:
        return {"dataAbsentReason": concept(coding(_ABSENT, row["absent_reason"]))}
    if one.stage is not None:
        code, words = one.stage
        return {"valueCodeableConcept": concept(coding(f"{BASE}/CodeSystem/{one.key}", code), text=words)}
    key = keys()[one.key]
    return {"valueQuantity": quantity(row["value"], key["unit"], key["shown"])}


def _circumstances(one: Measure) -> list[Body]:
    """Give what the value has to be read with: oxygen, its flow and device, the SpO₂ scale, the posture."""
    row = one.row

    def part(key: str, shown: str, value: Body) -> Body:
        return {"code": concept(coding(OBSERVATION, key, shown), text=shown), **value}

    found: list[Body] = []
    if row["o2_on"]:
        found.append(part("o2_on", "酸素吸入", {"valueBoolean": row["o2_on"] == "1"}))
    if row["o2_flow"]:
        found.append({"code": _code("o2_flow"), "valueQuantity": quantity(row["o2_flow"], "L/min", "L/分")})
    if row["o2_device"]:
        found.append(part("o2_device", "酸素の器具", {"valueString": row["o2_device"]}))
    if row["spo2_scale"]:
        found.append(part("spo2_scale", "SpO2 スケール（NEWS2）", {"valueInteger": int(row["spo2_scale"])}))
    if row["posture"]:
        found.append(part("posture", "体位", {"valueString": row["posture"]}))
    return found
