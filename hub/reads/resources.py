"""Read, vread and search over FHIR resources. A refusal by consent looks like absence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from hub.commands import Asking
from hub.gate import Gate
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, stream_of
from hub.reads.opaque import Opaque
from hub.reads.presenting import Presented, Presenting
from hub.tables import resources
from hub.tables.derive import namer
from hub.tables.resources import Row
from hub.writes.conditions import alternatives, identifier_token
from schemas.errors import BadValue, Gone, Issue, NotFound, Unsupported

DEFAULT_COUNT, MAX_COUNT = 50, 200
OFFERED = ("_id", "identifier", "patient", "_lastUpdated")
"""Search parameters that every type has (`patient` where the type is about a person)."""
_RESULT = frozenset({"_count", "_format", "_pretty", "_summary", "_total", "_totalMethod", "_page"})
_PREFIXED = re.compile(r"(eq|ge|gt|le|lt|ne|sa|eb|ap)?(.+)")
_PATIENT = re.compile(r"(?:Patient/)?([A-Za-z0-9\-.]{1,64})")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search. `next` is the cursor of the page that follows; empty on the last one."""

    total: int
    found: tuple[Presented, ...]
    next: str = ""
    warnings: tuple[Issue, ...] = ()
    count: int = DEFAULT_COUNT
    used: tuple[tuple[str, str], ...] = field(default=())


class Reading:
    """The questions read, vread and search over their ports."""

    def __init__(self, *, store: Store, secrets: Secrets, gate: Gate, presenting: Presenting, opaque: Opaque) -> None:
        self._store, self._secrets, self._gate, self._presenting, self._opaque = store, secrets, gate, presenting, opaque

    def stream(self, asking: Asking, kind: str, number: str) -> bytes:
        """Give the stream that an asker means by `Type/id`: the hub's id, or its own."""
        return stream_of(number) or namer(self._secrets, asking.requester.organization, MAIN)(kind, number)

    def read(self, asking: Asking, kind: str, number: str, version: int | None = None) -> Presented:
        """Give one resource, or one version of it.

        Raises Gone to its custodian when it was taken back, and NotFound otherwise: when it is absent and when it may not be seen.
        """
        stream = self.stream(asking, kind, number)
        with self._store.read() as tx:
            row = resources.newest(tx, stream) if version is None else resources.version(tx, stream, version)
        if row is None or row.type != kind:
            raise NotFound("HUB-5041")
        if row.deleted:
            if row.custodian == asking.requester.organization:
                raise Gone("HUB-5047")
            raise NotFound("HUB-5041")
        released = self._gate.release(asking, [row])
        if not released.given:
            raise NotFound("HUB-5041")
        with self._store.read() as tx:
            shown = self._presenting(tx, released.given[0], asking.requester.organization)
        if shown is None:
            raise NotFound("HUB-5041")
        return shown

    def search(self, asking: Asking, kind: str, params: Sequence[tuple[str, str]], *, strict: bool = False) -> Page:
        """Search one type. What may not be seen decides no match, no count and no page.

        Raises BadValue for a value that its parameter does not take, Unsupported for an unknown parameter when `strict`.
        """
        used, warnings = _sorted_out(params, strict=strict)
        count = _count(params)
        after, used = self._cursor(asking, params, used)
        with self._store.read() as tx:
            candidates = self._candidates(tx, asking, kind, used)
        released = self._gate.release(asking, candidates)
        rows = released.given
        # in the order of the log: a page begins after the last row of the page before
        following = [g for g in rows if g.row.position > after]
        size = 0 if dict(params).get("_summary") == "count" else count
        page = following[:size]
        with self._store.read() as tx:
            shown = [p for g in page if (p := self._presenting(tx, g, asking.requester.organization)) is not None]
        more = size > 0 and len(following) > size
        cursor = ""
        if more:
            held = msgspec.msgpack.encode((page[-1].row.position, used))
            cursor = self._opaque.shut("page", asking.requester.organization, held)
        return Page(len(rows), tuple(shown), cursor, warnings, count, tuple(used))

    def _cursor(self, asking: Asking, params: Sequence[tuple[str, str]], used: list[tuple[str, str]]) -> tuple[int, list[tuple[str, str]]]:
        """Give where a page begins and what it searches for: a next link carries both, sealed, so that no number stands in an address."""
        text = dict(params).get("_page", "")
        if not text:
            return 0, used
        held = self._opaque.open("page", asking.requester.organization, text)
        position, criteria = msgspec.msgpack.decode(held, type=tuple[int, list[tuple[str, str]]])
        return position, criteria

    def _candidates(self, tx: Tx, asking: Asking, kind: str, used: Sequence[tuple[str, str]]) -> list[Row]:
        """Find what the parameters mean; without one that names a person or a thing, the asker's own and the directory."""
        sets: list[dict[bytes, Row]] = []
        for name, value in used:
            if name == "_id":
                named = [resources.newest(tx, self.stream(asking, kind, n)) for n in value.split(",")]
                sets.append({r.stream: r for r in named if r is not None and r.type == kind and not r.deleted})
            elif name == "identifier":
                sets.append({r.stream: r for m in self._marks(kind, value) for r in resources.found(tx, m) if r.type == kind})
            elif name == "patient":
                streams = [self._patient(asking, v) for v in value.split(",")]
                sets.append({r.stream: r for r in resources.of_patients(tx, streams, [kind])})
        if not sets:
            own = resources.own(tx, asking.requester.organization, kind) + resources.directory(tx, kind)
            sets.append({r.stream: r for r in own})
        rows = [r for stream, r in sets[0].items() if all(stream in s for s in sets[1:])]
        for value in [v for n, v in used if n == "_lastUpdated"]:
            rows = [r for r in rows if _within(value, r.updated)]
        return sorted(rows)

    def _marks(self, kind: str, value: str) -> list[bytes]:
        marks = [identifier_token(self._secrets, kind, v) for v in alternatives(value)]
        if not all(marks):
            raise BadValue("HUB-4085", where="identifier")
        return [m for m in marks if m is not None]

    def _patient(self, asking: Asking, value: str) -> bytes:
        match = _PATIENT.fullmatch(value)
        if match is None:
            raise BadValue("HUB-4080", where="patient")
        return self.stream(asking, "Patient", match[1])


def _sorted_out(params: Sequence[tuple[str, str]], *, strict: bool) -> tuple[list[tuple[str, str]], tuple[Issue, ...]]:
    used, warnings = [], []
    for name, value in params:
        plain = "patient" if name in {"subject", "patient", "subject:Patient", "patient:Patient"} else name
        if plain in OFFERED:
            used.append((plain, value))
        elif name not in _RESULT:
            # the name came from the client and is not repeated
            warnings.append(Issue("HUB-4081", code="not-supported", severity="warning"))
    if warnings and strict:
        raise Unsupported("HUB-4081")
    return used, tuple(warnings[:1])


def _count(params: Sequence[tuple[str, str]]) -> int:
    text = dict(params).get("_count", str(DEFAULT_COUNT))
    if not text.isascii() or not text.isdigit():
        raise BadValue("HUB-4082", where="_count")
    return min(int(text[:6]), MAX_COUNT)


def _within(value: str, updated: int) -> bool:
    """Judge `ge2026-11-25` against a time of the log (R4 search §3.1.1.4.5); a day is a day in Japan."""
    match = _PREFIXED.fullmatch(value)
    prefix, text = (match[1] or "eq", match[2]) if match else ("eq", value)
    begins, ends = _span(text)
    at = datetime.fromtimestamp(updated / 1000, UTC)
    match prefix:
        case "gt" | "sa":
            return at >= ends
        case "ge":
            return at >= begins
        case "lt" | "eb":
            return at < begins
        case "le":
            return at < ends
        case "ne":
            return not begins <= at < ends
        case _:
            return begins <= at < ends


def _span(text: str) -> tuple[datetime, datetime]:
    from schemas.fhir.facts import JST, days_of

    try:
        if "T" in text:
            at = datetime.fromisoformat(text.replace(" ", "+"))
            if at.tzinfo is None:
                at = at.replace(tzinfo=JST)
            width = timedelta(seconds=1) if "." not in text else timedelta(milliseconds=1)
            return at, at + width
        first, last = days_of(text)
    except ValueError:
        first = last = None
    if first is None or last is None:
        raise BadValue("HUB-4083", where="_lastUpdated")
    begins = datetime(first.year, first.month, first.day, tzinfo=JST)
    return begins, datetime(last.year, last.month, last.day, tzinfo=JST) + timedelta(days=1)


def warnings_of(page: Page) -> Mapping[str, object] | None:
    """Give the OperationOutcome that goes with a page when something was ignored."""
    from schemas.fhir.outcome import operation_outcome

    return operation_outcome(page.warnings) if page.warnings else None
