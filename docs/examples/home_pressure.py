"""A vendor's source: blood pressures measured at home, one CSV for many persons. Found by its entry point, like the hub's own."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schemas.adapter import Conversion, Draft, Part, RefusedPart, Wire, link
from schemas.errors import BadValue, Issue, Malformed, MissingValue

HEADER = "patient,measured_at,systolic,diastolic"
FORMS = {
    "patient": r"[A-Za-z0-9\-]{1,20}",
    "measured_at": r"\d{4}-\d\d-\d\dT\d\d:\d\d\+09:00",
    "systolic": r"\d{2,3}",
    "diastolic": r"\d{2,3}",
}


@dataclass
class Person:
    """What a file says of one person: the lines as they stand, what they mean, what is wrong with them."""

    lines: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    drafts: dict[str, Draft] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


class HomePressure:
    """The source `home_pressure`."""

    name = "home_pressure"

    def claims(self, wire: Wire) -> bool:
        """Say by the name whether it is ours."""
        return re.fullmatch(r"(?:.*/)?bp_\d{8}\.csv", wire.name, re.DOTALL) is not None

    def convert(self, wire: Wire) -> Conversion:
        """Give each person's measurements; a person with a wrong line is refused whole, the others go on."""
        try:
            header, *lines = wire.data.decode().replace("\r\n", "\n").split("\n")
        except UnicodeDecodeError as fault:
            raise Malformed("HUB-2001", where="file", charset="UTF-8", byte=str(fault.start + 1)) from fault
        if header != HEADER:
            raise Malformed("HUB-2006", where="row 1", columns=HEADER)
        if not any(lines):
            raise MissingValue("HUB-2005", where="row 2")
        people: dict[str, Person] = {}
        for number, line in enumerate(lines, 2):
            if line:
                self._line(people.setdefault(line.partition(",")[0], Person()), number, line)
        right = {key: one for key, one in people.items() if not one.issues}
        wrong = [one for one in people.values() if one.issues]
        return Conversion(
            "bp.csv",
            tuple(
                Part(key, raw(one), tuple(one.drafts.values()), f"bp|{key}|{'|'.join(sorted(one.drafts))}") for key, one in right.items()
            ),
            tuple(RefusedPart(raw(one), tuple(one.issues), tuple(one.numbers)) for one in wrong),
        )

    def _line(self, person: Person, number: int, line: str) -> None:
        person.lines.append(line)
        person.numbers.append(number)
        cells = line.split(",")
        if len(cells) != len(FORMS):
            person.issues.append(Issue("HUB-2010", f"row {number}", {"found": str(len(cells)), "expected": str(len(FORMS))}, code="value"))
            return
        row = dict(zip(FORMS, cells, strict=True))
        try:
            draft = pressure(row, f"row {number}")
            person.drafts[draft.key] = draft
        except BadValue as refusal:
            person.issues += refusal.issues


def raw(person: Person) -> bytes:
    """Give the header and this person's lines: nobody else's."""
    return "\n".join([HEADER, *person.lines, ""]).encode()


def pressure(row: Mapping[str, str], where: str) -> Draft:
    """Make the Observation of one line. The key is the same when the line is sent again."""
    for name, form in FORMS.items():
        if not re.fullmatch(form, row[name], re.ASCII):
            raise BadValue("HUB-2012", where=f"{where} {name}", form=form)
    try:
        datetime.fromisoformat(row["measured_at"])
    except ValueError as fault:
        raise BadValue("HUB-2013", where=f"{where} measured_at", form="YYYY-MM-DDThh:mm+09:00") from fault
    body = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}], "text": "家庭血圧"},
        "subject": {"reference": link("Patient", row["patient"])},
        "effectiveDateTime": row["measured_at"].replace("+", ":00+"),
        "component": list(components(row)),
    }
    return Draft("Observation", f"bp:{row['patient']}:{row['measured_at']}", body)


def components(row: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Give the two values in mmHg."""
    for name, code in (("systolic", "8480-6"), ("diastolic", "8462-4")):
        quantity = {"value": int(row[name]), "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}
        yield {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": quantity}


adapter = HomePressure()
