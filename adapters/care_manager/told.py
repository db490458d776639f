"""Whom and which plan a row speaks of: the keys of its resources, and the sets to which they belong (care-manager facts §1.4, §4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.care_manager.elements import day
from adapters.care_manager.file_name import FileName
from adapters.wire.csv_ja import Row
from adapters.wire.elements import Body, filled
from schemas.adapter import BASE, Draft, link

PLAN_DATE = "居宅サービス計画作成（変更）日"
CAREPLAN = f"{BASE}/sid/careplan-set"
TEAM = f"{BASE}/sid/careplan-team"


def pair(row: Row) -> str:
    """Give 保険者番号:被保険者番号, the one key of a person in these files."""
    return f"{row['保険者番号']}:{row['被保険者番号']}"


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a file."""

    key: str
    file: FileName

    @property
    def subject(self) -> Body:
        """Point to the person."""
        return {"reference": link("Patient", self.key)}

    @property
    def team(self) -> str:
        """Key of the person's team: one for a person, made anew by each plan."""
        return f"{self.key}:careplan-team"

    def draft(self, kind: str, key: str, body: Body) -> Draft:
        """Make a draft that belongs to no set."""
        return Draft(kind, key, filled({"resourceType": kind, **body}))


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan (居宅サービス計画): person + 計画作成（変更）日. Each table of it is a set of its own: a file replaces what its table said."""

    person: Person
    date: str

    @property
    def key(self) -> str:
        """Key of the plan and of the CarePlan of 1表: `139998:0000012344:20250919`."""
        return f"{self.person.key}:{self.date}"

    @property
    def second(self) -> str:
        """Key of the CarePlan of 2表, a part of the plan."""
        return f"{self.key}:2"

    @property
    def start(self) -> str:
        """The day from which it holds."""
        return day(self.date)

    def facts(self, table: str) -> Mapping[str, str]:
        """Say the set and when it was sent: the newest sequence replaces the set (標準仕様 4.1 本文 5.1.1.1)."""
        return {"set": f"{table}:{self.key}", "sent": self.person.file.sent.isoformat()}

    def draft(self, table: str, kind: str, key: str, body: Body) -> Draft:
        """Make a draft of a table's set."""
        return Draft(kind, key, filled({"resourceType": kind, **body}), self.facts(table))


def plan_of(row: Row, person: Person) -> Plan:
    """Give the plan that a row of 1表, 2表 or 1表_削除 belongs to."""
    return Plan(person, row[PLAN_DATE])
