"""SS-MIX2 storage of a hospital: ADT-00, ADT-22, ADT-52 and the cancellation of a stay as HL7 v2.5 files in their tree (SS-MIX2 Ver.1.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from hub.demo.region.clock import Clock, stamp
from hub.demo.region.people import Case, Person
from hub.demo.region.tables import code

_ORDERLESS = "9" * 15
_SEX = {"female": "F", "male": "M"}
_STRUCTURE = {"A08": "ADT_A01", "A01": "ADT_A01", "A11": "ADT_A09", "A03": "ADT_A03"}
_KIND = {"A08": "ADT-00", "A01": "ADT-22", "A11": "ADT-22", "A03": "ADT-52"}

Stay = Mapping[str, Any]
"""ward (`3E^312^1`), department, doctor (number, family, given), disposition."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of the storage: its path below the root, and its bytes in ISO-2022-JP."""

    path: PurePosixPath
    data: bytes
    sent: datetime


def storage(case: Case, hospital: str, clock: Clock) -> Iterator[Stored]:
    """Give what a hospital has stored of a person, in the order of the messages: basic data first, then each stay."""
    record = HospitalRecord(case.person, hospital)
    stays = [stay for stay in case.part("stays") if stay["hospital"] == hospital]
    first = min((clock.at(stay["in"]) for stay in stays), default=clock.at("-400d 09:20"))
    yield record.basics(case.spec.get("hospital_family", ()), first - timedelta(days=30, minutes=12))
    for stay in stays:
        admitted = clock.at(stay["in"])
        undone = stay.get("cancelled")
        yield record.admission(stay, admitted, admitted + timedelta(minutes=14), flag="0" if undone else "1")
        if undone:
            yield record.cancellation(stay, admitted, clock.at(undone))
        if out := stay.get("out"):
            yield record.discharge(stay, admitted, clock.at(out), clock.at(out) + timedelta(minutes=9))


@dataclass(frozen=True, slots=True)
class HospitalRecord:
    """One person in one hospital's system."""

    person: Person
    hospital: str

    def basics(self, family: Iterable[Mapping[str, str]], sent: datetime) -> Stored:
        """Make ADT^A08: who the person is, and the family as the hospital knows it (NK1)."""
        pv1 = _segment("PV1", {1: "0001", 2: "O", 3: "01^^^^^C"})
        lines = [self._pid(sent, whole=True), *(_nk1(i, one) for i, one in enumerate(family, 1)), pv1]
        return self._stored("A08", sent, lines, name=("-", "-", "1"))

    def admission(self, stay: Stay, admitted: datetime, sent: datetime, *, flag: str = "1") -> Stored:
        """Make ADT^A01: the stay has begun."""
        lines = [self._pid(sent, whole=True), _pv1(stay, admitted, None)]
        return self._stored("A01", sent, lines, name=(stamp(admitted, to="day"), stay["department"], flag))

    def discharge(self, stay: Stay, admitted: datetime, left: datetime, sent: datetime) -> Stored:
        """Make ADT^A03: the stay has ended."""
        lines = [self._pid(sent), _pv1(stay, admitted, left)]
        return self._stored("A03", sent, lines, name=(stamp(left, to="day"), stay["department"], "1"), event={6: stamp(left)})

    def cancellation(self, stay: Stay, admitted: datetime, sent: datetime) -> Stored:
        """Make ADT^A11: there was no admission after all; 診療日 is that of the admission."""
        lines = [self._pid(sent), _pv1(stay, admitted, None)]
        return self._stored("A11", sent, lines, name=(stamp(admitted, to="day"), stay["department"], "0"), event={4: "02"})

    def _pid(self, sent: datetime, *, whole: bool = False) -> str:
        person = self.person
        fields = {
            1: "0001", 3: f"{person.numbers[self.hospital]}^^^^PI",
            5: f"{person.family}^{person.given}^^^^^L^I~{person.family_kana}^{person.given_kana}^^^^^L^P",
            7: person.birth.strftime("%Y%m%d"), 8: _SEX[person.sex],
        }  # fmt: skip
        if whole:
            fields |= {11: f"^^^^{person.postal}^JPN^H^{person.address}", 13: _phone(person.phone, "PRN"), 33: stamp(sent)}
        return _segment("PID", fields)

    def _stored(
        self, trigger: str, sent: datetime, lines: list[str], *, name: tuple[str, str, str], event: Mapping[int, str] | None = None
    ) -> Stored:
        """Put header and event before the lines; `name` holds the parts 診療日, 診療科 and flag of the file's name."""
        number, kind, (day, department, flag) = self.person.numbers[self.hospital], _KIND[trigger], name
        control = f"{stamp(sent)}{int(number) % 1_000_000:06}"
        evn = _segment("EVN", {2: stamp(sent), **(event or {}), 7: code(self.hospital)})
        text = "".join(f"{line}\r" for line in [_msh(self.hospital, trigger, sent, control), evn, *lines])
        file = f"{number}_{day}_{kind}_{_ORDERLESS}_{stamp(sent)}000_{department}_{flag}"
        return Stored(PurePosixPath(number[:3], number[3:6], number, day, kind, file), text.encode("iso2022_jp"), sent)


# ── segments ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _segment(name: str, fields: Mapping[int, str]) -> str:
    return "|".join([name, *(fields.get(i, "") for i in range(1, max(fields) + 1))])


def _msh(hospital: str, trigger: str, sent: datetime, control: str) -> str:
    fields = {
        2: "^~\\&", 3: "HIS001", 4: code(hospital), 5: "GW", 6: "SSMIX2", 7: stamp(sent), 9: f"ADT^{trigger}^{_STRUCTURE[trigger]}", 10: control,
        11: "P", 12: "2.5", 18: "~ISO IR87", 20: "ISO 2022-1994", 21: "SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO",
    }  # fmt: skip
    return "MSH" + "|".join([fields.get(i, "") for i in range(1, 22)])


def _phone(number: str, use: str) -> str:
    return f"^{use}^{'CP' if number.startswith('090') else 'PH'}^^^^^^^^^{number}"


def _nk1(index: int, one: Mapping[str, str]) -> str:
    name = f"{one['family']}^{one['given']}^^^^^L^I"
    return _segment("NK1", {1: str(index), 2: name, 3: f"{one['code']}^{one['relation']}^HL70063", 5: _phone(one["phone"], "PRS")})


def _pv1(stay: Stay, admitted: datetime, left: datetime | None) -> str:
    number, family, given = stay["doctor"]
    doctor = f"{number}^{family}^{given}^^^^^^^L^^^^^I"
    fields = {1: "0001", 2: "I", 3: f"{stay['ward']}^^^N", 7: doctor, 10: stay["department"], 17: doctor, 44: stamp(admitted)}
    if left:
        fields |= {36: stay.get("disposition", "01"), 45: stamp(left)}
    return _segment("PV1", fields)
