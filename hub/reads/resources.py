"""Read, vread and search over FHIR resources. A refusal by consent looks like absence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from hub.commands import Asking
from hub.gate import Gate
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, stream_of
from hub.reads.criteria import DEFAULT_COUNT, Span, page_size, sorted_out
from hub.reads.opaque import Opaque
from hub.reads.presenting import Presented, Presenting
from hub.tables import identities, resources
from hub.tables.derive import namer, own_token
from hub.tables.resources import Row
from hub.writes.conditions import alternatives, identifier_token
from schemas.errors import BadValue, Gone, Issue, NotFound

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

    def __init__(self, *, store: Store, secrets: Secrets, gate: Gate, presenting: Presenting, opaque: Opaque, base: str) -> None:
        self._store, self._secrets, self._gate, self._presenting, self._opaque = store, secrets, gate, presenting, opaque
        self._base = base

    def stream(self, asking: Asking, kind: str, number: str) -> bytes:
        """Give the stream that an asker means by `Type/id`: the hub's id, or its own."""
        return stream_of(number) or namer(self._secrets, asking.requester.organization, asking.compartment)(kind, number)

    def read(self, asking: Asking, kind: str, number: str, version: int | None = None) -> Presented:
        """Give one resource, or one version of it.

        Raises Gone to its custodian when it was taken back, and NotFound otherwise: when it is absent and when it may not be seen.
        """
        stream = self.stream(asking, kind, number)
        with self._store.read() as tx:
            place = asking.compartment
            newest = resources.newest(tx, stream, place)
            row = newest if version is None else resources.version(tx, stream, version, place)
        if row is None or newest is None or row.type != kind:
            raise NotFound("HUB-5041")
        if newest.deleted and row.custodian != asking.requester.organization:
            raise NotFound("HUB-5041")  # what was taken back is absent to others, its earlier versions too
        if row.deleted:
            if row.custodian == asking.requester.organization:
                raise Gone("HUB-5118" if row.deleted == resources.ERASED else "HUB-5047")
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

        Raises BadValue for a value that its parameter does not take, BadInput for an unknown parameter when `strict`.
        """
        params = [(n, v) for n, v in params if v]
        used, warnings = sorted_out(kind, params, strict=strict)
        count = page_size(params)
        text = dict(params).get("_page", "")
        with self._store.read() as tx:
            after, used = self._cursor(tx, asking, kind, text) if text else (0, used)
            candidates = self._candidates(tx, asking, kind, used)
            about = self._asked_about(tx, asking, used)
        released = self._gate.release(asking, candidates, about=about)
        rows = released.given
        # in the order of the log: a page begins after the last row of the page before
        following = [g for g in rows if g.row.position > after]
        size = 0 if dict(params).get("_summary") == "count" else count
        page = following[:size]
        with self._store.read() as tx:
            shown = [p for g in page if (p := self._presenting(tx, g, asking.requester.organization)) is not None]
        cursor = ""
        if page and len(following) > size:
            held = msgspec.msgpack.encode((page[-1].row.stream, page[-1].row.version, used))
            cursor = self._opaque.shut(_page(asking, kind), asking.requester.organization, held)
        return Page(len(rows), tuple(shown), cursor, warnings, count, tuple(used))

    def _cursor(self, tx: Tx, asking: Asking, kind: str, text: str) -> tuple[int, list[tuple[str, str]]]:
        """Give where a page begins and what it searches for.

        A next link carries both, sealed, so that no number stands in an address. It names the last version that was given out, never a
        position of the log: how long that is would tell of what else is there.
        """
        held = self._opaque.open(_page(asking, kind), asking.requester.organization, text)
        stream, version, criteria = msgspec.msgpack.decode(held, type=tuple[bytes, int, list[tuple[str, str]]])
        row = resources.version(tx, stream, version, asking.compartment)
        if row is None:
            raise NotFound("HUB-5041")
        return row.position, criteria

    def _candidates(self, tx: Tx, asking: Asking, kind: str, used: Sequence[tuple[str, str]]) -> list[Row]:
        """Find what the parameters mean; without one that names a person or a thing, the asker's own and the directory."""
        sets: list[dict[bytes, Row]] = []
        place = asking.compartment
        for name, value in used:
            if name == "_id":
                named = [resources.newest(tx, self.stream(asking, kind, n), place) for n in value.split(",")]
                sets.append({r.stream: r for r in named if r is not None and r.type == kind and not r.deleted})
            elif name == "identifier":
                sets.append(
                    {r.stream: r for m in self._marks(asking, kind, value) for r in resources.found(tx, m, place) if r.type == kind}
                )
            elif name == "patient":
                streams = [self._patient(asking, v) for v in value.split(",")]
                sets.append({r.stream: r for r in resources.of_patients(tx, streams, [kind], compartment=place)})
        if not sets:
            own = resources.own(tx, asking.requester.organization, kind, place) + resources.directory(tx, kind, place)
            sets.append({r.stream: r for r in own})
        rows = [r for stream, r in sets[0].items() if all(stream in s for s in sets[1:])]
        for span in [Span.read(v) for n, v in used if n == "_lastUpdated"]:
            rows = [r for r in rows if span.holds(r.updated)]
        return sorted(rows)

    def _asked_about(self, tx: Tx, asking: Asking, used: Sequence[tuple[str, str]]) -> tuple[bytes, ...]:
        """Give the persons whose Patient is named: that they were asked about is recorded, whether anything is found or not."""
        streams = [self._patient(asking, v) for name, value in used if name == "patient" for v in value.split(",")]
        place = asking.compartment
        held = [s for s in streams if resources.newest(tx, s, place) is not None]
        person = identities.groups(tx, held, compartment=place).person
        return tuple(dict.fromkeys(person[s] for s in held))

    def _marks(self, asking: Asking, kind: str, value: str) -> list[bytes]:
        secrets = self._secrets.within(asking.compartment)
        marks = [identifier_token(secrets, kind, v) for v in alternatives(value)]
        if not all(marks):
            raise BadValue("HUB-4085", where="identifier")
        return [one for m in marks if m is not None for one in (m, own_token(m, asking.requester.organization))]

    def _patient(self, asking: Asking, value: str) -> bytes:
        match = _PATIENT.fullmatch(value.removeprefix(f"{self._base}/"))
        if match is None:
            raise BadValue("HUB-4080", where="patient")
        return self.stream(asking, "Patient", match[1])


def _page(asking: Asking, kind: str) -> str:
    """Give what a cursor is for: one of another type or another compartment is none here."""
    return f"page/{kind}" if asking.compartment == MAIN else f"page/{kind}/{asking.compartment}"


def warnings_of(page: Page) -> Mapping[str, object] | None:
    """Give the OperationOutcome that goes with a page when something was ignored."""
    from schemas.fhir.outcome import operation_outcome

    return operation_outcome(page.warnings) if page.warnings else None
