"""FHIR that comes without HTTP (by Kafka): a Bundle or one resource → the same writes as by the FHIR door. What is not taken is kept.

Nobody waits for an answer, so there is nothing to read here: entries that read are refused.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from hub.commands import Asking, Submit, Write
from hub.ingest.receive import NotTaken, Report, TakenPart, Way
from hub.ingest.refusals import Refusals
from hub.writes.submit import Submitting
from schemas.errors import NotOffered, Refusal
from schemas.fhir.bundle import Entry, read_bundle
from schemas.fhir.resource import read

FHIR = "application/fhir+json"
_WRITES = frozenset({"POST", "PUT", "DELETE"})
_OURS = frozenset({"exception", "throttled"})
_DIRECT = Way()


class _Head(msgspec.Struct):
    resourceType: str = ""  # noqa: N815  as FHIR spells it


class _Entries(msgspec.Struct):
    entry: list[msgspec.Raw] = []


_head, _entries = msgspec.json.Decoder(_Head), msgspec.json.Decoder(_Entries)


class Bundling:
    """Takes Bundles and resources over its ports."""

    def __init__(self, *, submit: Submitting, refusals: Refusals) -> None:
        self._submit, self._refusals = submit, refusals

    def __call__(self, asking: Asking, data: bytes, *, settles: bytes = b"", way: Way = _DIRECT) -> Report:
        """Take it in; raises for nothing but what is no fault of the sender (Busy, Broken). `settles` as in Receiving."""
        try:
            entries, whole = _read(data)
        except Refusal as refusal:
            return Report("", refused=(self._kept(asking, data, refusal, settles, way.nth("refused")),))
        except Exception as fault:  # noqa: BLE001  as below
            return Report("", refused=(self._kept(asking, data, way.failed(fault), settles, way.nth("refused")),))
        if whole:
            return self._group(asking, tuple(entries), data, settles, way, "all")
        single = _entries.decode(data).entry
        taken = Report("Bundle")
        for e, raw in zip(entries, single, strict=True):
            one = self._group(
                asking, (e,), b'{"resourceType":"Bundle","type":"batch","entry":[' + bytes(raw) + b"]}", settles, way, str(e.index)
            )
            settles = b"" if one.taken or one.repeats else settles
            taken = replace(taken, taken=taken.taken + one.taken, refused=taken.refused + one.refused, repeats=taken.repeats + one.repeats)
        return taken

    def _group(self, asking: Asking, entries: tuple[Entry, ...], raw: bytes, settles: bytes, way: Way, nth: str) -> Report:
        """Take these entries, or none of them. One that was refused when it came before is refused as it was then."""
        custodian, reference = asking.requester.organization, way.nth(f"refused {nth}")
        if (held := self._refusals.held(custodian, reference)) is not None:
            return Report("Bundle", refused=(NotTaken(self._refusals.shown(custodian, reference), held),))
        try:
            answer = self._submit(Submit(asking, tuple(_write(e) for e in entries), settles=settles, submission=way.nth(f"entries {nth}")))
        except Refusal as refusal:
            if refusal.issue in _OURS:
                raise
            return Report("Bundle", refused=(self._kept(asking, raw, refusal, settles, reference),))
        except Exception as fault:  # noqa: BLE001  whatever it is, nothing behind it may wait for it for ever
            return Report("Bundle", refused=(self._kept(asking, raw, way.failed(fault), settles, reference),))
        if answer.repeat:
            return Report("Bundle", repeats=1)
        return Report("Bundle", taken=(TakenPart(sum(1 for t in answer.taken if t.version)),))

    def _kept(self, asking: Asking, raw: bytes, refusal: Refusal, settles: bytes, once: bytes) -> NotTaken:
        custodian = asking.requester.organization
        reference = settles or self._refusals.keep(
            custodian=custodian, name="", layout="Bundle", door="kafka", media=FHIR, refusal=refusal, raw=raw, once=once
        )
        return NotTaken(self._refusals.shown(custodian, reference), refusal.issues)


def _read(data: bytes) -> tuple[tuple[Entry, ...], bool]:
    """Read the entries, and whether they are one whole; one resource by itself is a whole of one entry."""
    try:
        kind = _head.decode(data).resourceType
    except msgspec.DecodeError:
        kind = ""  # it is no JSON, or worse: what is wrong is said by `read`
    if kind == "Bundle":
        envelope = read_bundle(data)
        return envelope.entries, envelope.type == "transaction"
    body = read(data)
    method, url = ("PUT", f"{body.type}/{body.id}") if body.id is not None else ("POST", body.type)
    return (Entry(0, None, method, url, body=body),), True


def _write(e: Entry) -> Write:
    """Make the write of an entry. Raises its own refusal, or NotOffered for a reading."""
    if e.refusal is not None:
        raise e.refusal
    if e.method not in _WRITES:
        raise NotOffered("HUB-5037", where=f"Bundle.entry[{e.index}].request.method")
    return Write(
        e.index, e.method, e.url, e.body, e.full_url, e.if_none_exist, e.if_match, e.if_none_match if e.method == "PUT" else None
    )  # fmt: skip
