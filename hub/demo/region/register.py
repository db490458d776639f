"""The register of the region (`region.json`): its organizations with their hours, and the people who sign in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.demo.region.clock import Clock
from hub.demo.region.people import Case, Person
from hub.demo.region.tables import Row, code, rows

NAME = "ひばり野市"


def register(cases: Sequence[Case], clock: Clock) -> dict[str, Any]:
    """Give the tree of `region.json` (hub.region), made on the day of the clock; persons of the story sign in by their own numbers."""
    by_key = {case.person.key: case.person for case in cases}
    return {
        "name": NAME,
        "edition": clock.now.date().isoformat(),
        "network": code("network"),
        "organizations": [
            {
                "code": row["code"],
                "name": row["name"],
                "kind": row["kind"],
                "purpose": row["purpose"],
                "phone": row["phone"],
                "address": row["address"],
                "weekdays": [int(day) for day in row["weekdays"]],
                "opens": row["opens"],
                "closes": row["closes"],
                "open_on_holidays": row["open_on_holidays"] == "1",
            }
            for row in rows("organizations")
        ],
        "users": [
            *({**row, "organization": code(row["organization"])} for row in rows("users")),
            *(_person(row, by_key[row["case"]], clock) for row in rows("persons")),
        ],
    }


def _person(row: Row, person: Person, clock: Clock) -> dict[str, Any]:
    """Make somebody who looks at their own record, or at that of whom they speak for."""
    made: dict[str, Any] = {name: row[name] for name in ("id", "name", "role")}
    made |= {"organization": code("network"), "purpose": "PATRQT", "person": person.pair}
    if row["kind"]:
        made["power"] = {"kind": row["kind"], "until": clock.day(row["until"]).isoformat(), "document": row["document"]}
    return made
