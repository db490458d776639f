"""SS-MIX2 storage of a hospital: ADT-00, ADT-22, ADT-52 and their cancellations as HL7 v2.5 files in their tree (SS-MIX2 Ver.1.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from hub.demo.region.clock import Clock, stamp
from hub.demo.region.people import Case, Person
from hub.demo.region.tables import code

_ORDERLESS = "9" * 15
_SEX = {"female": "F", "male": "M"}
_STRUCTURE = {"A08": "ADT_A01", "A01": "ADT_A01", "A11": "ADT_A09", "A03": "ADT_A03", "A13": "ADT_A01"}
_KIND = {"A08": "ADT-00", "A01": "ADT-22", "A11": "ADT-22", "A03": "ADT-52", "A13": "ADT-52"}
_UNDO = {"A11", "A13"}


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of the storage: its path below the root, and its bytes in ISO-2022-JP."""

    path: PurePosixPath
    data: bytes
    sent: datetime


def storage(case: Case, hospital: str, clock: Clock) -> Iterator[Stored]:
    """Give what a hospital has stored of a person, in the order of the messages: basic data first, then each stay."""
    stays = [stay for stay in case.part("stays") if stay["hospital"] == hospital]
    first = min((clock.at(stay["in"]) for stay in stays), default=clock.at("-400d 09:20"))
    yield basics(case, hospital, first - timedelta(days=30, minutes=12))
    for stay in stays:
        admitted = clock.at(stay["in"])
        undone = stay.get("cancelled")
        yield admission(case.person, hospital, stay, admitted, admitted + timedelta(minutes=14), flag="0" if undone else "1")
        if undone:
            yield movement(case.person, hospital, "A11", stay, admitted, None, clock.at(undone))
        if out := stay.get("out"):
            yield movement(case.person, hospital, "A03", stay, admitted, clock.at(out), clock.at(out) + timedelta(minutes=9))


def basics(case: Case, hospital: str, sent: datetime) -> Stored:
    """Make ADT^A08: who the person is, and the family as the hospital knows it (NK1)."""
    person, family = case.person, case.spec.get("hospital_family", ())
    pv1 = {1: "0001", 2: "O", 3: "01^^^^^C"}
    lines = [_pid(person, hospital, sent, whole=True), *(_nk1(i, one) for i, one in enumerate(family, 1)), _segment("PV1", pv1)]
    return _stored(person, hospital, "A08", sent, {}, lines, day="-", department="-", flag="1")


def admission(person: Person, hospital: str, stay: Mapping[str, Any], admitted: datetime, sent: datetime, *, flag: str = "1") -> Stored:
    """Make ADT^A01: the stay has begun. `stay`: ward (`3E^312^1`), department, doctor."""
    lines = [_pid(person, hospital, sent, whole=True), _pv1(stay, admitted, None)]
    return _stored(person, hospital, "A01", sent, {}, lines, day=stamp(admitted, to="day"), department=stay["department"], flag=flag)


def movement(
    person: Person, hospital: str, event: str, stay: Mapping[str, Any], admitted: datetime, left: datetime | None, sent: datetime
) -> Stored:
    """Make a discharge (A03), or take back an admission (A11) or a discharge (A13)."""
    more = {4: "02"} if event in _UNDO else {6: stamp(left or sent)}
    lines = [_pid(person, hospital, sent), _pv1(stay, admitted, left)]
    day = stamp(left or admitted, to="day")
    return _stored(person, hospital, event, sent, more, lines, day=day, department=stay["department"], flag="0" if event in _UNDO else "1")


# ── segments ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _segment(name: str, fields: Mapping[int, str]) -> str:
    return "|".join([name, *(fields.get(i, "") for i in range(1, max(fields) + 1))])


def _msh(hospital: str, event: str, sent: datetime, control: str) -> str:
    fields = {
        2: "^~\\&", 3: "HIS001", 4: code(hospital), 5: "GW", 6: "SSMIX2", 7: stamp(sent), 9: f"ADT^{event}^{_STRUCTURE[event]}", 10: control,
        11: "P", 12: "2.5", 18: "~ISO IR87", 20: "ISO 2022-1994", 21: "SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO",
    }  # fmt: skip
    return "MSH" + "|".join([fields.get(i, "") for i in range(1, 22)])


def _pid(person: Person, hospital: str, sent: datetime, *, whole: bool = False) -> str:
    kanji = f"{person.family}^{person.given}^^^^^L^I"
    fields = {
        1: "0001", 3: f"{person.numbers[hospital]}^^^^PI", 5: f"{kanji}~{person.family_kana}^{person.given_kana}^^^^^L^P",
        7: person.birth.strftime("%Y%m%d"), 8: _SEX[person.sex],
    }  # fmt: skip
    if whole:
        fields[11] = f"^^^^{person.postal}^JPN^H^{person.address}"
        fields[13] = _phone(person.phone, "PRN") if person.phone else ""
        fields[33] = stamp(sent)
    return _segment("PID", fields)


def _phone(number: str, use: str) -> str:
    return f"^{use}^{'CP' if number.startswith('0') and number[2] == '0' else 'PH'}^^^^^^^^^{number}"


def _nk1(index: int, one: Mapping[str, str]) -> str:
    name = f"{one['family']}^{one['given']}^^^^^L^I"
    return _segment("NK1", {1: str(index), 2: name, 3: f"{one['code']}^{one['relation']}^HL70063", 5: _phone(one["phone"], "PRS")})


def _pv1(stay: Mapping[str, Any], admitted: datetime, left: datetime | None) -> str:
    number, family, given = stay["doctor"]
    doctor = f"{number}^{family}^{given}^^^^^^^L^^^^^I"
    fields = {1: "0001", 2: "I", 3: f"{stay['ward']}^^^N", 7: doctor, 10: stay["department"], 17: doctor, 44: stamp(admitted)}
    if left:
        fields |= {36: stay.get("disposition", "01"), 45: stamp(left)}
    return _segment("PV1", fields)


def _stored(
    person: Person, hospital: str, event: str, sent: datetime, more: Mapping[int, str], lines: list[str], *, day: str, department: str, flag: str
) -> Stored:
    number, kind = person.numbers[hospital], _KIND[event]
    control = f"{stamp(sent)}{int(number) % 1_000_000:06}"
    event_line = _segment("EVN", {2: stamp(sent), **more, 7: code(hospital)})
    text = "".join(f"{line}\r" for line in [_msh(hospital, event, sent, control), event_line, *lines])
    name = f"{number}_{day}_{kind}_{_ORDERLESS}_{stamp(sent)}000_{department}_{flag}"
    return Stored(PurePosixPath(number[:3], number[3:6], number, day, kind, name), text.encode("iso2022_jp"), sent)
