"""The record of disclosures as AuditEvents, found by what R4 searches them by (IHE ATNA ITI-81); each look at it is itself recorded.

AuditEvents are drawn from decisions and acts on asking. Rows are chosen by person, time, who asked and what came of it; what only an event
tells is compared on the drawn one, row after row, newest first, for so many rows a page at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from hub.commands import Asking
from hub.gate import Gate
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import A_REFERENCE, MAIN, stream_of
from hub.reads.audit_criteria import Question, action_of, bounds, fits, of_decisions, patterns, question, topics_of
from hub.reads.audit_told import Telling
from hub.reads.officers import LOOK, officer
from hub.reads.opaque import Opaque
from hub.region import Region
from hub.tables import acts, apart, decisions, identities, resources
from hub.tables.acts import ActRow
from hub.tables.decisions import DecisionRow
from hub.tables.derive import namer
from hub.views import audit_fhir, audit_fhir_acts
from hub.views.audit_parts import BASIS, HUB, PSEUDONYM, REFERENCE, USER
from schemas.errors import NotFound

SCAN, TURN = 5_000, 200
"""Rows that one page looks through at most, where events do not fit; and rows that are read at a time."""
ALL = 50_000
"""Rows that are looked through to count; what is more is not counted."""
_ID = re.compile(rf"({A_REFERENCE}|act-[a-z2-7]{{24}})-([1-9][0-9]{{0,4}})")
_TYPED = re.compile(r"(?:.*/)?(Practitioner|Organization)/([^/]+)")


@dataclass(frozen=True, slots=True)
class Found:
    """One page of AuditEvents, newest first. `total` None = not known; `next` = cursor of the page that follows."""

    events: tuple[dict[str, Any], ...]
    next: str = ""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What rows are chosen by; None = no row of that table. `disclosed` = deliveries too that tell this organization as their custodian."""

    decisions: decisions.Filter | None
    acts: acts.Filter | None
    disclosed: str = ""


class AuditEvents:
    """These questions over their ports. All raise Denied for anybody but the network's officers and its application."""

    def __init__(self, *, store: Store, keys: Keyring, secrets: Secrets, gate: Gate, opaque: Opaque, region: Region, base: str) -> None:
        self._store, self._secrets, self._gate, self._opaque, self._region, self._base = store, secrets, gate, opaque, region, base
        self._telling = Telling(store=store, keys=keys, secrets=secrets, region=region)

    def search(self, asking: Asking, params: Sequence[tuple[str, str]], count: int) -> Found:
        """Give one page; the look is recorded first, for each person that is asked about.

        Raises BadInput and BadValue for what is not asked as `audit_criteria` reads it, NotFound for a cursor that is none.
        """
        officer(asking)
        organization = asking.requester.organization
        at: tuple[int, int] | None = None
        if cursor := dict(params).get("_page", ""):
            held = self._opaque.open("audit-events", organization, cursor)
            rank, number, params = msgspec.msgpack.decode(held, type=tuple[int, int, list[tuple[str, str]]])
            with self._store.read() as tx:
                at = apart.position_of(tx, rank), number
        asked = question(params)
        with self._store.read() as tx:
            persons = self._persons(tx, asking, asked)
        for person in dict.fromkeys(group[0] for group in persons) or (b"",):
            self._gate.note(asking, person, LOOK)
        with self._store.read() as tx:
            chosen = self._chosen(tx, asked, [one for group in persons for one in group], named=bool(asked.values("patient")))
            if asked.counted or not count:
                return Found((), total=self._count(tx, asked, chosen))
            found, stopped = self._page(tx, asked, chosen, at, count)
            total = self._total(tx, asked, chosen, found, count, first=at is None, whole=stopped is None)
            rank = apart.rank(tx, stopped[0]) if stopped is not None else 0
        more = ""
        if stopped is not None:
            more = self._opaque.shut("audit-events", organization, msgspec.msgpack.encode((rank, stopped[1], _carried(params))))
        return Found(tuple(event for _, _, event in found[:count]), more, total)

    def read(self, asking: Asking, name: str) -> dict[str, Any]:
        """Give one AuditEvent by its id; to the officer in person with what was searched by, even where it names somebody. Raises NotFound."""
        officer(asking)
        match = _ID.fullmatch(name)
        if match is None:
            raise NotFound("HUB-5041")
        with self._store.read() as tx:
            row = self._named(tx, match[1])
        if row is None:
            raise NotFound("HUB-5041")
        self._gate.note(asking, row.person, LOOK)
        with self._store.read() as tx:
            drawn = self._drawn(tx, [row], whole=bool(asking.requester.person))[row.position]
        if int(match[2]) > len(drawn):
            raise NotFound("HUB-5041")
        return drawn[int(match[2]) - 1]

    @staticmethod
    def _named(tx: Tx, name: str) -> DecisionRow | ActRow | None:
        if name.startswith(acts.PREFIX):
            return next(iter(acts.search(tx, acts.Filter(name=name), limit=1)), None)
        return next(iter(decisions.search(tx, decisions.Filter(reference=name), limit=1)), None)

    # ── which rows ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _persons(self, tx: Tx, asking: Asking, asked: Question) -> list[tuple[bytes, ...]]:
        """Give all ids under which something about each person that is asked for may stand."""
        found = []
        for name, modifier, values in asked.asked:
            if name == "patient":
                streams = [s for v in values for s in self._patients(tx, asking, v, modifier)]
                persons = dict.fromkeys(identities.person_of(tx, s) for s in streams)
                found += [tuple(dict.fromkeys((p, *identities.patients_of(tx, p)))) for p in persons]
        return found

    def _patients(self, tx: Tx, asking: Asking, value: str, modifier: str) -> list[bytes]:
        """Give the Patient that is meant by its id here or there, by an officer's reference, or by pseudonym."""
        if modifier == "identifier":
            system, _, name = value.rpartition("|")
            known = acts.persons(tx) if not system or system == PSEUDONYM else []
            return [person for person in known if self._telling.pseudonym(tx, person) == name]
        number = value.removeprefix(f"{self._base}/").removeprefix("Patient/")
        if (stream := stream_of(number)) is not None:
            return [stream]
        organization = asking.requester.organization
        try:
            return [self._opaque.open("person", organization, number)]
        except NotFound:
            return [namer(self._secrets, organization, MAIN)("Patient", number)]

    def _chosen(self, tx: Tx, asked: Question, persons: Sequence[bytes], *, named: bool) -> _Chosen:
        since, until = bounds(asked.spans)
        kinds = patterns(asked)
        topics = topics_of(kinds)
        if named and not persons:
            return _Chosen(None, None)
        about = tuple(persons) or self._about(tx, asked)
        user, organization = self._agent(asked)
        purpose, basis = asked.single("purpose"), asked.single("policy").removeprefix(BASIS)
        rows = decisions.Filter(
            persons=about, organization=organization, user=user, purpose="" if purpose == "BTG" else purpose, role=asked.single("agent-role"),
            effect="deny" if asked.single("outcome") == "4" else "", action=action_of(kinds), reference=self._reference(asked),
            basis=basis, since=since, until=until,
        )  # fmt: skip
        others = acts.Filter(persons=about, organization=organization, user=user, topics=topics or (), since=since, until=until)
        disclosed = organization if rows.action in {"", "deliver"} else ""
        return _Chosen(rows if of_decisions(kinds) else None, None if topics is None else others, disclosed)

    def _about(self, tx: Tx, asked: Question) -> tuple[bytes, ...]:
        """Give whose a resource is that is asked for as an entity: only decisions about that person can name it."""
        value = asked.single("entity").partition("/_history/")[0].rpartition("/")[2]
        stream = stream_of(value)
        row = resources.newest(tx, stream) if stream is not None else None
        if row is None or not row.patient:
            return ()
        person = identities.person_of(tx, row.patient)
        return tuple(dict.fromkeys((person, *identities.ever_joined(tx, {row.patient}), *identities.patients_of(tx, person))))

    def _agent(self, asked: Question) -> tuple[str, str]:
        """Give (user, organization) that rows are chosen by."""
        found = [(modifier, values) for name, modifier, values in asked.asked if name == "agent"]
        if len(found) != 1 or len(found[0][1]) != 1:
            return "", ""
        modifier, value = found[0][0], found[0][1][0]
        if modifier == "identifier":
            system, _, number = value.rpartition("|")
            if system == HUB:
                return "", ""  # the hub stands in every event, and is named like the office that runs it
            return (
                (number, "") if system == USER or number in self._region.users else ("", number if number in self._region.offices else "")
            )
        if match := _TYPED.fullmatch(value):
            return (match[2], "") if match[1] == "Practitioner" else ("", match[2])
        return ("", value) if value in self._region.offices else (value if value in self._region.users else "", "")

    @staticmethod
    def _reference(asked: Question) -> str:
        found = [v for name, modifier, values in asked.asked if (name, modifier) == ("entity", "identifier") for v in values]
        return found[0].rpartition("|")[2] if len(found) == 1 and found[0].startswith(f"{REFERENCE}|") else ""

    # ── which events ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _page(
        self, tx: Tx, asked: Question, chosen: _Chosen, at: tuple[int, int] | None, count: int
    ) -> tuple[list[tuple[int, int, dict[str, Any]]], tuple[int, int] | None]:
        """Give the events of a page, and where the next begins: (position, number) after which it goes on; None = there is none."""
        found: list[tuple[int, int, dict[str, Any]]] = []
        looked, last = 0, at
        for row, drawn in self._rows(tx, chosen, at[0] + 1 if at else None):
            for number, event in enumerate(drawn, 1):
                if at is not None and row.position == at[0] and number <= at[1]:
                    continue
                if not (all(span.holds(row.at) for span in asked.spans) and fits(asked, event)):
                    continue
                if len(found) == count:
                    return found, (found[-1][0], found[-1][1]) if found else last
                found.append((row.position, number, event))
            looked, last = looked + 1, (row.position, len(drawn))
            if looked >= SCAN:
                return found, last
        return found, None

    def _rows(self, tx: Tx, chosen: _Chosen, below: int | None) -> Iterator[tuple[DecisionRow | ActRow, tuple[dict[str, Any], ...]]]:
        """Give rows of both tables with their events, newest first."""
        while True:
            rows: list[DecisionRow | ActRow] = []
            if chosen.decisions is not None:
                rows += decisions.search(tx, chosen.decisions, limit=TURN, below=below)
                if chosen.disclosed:
                    heard = chosen.decisions._replace(organization="", action="deliver")
                    found = decisions.search(tx, heard, limit=TURN, below=below, custodian=chosen.disclosed)
                    rows += [row for row in found if row.organization != chosen.disclosed]
            if chosen.acts is not None and not (chosen.decisions is not None and chosen.decisions.reference):
                rows += acts.search(tx, chosen.acts, limit=TURN, below=below)
            rows = sorted(rows, key=lambda row: -row.position)[:TURN]
            drawn = self._drawn(tx, rows)
            yield from ((row, drawn[row.position]) for row in rows)
            if len(rows) < TURN:
                return
            below = rows[-1].position

    def _drawn(self, tx: Tx, rows: Sequence[DecisionRow | ActRow], *, whole: bool = False) -> dict[int, tuple[dict[str, Any], ...]]:
        at, source = self._store.events_at(tx, [row.position for row in rows]), self._region.network
        made = {}
        for row in rows:
            recorded = at[row.position]
            if isinstance(row, ActRow):
                act = self._telling.act(tx, row, recorded)
                made[row.position] = audit_fhir_acts.to_audit_events(act, base=self._base, source=source)
            else:
                told = self._telling.decision(tx, row, recorded, whole=whole)
                made[row.position] = audit_fhir.to_audit_events(told, base=self._base, source=source)
        return made

    # ── how many ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _total(
        self, tx: Tx, asked: Question, chosen: _Chosen, found: Sequence[object], count: int, *, first: bool, whole: bool
    ) -> int | None:  # fmt: skip
        if asked.total == "none":
            return None
        if first and whole and len(found) <= count:
            return len(found)
        return self._count(tx, asked, chosen) if asked.total else None

    def _count(self, tx: Tx, asked: Question, chosen: _Chosen) -> int | None:
        """Count the events; None where there are too many rows to look through."""
        total = 0
        for looked, (row, drawn) in enumerate(self._rows(tx, chosen, None)):
            if looked >= ALL:
                return None
            if all(span.holds(row.at) for span in asked.spans):
                total += sum(fits(asked, event) for event in drawn)
        return total


def _carried(params: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give what a cursor carries on: what is searched by, and how the answer is to be."""
    return [(name, value) for name, value in params if name not in {"_page", "_count", "_format", "_pretty"}]
