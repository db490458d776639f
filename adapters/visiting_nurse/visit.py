"""One row of `vn_visit.csv` with what is reckoned from it; the drafts that come out of it carry its set and version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.wire.csv_ja import Row
from adapters.wire.csv_layout import instant
from adapters.wire.elements import Body, filled
from schemas.adapter import Draft, link

_NOT_MADE = frozenset({"absent", "cancelled"})


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit whose cells are right."""

    row: Row

    @property
    def id(self) -> str:
        """Its number at the station."""
        return self.row["visit_id"]

    @property
    def person(self) -> str:
        """The station's number of the person."""
        return self.row["patient_local_id"]

    @property
    def version(self) -> int:
        """How often it was written anew."""
        return int(self.row["record_version"])

    @property
    def start(self) -> datetime:
        """When it began."""
        return instant(self.row["start_at"])

    @property
    def end(self) -> datetime:
        """When it ended."""
        return instant(self.row["end_at"])

    @property
    def in_error(self) -> bool:
        """Whether the station has taken it back."""
        return self.row["record_status"] == "entered-in-error"

    @property
    def made(self) -> bool:
        """Whether somebody was seen or spoken to."""
        return self.row["visit_kind"] not in _NOT_MADE

    @property
    def urgent(self) -> bool:
        """Whether it was an urgent one (緊急訪問)."""
        return self.row["urgent_flag"] == "1" or self.row["visit_kind"] == "urgent"

    def status(self, otherwise: str) -> str:
        """Give the status of a resource: taken back with the visit, else `otherwise`."""
        return "entered-in-error" if self.in_error else otherwise

    def subject(self) -> Body:
        """Point to the person."""
        return {"reference": link("Patient", self.person)}

    def encounter(self) -> Body:
        """Point to the visit."""
        return {"reference": link("Encounter", self.id)}

    def period(self) -> Body:
        """Give the time of the visit."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}

    def key(self, *parts: str) -> str:
        """Make a key from the visit's number and what is said: `V-1:care:wound`."""
        return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in (self.id, *parts))

    def facts(self, layout: str = "vn_visit") -> Mapping[str, str]:
        """Say to which set a draft belongs and of which version of the visit it is; measurements are a set of their own."""
        return {"set": f"{layout}:{self.id}", "version": self.row["record_version"]}

    def draft(self, kind: str, key: str, body: Body, layout: str = "vn_visit") -> Draft:
        """Make a draft of this visit's set."""
        return Draft(kind, key, filled({"resourceType": kind, **body}), self.facts(layout))


def of_person(person: str, *parts: str) -> str:
    """Make the key of what a person has one of: `U-0031:next-visit`."""
    return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in (person, *parts))
