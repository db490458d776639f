"""入退院 of one organization: every person that it holds a Patient of, with all that the gate released to it just now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from hub.commands import Asking, Submit, Write
from hub.gate import Gate
from hub.log.secrets import Secrets
from hub.log.store import Store
from hub.reads.past import Past
from hub.reads.presenting import Presenting
from hub.reads.views import Viewing, words
from hub.region import Region
from hub.tables import identities, resources
from hub.tables.resources import Row
from hub.views import board
from hub.views.board import PersonStays
from hub.views.board_case import TYPES
from hub.views.board_shapes import Board
from hub.views.stays import fold
from hub.views.stays_tables import rows
from hub.writes.submit import Submitting
from schemas.errors import Denied, NotFound
from schemas.fhir.resource import read

OTHERS = tuple(sorted(TYPES - {"Encounter"}))
"""Types that the board reads beside Encounters, of which it reads all versions: each message tells only its own part."""
DONE = "/board/done/"
"""Where a button's action is posted."""


def addresses(past: str = "") -> dict[str, str]:
    """Give the address of each button: steps are posted, a course is looked at. In the past (`at=` of its address) nothing is done."""
    if past:
        return {row["action"]: f"/board?at={quote(past)}&episode={{episode}}#timeline" for row in rows("buttons") if not row["task"]}
    return {row["action"]: f"{DONE}{row['action']}" if row["task"] else "/board?episode={episode}#timeline" for row in rows("buttons")}


class Boards:
    """The board over its ports."""

    def __init__(
        self, *, store: Store, secrets: Secrets, gate: Gate, presenting: Presenting, viewing: Viewing, region: Region, submit: Submitting,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._store, self._secrets, self._gate, self._presenting = store, secrets, gate, presenting
        self._viewing, self._region, self._submit, self._now = viewing, region, submit, now

    def page(self, asking: Asking, user: str, episode: str = "", past: Past | None = None, address: str = "") -> Board:
        """Make the board of the asker's organization, now or as it stood at a moment; raise Denied for one that has none.

        `address` is the moment as it stands in addresses.
        """
        office = self._office(asking)
        persons = self._persons(asking, past)
        if past:
            return board.build(office, user, persons, self._region.offices, past.at, words(past), episode, hrefs=addresses(address))
        with self._store.read() as tx:
            fresh = self._viewing.fresh(tx, [k.recorded for one in persons for k in one.known])
        return board.build(office, user, persons, self._region.offices, self._now(), fresh, episode, hrefs=addresses())

    def as_fhir(self, asking: Asking, base: str, past: Past | None = None) -> dict[str, Any]:
        """Make the same as FHIR."""
        now = past.at if past else self._now()
        return dict(board.to_fhir(self._persons(asking, past), self._office(asking), base, now, organizations=self._region.offices))

    def mark(self, asking: Asking, action: str, episode: str) -> None:
        """Record that the office has done a step of an episode's newest stay (a button of the board): a Task of its own. Raises NotFound."""
        office = self._office(asking)
        code = next((row["task"] for row in rows("buttons") if row["action"] == action and row["task"]), "")
        for one in self._persons(replace(asking, action="view")) if code else ():
            stay = next((s for s in reversed(fold(one.known, person=one.person)) if s.episode == episode), None)
            if stay is None:
                continue
            mine = next((k for k in one.known if k.type == "Patient" and k.custodian == office.code), None)
            if mine is None:
                break
            number = self._secrets.name("done", office.code, action, episode).hex()
            task = board.done_task(code, f"Patient/{mine.id}", stay.encounter, self._now())
            body = read(orjson.dumps({**task, "id": number}))
            self._submit(Submit(asking, (Write(0, "PUT", f"Task/{number}", body),), where="Task"))
            return
        raise NotFound("HUB-5041")

    def _office(self, asking: Asking) -> Any:
        office = self._region.offices.get(asking.requester.organization)
        if office is None or office.kind in {"network", "city"}:
            raise Denied("HUB-5043")
        return office

    def _persons(self, asking: Asking, past: Past | None = None) -> list[PersonStays]:
        """Give each person with what was released just now: of the present, or of the log as it stood at a moment."""
        organization, at = asking.requester.organization, past.position if past else None
        with self._store.read() as tx:
            own = resources.own_patients(tx, organization, at)
            people = identities.groups(tx, own, at)
            owner = {patient: person for person, patients in people.patients.items() for patient in patients}
            rows = resources.of_patients(tx, owner, OTHERS, until=at)
            rows += resources.of_patients(tx, owner, ("Encounter",), all_versions=True, until=at, standing=True)
            about = tuple(identities.groups(tx, owner).patients) if past else tuple(people.patients)
        by_person: dict[bytes, list[Row]] = {person: [] for person in people.patients}
        for row in rows:
            by_person[owner[row.patient]].append(row)
        asking = past.named(asking) if past else asking
        released = self._gate.release(asking, [r for held in by_person.values() for r in held], about=about)
        given = {(g.row.stream, g.row.version): g for g in released.given}
        made = []
        with self._store.read() as tx:
            for person, held in by_person.items():
                shown = [
                    p
                    for r in held
                    if (g := given.get((r.stream, r.version))) is not None and (p := self._presenting(tx, g, organization)) is not None
                ]
                names = {patient: self._secrets.person(patient) for patient in {r.patient for r in held}}
                known = tuple(self._viewing.known(shown, names))
                plans = [r for r in held if r.type == "CarePlan" and (r.stream, r.version) in given]
                newest = max(plans, key=lambda r: r.position).custodian if plans else ""
                made.append(PersonStays(self._secrets.person(person), known, own=newest == organization))
        return made
