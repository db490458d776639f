"""What the tables keep of a resource: made once from its text, the same on every replay. Nothing in clear but keyed hashes."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

import msgspec
import orjson

from consent import directive
from consent.ask import Labels, Record
from hub.clock import milliseconds
from hub.log.envelope import Header
from hub.log.keys import DataKey, Keyring
from hub.log.seal import open_cell, seal_cell
from hub.log.secrets import Secrets
from hub.names import hub_id
from hub.tables.belonging import KINDS, Belonging, belonging, pack, unpack
from hub.tables.resources import TOKEN
from hub.tables.told import Told
from schemas.errors import Refusal
from schemas.fhir.references import splice
from schemas.ids import KAIGO_INSURED

_REFERENCE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")


class FactsCell(msgspec.Struct, array_like=True, frozen=True):
    """The sealed cell beside a row: what a decision may know without the body. Days ISO, empty = unknown; references hub-wide."""

    begins: str
    ends: str
    author: str
    related: tuple[str, ...]
    codes: tuple[str, ...]
    profiles: tuple[str, ...]
    in_error: bool
    family: bool
    harm: bool
    inline: bool
    set: str
    """Set of an adapter's file that it belongs to, the version of what it tells, and when that was told; empty = none (see hub.writes.sets)."""
    version: str
    told: str
    sent: str
    """The id under which its custodian knows it; empty = the hub's id."""
    reasons: tuple[str, ...]
    security: tuple[str, ...]
    """What a label hangs on beside the main codes (`system|code`): further codes, and the sender's own label."""
    members: tuple[str, ...]
    """The family members of whom it tells; empty = not known of all."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FactsCell).decode


class ResourceRows(msgspec.Struct, frozen=True):
    """Cells and tokens of one version.

    `directive` is the sealed canonical form of a Consent, `actor` that of who belongs to what; `office` the keyed hash of an Organization's
    registered name, empty = none.
    """

    facts: bytes
    tokens: tuple[bytes, ...] = ()
    insured: tuple[bytes, ...] = ()
    names: tuple[bytes, ...] = ()
    directive: bytes | None = None
    surnames: tuple[bytes, ...] = ()
    ends: tuple[int, int] = (0, 0)
    """Of a Consent in force: when it ends, and when the power of who gave it ends, in milliseconds; 0 = never."""
    actor: bytes | None = None
    office: bytes = b""


Change = Callable[[str], str | None]
"""Gives the new text of a reference, or None to leave it."""
Namer = Callable[[str, str], bytes]
"""(type, id) → the stream of the custodian's own resource."""


def namer(secrets: Secrets, custodian: str, compartment: str) -> Namer:
    """Give the rule by which a custodian's own ids name streams."""
    known: dict[tuple[str, str], bytes] = {}  # one submission names its patient many times
    named = secrets.within(compartment).namer("resource", custodian, compartment)

    def name(kind: str, number: str) -> bytes:
        found = known.get((kind, number))
        if found is None:
            found = known[kind, number] = named(kind, number)
        return found

    return name


def hubwide(name: Namer) -> Change:
    """Give the change from a custodian's own references (`Patient/1`) to hub-wide ones; None for all that is not one."""
    known: dict[str, str | None] = {}  # one submission points to its patient many times

    def change(text: str) -> str | None:
        if text not in known:
            match = _REFERENCE.fullmatch(text)
            plain = match is None or match[2].startswith("tsu-")
            known[text] = None if match is None or plain else f"{match[1]}/{hub_id(name(match[1], match[2]))}"
        return known[text]

    return change


def token(secrets: Secrets, kind: str, system: str, value: str) -> bytes:
    """Give the keyed hash by which an identifier of a type is found: 16 bytes of the value, then 8 of value and system.

    In any system (`*`) only the first, with which all the others begin: one row of `tokens` serves both questions.
    """
    first = secrets.token("identifier", kind, "*", value)
    return first if system == "*" else first + secrets.token("identifier", kind, system, value)[:8]


def own_token(found: bytes, custodian: str) -> bytes:
    """Give the token by which its custodian alone finds what `found` would find: the identifier stands where others do not see it."""
    return hashlib.sha256(b"own\0" + custodian.encode() + b"\0" + found[:16]).digest()[:16] + found[16:]


def set_token(secrets: Secrets, custodian: str, name: str) -> bytes:
    """Give the keyed hash by which the members of a set of an adapter's file are found."""
    return secrets.token("set", custodian, name).ljust(TOKEN, b"\0")


def office_token(secrets: Secrets, name: str) -> bytes:
    """Give the keyed hash by which the Organization of a registered name (`Organization/<code>`) is found."""
    return secrets.token("office", name)


def name_token(secrets: Secrets, kana: str, birth: str) -> bytes:
    """Give the keyed hash by which a person is found: kana name without blanks, birth date YYYY-MM-DD."""
    return secrets.token("name", _plain(kana), birth)


def surname_token(secrets: Secrets, patient: bytes, surname: str) -> bytes:
    """Give the keyed hash by which one asks whether a Patient bears a surname: another one for each Patient, so that none are seen to be alike."""
    return secrets.token("surname", patient.hex(), _plain(surname))


def _plain(kana: str) -> str:
    folded = unicodedata.normalize("NFKC", kana)
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in folded if not c.isspace() and c != "・")


def make(
    *,
    header: Header,
    stream: bytes,
    told: Told,
    text: bytes,
    key: DataKey,
    secrets: Secrets,
    name: Namer,
    wide: Change,
    beside: Mapping[str, str],
) -> ResourceRows:
    """Make the rows of a version from what it told and its text. Raises BadInput for a Consent that cannot be normalised.

    `beside` are the adapter's facts, `wide` makes a reference as it stands in the tree hub-wide.
    """
    kind = header.kind
    cell = FactsCell(
        begins=told.begins,
        ends=told.ends,
        author=wide(told.author) or told.author if told.author else "",
        related=tuple(sorted([wide(r) or r for r in told.related])),
        codes=tuple(sorted(told.codes)),
        profiles=tuple(sorted(told.profiles)),
        in_error=told.in_error,
        family=told.family,
        harm=told.harm,
        inline=told.inline,
        set=beside.get("set", ""),
        version=beside.get("version", ""),
        told=beside.get("sent", "") or beside.get("told", ""),
        sent=told.id if told.id and name(kind, told.id) == stream else "",  # the hub gave the id of all others
        reasons=tuple(sorted(told.reasons - told.codes)),
        security=tuple(sorted(told.security)),
        members=tuple(sorted([wide(m) or m for m in told.members])),
    )
    tokens = {token(secrets, kind, s, v).ljust(TOKEN, b"\0") for s, v in told.identifiers if (s, v) not in told.marked}
    tokens |= {own_token(token(secrets, kind, s, v), header.custodian).ljust(TOKEN, b"\0") for s, v in told.marked}
    if cell.set:
        tokens.add(set_token(secrets, header.custodian, cell.set))
    insured: tuple[bytes, ...] = ()
    names: tuple[bytes, ...] = ()
    sealed, actor, office, ends = None, None, b"", (0, 0)
    surnames: tuple[bytes, ...] = ()
    if kind == "Patient":
        insured = tuple(sorted({secrets.token("insured", v) for s, v in told.identifiers if s == KAIGO_INSURED}))
        names = tuple(sorted({name_token(secrets, kana, told.birth) for kana in told.names}))
        surnames = tuple(sorted({surname_token(secrets, stream, one) for one in told.surnames}))
    elif kind == "Consent":
        made = _directive(header, stream, text, hubwide(name))
        sealed = seal_cell(key, directive.pack(made), column="directives.directive", row=header.event)
        ends = _ends(made)
    elif kind in KINDS:
        told_of = belonging(kind, orjson.loads(text), hubwide(name))
        actor = seal_cell(key, pack(told_of), column="actors.cell", row=header.event)
        office = office_token(secrets, told_of.names[0]) if kind == "Organization" and told_of.names else b""
    return ResourceRows(
        facts=seal_cell(key, _encode(cell), column="resources.facts", row=header.event),
        tokens=tuple(sorted(tokens)),
        insured=insured,
        names=names,
        directive=sealed,
        surnames=surnames,
        ends=ends,
        actor=actor,
        office=office,
    )


def _directive(header: Header, stream: bytes, text: bytes, change: Change) -> directive.Directive:
    wide = orjson.loads(splice(text, change))
    return directive.normalise(
        wide,
        consent=f"Consent/{hub_id(stream)}",
        version=0,
        patient=f"Patient/{hub_id(header.patient)}",
        custodian=header.custodian,
        now=datetime.fromtimestamp(header.recorded / 1000, UTC),
    )


def _ends(made: directive.Directive) -> tuple[int, int]:
    if made.status != "active" or not made.speaks or not made.readable:
        return 0, 0
    return milliseconds(made.ends) if made.ends else 0, milliseconds(made.proxy_until) if made.proxy and made.proxy_until else 0


def open_facts(key: DataKey, sealed: bytes, event: bytes) -> FactsCell:
    """Open the sealed cell of a row."""
    return _decode(open_cell(key, sealed, column="resources.facts", row=event))


def open_belonging(key: DataKey, sealed: bytes, event: bytes) -> Belonging:
    """Open the sealed cell of who belongs to what."""
    return unpack(open_cell(key, sealed, column="actors.cell", row=event))


def open_directive(key: DataKey, sealed: bytes, event: bytes) -> directive.Directive:
    """Open the sealed canonical form of a Consent."""
    return directive.unpack(open_cell(key, sealed, column="directives.directive", row=event))


def read_directive(keys: Keyring, key: bytes, sealed: bytes, event: bytes) -> directive.Directive | None:
    """Open the canonical form of a Consent by the id of its key; None when that was erased, or the form cannot be read."""
    opener = keys.held(key) if key else None
    try:
        return open_directive(opener, sealed, event) if opener is not None else None
    except Refusal:
        return None


def record_of(cell: FactsCell, *, custodian: str, kind: str, stream: bytes, patient: bytes, labels: Labels) -> Record:
    """Give what a decision may know of a row."""
    return Record(
        custodian=custodian,
        type=kind,
        id=f"{kind}/{hub_id(stream)}",
        patient=f"Patient/{hub_id(patient)}" if patient else "",
        labels=labels,
        begins=date.fromisoformat(cell.begins) if cell.begins else None,
        ends=date.fromisoformat(cell.ends) if cell.ends else None,
        author=cell.author,
        related=frozenset(cell.related),
        codes=frozenset(cell.codes),
        profiles=frozenset(cell.profiles),
        in_error=cell.in_error,
        family=cell.family,
        harm=cell.harm,
        inline=cell.inline,
        members=frozenset(cell.members),
    )
