"""Which stream each write of a submission means, and what its references mean, seen from one snapshot."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from os.path import commonprefix
from typing import Any
from urllib.parse import unquote

import orjson

from hub.commands import Submit, Write
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.names import hub_id, new_stream, stream_of
from hub.tables import resources
from hub.tables.derive import Namer, namer, open_facts, token
from hub.tables.told import told_of
from hub.writes.conditions import condition_token, matching
from schemas.errors import BadValue, BrokenRule, MissingValue, NotFound, SeveralMatches, Stale, Unsupported
from schemas.fhir.references import references, splice

_LITERAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(\S+)")
_DRAFT = re.compile(r"urn:tsunagu:([A-Za-z]+):(\S+)")
NOT_STORED = frozenset({"Bundle", "OperationOutcome", "Parameters", "CapabilityStatement", "AuditEvent", "Subscription"})
"""Types that nobody records: forms of messages, what the hub itself makes, and what would ask the hub for something that it does not do."""
FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ASKED = re.compile(rb'"[A-Z][A-Za-z]+\?')
_ESCAPED = re.compile(rb"\\(?:/|u00)")
"""How JSON can write a letter, digit or sign of an address otherwise than as itself."""
_UUID = b'"urn:uuid:'
_ETAG = re.compile(r'(?:W/)?"?(\d+)"?')


@dataclass(slots=True)
class Target:
    """One write with its stream. `existing` = what is there already, `absent` = there is nothing to take back: nothing is written."""

    write: Write
    type: str
    id: str
    stream: bytes
    existing: resources.Row | None = None
    version: int | None = None
    """1 when the stream was made just now; None = the next."""
    absent: bool = False

    @property
    def idle(self) -> bool:
        """Say whether nothing is to be written."""
        return self.absent or self.existing is not None


@dataclass(slots=True)
class Reading:
    """What the preparation has read, to be compared under the lock."""

    conditions: dict[bytes, tuple[str, tuple[bytes, ...]]] = field(default_factory=dict)
    """Token → (type, streams that matched)."""
    versions: dict[bytes, int] = field(default_factory=dict)
    """Stream → version that If-Match named, or of a Consent that was the newest; 0 = none."""
    digests: dict[bytes, bytes | None] = field(default_factory=dict)
    """Stream → digest of the newest version, where an unchanged text would make none."""


class Aim:
    """The targets of one submission and the meaning of its references."""

    def __init__(self, tx: Tx, command: Submit, secrets: Secrets, keys: Keyring, base: str) -> None:
        self._tx, self._secrets, self._keys, self._base = tx, secrets, keys, base
        self.compartment = command.asking.compartment
        self.custodian = command.asking.requester.organization
        self.kind = command.asking.requester.kind
        self.network = self.kind == "network"
        self.bound = command.asking.requester.patients
        """Patients (`Patient/tsu-…`) to whom a person who writes for themselves is bound; None = an organization writes."""
        self.name: Namer = namer(secrets, self.custodian, self.compartment)
        self.reading = Reading()
        self._where = command.where
        self._creating: set[tuple[str, str]] = set()
        self._named_here: set[bytes] = set()
        self._newest: dict[bytes, resources.Row | None] = {}
        self.targets = [self._target(w) for w in command.writes]
        self._once()
        self._urls = {t.write.full_url: f"{t.type}/{t.id}" for t in self.targets if t.write.full_url}
        told = [commonprefix(list(self._urls)), base] if self._urls else [base]  # noqa: RUF071  letters are meant: what all begin with
        self._marks = (b'"urn:tsunagu:', *(_mark(t) for t in told))
        sent = b"\n".join([w.body.raw for w in command.writes if w.body is not None])
        self._plain = not self._needs_change(sent) and _UUID not in sent
        self._conditional: dict[str, str] = {}
        self._borne: dict[bytes, list[Target]] | None = None

    def where(self, write: Write, more: str = "") -> str:
        """Give the place of a write; a resource that was sent alone has no entry around it."""
        if "{index}" not in self._where:
            return self._where + ("" if more.startswith(".request") else more.removeprefix(".resource"))
        return self._where.format(index=write.index) + more

    def newest(self, stream: bytes) -> resources.Row | None:
        """Give the newest version of a stream where the sender is registered."""
        if stream not in self._newest:
            self._newest[stream] = resources.newest(self._tx, stream, self.compartment)
        return self._newest[stream]

    # ── targets ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _target(self, write: Write) -> Target:
        kind, _, condition = write.url.partition("?")
        kind, _, number = kind.partition("/")
        if kind in NOT_STORED:
            raise Unsupported("HUB-4011", where=self.where(write, ".request.url"))
        if write.key:
            return Target(write, kind, key_id(self.name, kind, write.key), self.name(kind, write.key))
        if write.method == "POST":
            return self._created(write, kind, write.if_none_exist or condition)
        if condition:
            return self._conditioned(write, kind, condition)
        if not number:
            raise MissingValue("HUB-4062", where=self.where(write, ".request.url"))
        return self._named(write, kind, number)

    def _named(self, write: Write, kind: str, number: str) -> Target:
        """PUT or DELETE by id; the conditions of its headers are judged against the newest version."""
        stream = self.stream(kind, number)
        if stream_of(number) is not None:
            self._mine(write, kind, stream)
        target = Target(write, kind, number, stream)
        if write.if_match is not None:
            self._matched(write, stream)
        if write.if_none_match is not None:
            self._unmatched(write, stream)
        if write.method == "DELETE":
            self._deletable(target)
        return target

    def _mine(self, write: Write, kind: str, stream: bytes) -> None:
        """Refuse an id of the hub's form that is not one of the sender's own: whether it exists elsewhere is not told."""
        row = self.newest(stream)
        if row is None or row.custodian != self.custodian or row.type != kind:
            raise NotFound("HUB-5041", where=self.where(write, ".request.url"))

    def _created(self, write: Write, kind: str, condition: str) -> Target:
        if condition:
            rows = self._rows(write, kind, condition)
            if len(rows) > 1:
                raise SeveralMatches("HUB-4070", where=self.where(write, ".request.ifNoneExist"))
            if rows:
                return Target(write, kind, self._id(rows[0]), rows[0].stream, existing=rows[0])
            self._first(write, kind, condition)
        stream = new_stream()
        return Target(write, kind, hub_id(stream), stream, version=1)

    def _first(self, write: Write, kind: str, condition: str) -> None:
        """Refuse a second creation under the condition of a first: the two would be one."""
        if (kind, condition) in self._creating:
            raise BrokenRule("HUB-4072", where=self.where(write, ".request.ifNoneExist"))
        self._creating.add((kind, condition))

    def _conditioned(self, write: Write, kind: str, condition: str) -> Target:
        """PUT or DELETE by condition: none = created (PUT), one = that one, under the id that the body may name (R4 http §3.1.0.4.3)."""
        rows = [r for r in self._rows(write, kind, condition) if r.custodian == self.custodian]
        if len(rows) > 1:
            raise SeveralMatches("HUB-4070", where=self.where(write, ".request.url"))
        number = write.body.id if write.body is not None and write.body.id else ""
        if rows:
            (row,) = rows
            if number and self.stream(kind, number) != row.stream:
                raise BadValue("HUB-4059", where=self.where(write, ".resource.id"))
            return self._named(write, kind, self._id(row))
        if write.method == "DELETE":
            return Target(write, kind, "", b"", absent=True)
        if number:
            return self._named(write, kind, number)
        stream = new_stream()
        return Target(write, kind, hub_id(stream), stream)

    def _matched(self, write: Write, stream: bytes) -> None:
        match = _ETAG.fullmatch((write.if_match or "").strip())
        if match is None:
            raise BadValue("HUB-4071", where=self.where(write, ".request.ifMatch"))
        row = self.newest(stream)
        if row is None or row.version != int(match[1]):
            raise Stale("HUB-5042", where=self.where(write, ".request.ifMatch"))
        self.reading.versions[stream] = row.version

    def _unmatched(self, write: Write, stream: bytes) -> None:
        """If-None-Match: * on a PUT = only create (R5 http, ahead of R4)."""
        if (write.if_none_match or "").strip() != "*":
            raise BadValue("HUB-4063", where=self.where(write, ".request.ifNoneMatch"))
        row = self.newest(stream)
        if row is not None and not row.deleted:
            raise Stale("HUB-5042", where=self.where(write, ".request.ifNoneMatch"))
        self.reading.versions[stream] = row.version if row is not None else 0

    def _deletable(self, target: Target) -> None:
        """Taking back what is taken back already, or never was, is done (R4 http §3.1.0.7)."""
        row = self.newest(target.stream)
        target.absent = row is None
        if row is not None and row.deleted:
            target.existing = row

    def _once(self) -> None:
        seen: set[bytes] = set()
        for t in self.targets:
            if not t.idle and t.stream in seen:
                raise BrokenRule("HUB-4072", where=self.where(t.write, ".request.url"))
            seen.add(t.stream)

    def _id(self, row: resources.Row) -> str:
        """Give the id by which the sender knows what was found: its own, where it gave one."""
        key = self._keys.held(row.key) if row.custodian == self.custodian else None
        return (open_facts(key, row.facts, row.event).sent if key is not None else "") or hub_id(row.stream)

    # ── conditions ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _rows(self, write: Write, kind: str, condition: str) -> list[resources.Row]:
        """Find what a condition means: the sender's own resources; of the network's directory, everybody's."""
        mark = condition_token(self._secrets, kind, condition, where=self.where(write, ".request"))
        rows = matching(self._tx, kind, mark, self.custodian, self.compartment)
        self.reading.conditions[mark] = (kind, tuple(r.stream for r in rows))
        return rows

    # ── references ───────────────────────────────────────────────────────────────────────────────────────────────────

    def stream(self, kind: str, number: str) -> bytes:
        """Give the stream of `Type/id`: the hub's own id, or the sender's."""
        if (stream := stream_of(number)) is not None:
            return stream
        stream = self.name(kind, number)
        self._named_here.add(stream)
        return stream

    def change(self, write: Write) -> Callable[[str], str | None]:
        """Give what becomes of a reference's text: an entry's fullUrl, a condition, an address under the hub's own base."""
        return partial(self._changed, write)

    def _changed(self, write: Write, text: str) -> str | None:
        if (known := self._urls.get(text)) is not None:
            return known
        if match := _DRAFT.fullmatch(text):
            self._named_here.add(self.name(match[1], unquote(match[2])))
            return f"{match[1]}/{key_id(self.name, match[1], unquote(match[2]))}"
        if "?" in text and (match := _CONDITIONAL.fullmatch(text)):
            return self._resolved(write, text, match[1], match[2])
        if text.startswith(self._base) and _LITERAL.fullmatch(inner := text[len(self._base) :].lstrip("/")):
            return inner
        return None

    def text(self, write: Write, raw: bytes) -> bytes:
        """Give the text that is stored: references in it resolved. Raises BrokenRule for one to an entry that is not there."""
        if self._plain:
            return raw
        text = splice(raw, self.change(write)) if self._needs_change(raw) else raw
        if _UUID in text:
            self._followed(write, orjson.loads(text))
        return text

    def _needs_change(self, raw: bytes) -> bool:
        """Say whether a text can hold anything that `change` knows: an address that begins as all fullUrls do, a draft, a condition, the hub's base.

        Most texts can not, and are stored as they came: to look for each reference takes 35 µs a resource, to look for these 2, and less
        where all texts of a submission are looked through at once.
        """
        return (
            any(mark in raw for mark in self._marks) or _ESCAPED.search(raw) is not None or (b"?" in raw and _ASKED.search(raw) is not None)
        )

    def _resolved(self, write: Write, text: str, kind: str, condition: str) -> str:
        """Give what a conditional reference means once all of this is written (R4 http §3.1.0.11.2)."""
        if (known := self._conditional.get(text)) is not None:
            return known
        where = self.where(write, ".resource")
        mark = condition_token(self._secrets, kind, condition, where=where)
        rows = matching(self._tx, kind, mark, self.custodian, self.compartment)
        self.reading.conditions[mark] = (kind, tuple(r.stream for r in rows))
        writing = {t.stream for t in self.targets if not t.idle}
        found = [self._id(r) for r in rows if r.stream not in writing] + [t.id for t in self._bearing(mark)]
        if len(found) != 1:
            raise (SeveralMatches if found else BrokenRule)("HUB-4070" if found else "HUB-4073", where=where)
        self._conditional[text] = f"{kind}/{found[0]}"
        return self._conditional[text]

    def _bearing(self, mark: bytes) -> list[Target]:
        """Give the writes of this submission whose resources bear an identifier."""
        if self._borne is None:
            self._borne = {}
            for t in self.targets:
                for system, value in told_of(t.write.body).identifiers if t.write.body is not None and not t.idle else ():
                    for one in {token(self._secrets, t.type, system, value), token(self._secrets, t.type, "*", value)}:
                        self._borne.setdefault(one, []).append(t)
        return list({t.stream: t for t in self._borne.get(mark, ())}.values())

    def _followed(self, write: Write, tree: dict[str, Any]) -> None:
        """Refuse a reference to an entry that is not in the Bundle (R4 bundle §2.36.4.1): nobody could ever follow it."""
        if "{index}" not in self._where:
            return
        for place, text in references(tree):
            if text.startswith("urn:uuid:"):
                raise BrokenRule("HUB-4064", where=self.where(write, f".resource.{place.partition('.')[2]}"))

    def names(self, stream: bytes) -> bool:
        """Say whether a stream that is not there yet is one that the sender itself names: by its own id, or by a write of this submission."""
        return stream in self._named_here or any(t.stream == stream for t in self.targets)

    def pointed(self, write: Write, text: str) -> tuple[str, bytes] | None:
        """Give the type and the stream that a literal reference means; None when it is none of this hub's forms."""
        literal = self.change(write)(text) or text
        match = _LITERAL.fullmatch(literal.split("/_history/")[0])
        return (match[1], self.stream(match[1], match[2])) if match else None


def _mark(text: str) -> bytes:
    """Give the bytes by which a text shows in JSON; none, which stand everywhere, when it could be written in several ways."""
    return text.encode() if text.isascii() and not set(text) & {'"', "\\"} else b""


def key_id(name: Namer, kind: str, key: str) -> str:
    """Give the id of an adapter's draft: its key where that is a FHIR id (R4 §2.24.0.1), else the hub's."""
    return key if FHIR_ID.fullmatch(key) and not key.startswith("tsu-") else hub_id(name(kind, key))
