"""Bundles of type transaction and batch (R4 http §3.1.0.11): a transaction whole or not at all, a batch entry by entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import parse_qsl

import orjson

from hub.assemble import Hub
from hub.commands import Asking, Submit, Taken, Write
from hub.reads.presenting import instant
from hub.tables.told import told
from hub.web.errors import status_of
from hub.web.fhir.reading import known_type, searchset
from schemas.errors import BadValue, Gone, NotOffered, Refusal
from schemas.fhir.bundle import Entry, read_bundle
from schemas.fhir.outcome import operation_outcome
from schemas.fhir.present import present

Answers = list[dict[str, object]]
_PHRASES = {200: "200 OK", 201: "201 Created", 204: "204 No Content"}
_WRITES = frozenset({"POST", "PUT", "DELETE"})
_OURS = frozenset({"exception", "throttled"})
"""Issue codes of what is no fault of the sender: nothing to keep, the same is simply sent again."""


class Bundles:
    """Takes Bundles over a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def take(self, asking: Asking, raw: bytes, *, full: bool = False, settles: bytes = b"") -> dict[str, object]:
        """Take a Bundle and give the answering one. What is refused as a whole is kept, to be sent again.

        `full` = with the resources as they were recorded; `settles` = the refused Bundle that this is, sent again.
        """
        try:
            with self._hub.submit.turns:
                envelope = read_bundle(raw, keep=told)
            if envelope.type == "transaction":
                return _answered("transaction", self._transaction(asking, envelope.entries, settles, full=full))
        except Refusal as refusal:
            if not settles and refusal.issue not in _OURS and asking.requester.kind not in self._hub.gate.network.concern_kinds:
                self._hub.refusals.keep(
                    custodian=asking.requester.organization, name="", layout="Bundle", door="fhir", media="application/fhir+json",
                    refusal=refusal, raw=raw, compartment=asking.compartment,
                )  # fmt: skip
            raise
        return _answered("batch", [self._alone(asking, e, full=full) for e in envelope.entries])

    def _transaction(self, asking: Asking, entries: tuple[Entry, ...], settles: bytes, *, full: bool) -> Answers:
        """Do all writes as one submission; readings see what was written, and one that must fail stops the writes too."""
        for e in entries:
            if e.method not in _WRITES | {"GET"}:
                raise NotOffered("HUB-5037", where=f"{_place(e)}.request.method")
        read = self._read_before(asking, entries)
        writes = tuple(_write(e) for e in entries if e.method in _WRITES)
        taken = {t.index: t for t in self._hub.submit(Submit(asking, writes, settles=settles)).taken} if writes or settles else {}
        return [
            self._written(taken[e.index], full=full) if e.index in taken else read.get(e.index) or self._alone(asking, e, full=full)
            for e in entries
        ]

    def _read_before(self, asking: Asking, entries: Iterable[Entry]) -> dict[int, dict[str, object]]:
        """Do the readings that no write of the transaction touches; searches are tried, and done again when all is written."""
        touched = {e.url.partition("?")[0]: e.method for e in entries if e.method in {"PUT", "DELETE"}}
        read = {}
        for e in entries:
            if e.method != "GET":
                continue
            method = touched.get(e.url.partition("?")[0])
            if method == "DELETE":
                raise Gone("HUB-5047", where=f"{_place(e)}.request.url")
            if method is None:
                answer = self._read(asking, e)
                if "/" in e.url.partition("?")[0]:
                    read[e.index] = answer
        return read

    def _alone(self, asking: Asking, e: Entry, *, full: bool) -> dict[str, object]:
        """Do one entry by itself; its refusal is its own."""
        try:
            if e.refusal is not None:
                raise e.refusal
            if e.method == "GET":
                return self._read(asking, e)
            if e.method not in _WRITES:
                raise NotOffered("HUB-5037", where=f"{_place(e)}.request.method")
            (taken,) = self._hub.submit(Submit(asking, (_write(e),))).taken
            return self._written(taken, full=full)
        except Refusal as refusal:
            return {"response": {"status": str(status_of(refusal)), "outcome": operation_outcome(refusal.issues)}}

    def _read(self, asking: Asking, e: Entry) -> dict[str, object]:
        """Answer one reading entry; raises what the single interaction would, at the entry's url."""
        where = f"{_place(e)}.request.url"
        try:
            return self._answer(asking, e.url, where)
        except Refusal as refusal:
            raise type(refusal)(issues=[replace(i, where=where) for i in refusal.issues]) from refusal

    def _answer(self, asking: Asking, url: str, where: str) -> dict[str, object]:
        path, _, query = url.partition("?")
        kind, _, number = path.partition("/")
        known_type(kind)
        if not number:
            page = self._hub.read.search(replace(asking, action="search"), kind, parse_qsl(query, keep_blank_values=True))
            return {"resource": searchset(self._hub, kind, page), "response": {"status": "200 OK"}}
        number, history, version = number.partition("/_history/")
        if "/" in number or (history and not (version.isascii() and version.isdigit() and len(version) < 10)):
            raise BadValue("HUB-4054", where=where)
        shown = self._hub.read.read(replace(asking, action="read"), kind, number, int(version) if history else None)
        return {
            "fullUrl": f"{self._hub.fhir}/{kind}/{shown.id}",
            "resource": orjson.Fragment(shown.text),
            "response": {"status": "200 OK", "etag": f'W/"{shown.row.version}"', "lastModified": instant(shown.row.updated)},
        }

    def _written(self, taken: Taken, *, full: bool) -> dict[str, object]:
        response: dict[str, object] = {"status": _PHRASES[taken.status]}
        if taken.version:
            response["etag"] = f'W/"{taken.version}"'
            response["lastModified"] = instant(taken.updated)
            response["location"] = place_of(self._hub, taken)
        entry: dict[str, object] = {"response": response}
        if full and taken.text:
            entry["resource"] = orjson.Fragment(as_taken(taken))
        return entry


def place_of(hub: Hub, taken: Taken) -> str:
    """Give the address of the version that was written."""
    return f"{hub.fhir}/{taken.type}/{taken.id}/_history/{taken.version}"


def as_taken(taken: Taken) -> bytes:
    """Give back what the sender has just sent, with the id and meta that it got: nothing is read for it."""
    return present(taken.text, id=taken.id, version=taken.version, updated=instant(taken.updated))


def _place(e: Entry) -> str:
    return f"Bundle.entry[{e.index}]"


def _write(e: Entry) -> Write:
    return Write(
        e.index, e.method, e.url, e.body, e.full_url, e.if_none_exist, e.if_match, e.if_none_match if e.method == "PUT" else None
    )  # fmt: skip


def _answered(kind: str, entries: Answers) -> dict[str, object]:
    made: dict[str, object] = {"resourceType": "Bundle", "type": f"{kind}-response"}
    return made | ({"entry": entries} if entries else {})
